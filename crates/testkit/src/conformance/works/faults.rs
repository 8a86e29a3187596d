//! What goes wrong: input that breaks off, works that are killed, names swapped meanwhile, pipes that never
//! end, no space, no right to write.

use super::{Answered, Inside, answered, anyhow, assert_reason, given, record, text, with_parents};
use crate::conformance::Subject;
use crate::conformance::subject::{GRACE, call};
use podlane_engine::inside::{
    Entry, Expectation, Item, Kind, Packed, Place, Reason, Summary, Work, blocks,
};
use podlane_engine::{ContainerId, ExecPath, Process};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn write(path: &str, place: Place) -> Work {
    Work::Write {
        path: path.into(),
        place,
        mode: None,
    }
}

impl Inside<'_> {
    /// Starts a work and gives it the beginning of its input, which has no end. Something of it is there
    /// afterwards.
    async fn half(
        &self,
        work: &Work,
        input: &[u8],
    ) -> (Box<dyn Process>, podlane_engine::StdinSink) {
        let mut process = self.start(work).await;
        let mut stdin = process.take_stdin().expect("it takes input");
        stdin.write_all(input).await.expect("it is taken");
        stdin.flush().await.expect("it is taken");
        for _ in 0..200 {
            if !self.leftovers().await.is_empty() {
                return (process, stdin);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing of it is there");
    }

    /// A container that was asked for in libpod's words.
    async fn with(subject: &Subject, more: serde_json::Value) -> Option<Inside<'_>> {
        let id = subject.created_with(more).await;
        subject.engine.start(&call(), &id).await.expect("it starts");
        Inside::in_container(subject, id).await
    }
}

/// A block whose content ends early.
fn cut() -> Vec<u8> {
    let mut input = blocks::header(100_000).to_vec();
    input.extend(vec![b'x'; 70_000]);
    input
}

/// A whole item, then one that is cut.
fn cut_items() -> Vec<u8> {
    let item = |path: &str| {
        record(&Item {
            path: path.into(),
            kind: Kind::File,
            size: 100_000,
            mode: 0o644,
            owner: None,
            modified: None,
            target: None,
        })
    };
    let mut input = item("whole");
    input.extend(given(&vec![b'x'; 100_000]));
    input.extend(item("cut"));
    input.extend(cut());
    input
}

/// Whatever is given up before its end has left nothing: no file, no directory made for it.
pub async fn a_work_that_is_cut_leaves_nothing(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    let write = write("/w/d/f", with_parents());
    for input in [
        &b""[..],
        &blocks::header(5),
        b"\x05\0\0\0abc",
        &cut(),
        b"\xff\xff\xff\x7f",
    ] {
        let answer = inside.work(&write, input).await;
        assert_reason(answer.only::<Entry>(), &Reason::Broken);
        assert_reason(inside.stat("/w").await, &Reason::NotFound);
    }
    let unpack = Work::Unpack {
        path: b"/w".to_vec(),
        place: with_parents(),
    };
    let answer = inside.work(&unpack, &cut_items()).await;
    assert_reason(answer.only::<Packed>(), &Reason::Broken);
    assert_eq!(inside.list("/w").await, ["whole"]);
    let answer = inside.work(&unpack, b"\x03\0\0\0abc\0\0\0\0").await;
    assert_reason(answer.only::<Packed>(), &Reason::Broken);
    inside.is_clean().await;
}

/// Neither at once, nor by its time-out, nor by a process in the container, nor with its agent.
pub async fn a_work_that_is_killed_leaves_nothing(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside.write("/w", b"before").await.expect("written");
    let work = write("/w", anyhow());
    let (process, stdin) = inside.half(&work, &cut()).await;
    let ended = process.control().terminate(Duration::ZERO).await;
    assert!(ended.is_complete(), "{ended:?}");
    assert_eq!(inside.leftovers().await, "");
    drop((process, stdin));
    let (process, stdin) = inside.half(&work, &cut()).await;
    let ended = process.control().terminate(GRACE).await;
    assert!(ended.is_complete(), "{ended:?}");
    assert_eq!(inside.leftovers().await, "");
    drop((process, stdin));
    let dropped = inside.half(&work, &cut()).await;
    drop(dropped);
    inside.is_clean().await;
    // Whoever has it open, and who that one's parent is.
    let find = "for p in /proc/[0-9]*; do if ls -l $p/fd 2>/dev/null | grep -q '[.]podlane-'; then w=${p#/proc/}; fi; done";
    let (mut process, stdin) = inside.half(&work, &cut()).await;
    inside.sh(&format!("{find}; kill -9 $w")).await;
    assert_eq!(process.wait().await.expect("an end").code, 137);
    assert_eq!(inside.leftovers().await, "");
    drop((process, stdin));
    let (process, stdin) = inside.half(&work, &cut()).await;
    inside
        .sh(&format!(
            "{find}; kill -9 $(awk '/PPid/ {{print $2}}' /proc/$w/status)"
        ))
        .await;
    drop((process, stdin));
    inside.is_clean().await;
    let unpack = Work::Unpack {
        path: b"/tree".to_vec(),
        place: with_parents(),
    };
    let (process, stdin) = inside.half(&unpack, &cut_items()).await;
    let ended = process.control().terminate(Duration::ZERO).await;
    assert!(ended.is_complete(), "{ended:?}");
    assert_eq!(inside.leftovers().await, "");
    drop((process, stdin));
    assert_eq!(inside.list("/tree").await, ["whole"]);
    assert_eq!(inside.read("/w").await, Ok(b"before".to_vec()));
}

/// Names that are swapped while they are gone through: a file is written whole, in one place and within
/// the container.
pub async fn swapped_names_split_no_write(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    let host = subject.directory.join(crate::unique("swapped"));
    std::fs::create_dir(&host).expect("a directory of the host");
    let up = "../".repeat(20);
    let away = host.to_str().expect("text").trim_start_matches('/');
    inside
        .sh(&format!(
            "mkdir -p /w/d /out; (while [ ! -e /stop ]; do mv /w/d /w/x; ln -s /out /w/d; rm /w/d; ln -s {up}{away} /w/d; rm /w/d; ln -s {up}out /w/d; rm /w/d; mv /w/x /w/d; done) </dev/null >/dev/null 2>&1 &
            (while [ ! -e /stop ]; do for f in /w/d/f /w/x/f /out/f; do n=$(cat $f 2>/dev/null | tr -d '\\n' | wc -c); case $n in 0|5000) ;; *) echo $f $n >>/half;; esac; done; done) </dev/null >/dev/null 2>&1 &"
        ))
        .await;
    let content = vec![b'x'; 5000];
    let mut written = 0;
    for _ in 0..2000 {
        match inside.write("/w/d/f", &content).await {
            Ok(entry) => {
                written += 1;
                let path = text(&entry.path);
                assert!(matches!(&path[..], "/w/d/f" | "/out/f"), "{path}");
            }
            Err(failure) => assert!(
                matches!(
                    failure.reason,
                    Reason::NotFound | Reason::NotDirectory | Reason::Changed
                ),
                "{failure:?}"
            ),
        }
    }
    inside.sh("touch /stop; sleep 0.5").await;
    assert!(written > 100, "{written}");
    assert_eq!(inside.sh("cat /half 2>/dev/null; find / -xdev -name f | grep -v -e ^/w/d/f$ -e ^/out/f$ | grep /f$; true").await, "");
    assert_eq!(std::fs::read_dir(&host).expect("a directory").count(), 0);
    inside.is_clean().await;
}

/// What never ends is not begun.
pub async fn a_work_waits_for_no_pipe(subject: &Subject) {
    // Not among the engine's own since 5.0.
    let devices = json!({"cap_add": ["CAP_MKNOD"]});
    let Some(inside) = Inside::with(subject, devices).await else {
        return;
    };
    inside
        .sh("mkdir /w && mkfifo /w/fifo && mknod /w/device c 1 5 && ln -s fifo /w/link")
        .await;
    for path in ["/w/fifo", "/w/device", "/w/link"] {
        assert_reason(inside.read(path).await, &Reason::Special);
        assert_reason(inside.write(path, b"x").await, &Reason::Special);
    }
    // Nor when it stands where the container's accounts are looked up.
    inside.sh("rm /etc/passwd && mkfifo /etc/passwd").await;
    let place = Place {
        owner: podlane_engine::inside::Owner::Named("root".into()),
        ..anyhow()
    };
    let failed = inside.write_as("/w/f", b"x", place, None).await;
    assert_reason(failed, &Reason::Special);
    inside.is_clean().await;
}

/// Of what finds no space nothing is left, and what was there stays.
pub async fn a_full_disk_takes_nothing_half(subject: &Subject) {
    let mounts = json!({"mounts": [
        {"destination": "/small", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
    ]});
    let Some(inside) = Inside::with(subject, mounts).await else {
        return;
    };
    inside.write("/small/f", b"before").await.expect("it fits");
    let much = vec![b'x'; 3 << 20];
    assert_reason(inside.write("/small/f", &much).await, &Reason::NoSpace);
    assert_eq!(inside.read("/small/f").await, Ok(b"before".to_vec()));
    inside.write("/large", &much).await.expect("written");
    let copy = Work::Copy {
        from: b"/large".to_vec(),
        to: b"/small/large".to_vec(),
        recursive: false,
        place: anyhow(),
    };
    assert_reason(
        inside.work(&copy, &[]).await.only::<Entry>(),
        &Reason::NoSpace,
    );
    let away = Work::Move {
        from: b"/large".to_vec(),
        to: b"/small/large".to_vec(),
        place: anyhow(),
    };
    assert_reason(
        inside.work(&away, &[]).await.only::<Entry>(),
        &Reason::NoSpace,
    );
    assert_eq!(
        inside.stat("/large").await.expect("still there").size,
        3 << 20
    );
    assert_eq!(inside.list("/small").await, ["f"]);
}

/// A root that can't be written, by the only way to an agent there.
pub async fn a_read_only_root_is_not_written(subject: &Subject) {
    if subject.path() == ExecPath::Stream {
        let id = subject
            .created_with(json!({"read_only_filesystem": true}))
            .await;
        subject.engine.start(&call(), &id).await.expect("it starts");
        assert!(has_no_agent(subject, &id).await);
        return;
    }
    let root = json!({"read_only_filesystem": true, "mounts": [
        {"destination": "/open", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
    ]});
    let Some(inside) = Inside::with(subject, root).await else {
        return;
    };
    assert_reason(inside.write("/f", b"x").await, &Reason::ReadOnly);
    assert_reason(
        inside.write_as("/d/f", b"x", with_parents(), None).await,
        &Reason::ReadOnly,
    );
    let remove = Work::Remove {
        path: b"/bin".to_vec(),
        recursive: true,
        expected: Expectation::Any,
    };
    let answer: Answered = inside.work(&remove, &[]).await;
    assert_reason(answer.only::<Summary>(), &Reason::ReadOnly);
    assert!(inside.stat("/bin").await.is_ok());
    inside.write("/open/f", b"x").await.expect("written");
    assert_eq!(inside.read("/open/f").await, Ok(b"x".to_vec()));
}

async fn has_no_agent(subject: &Subject, id: &ContainerId) -> bool {
    let look = Work::Stat {
        path: b"/".to_vec(),
        follow: true,
    };
    let work = subject.engine.work(&call(), id, None, &look).await;
    work.expect("an answer").is_none()
}

/// An agent is allowed where one could be started, and nowhere else.
pub async fn an_agent_is_allowed_in_what_runs(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.created().await;
    let allowed = async || engine.allows_agent(&call(), &id).await.expect("an answer");
    assert!(!allowed().await, "it never ran");
    assert!(has_no_agent(subject, &id).await);
    engine.start(&call(), &id).await.expect("it starts");
    let agents = subject.path() != ExecPath::Engine;
    assert_eq!(allowed().await, agents);
    // That there was none is forgotten at once.
    assert_eq!(has_no_agent(subject, &id).await, !agents);
    engine.pause(&call(), &id).await.expect("it is paused");
    assert!(!allowed().await, "it is paused");
    engine.unpause(&call(), &id).await.expect("it goes on");
    assert_eq!(allowed().await, agents);
}

/// A file that becomes shorter while it is read is no whole one.
pub async fn a_file_that_shrinks_is_told(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside.sh("head -c 60000000 /dev/zero >/f").await;
    let work = Work::Read {
        path: b"/f".to_vec(),
        offset: 0,
        length: None,
    };
    let process = inside.start(&work).await;
    inside
        .sh("until ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q ' /f$'; do :; done; : >/f")
        .await;
    let mut answer = answered(process).await;
    let entry: Entry = answer.record().expect("an answer").expect("an entry");
    assert_eq!(entry.size, 60_000_000);
    assert_reason(answer.content(), &Reason::Changed);
}
