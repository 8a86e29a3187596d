//! Tar archives in and out of a container's file system, and the stat header that goes with them.

use super::answer::Refusal;
use super::node::{FsError, Kind, Node, Who};
use super::tree::Tree;
use base64::Engine as _;
use bytes::Bytes;
use serde_json::json;
use std::io::{self, Read};
use tar::{Archive, Builder, EntryType, Header};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What a stat of a path finds.
#[derive(Debug)]
pub(super) struct Stat {
    /// The `X-Docker-Container-Path-Stat` header.
    pub(super) header: String,
    /// Where the path leads; none when a link leads nowhere.
    pub(super) resolved: Option<String>,
}

/// Looks at a path as Podman does: size, mode and time are those of a final link itself, name and
/// `isDir` those of what it leads to. Nothing at all there is [`FsError::NotFound`].
pub(super) fn stat(tree: &Tree, path: &str) -> Result<Stat, FsError> {
    let trimmed = path.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix("/.").unwrap_or(trimmed);
    let itself = tree.resolve(trimmed, false)?;
    let node = tree.at(&itself).ok_or(FsError::NotFound)?;
    let end = tree.resolve(trimmed, true)?;
    let target = tree.at(&end);
    let link_target = match node.kind {
        Kind::Link(_) => end.clone(),
        _ if path == "/" => "/.".to_owned(),
        _ => path.to_owned(),
    };
    let name = match link_target.trim_end_matches('/').rsplit('/').next() {
        Some("") | None => ".",
        Some(name) => name,
    };
    let time = i64::try_from(node.mtime).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(time).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let stat = json!({
        "name": name,
        "size": size(node),
        "mode": go_mode(node),
        "mtime": time.format(&Rfc3339).unwrap_or_default(),
        "isDir": target.is_some_and(Node::is_directory),
        "linkTarget": link_target,
    });
    Ok(Stat {
        header: base64::engine::general_purpose::URL_SAFE.encode(stat.to_string()),
        resolved: target.is_some().then_some(end),
    })
}

/// What a pattern without wildcards finds.
pub(super) fn meant(pattern: &str) -> String {
    let mut path = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        path.extend(match character {
            '\\' => characters.next(),
            character => Some(character),
        });
    }
    path
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::File(data) => data.len(),
        Kind::Link(target) => target.len(),
        Kind::Directory => 4096,
        Kind::Device | Kind::Fifo => 0,
    }
}

/// The mode with the type bits of Go's `io/fs.FileMode`, which are not those of Unix.
fn go_mode(node: &Node) -> u32 {
    let kind = match node.kind {
        Kind::File(_) => 0,
        Kind::Directory => 1 << 31,
        Kind::Link(_) => 1 << 27,
        Kind::Device => 1 << 26 | 1 << 21,
        Kind::Fifo => 1 << 25,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = special.iter().filter(|(unix, _)| node.mode & unix != 0);
    special.fold(kind | node.mode & 0o777, |mode, (_, go)| mode | go)
}

/// Packs a path as `GET archive` does: entries named after the last part of the path, owner always
/// 0. `slash` adds the final slash to the names of directories (5.x). Devices are left out.
pub(super) fn pack(tree: &Tree, path: &str, slash: bool) -> Result<Bytes, FsError> {
    let resolved = tree.resolve(path, true)?;
    let node = tree.at(&resolved).ok_or(FsError::NotFound)?;
    let name = match path.trim_end_matches('/').rsplit('/').next() {
        Some("" | ".") | None => "",
        Some(name) => name,
    };
    let mut builder = Builder::new(Vec::new());
    let packed = (|| -> io::Result<Vec<u8>> {
        if !name.is_empty() {
            append(&mut builder, name, node, slash)?;
        }
        for (below, node) in tree.below(&resolved) {
            let rest = &below[resolved.trim_end_matches('/').len() + 1..];
            let name = format!("{name}/{rest}");
            append(&mut builder, name.trim_start_matches('/'), node, slash)?;
        }
        builder.into_inner()
    })();
    packed.map(Bytes::from).map_err(|_| FsError::Denied)
}

fn append(builder: &mut Builder<Vec<u8>>, name: &str, node: &Node, slash: bool) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(node.mtime);
    if !slash {
        // 4.3 writes names beside the numbers.
        header.set_username("root")?;
        header.set_groupname("root")?;
    }
    match &node.kind {
        Kind::File(data) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(data.len() as u64);
            builder.append_data(&mut header, name, &data[..])
        }
        Kind::Directory => {
            header.set_entry_type(EntryType::Directory);
            header.set_size(0);
            let name = format!("{name}{}", if slash { "/" } else { "" });
            builder.append_data(&mut header, name, io::empty())
        }
        Kind::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, target)
        }
        Kind::Fifo => {
            header.set_entry_type(EntryType::Fifo);
            header.set_size(0);
            builder.append_data(&mut header, name, io::empty())
        }
        Kind::Device => Ok(()),
    }
}

/// Unpacks an archive below a directory, which is made if it is missing. `owner` is who shall own
/// everything; none keeps the archive's numbers. Like Podman it stops at the first error and leaves
/// what was unpacked before.
pub(super) fn unpack(
    tree: &mut Tree,
    directory: &str,
    data: &[u8],
    owner: Option<Who>,
) -> Result<(), Refusal> {
    let failed = |what: &str, error: FsError| {
        let text = error.go_text();
        let message = format!(
            "copier: put: error creating \"{what}\": copier: put: error opening file \"{what}\" for writing: open {what}: {text}"
        );
        Refusal::new(500, &text, message)
    };
    let invalid = |_: io::Error| {
        let cause = "archive/tar: invalid tar header";
        let message = format!("reading tar stream: expected EOF: {cause}");
        Refusal::new(500, cause, message)
    };
    let maker = owner.unwrap_or(Who::ROOT);
    let root = tree.resolve(directory, true);
    let root = root.map_err(|error| failed(directory, error))?;
    if tree.at(&root).is_some_and(|node| !node.is_directory()) {
        let text = format!("copier: put: {directory} ({root}): exists but is not a directory");
        return Err(Refusal::plain(500, text));
    }
    if data.starts_with(&[0x1f, 0x8b]) {
        return Err(Refusal::plain(
            500,
            "the fake unpacks no compressed archives",
        ));
    }
    let made = tree.make_directories(&root, maker);
    made.map_err(|error| failed(directory, error))?;
    let mut archive = Archive::new(data);
    for entry in archive.entries().map_err(invalid)? {
        let mut entry = entry.map_err(invalid)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = format!("{}{}", root.trim_end_matches('/'), within(&name));
        let header = entry.header().clone();
        let kind = match header.entry_type() {
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default();
                Kind::Link(String::from_utf8_lossy(&target).into_owned())
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = within(&String::from_utf8_lossy(&target));
                let target = format!("{}{target}", root.trim_end_matches('/'));
                if target == path {
                    // As the copier does: first the name is cleared, then nothing is there to link.
                    let _ = tree.remove(&path, Who::ROOT);
                }
                let node = tree.get(&target, false);
                node.map_err(|error| failed(&path, error))?.kind.clone()
            }
            EntryType::Fifo => Kind::Fifo,
            EntryType::Char | EntryType::Block => Kind::Device,
            _ => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(invalid)?;
                Kind::File(content.into())
            }
        };
        let number = |number: io::Result<u64>| {
            let number = number.ok().and_then(|number| u32::try_from(number).ok());
            number.unwrap_or_default()
        };
        let who = owner.unwrap_or(Who {
            uid: number(header.uid()),
            gid: number(header.gid()),
        });
        let mut node = Node::new(kind, header.mode().unwrap_or(0o644) & 0o7777).owned_by(who);
        node.mtime = header.mtime().unwrap_or_default();
        place(tree, &path, node, maker).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn place(tree: &mut Tree, path: &str, node: Node, maker: Who) -> Result<(), FsError> {
    if path.is_empty() || path.ends_with('/') {
        return Ok(());
    }
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = tree.make_directories(parent, maker)?;
    let place = format!("{}/{name}", parent.trim_end_matches('/'));
    if node.is_directory() && tree.at(&place).is_some_and(Node::is_directory) {
        return tree.set_mode(&place, node.mode);
    }
    tree.insert(&place, node, Who::ROOT)
}

/// An entry's name as a path below the root: `..` never leads out.
fn within(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().flat_map(|part| ["/", part]).collect()
}
