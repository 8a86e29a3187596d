//! Single files: looked at, read and written.

use super::{Answered, Inside, anyhow, assert_reason, expecting, text, with_parents};
use crate::conformance::Subject;
use podlane_engine::inside::{Entry, Expectation, Failure, Kind, Owner, Place, Reason, Work};

/// What it is, whose, how large, and where a link leads.
pub async fn a_work_looks_at_paths(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d && echo hello >/w/f && chown 7:8 /w/f && chmod 4640 /w/f && touch -d @1000000000 /w/f && ln -s d/../f /w/link && ln -s /w/link /w/d/far && mkfifo /w/fifo && ln -s loop /w/loop && ln -s /proc/1 /w/kernel && ln -s none /w/dangling")
        .await;
    let file = inside.stat("/w/f").await.expect("a file");
    let wanted = Entry {
        path: b"/w/f".to_vec(),
        kind: Kind::File,
        size: 6,
        mode: 0o4640,
        uid: 7,
        gid: 8,
        modified: (1_000_000_000, 0),
        links: 1,
        target: None,
    };
    assert_eq!(file, wanted);
    let link = inside.stat("/w/link").await.expect("a link");
    assert_eq!(link.kind, Kind::Symlink);
    assert_eq!(link.target.as_deref(), Some(&b"d/../f"[..]));
    let follow = |path: &str| Work::Stat {
        path: path.into(),
        follow: true,
    };
    let followed = inside.work(&follow("/w/d/far"), &[]).await;
    assert_eq!(followed.only::<Entry>(), Ok(wanted));
    let far = inside.stat("/w/d/../d/far").await.expect("a link");
    assert_eq!(text(&far.path), "/w/d/far");
    assert_eq!(
        inside.stat("/w/fifo").await.expect("a pipe").kind,
        Kind::Fifo
    );
    assert_eq!(inside.stat("/").await.expect("the root").path, b"/");
    let long = format!("/w/{}", "n".repeat(256));
    let longer = "/w".repeat(2100);
    for (path, reason) in [
        ("/w/none", Reason::NotFound),
        ("/w/none/f", Reason::NotFound),
        ("/w/f/g", Reason::NotDirectory),
        ("/w/dangling", Reason::NotFound),
        ("/w/loop", Reason::Circle),
        ("/w/loop/f", Reason::Circle),
        (&long, Reason::TooLong),
        (&longer, Reason::TooLong),
        ("/proc", Reason::Kernel),
        ("/proc/1/mem", Reason::Kernel),
        ("/sys/kernel", Reason::Kernel),
        ("/dev/null", Reason::Kernel),
        ("/dev/pts", Reason::Kernel),
        ("/w/kernel/environ", Reason::Kernel),
        ("/../../proc/self/environ", Reason::Kernel),
    ] {
        let answer = inside.work(&follow(path), &[]).await;
        let failed = answer.only::<Entry>().expect_err("a failure");
        assert_eq!(failed.reason, reason, "{path}");
    }
    for bad in ["w/f", "", "/w/f\0"] {
        let answer = inside.work(&follow(bad), &[]).await;
        let failed = answer.only::<Entry>().expect_err("a failure");
        assert!(matches!(failed.reason, Reason::Invalid(_)), "{failed:?}");
    }
    assert!(inside.stat("/dev/shm").await.is_ok());
}

/// Of any size, through pipe and kernel and through the buffer; also a part.
pub async fn what_a_work_writes_is_read_back(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    for size in [0, 1, 1000, 65_535, 65_537, 1 << 20, (5 << 20) + 3] {
        let content: Vec<u8> = (0..size)
            .map(|at: u32| (at.wrapping_mul(31) >> 3).to_le_bytes()[0])
            .collect();
        let entry = inside.write("/f", &content).await.expect("it is written");
        assert_eq!(
            (entry.size, entry.mode, text(&entry.path)),
            (size.into(), 0o644, "/f".into())
        );
        assert!(
            inside.read("/f").await.expect("it is read") == content,
            "{size}"
        );
        let sum = inside.sh("wc -c </f").await;
        assert_eq!(sum.trim(), size.to_string());
    }
    let content = inside.read("/f").await.expect("it is read");
    for (offset, length, wanted) in [
        (0, Some(10), &content[..10]),
        (100, Some(200_000), &content[100..200_100]),
        (5 << 20, None, &content[5 << 20..]),
        (1 << 40, Some(1), &[]),
        (5, Some(0), &[]),
    ] {
        let work = Work::Read {
            path: b"/f".to_vec(),
            offset,
            length,
        };
        let mut answer = inside.work(&work, &[]).await;
        answer
            .record::<Entry>()
            .expect("an answer")
            .expect("an entry");
        assert!(
            answer.content().expect("content") == wanted,
            "{offset} {length:?}"
        );
        assert!(answer.0.is_empty());
    }
    assert_reason(inside.read("/none").await, &Reason::NotFound);
    assert_reason(inside.read("/etc").await, &Reason::IsDirectory);
    assert_reason(inside.read("/proc/version").await, &Reason::Kernel);
    inside.is_clean().await;
}

/// Modes and owners are as asked, or those of what was there; links lead to what is written.
pub async fn a_written_file_is_as_asked(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir /w && echo alice:x:1000:2000::/:/bin/sh >>/etc/passwd && echo staff:x:50: >>/etc/group && echo old >/w/old && chown 7:8 /w/old && chmod 4751 /w/old && ln -s old /w/link && ln -s new /w/dangling")
        .await;
    let entry = inside.write("/w/link", b"new").await.expect("written");
    let as_was = ("/w/old".to_owned(), 0o751, 7, 8);
    assert_eq!(
        (text(&entry.path), entry.mode, entry.uid, entry.gid),
        as_was
    );
    assert_eq!(inside.sh("cat /w/old; readlink /w/link").await, "newold\n");
    let entry = inside.write("/w/dangling", b"").await.expect("written");
    assert_eq!(text(&entry.path), "/w/new");
    for (owner, numbers) in [
        ("alice", (1000, 2000)),
        ("alice:staff", (1000, 50)),
        ("1000", (1000, 2000)),
        ("4000", (4000, 0)),
        ("4000:4001", (4000, 4001)),
    ] {
        let place = Place {
            owner: Owner::Named(owner.into()),
            ..with_parents()
        };
        let path = format!("/w/made/{owner}/file");
        let entry = inside.write_as(&path, b"x", place, Some(0o6750)).await;
        let entry = entry.expect("written");
        assert_eq!(
            (entry.uid, entry.gid, entry.mode),
            (numbers.0, numbers.1, 0o6750)
        );
        let above = inside
            .stat(&format!("/w/made/{owner}"))
            .await
            .expect("made");
        assert_eq!(
            (above.uid, above.gid, above.mode),
            (numbers.0, numbers.1, 0o755)
        );
    }
    let nobody = Place {
        owner: Owner::Named("nobody-here".into()),
        ..anyhow()
    };
    let failed = inside.write_as("/w/x", b"", nobody, None).await;
    assert!(matches!(
        failed.expect_err("unknown").reason,
        Reason::Invalid(_)
    ));
    let before = inside.list("/w").await;
    assert_reason(inside.write("/w/none/file", b"").await, &Reason::NotFound);
    assert_reason(inside.write("/w", b"").await, &Reason::IsDirectory);
    assert_reason(inside.write("/", b"").await, &Reason::IsDirectory);
    assert_reason(
        inside.write("/w/old/file", b"").await,
        &Reason::NotDirectory,
    );
    assert_reason(inside.write("/proc/sys/file", b"").await, &Reason::Kernel);
    assert_reason(inside.write("/dev/null", b"").await, &Reason::Kernel);
    assert_eq!(inside.list("/w").await, before);
    inside.write("/dev/shm/file", b"").await.expect("ordinary");
}

/// What is not as expected is not touched.
pub async fn a_work_expects_what_it_is_told(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    let write = async |content: &str, expected: Expectation| -> Result<Entry, Failure> {
        let place = expecting(expected);
        inside.write_as("/f", content.as_bytes(), place, None).await
    };
    assert_reason(write("1", Expectation::Present).await, &Reason::Changed);
    assert_reason(
        write("1", Expectation::Versions(vec![])).await,
        &Reason::Changed,
    );
    let first = write("1", Expectation::Absent)
        .await
        .expect("nothing there");
    assert_reason(write("2", Expectation::Absent).await, &Reason::Exists);
    let none = Expectation::NoneOf(vec![first.version()]);
    assert_reason(write("2", none).await, &Reason::Changed);
    let versions = Expectation::Versions(vec![first.version()]);
    let second = write("22", versions.clone()).await.expect("as expected");
    assert_reason(write("3", versions.clone()).await, &Reason::Changed);
    assert_eq!(inside.read("/f").await, Ok(b"22".to_vec()));
    let remove = |expected| Work::Remove {
        path: b"/f".to_vec(),
        recursive: false,
        expected,
    };
    let refused: Answered = inside.work(&remove(versions), &[]).await;
    assert_reason(
        refused.only::<podlane_engine::inside::Summary>(),
        &Reason::Changed,
    );
    let versions = Expectation::Versions(vec![second.version()]);
    let removed = inside.work(&remove(versions), &[]).await;
    let removed: podlane_engine::inside::Summary = removed.only().expect("as expected");
    assert_eq!(removed.entries, 1);
    inside.is_clean().await;
}

/// The user's rights are the user's: nothing is done as anybody else.
pub async fn a_work_is_done_as_its_user(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -m 777 /w && echo secret >/w/secret && chmod 600 /w/secret && mkdir -m 700 /w/closed && mkdir -m 1777 /w/tmp && echo theirs >/w/theirs")
        .await;
    let user = inside.by("1234:1234");
    assert_reason(user.read("/w/secret").await, &Reason::NotPermitted);
    assert_reason(user.write("/w/closed/f", b"").await, &Reason::NotPermitted);
    assert_reason(user.write("/etc/f", b"").await, &Reason::NotPermitted);
    assert_reason(user.stat("/w/closed/f").await, &Reason::NotPermitted);
    let own = user.write("/w/f", b"x").await.expect("written");
    assert_eq!((own.uid, own.gid), (1234, 1234));
    let place = Place {
        owner: Owner::Numbers {
            uid: Some(0),
            gid: None,
        },
        ..anyhow()
    };
    let given = user.write_as("/w/g", b"x", place, None).await;
    assert_reason(given, &Reason::NotPermitted);
    // In a directory like /tmp nobody is led by another one's link.
    let link = Work::Link {
        path: b"/w/tmp/link".to_vec(),
        target: b"/etc/led".to_vec(),
        place: anyhow(),
    };
    user.work(&link, &[]).await.only::<Entry>().expect("a link");
    assert_reason(
        inside.write("/w/tmp/link", b"x").await,
        &Reason::NotPermitted,
    );
    assert_reason(inside.stat("/etc/led").await, &Reason::NotFound);
    inside.is_clean().await;
}
