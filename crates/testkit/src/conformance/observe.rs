//! What goes on in containers, and what they hold.

use super::assert_fails;
use super::subject::{Subject, call, nobody, path};
use bytes::Bytes;
use futures_util::TryStreamExt;
use podlane_engine::{ChangeKind, Error, Limits, Ownership, Resource, Upload};
use std::io::Read;

/// The processes by their words; of what does not run there are none to tell.
pub async fn processes_are_told(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    let processes = engine.top(&call(), &id).await.expect("a list");
    let main = processes
        .iter()
        .find(|process| process.command.ends_with("sleep 1000"));
    let main = main.expect("its main process");
    assert!(main.pid >= 1 && main.user == "root", "{main:?}");
    assert_eq!(main.terminal, None);
    for id in [subject.created().await, {
        engine.stop(&call(), &id, None).await.expect("a stop");
        id
    }] {
        assert_fails!(
            engine.top(&call(), &id).await,
            Error::WrongState { message } if message.contains("not running")
        );
    }
}

fn archive(name: &str, content: &[u8]) -> Upload {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder
        .append_data(&mut header, name, content)
        .expect("an entry");
    Upload::Whole(Bytes::from(builder.into_inner().expect("an archive")))
}

/// What was added is told, and is in the export, whether the container runs or not.
pub async fn changes_are_told_and_exported(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    let written = engine
        .write_archive(
            &call(),
            &id,
            &path("/etc"),
            archive("podlane-added", b"added"),
            Ownership::ContainerUser,
        )
        .await;
    written.expect("written");
    for running in [true, false] {
        if !running {
            engine.stop(&call(), &id, None).await.expect("a stop");
        }
        let changes = engine.changes(&call(), &id).await.expect("a list");
        let kind = |path: &str| {
            let change = changes.iter().find(|change| change.path == path);
            change.map(|change| change.kind)
        };
        assert_eq!(kind("/etc/podlane-added"), Some(ChangeKind::Added));
        assert_eq!(kind("/etc"), Some(ChangeKind::Modified));
        assert_eq!(kind("/bin"), None);
        let export = engine.export(&call(), &id).await.expect("an archive");
        let export: Vec<Bytes> = export.try_collect().await.expect("all of it");
        let export = export.concat();
        let mut archive = tar::Archive::new(&export[..]);
        let mut entries = archive.entries().expect("entries").flatten();
        let mut added = entries
            .find(|entry| entry.path_bytes().ends_with(b"etc/podlane-added"))
            .expect("what was added");
        let mut text = String::new();
        added.read_to_string(&mut text).expect("text");
        assert_eq!(text, "added");
    }
}

/// What runs uses something, what does not nothing.
pub async fn use_is_measured(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    let all = engine.stats(&call(), None).await.expect("numbers");
    assert!(all.iter().any(|stats| stats.id == id), "{all:?}");
    let one = engine.stats(&call(), Some(&id)).await.expect("numbers");
    let [one] = &one[..] else { panic!("{one:?}") };
    assert_eq!(one.id, id);
    assert!(one.pids >= 1 && one.memory > 0 && one.memory_limit >= one.memory);
    assert!(one.cpu_time.as_nanos() > 0);
    engine.stop(&call(), &id, None).await.expect("a stop");
    let one = engine.stats(&call(), Some(&id)).await.expect("numbers");
    assert!(one.iter().all(|stats| (stats.pids, stats.memory) == (0, 0)));
    let all = engine.stats(&call(), None).await.expect("numbers");
    assert!(all.iter().all(|stats| stats.id != id), "{all:?}");
    assert_fails!(
        engine.stats(&call(), Some(&nobody())).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
}

/// Of a container that runs; of one that is not there nothing.
pub async fn limits_are_changed(subject: &Subject) {
    let engine = &subject.engine;
    let limits = Limits {
        memory: Some(64 << 20),
        pids: Some(55),
        milli_cpus: Some(500),
        ..Limits::default()
    };
    let id = subject.idle().await;
    engine.update(&call(), &id, limits).await.expect("changed");
    assert_fails!(
        engine.update(&call(), &nobody(), limits).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
}

/// Something, and more of it with a container more.
pub async fn the_disk_is_measured(subject: &Subject) {
    let id = subject.idle().await;
    let usage = subject.engine.disk_usage(&call()).await.expect("numbers");
    for share in [usage.images, usage.containers] {
        assert!(share.count >= 1 && share.active >= 1, "{usage:?}");
        assert!(share.active <= share.count, "{usage:?}");
    }
    assert!(usage.images.size > 1000, "{usage:?}");
    assert!(usage.images.reclaimable <= usage.images.size, "{usage:?}");
    let left = subject.engine.remove(&call(), &id, true).await;
    left.expect("a removal");
}
