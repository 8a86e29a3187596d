//! The programs of the interpreter that only look at files: `ls`, `stat`, `readlink`, `test`.

use super::Process;
use crate::fake::node::{Kind, Node, allowed};
use crate::fake::tree::Tree;

/// Exit code and text, or none if the program is not one of these.
pub(super) fn run(process: &Process, own: &str, words: &[String]) -> Option<(i32, String)> {
    let tree = process.inside.tree();
    match own {
        "ls" => Some(list(&tree, process, words)),
        "stat" => Some(stat(&tree, process, words)),
        "readlink" => Some(read_link(&tree, process, words)),
        "test" => Some((i32::from(!test(&tree, process, words)), String::new())),
        "[" => {
            let inner = words.split_last().filter(|(last, _)| *last == "]");
            Some(match inner {
                Some((_, inner)) => (i32::from(!test(&tree, process, inner)), String::new()),
                None => (2, "[: missing ]\n".to_owned()),
            })
        }
        _ => None,
    }
}

fn list(tree: &Tree, process: &Process, words: &[String]) -> (i32, String) {
    let long = words
        .iter()
        .any(|word| word.starts_with('-') && word.contains('l'));
    let all = words
        .iter()
        .any(|word| word.starts_with('-') && word.contains('a'));
    let mut paths: Vec<&str> = words.iter().map(String::as_str).collect();
    paths.retain(|word| !word.starts_with('-'));
    if paths.is_empty() {
        paths.push(".");
    }
    let mut text = String::new();
    for shown in paths {
        let found = tree.resolve(&process.path(shown), true);
        let found = found.and_then(|path| {
            let node = tree.at(&path).ok_or(crate::fake::node::FsError::NotFound)?;
            Ok((node.is_directory(), path))
        });
        match found {
            Err(error) => return (1, format!("ls: {shown}: {}\n", error.text())),
            Ok((false, path)) => text.push_str(&row(tree, &path, shown, long)),
            Ok((true, path)) => {
                for name in tree.names(&path) {
                    if all || !name.starts_with('.') {
                        let path = format!("{}/{name}", path.trim_end_matches('/'));
                        text.push_str(&row(tree, &path, &name, long));
                    }
                }
            }
        }
    }
    (0, text)
}

fn row(tree: &Tree, path: &str, name: &str, long: bool) -> String {
    match tree.at(path) {
        Some(node) if long => {
            let kind = kind_letter(node);
            let (mode, uid, gid) = (node.mode, node.uid, node.gid);
            format!("{kind}{mode:04o} {uid} {gid} {} {name}\n", size(node))
        }
        _ => format!("{name}\n"),
    }
}

fn kind_letter(node: &Node) -> char {
    match node.kind {
        Kind::File(_) => '-',
        Kind::Directory => 'd',
        Kind::Link(_) => 'l',
        Kind::Device => 'c',
        Kind::Fifo => 'p',
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::File(data) => data.len(),
        Kind::Link(target) => target.len(),
        _ => 0,
    }
}

/// `stat -c FORMAT FILE...` with `%a %u %g %U %G %s %n`.
fn stat(tree: &Tree, process: &Process, words: &[String]) -> (i32, String) {
    let [option, format, files @ ..] = words else {
        return (1, "stat: usage: stat -c FORMAT FILE...\n".to_owned());
    };
    if option != "-c" {
        return (1, "stat: the fake knows only -c\n".to_owned());
    }
    let mut text = String::new();
    for file in files {
        let node = match tree.get(&process.path(file), false) {
            Ok(node) => node,
            Err(error) => return (1, format!("stat: can't stat '{file}': {}\n", error.text())),
        };
        let line = format
            .replace("%a", &format!("{:o}", node.mode))
            .replace("%u", &node.uid.to_string())
            .replace("%g", &node.gid.to_string())
            .replace("%s", &size(node).to_string())
            .replace("%n", file);
        text.push_str(&line);
        text.push('\n');
    }
    (0, text)
}

fn read_link(tree: &Tree, process: &Process, words: &[String]) -> (i32, String) {
    let Some(file) = words.last() else {
        return (1, String::new());
    };
    let path = process.path(file);
    if words[0] == "-f" {
        let resolved = tree.resolve(&path, true);
        return resolved.map_or((1, String::new()), |path| (0, format!("{path}\n")));
    }
    match tree.get(&path, false).map(|node| &node.kind) {
        Ok(Kind::Link(target)) => (0, format!("{target}\n")),
        _ => (1, String::new()),
    }
}

fn test(tree: &Tree, process: &Process, words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let node = |file: &str, follow| tree.get(&process.path(file), follow).ok();
    let may = |file: &str, bit| {
        node(file, true).is_some_and(|node| allowed(node, process.account.who, bit))
    };
    let number = |text: &str| text.parse::<i64>().ok();
    match words[..] {
        ["!", ref rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            !test(tree, process, &rest)
        }
        ["-z", text] => text.is_empty(),
        [text] | ["-n", text] => !text.is_empty(),
        ["-e", file] => node(file, true).is_some(),
        ["-d", file] => node(file, true).is_some_and(Node::is_directory),
        ["-f", file] => node(file, true).is_some_and(|node| matches!(node.kind, Kind::File(_))),
        ["-s", file] => node(file, true).is_some_and(|node| size(node) > 0),
        ["-L" | "-h", file] => {
            node(file, false).is_some_and(|node| matches!(node.kind, Kind::Link(_)))
        }
        ["-p", file] => node(file, true).is_some_and(|node| node.kind == Kind::Fifo),
        ["-r", file] => may(file, 4),
        ["-w", file] => may(file, 2),
        ["-x", file] => may(file, 1),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, "-eq", right] => number(left) == number(right),
        [left, "-ne", right] => number(left) != number(right),
        [left, "-lt", right] => number(left) < number(right),
        [left, "-gt", right] => number(left) > number(right),
        [left, "-le", right] => number(left) <= number(right),
        [left, "-ge", right] => number(left) >= number(right),
        _ => false,
    }
}
