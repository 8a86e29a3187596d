//! The programs of the interpreter that work on files.

use super::{Process, look};
use crate::fake::node::{FsError, Kind, Node, Who};
use crate::fake::tree::Tree;
use bytes::Bytes;

/// Reads a file for a program; a named pipe waits for ever, as nobody writes to one.
pub(super) async fn open(process: &Process, file: &str) -> Result<Bytes, FsError> {
    let path = process.path(file);
    let (kind, data) = {
        let tree = process.inside.tree();
        let kind = tree.get(&path, true).map(|node| node.kind.clone());
        (kind, tree.read(&path, process.account.who))
    };
    if kind == Ok(Kind::Fifo) {
        std::future::pending::<()>().await;
    }
    data
}

/// `head`, `tail` and `wc` with `-n`, `-c`, `-l`, of a file or the input.
pub(super) async fn part(process: &Process, own: &str, words: &[String]) -> i32 {
    let (mut bytes, mut count, mut file) = (false, 10_usize, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "-n" if own != "wc" => {
                bytes = word == "-c";
                count = words
                    .next()
                    .and_then(|word| word.parse().ok())
                    .unwrap_or(10);
            }
            "-c" | "-l" => bytes = word == "-c",
            _ => file = Some(word.clone()),
        }
    }
    if file.as_deref() == Some("/dev/zero") && own == "head" {
        return zeroes(process, count).await;
    }
    let mut data = Vec::new();
    if let Some(file) = file {
        match open(process, &file).await {
            Ok(content) => data.extend_from_slice(&content),
            Err(error) => {
                return process
                    .fail(1, format!("{own}: {file}: {}", error.text()))
                    .await;
            }
        }
    } else {
        let enough = |data: &[u8]| {
            if bytes {
                data.len() >= count
            } else {
                data.split(|byte| *byte == b'\n').count() > count
            }
        };
        while let Some(piece) = process.stdin.next().await {
            data.extend_from_slice(&piece);
            if own == "head" && enough(&data) {
                break;
            }
        }
    }
    let lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
    let out = match (own, bytes) {
        ("head", true) => data[..count.min(data.len())].to_vec(),
        ("head", false) => lines[..count.min(lines.len())].concat(),
        ("tail", true) => data[data.len().saturating_sub(count)..].to_vec(),
        ("tail", false) => lines[lines.len().saturating_sub(count)..].concat(),
        (_, true) => format!("{}\n", data.len()).into_bytes(),
        (_, false) => format!("{}\n", lines.len()).into_bytes(),
    };
    if process.stdout.write(out).await {
        0
    } else {
        141
    }
}

async fn zeroes(process: &Process, mut count: usize) -> i32 {
    static BLOCK: [u8; 16 * 1024] = [0; 16 * 1024];
    while count > 0 {
        let size = count.min(BLOCK.len());
        if !process
            .stdout
            .write(Bytes::from_static(&BLOCK[..size]))
            .await
        {
            return 141;
        }
        count -= size;
    }
    0
}

/// The programs that change or show files.
pub(super) async fn run(process: &Process, own: &str, words: &[String]) -> i32 {
    if let Some((code, text)) = look::run(process, own, words) {
        let sink = if code == 0 {
            &process.stdout
        } else {
            &process.stderr
        };
        sink.write(text).await;
        return code;
    }
    let (options, operands): (Vec<&String>, Vec<&String>) = words
        .iter()
        .partition(|word| word.starts_with('-') && word.len() > 1);
    let has = |letter: char| options.iter().any(|option| option.contains(letter));
    let paths: Vec<String> = operands.iter().map(|word| process.path(word)).collect();
    let who = process.account.who;
    let shown = |at: usize| operands.get(at).map_or("", |word| word.as_str());
    let result = {
        let tree = &mut *process.inside.tree();
        match own {
            "mv" => rename(tree, &paths, has('T'), who)
                .map_err(|error| format!("mv: can't rename '{}': {}", shown(0), error.text())),
            "rm" | "rmdir" => remove(
                tree,
                own,
                &operands,
                &paths,
                has('r') || has('R'),
                has('f'),
                who,
            ),
            "mkdir" => make(tree, &operands, &paths, has('p'), who),
            "mkfifo" => each(&paths, |path| {
                let path = tree.resolve(path, false)?;
                tree.insert(&path, Node::new(Kind::Fifo, 0o644).owned_by(who), who)
            })
            .map_err(|error| format!("mkfifo: can't create '{}': {}", shown(0), error.text())),
            "touch" => each(&paths, |path| tree.write(path, b"", true, who))
                .map_err(|error| format!("touch: {}: {}", shown(0), error.text())),
            "ln" if paths.len() == 2 => {
                let kind = Kind::Link(shown(0).to_owned());
                let made = tree
                    .resolve(&paths[1], false)
                    .and_then(|path| tree.insert(&path, Node::new(kind, 0o777).owned_by(who), who));
                made.map_err(|error| format!("ln: {}: {}", shown(1), error.text()))
            }
            "chmod" => u32::from_str_radix(shown(0), 8)
                .map_err(|_| format!("chmod: invalid mode '{}'", shown(0)))
                .and_then(|mode| {
                    each(&paths[1..], |path| tree.set_mode(path, mode))
                        .map_err(|error| format!("chmod: {}: {}", shown(1), error.text()))
                }),
            _ => Err(format!("{own}: applet not found")),
        }
    };
    match result {
        Ok(()) => 0,
        Err(text) => process.fail(1, text).await,
    }
}

fn each(paths: &[String], mut act: impl FnMut(&str) -> Result<(), FsError>) -> Result<(), FsError> {
    paths.iter().try_for_each(|path| act(path))
}

/// A target that is a directory takes the source in, unless `exact`.
fn rename(tree: &mut Tree, paths: &[String], exact: bool, who: Who) -> Result<(), FsError> {
    let [from, to] = paths else {
        return Err(FsError::NotFound);
    };
    let into = !exact && tree.get(to, true).is_ok_and(Node::is_directory);
    let name = from.rsplit('/').next().unwrap_or_default();
    let to = if into {
        format!("{to}/{name}")
    } else {
        to.clone()
    };
    tree.rename(from, &to, who)
}

fn remove(
    tree: &mut Tree,
    own: &str,
    shown: &[&String],
    paths: &[String],
    recursive: bool,
    force: bool,
    who: Who,
) -> Result<(), String> {
    for (path, shown) in paths.iter().zip(shown) {
        let directory = tree.get(path, false).is_ok_and(Node::is_directory);
        if directory && !recursive && own == "rm" {
            return Err(format!("rm: '{shown}' is a directory"));
        }
        if own == "rmdir" && !tree.names(path).is_empty() {
            return Err(format!("rmdir: '{shown}': {}", FsError::NotEmpty.text()));
        }
        match tree.remove(path, who) {
            Ok(()) => {}
            Err(FsError::NotFound) if force => {}
            Err(error) => return Err(format!("{own}: can't remove '{shown}': {}", error.text())),
        }
    }
    Ok(())
}

fn make(
    tree: &mut Tree,
    shown: &[&String],
    paths: &[String],
    parents: bool,
    who: Who,
) -> Result<(), String> {
    for (path, shown) in paths.iter().zip(shown) {
        let made = if parents {
            tree.make_directories(path, who).map(drop)
        } else {
            match tree.resolve(path, true) {
                Ok(path) if tree.at(&path).is_some() => Err(FsError::Exists),
                Ok(path) => {
                    tree.insert(&path, Node::new(Kind::Directory, 0o755).owned_by(who), who)
                }
                Err(error) => Err(error),
            }
        };
        made.map_err(|error| format!("mkdir: can't create directory '{shown}': {}", error.text()))?;
    }
    Ok(())
}
