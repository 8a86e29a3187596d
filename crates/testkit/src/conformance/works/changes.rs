//! Directories and links made; things moved, copied, changed and removed.

use super::{Inside, anyhow, assert_reason, expecting, text, with_parents};
use crate::conformance::Subject;
use podlane_engine::inside::{
    Changes, Entry, Expectation, Failure, Kind, Owner, Place, Reason, Summary, Work,
};

impl Inside<'_> {
    async fn make(&self, path: &str, place: Place, mode: Option<u32>) -> Result<Entry, Failure> {
        let path = path.into();
        let work = Work::MakeDirectory { path, place, mode };
        self.work(&work, &[]).await.only()
    }

    async fn move_to(&self, from: &str, to: &str, place: Place) -> Result<Entry, Failure> {
        let (from, to) = (from.into(), to.into());
        let work = Work::Move { from, to, place };
        self.work(&work, &[]).await.only()
    }

    async fn copy(&self, from: &str, to: &str, recursive: bool) -> Result<Entry, Failure> {
        let work = Work::Copy {
            from: from.into(),
            to: to.into(),
            recursive,
            place: anyhow(),
        };
        self.work(&work, &[]).await.only()
    }

    async fn remove(&self, path: &str, recursive: bool) -> Result<u64, Failure> {
        let work = Work::Remove {
            path: path.into(),
            recursive,
            expected: Expectation::Any,
        };
        let done: Result<Summary, _> = self.work(&work, &[]).await.only();
        done.map(|done| done.entries)
    }

    async fn change(&self, path: &str, changes: Changes, recursive: bool) -> Result<u64, Failure> {
        let work = Work::Change {
            path: path.into(),
            changes,
            recursive,
        };
        let done: Result<Summary, _> = self.work(&work, &[]).await.only();
        done.map(|done| done.entries)
    }
}

/// Made as asked, or why not.
pub async fn a_work_makes_directories_and_links(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    let made = inside
        .make("/w", anyhow(), Some(0o2770))
        .await
        .expect("made");
    assert_eq!((made.kind, made.mode), (Kind::Directory, 0o2770));
    assert_reason(inside.make("/w", anyhow(), None).await, &Reason::Exists);
    assert_reason(
        inside.make("/w/a/b", anyhow(), None).await,
        &Reason::NotFound,
    );
    let place = Place {
        owner: Owner::Numbers {
            uid: Some(7),
            gid: Some(8),
        },
        ..with_parents()
    };
    let made = inside
        .make("/w/a/b", place.clone(), None)
        .await
        .expect("made");
    assert_eq!((made.uid, made.gid, made.mode & 0o777), (7, 8, 0o755));
    assert_eq!(inside.stat("/w/a").await.expect("made").uid, 7);
    inside.make("/w/a", place, None).await.expect("there");
    let only_new = Place {
        expected: Expectation::Absent,
        ..with_parents()
    };
    assert_reason(inside.make("/w/a", only_new, None).await, &Reason::Exists);
    assert_reason(
        inside.make("/proc/x", anyhow(), None).await,
        &Reason::Kernel,
    );
    let link = async |path: &str, target: &str, expected| -> Result<Entry, Failure> {
        let work = Work::Link {
            path: path.into(),
            target: target.into(),
            place: expecting(expected),
        };
        inside.work(&work, &[]).await.only()
    };
    let made = link("/w/link", "any where", Expectation::Absent)
        .await
        .expect("made");
    assert_eq!(made.target.as_deref(), Some(&b"any where"[..]));
    let again = link("/w/link", "a", Expectation::Absent).await;
    assert_reason(again, &Reason::Exists);
    link("/w/link", "a", Expectation::Any)
        .await
        .expect("replaced");
    assert_eq!(inside.sh("readlink /w/link").await, "a\n");
    assert_reason(
        link("/w/a", "a", Expectation::Any).await,
        &Reason::IsDirectory,
    );
    inside.write("/w/file", b"x").await.expect("written");
    let failed = inside.make("/w/file", with_parents(), None).await;
    assert_reason(failed, &Reason::Exists);
    inside.is_clean().await;
}

/// Within a file system and across two, with nothing half-done.
pub async fn a_work_moves_and_copies(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d/e /w/empty /w/full/x && cd /w && echo one >d/one && ln -s one d/e/link && chown -hR 7:8 d && chmod 4751 d/one && touch -d @1000000000 d/one d/e && echo file >file")
        .await;
    let same = "cd $1 2>/dev/null; find . -exec stat -c '%n %f %u %g' {} + | grep -v '^. ' | sort; stat -c '%s %Y' one; stat -c %Y e; readlink e/link";
    let look = async |path: &str| inside.sh(&same.replace("$1", path)).await;
    let before = look("/w/d").await;
    for to in ["/w/moved", "/dev/shm/moved", "/w/empty"] {
        let from = if to == "/w/moved" { "/w/d" } else { "/w/moved" };
        if to == "/w/empty" {
            let back = inside.move_to("/dev/shm/moved", "/w/moved", anyhow()).await;
            back.expect("moved back");
        }
        let moved = inside.move_to(from, to, anyhow()).await.expect("moved");
        assert_eq!((text(&moved.path), moved.uid), (to.to_owned(), 7));
        assert_eq!(look(to).await, before, "{to}");
        assert_reason(inside.stat(from).await, &Reason::NotFound);
    }
    for (to, reason) in [
        ("/w/full", Reason::NotEmpty),
        ("/w/file", Reason::NotDirectory),
        ("/w/none/x", Reason::NotFound),
        ("/proc/x", Reason::Kernel),
    ] {
        let moved = inside.move_to("/w/empty", to, anyhow()).await;
        assert_reason(moved, &reason);
        let copied = inside.copy("/w/empty", to, true).await;
        assert_reason(copied, &reason);
    }
    assert_reason(
        inside.move_to("/w/file", "/w/full", anyhow()).await,
        &Reason::IsDirectory,
    );
    assert_reason(
        inside.move_to("/w/none", "/w/x", anyhow()).await,
        &Reason::NotFound,
    );
    assert_reason(
        inside.move_to("/etc/hosts", "/w/x", anyhow()).await,
        &Reason::Busy,
    );
    let absent = expecting(Expectation::Absent);
    inside.write("/w/new", b"new").await.expect("written");
    assert_reason(
        inside.move_to("/w/new", "/w/file", absent).await,
        &Reason::Exists,
    );
    let into = inside.move_to("/w/full", "/w/full/x/y", anyhow()).await;
    assert!(matches!(
        into.expect_err("into itself").reason,
        Reason::Invalid(_)
    ));
    assert_reason(
        inside.copy("/w/empty", "/w/c", false).await,
        &Reason::IsDirectory,
    );
    let copy = inside.copy("/w/empty", "/w/c", true).await.expect("copied");
    assert_eq!((copy.uid, copy.gid), (0, 0));
    inside
        .sh("chown -hR 7:8 /w/c; touch -h -d @1000000000 /w/c/e; chmod 4751 /w/c/one")
        .await;
    assert_eq!(look("/w/c").await, before);
    let file = inside
        .copy("/w/c/one", "/w/file", false)
        .await
        .expect("copied");
    assert_eq!(
        (file.mode, file.modified, file.uid),
        (0o4751, (1_000_000_000, 0), 0)
    );
    inside
        .copy("/w/c/e/link", "/w/link", false)
        .await
        .expect("copied");
    assert_eq!(
        inside.sh("readlink /w/link; cat /w/file").await,
        "one\none\n"
    );
    inside.sh("mkfifo /w/c/fifo").await;
    assert_reason(inside.copy("/w/c", "/w/c2", true).await, &Reason::Special);
    assert_reason(inside.stat("/w/c2").await, &Reason::NotFound);
    inside.is_clean().await;
}

/// Only what is asked for, and no link's target.
pub async fn a_work_removes(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d/e /w/empty /out && touch /w/d/a /w/d/e/b /out/kept && ln -s /out /w/d/e/link && ln -s /out /w/link && mkdir -p $(seq -s / 1 300 | sed s,^,/deep/,)")
        .await;
    assert_reason(inside.remove("/w/none", false).await, &Reason::NotFound);
    assert_reason(inside.remove("/w/d", false).await, &Reason::NotEmpty);
    assert_eq!(inside.remove("/w/link", true).await, Ok(1));
    assert_eq!(inside.remove("/w/empty", false).await, Ok(1));
    assert_eq!(inside.remove("/w/d", true).await, Ok(5));
    assert_eq!(inside.remove("/deep", true).await, Ok(301));
    assert_eq!(inside.list("/w").await, Vec::<String>::new());
    assert_eq!(inside.list("/out").await, ["kept"]);
    assert_reason(inside.remove("/", true).await, &Reason::Busy);
    assert_reason(inside.remove("/proc", true).await, &Reason::Kernel);
    assert_reason(inside.remove("/dev/shm", true).await, &Reason::Busy);
    assert_reason(inside.remove("/etc/hosts", false).await, &Reason::Busy);
}

/// Modes, owners and times; a link's own where it is not followed.
pub async fn a_work_changes(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d /out && touch /w/d/f /out/f && ln -s /out/f /w/d/link && ln -s /out /w/d/out && mkfifo /w/d/fifo")
        .await;
    let nothing = Changes {
        mode: None,
        owner: None,
        modified: None,
        follow: true,
    };
    let all = Changes {
        mode: Some(0o4750),
        owner: Some(Owner::Named("7:8".into())),
        modified: Some((1_000_000_000, 500)),
        follow: true,
    };
    assert_eq!(inside.change("/w/d/link", all.clone(), false).await, Ok(1));
    let entry = inside.stat("/out/f").await.expect("a file");
    let changed = (0o4750, 7, 8, (1_000_000_000, 500));
    assert_eq!((entry.mode, entry.uid, entry.gid, entry.modified), changed);
    let itself = Changes {
        owner: Some(Owner::Numbers {
            uid: Some(9),
            gid: None,
        }),
        follow: false,
        ..nothing.clone()
    };
    assert_eq!(inside.change("/w/d/link", itself, false).await, Ok(1));
    let link = inside.stat("/w/d/link").await.expect("a link");
    assert_eq!((link.uid, link.gid), (9, 0));
    assert_eq!(inside.stat("/out/f").await.expect("a file").uid, 7);
    let of_link = Changes {
        mode: Some(0o600),
        follow: false,
        ..nothing.clone()
    };
    let failed = inside.change("/w/d/link", of_link, false).await;
    assert!(matches!(
        failed.expect_err("a link").reason,
        Reason::Invalid(_)
    ));
    let closing = Changes {
        mode: Some(0),
        owner: Some(Owner::Named("7:8".into())),
        ..nothing
    };
    assert_eq!(inside.change("/w", closing, true).await, Ok(6));
    for path in ["/w", "/w/d", "/w/d/f", "/w/d/fifo"] {
        let entry = inside.stat(path).await.expect(path);
        assert_eq!((entry.mode, entry.uid, entry.gid), (0, 7, 8), "{path}");
    }
    assert_eq!(inside.stat("/w/d/link").await.expect("a link").uid, 7);
    assert_eq!(inside.stat("/out").await.expect("elsewhere").uid, 0);
    assert_reason(
        inside.change("/w/none", all.clone(), true).await,
        &Reason::NotFound,
    );
    assert_reason(
        inside.change("/sys/kernel", all, true).await,
        &Reason::Kernel,
    );
}
