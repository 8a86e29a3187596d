//! The files of recordings: `ID.cast`, readable by the server's user alone. IDs sort by their time.

use super::{RecordingRules, cast};
use crate::Tenant;
use podlane_engine::TerminalSize;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

const SUFFIX: &str = ".cast";
/// A header is shorter: its title is a container and a program.
const HEADER: u64 = 8 * 1024;

/// A recording that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its name.
    pub id: String,
    /// Whose the container is.
    pub tenant: Option<Tenant>,
    /// The container and the program.
    pub title: String,
    /// When it began.
    pub started: OffsetDateTime,
    /// How long something was written to it.
    pub duration: Duration,
    /// Its size.
    pub bytes: u64,
}

/// The file of an ID: a time in milliseconds and a random number, in digits of their own.
pub(super) fn path(directory: &Path, id: &str) -> Option<PathBuf> {
    let (millis, random) = id.split_once('-')?;
    let digits = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    (digits(millis, 12) && digits(random, 8)).then(|| directory.join(format!("{id}{SUFFIX}")))
}

/// Writes to the directory and leaves no file. One that is not there is made, or with `look` left alone.
pub(super) fn probe(directory: &Path, look: bool) -> io::Result<()> {
    if !look {
        make(directory)?;
    } else if !directory.try_exists()? {
        return Ok(());
    }
    let random = getrandom::u32().map_err(io::Error::other)?;
    let path = directory.join(format!(".probe-{random:08x}"));
    // Whatever is there is somebody else's.
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path)?;
    let written = file.write_all(b"probe");
    fs::remove_file(&path)?;
    written
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// Begins a file, after the oldest have made room for it.
pub(super) fn create(
    rules: &RecordingRules,
    size: TerminalSize,
    tenant: Option<&Tenant>,
    title: &str,
) -> io::Result<File> {
    make(&rules.directory)?;
    make_room(rules)?;
    let now = OffsetDateTime::now_utc();
    let millis = now.unix_timestamp_nanos() / 1_000_000;
    let random = getrandom::u32().map_err(io::Error::other)?;
    let path = rules
        .directory
        .join(format!("{millis:012x}-{random:08x}{SUFFIX}"));
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(cast::header(size, now.unix_timestamp(), tenant, title).as_bytes())?;
    Ok(file)
}

/// Removes the oldest until one more of the greatest size fits.
fn make_room(rules: &RecordingRules) -> io::Result<()> {
    let mut files = files(&rules.directory)?;
    let mut total: u64 = files.iter().map(|(_, file)| file.len()).sum();
    total += rules.bytes as u64;
    let mut count = files.len() + 1;
    files.reverse();
    while count > rules.count || total > rules.total {
        let Some((id, file)) = files.pop() else {
            return Ok(());
        };
        let path = rules.directory.join(format!("{id}{SUFFIX}"));
        found(fs::remove_file(path))?;
        count -= 1;
        total -= file.len();
    }
    Ok(())
}

/// The IDs and what the file system says of them, the oldest first.
fn files(directory: &Path) -> io::Result<Vec<(String, fs::Metadata)>> {
    let Some(entries) = found(fs::read_dir(directory))? else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        let Some(id) = id.filter(|id| path(directory, id).is_some()) else {
            continue;
        };
        if let Some(about) = found(entry.metadata())? {
            files.push((id.to_owned(), about));
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(files)
}

pub(super) fn list(directory: &Path) -> io::Result<Vec<Recording>> {
    let mut list = Vec::new();
    for (id, about) in files(directory)?.into_iter().rev() {
        let Some(path) = path(directory, &id) else {
            continue;
        };
        let Some(file) = found(File::open(path))? else {
            continue;
        };
        let mut head = Vec::new();
        file.take(HEADER).read_to_end(&mut head)?;
        let millis = id.split_once('-').map(|(millis, _)| millis);
        let millis = millis.and_then(|millis| u64::from_str_radix(millis, 16).ok());
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unwrap_or_default());
        let written = about.modified()?.duration_since(began);
        list.push(Recording {
            tenant: tenant(&String::from_utf8_lossy(&head)),
            title: title(&String::from_utf8_lossy(&head)),
            started: began.into(),
            duration: written.unwrap_or_default(),
            bytes: about.len(),
            id,
        });
    }
    Ok(list)
}

/// The title in a header, which we have written ourselves: container and program.
fn title(head: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    let title = line.split_once("\"title\":\"").map(|(_, title)| title);
    let title = title.and_then(|title| title.strip_suffix("\"}"));
    title.unwrap_or_default().to_owned()
}

/// The tenant in a header, if it names one; a title, which comes behind, has no quotation marks in it.
fn tenant(head: &str) -> Option<Tenant> {
    let (_, rest) = head.lines().next()?.split_once("\"tenant\":\"")?;
    Tenant::parse(rest.split('"').next()?)
}

/// `None` for what is not there.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_nowhere_else() {
        let directory = Path::new("/recordings");
        assert!(path(directory, "0193a1b2c3d4-0123abcd").is_some());
        for bad in [
            "",
            "-",
            "../0193a1b2c3-0123abcd",
            "0193a1b2c3d4-0123ABCD",
            "0193a1b2c3d4-0123abc/",
        ] {
            assert!(path(directory, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let directory = tempfile::tempdir().expect("a directory");
        let rules = RecordingRules {
            directory: directory.path().join("a/b"),
            all: false,
            input: false,
            bytes: 10,
            count: 3,
            total: 1 << 20,
        };
        let size = TerminalSize {
            columns: 80,
            rows: 24,
        };
        for number in 0..5 {
            create(&rules, size, None, &format!("box: {number}")).expect("a file");
            std::thread::sleep(Duration::from_millis(2));
        }
        let titles: Vec<String> = list(&rules.directory)
            .expect("a list")
            .into_iter()
            .map(|one| one.title)
            .collect();
        assert_eq!(titles, ["box: 4", "box: 3", "box: 2"]);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(&rules.directory).expect("there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o700);
        let tight = RecordingRules {
            total: 150,
            ..rules.clone()
        };
        create(&tight, size, None, "box: last").expect("a file");
        assert_eq!(list(&rules.directory).expect("a list").len(), 2);
    }
}
