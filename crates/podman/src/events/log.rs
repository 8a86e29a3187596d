//! The file in which Podman keeps its events, read as it grows.
//!
//! Podman's service looks into that file four times a second, so what it tells comes up to 250 ms late.
//! Whoever can see the file is woken by the kernel. Source: `libpod/events/logfile.go`.

use crate::body::Lines;
use futures_util::StreamExt;
use inotify::{EventMask, EventStream, Inotify, WatchMask};
use podlane_engine::EngineEvent;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::UnixStream;

/// What the file is called, unless its user has named it.
const NAME: &str = "events.log";
/// Room for what the kernel says at one go.
const ROOM: usize = 4096;

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "network", default)]
    network: String,
    #[serde(default)]
    status: String,
    time: String,
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(rename = "error", default)]
    error: String,
    #[serde(rename = "PodID", default)]
    pod: String,
    /// Podman 4.3 leaves out a zero.
    #[serde(default)]
    container_exit_code: i32,
    #[serde(rename = "health_status", default)]
    health_status: String,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
}

/// What a line tells, in the words of Podman's API; `None` for what is none of its events.
fn read(line: &[u8]) -> Option<EngineEvent> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let at = OffsetDateTime::parse(&line.time, &Rfc3339).ok()?;
    let mut attributes = line.attributes.unwrap_or_default();
    let more = [
        ("image", line.image),
        ("podId", line.pod),
        ("network", line.network),
        ("error", line.error),
        (super::HEALTH, line.health_status),
        ("containerExitCode", line.container_exit_code.to_string()),
    ];
    attributes.extend(more.map(|(name, value)| (name.to_owned(), value)));
    super::tidy(&line.status, &mut attributes);
    Some(EngineEvent {
        at: i64::try_from(at.unix_timestamp_nanos()).ok()?,
        kind: line.kind,
        action: line.status,
        id: line.id,
        name: line.name,
        attributes,
    })
}

/// How far the file is: another mark, and something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

#[cfg(test)]
impl Mark {
    pub(crate) fn of(inode: u64, size: u64) -> Self {
        Self {
            inode,
            size,
            changed: (0, 0),
        }
    }
}

/// The file that is being read, if one is.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Weak<File>>);

impl Known {
    /// How far the file is; `None` if none is read, or another one has taken its place.
    pub(crate) fn mark(&self) -> Option<Mark> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = known.upgrade()?.metadata().ok()?;
        (file.nlink() > 0).then(|| Mark {
            inode: file.ino(),
            size: file.size(),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }

    pub(super) fn set(&self, log: &Log) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&log.file);
    }
}

/// The file, from where it was found on.
#[derive(Debug)]
pub(super) struct Log {
    file: Arc<File>,
    changes: EventStream<Vec<u8>>,
    lines: Lines,
    ready: VecDeque<EngineEvent>,
    /// Whether another file may have taken its place.
    replaced: bool,
}

impl Log {
    /// The file that the service behind a socket reads; `None` if it reads none, or we can't see it.
    pub(super) async fn of(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).await.ok()?;
        let service = stream.peer_cred().ok()?.pid()?;
        let path = open_by(service)?;
        Self::open(&path).ok()
    }

    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let changes = Inotify::init()?;
        let what =
            WatchMask::MODIFY | WatchMask::ATTRIB | WatchMask::DELETE_SELF | WatchMask::MOVE_SELF;
        changes.watches().add(path, what)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file: Arc::new(file),
            changes: changes.into_event_stream(vec![0; ROOM])?,
            lines: Lines::default(),
            ready: VecDeque::new(),
            replaced: false,
        })
    }

    /// What is written next; `None` once another file has taken its place. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<EngineEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.replaced {
                return None;
            }
            let change = self.changes.next().await?.ok()?;
            self.replaced = change.mask != EventMask::MODIFY;
            self.take().ok()?;
        }
    }

    /// Reads what was written.
    fn take(&mut self) -> io::Result<()> {
        let mut piece = vec![0; 64 << 10];
        loop {
            let length = (&*self.file).read(&mut piece)?;
            let Some(piece) = piece.get(..length).filter(|piece| !piece.is_empty()) else {
                return Ok(());
            };
            let lines = self.lines.push(piece);
            self.ready
                .extend(lines.iter().filter_map(|line| read(line)));
        }
    }
}

/// The file of that name that a process has open.
fn open_by(process: i32) -> Option<PathBuf> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    open.filter_map(|entry| Some(entry.ok()?.path()))
        .find(|entry| fs::read_link(entry).is_ok_and(|file| file.ends_with(NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::Duration;

    #[test]
    fn lines_of_all_versions() {
        let id = "a".repeat(64);
        let old = format!(
            r#"{{"ID":"{id}","Image":"localhost/bb:1","Name":"web","Status":"died","Time":"2026-11-23T13:55:43.350288269+01:00","Type":"container","Attributes":{{"course":"net-101","empty":""}}}}"#
        );
        let event = read(old.as_bytes()).expect("an event");
        assert_eq!(event.at, 1_795_438_543_350_288_269);
        assert_eq!(
            (&*event.kind, &*event.action, &*event.name),
            ("container", "died", "web")
        );
        let attributes: Vec<_> = event.attributes.iter().collect();
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            attributes,
            [
                ("containerExitCode", "0"),
                ("course", "net-101"),
                ("empty", ""),
                ("image", "localhost/bb:1")
            ]
        );
        let new = r#"{"Name":"lab","network":"lab","Status":"connect","Time":"2026-11-23T12:55:43Z","Type":"network","Attributes":null,"ContainerExitCode":null}"#;
        assert!(
            read(new.as_bytes()).is_none(),
            "null is no exit code of Podman's"
        );
        let new = new.replace(r#","ContainerExitCode":null"#, "");
        let event = read(new.as_bytes()).expect("an event");
        assert_eq!(event.attributes["network"], "lab");
        for wrong in ["", "x", "{}", r#"{"Time":"now"}"#, "[1]"] {
            assert!(read(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_written_is_told_until_the_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, "{\"Status\":\"old\"}\nhalf a li").unwrap();
        let mut log = Log::open(&path).unwrap();
        let known = Known::default();
        assert_eq!(known.mark(), None);
        known.set(&log);
        let quiet = known.mark().expect("a mark");
        assert_eq!(known.mark().as_ref(), Some(&quiet));
        let mut writer = File::options().append(true).open(&path).unwrap();
        let line = |action| {
            format!(
                "{{\"Status\":\"{action}\",\"Time\":\"2026-11-23T12:55:43Z\",\"Type\":\"container\"}}\n"
            )
        };
        writer.write_all(b"ne\n").unwrap();
        assert_ne!(known.mark().expect("a mark"), quiet);
        let start = line("start");
        let (one, other) = start.split_at(20);
        writer.write_all(one.as_bytes()).unwrap();
        assert!(
            tokio::time::timeout(Duration::from_millis(50), log.next())
                .await
                .is_err()
        );
        writer.write_all(other.as_bytes()).unwrap();
        assert_eq!(log.next().await.unwrap().action, "start");
        writer.write_all(line("died").as_bytes()).unwrap();
        let next = directory.path().join("next");
        fs::write(&next, line("another file")).unwrap();
        fs::rename(&next, &path).unwrap();
        assert_eq!(known.mark(), None);
        assert_eq!(log.next().await.unwrap().action, "died");
        assert!(log.next().await.is_none());
    }

    #[test]
    fn no_mark_outlives_its_reader() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _inside = runtime.enter();
        let log = Log::open(file.path()).unwrap();
        let known = Known::default();
        known.set(&log);
        assert!(known.mark().is_some());
        drop(log);
        assert_eq!(known.mark(), None);
    }

    #[tokio::test]
    async fn the_file_is_found_by_who_has_it_open() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("podman.sock");
        let _listener = tokio::net::UnixListener::bind(&socket).unwrap();
        assert!(Log::of(&socket).await.is_none());
        let path = directory.path().join(NAME);
        let mut writer = File::create(&path).unwrap();
        let mut log = Log::of(&socket).await.expect("our own file");
        writer
            .write_all(b"{\"Status\":\"x\",\"Time\":\"2026-11-23T12:55:43Z\"}\n")
            .unwrap();
        assert_eq!(log.next().await.unwrap().action, "x");
    }
}
