//! Many files at once: listed, packed and unpacked.

use super::{Answered, Inside, anyhow, assert_reason, given, listed, record, text, with_parents};
use crate::conformance::Subject;
use podlane_engine::inside::{
    Entry, Failure, Item, Kind, Listed, Packed, Place, Reason, Work, blocks,
};

/// In order, to a depth, by a pattern, page by page.
pub async fn a_work_lists_what_is_in_a_directory(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/a/b /w/closed && cd /w && touch a/z a/b/c a-b a.txt b.txt && ln -s a link && mkdir -m 0 closed/x && touch closed/x/y && ln -s /proc kernel")
        .await;
    let list = async |depth, pattern: Option<&str>, after: Option<&str>, limit| {
        let work = Work::List {
            path: b"/w".to_vec(),
            depth,
            pattern: pattern.map(Into::into),
            after: after.map(Into::into),
            limit,
        };
        let (entries, end) = listed(inside.work(&work, &[]).await).expect("a list");
        let paths: Vec<String> = entries.iter().map(|entry| text(&entry.path)).collect();
        (paths.join(" "), end)
    };
    let whole = "a a/b a/b/c a/z a-b a.txt b.txt closed closed/x closed/x/y kernel link";
    assert_eq!(list(9, None, None, 99).await, (whole.into(), Listed::Whole));
    let first = "a a-b a.txt b.txt closed kernel link";
    assert_eq!(list(1, None, None, 99).await, (first.into(), Listed::Whole));
    let text = ("a.txt b.txt".to_owned(), Listed::Whole);
    assert_eq!(list(9, Some("*.txt"), None, 99).await, text);
    let z = ("a/b/c a/z".to_owned(), Listed::Whole);
    assert_eq!(list(9, Some("a/**/[cz]"), None, 99).await, z);
    let mut pages = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (page, end) = list(9, None, after.as_deref(), 2).await;
        after = page.split(' ').next_back().map(Into::into);
        pages.push(page);
        if end == Listed::Whole {
            break;
        }
    }
    assert_eq!(pages.join(" "), whole);
    // A directory that the user can't read is there without its content.
    let user = inside.by("1234");
    assert_eq!(user.list("/w/closed").await, ["x"]);
    assert!(
        inside
            .list("/")
            .await
            .iter()
            .all(|path| !path.starts_with("proc/"))
    );
    for (path, reason) in [
        ("/w/none", Reason::NotFound),
        ("/w/a.txt", Reason::NotDirectory),
        ("/proc", Reason::Kernel),
        ("/w/kernel", Reason::Kernel),
        ("/dev", Reason::Kernel),
    ] {
        let work = Work::List {
            path: path.into(),
            depth: 1,
            pattern: None,
            after: None,
            limit: 1,
        };
        assert_reason(listed(inside.work(&work, &[]).await), &reason);
    }
}

/// What was packed, with the content of its files.
fn packed(mut answer: Answered) -> Result<Vec<(Item, Vec<u8>)>, Failure> {
    let mut items = Vec::new();
    while let Some(item) = answer.record::<Item>()? {
        let content = if item.kind == Kind::File && item.target.is_none() {
            answer.content()?
        } else {
            Vec::new()
        };
        assert_eq!(content.len() as u64, item.size);
        items.push((item, content));
    }
    assert!(answer.0.is_empty());
    Ok(items)
}

fn pack(paths: &[&str]) -> Work {
    Work::Pack {
        paths: paths.iter().map(|path| path.as_bytes().to_vec()).collect(),
        limit: 100_000,
    }
}

fn unpack(path: &str, place: Place) -> Work {
    Work::Unpack {
        path: path.into(),
        place,
    }
}

/// As it is given to be unpacked.
fn unpackable(items: &[(Item, Vec<u8>)]) -> Vec<u8> {
    let mut input = Vec::new();
    for (item, content) in items {
        input.extend(record(item));
        if item.kind == Kind::File && item.target.is_none() {
            input.extend(given(content));
        }
    }
    input.extend(blocks::END);
    input
}

/// A tree comes back as it was: content, modes, owners, times, links of both kinds.
pub async fn a_packed_tree_is_unpacked_as_it_was(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d/e && cd /w && echo one >d/one && chown 7:8 d/one && chmod 4750 d/one && ln d/one two && ln -s ../d/one d/link && head -c 3000000 /dev/urandom >large && mkfifo d/fifo && touch -d @1000000000 d/e large && chmod 500 d/e && touch empty && rm d/fifo")
        .await;
    let items = packed(inside.work(&pack(&["/w", "/w/empty"]), &[]).await).expect("packed");
    let paths: Vec<String> = items.iter().map(|(item, _)| text(&item.path)).collect();
    assert_eq!(
        paths,
        [
            "", "d", "d/e", "d/link", "d/one", "empty", "large", "two", ""
        ]
    );
    assert_eq!(items[7].0.target.as_deref(), Some(&b"d/one"[..]));
    let work = unpack("/x/y", with_parents());
    let done = inside.work(&work, &unpackable(&items[..8])).await;
    let done: Packed = done.only().expect("unpacked");
    assert_eq!(
        done,
        Packed {
            entries: 7,
            bytes: 3_000_004
        }
    );
    let again = packed(inside.work(&pack(&["/x/y"]), &[]).await).expect("packed");
    assert_eq!(again.len(), 8);
    for (again, before) in again.iter().zip(&items).skip(1) {
        assert_eq!(again.0, before.0);
        assert!(again.1 == before.1, "{}", text(&again.0.path));
    }
    assert_eq!(inside.sh("cmp /w/large /x/y/large; ls -i /x/y/two /x/y/d/one | awk '{print $1}' | uniq | wc -l").await, "1\n");
    // Onto what is there.
    let done = inside.work(&work, &unpackable(&items[..8])).await;
    done.only::<Packed>().expect("unpacked");
    inside.sh("mkfifo /w/d/fifo").await;
    let items = packed(inside.work(&pack(&["/w/d"]), &[]).await).expect("packed");
    let fifo = items.iter().find(|(item, _)| item.path == b"fifo");
    assert_eq!(fifo.expect("told").0.kind, Kind::Fifo);
    for (paths, reason) in [
        (&["/w/none"][..], Reason::NotFound),
        (&["/w/empty", "/proc"], Reason::Kernel),
        (&["/w/d/fifo"], Reason::Special),
    ] {
        assert_reason(packed(inside.work(&pack(paths), &[]).await), &reason);
    }
    let few = Work::Pack {
        paths: vec![b"/w".to_vec()],
        limit: 3,
    };
    let failed = packed(inside.work(&few, &[]).await).expect_err("too much");
    assert!(matches!(failed.reason, Reason::Limit(_)));
    inside.is_clean().await;
}

fn item(path: &str, kind: Kind, target: Option<&str>) -> (Item, Vec<u8>) {
    let content: &[u8] = if kind == Kind::File && target.is_none() {
        b"content"
    } else {
        b""
    };
    let item = Item {
        path: path.into(),
        kind,
        size: content.len() as u64,
        mode: 0o644,
        owner: None,
        modified: None,
        target: target.map(Into::into),
    };
    (item, content.to_vec())
}

/// Nothing comes to be but below the directory, whatever names and links are given.
pub async fn nothing_is_unpacked_elsewhere(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/there /out && ln -s /out /w/there/old && echo kept >/out/kept")
        .await;
    let invalid = Reason::Invalid(String::new());
    let link = |target| item("link", Kind::Symlink, Some(target));
    for (items, reason) in [
        (vec![item("/out/x", Kind::File, None)], &invalid),
        (vec![item("../../out/x", Kind::File, None)], &invalid),
        (vec![item("a/../../../out/x", Kind::File, None)], &invalid),
        (vec![item("", Kind::File, None)], &invalid),
        (vec![item("a//b", Kind::Directory, None)], &invalid),
        (vec![item("old/x", Kind::File, None)], &Reason::NotDirectory),
        (
            vec![item("old", Kind::Directory, None)],
            &Reason::NotDirectory,
        ),
        (
            vec![link("/out"), item("link/x", Kind::File, None)],
            &Reason::NotDirectory,
        ),
        (
            vec![link("../../out"), item("link/d/x", Kind::File, None)],
            &Reason::NotDirectory,
        ),
        (
            vec![link("/out/kept"), item("hard", Kind::File, Some("link"))],
            &Reason::Changed,
        ),
        (
            vec![item("hard", Kind::File, Some("../../out/kept"))],
            &invalid,
        ),
        (
            vec![item("hard", Kind::File, Some("old/kept"))],
            &Reason::NotDirectory,
        ),
        (vec![item("pipe", Kind::Fifo, None)], &Reason::Special),
        (
            vec![item("device", Kind::BlockDevice, None)],
            &Reason::Special,
        ),
    ] {
        let work = unpack("/w/there", anyhow());
        let answer = inside.work(&work, &unpackable(&items)).await;
        let failed = answer.only::<Packed>().expect_err("refused").reason;
        let same = match (&failed, reason) {
            (Reason::Invalid(_), Reason::Invalid(_)) => true,
            (failed, reason) => failed == reason,
        };
        assert!(same, "{failed:?} for {items:?}");
        assert_eq!(inside.list("/out").await, ["kept"]);
    }
    // A file takes the place of a link, not of what it leads to.
    let answer = inside
        .work(
            &unpack("/w/there", anyhow()),
            &unpackable(&[item("link", Kind::File, None)]),
        )
        .await;
    answer.only::<Packed>().expect("unpacked");
    assert_eq!(
        inside.sh("cat /w/there/link /out/kept").await,
        "contentkept\n"
    );
    let wrong = |path: &str| unpack(path, anyhow());
    for (path, reason) in [
        ("/none", Reason::NotFound),
        ("/out/kept", Reason::NotDirectory),
        ("/proc/self", Reason::Kernel),
    ] {
        let answer = inside.work(&wrong(path), &unpackable(&[])).await;
        assert_reason(answer.only::<Packed>(), &reason);
    }
    // What is shorter than its item says is not taken for whole.
    let (item, _) = item("short", Kind::File, None);
    let mut input = record(&item);
    input.extend(given(b"cont"));
    input.extend(blocks::END);
    let answer = inside.work(&wrong("/w/there"), &input).await;
    assert_reason(answer.only::<Packed>(), &Reason::Broken);
    assert_reason(inside.stat("/w/there/short").await, &Reason::NotFound);
    inside.is_clean().await;
}

/// Thousands of small files.
pub async fn many_files_are_unpacked(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    let items: Vec<_> = (0..10_000)
        .map(|at| item(&format!("d{}/f{at}", at % 10), Kind::File, None))
        .collect();
    let input = unpackable(&items);
    let answer = inside.work(&unpack("/w", with_parents()), &input).await;
    assert_eq!(answer.only::<Packed>().expect("unpacked").entries, 10_000);
    assert_eq!(inside.list("/w").await.len(), 10_010);
    let entry: Entry = inside.stat("/w/d7/f7").await.expect("it");
    assert_eq!((entry.size, entry.mode), (7, 0o644));
    inside.is_clean().await;
}
