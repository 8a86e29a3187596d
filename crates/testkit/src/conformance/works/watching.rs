//! Lines that are searched, and what happens while somebody watches.

use super::{Answered, Inside, answered, assert_reason, text};
use crate::conformance::Subject;
use podlane_engine::Process;
use podlane_engine::inside::{
    Entry, Failure, Found, Kind, Match, Occurrence, Reason, Seen, Watched, Work, blocks,
};

fn matches(mut answer: Answered) -> Result<(Vec<Match>, Found), Failure> {
    let matches = answer.records()?;
    Ok((matches, answer.only()?))
}

/// In text, by words and expressions, within limits.
pub async fn a_work_searches_lines(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d && cd /w && printf 'one\\nTwo two\\nthree' >a.txt && printf 'x\\0two' >binary && printf 'two\\n\\377two\\n' >d/b.txt && ln -s a.txt link && mkfifo fifo && head -c 5000 /dev/zero | tr '\\0' y >long && printf two >>long && head -c 100000 /dev/zero | tr '\\0' z >large")
        .await;
    let search =
        |path: &str, pattern: &str, expression, ignore_case, names: Option<&str>, limit| {
            Work::Search {
                path: path.into(),
                pattern: pattern.into(),
                expression,
                ignore_case,
                names: names.map(Into::into),
                limit,
                file_limit: 50_000,
            }
        };
    let find = async |work: Work| {
        let (matches, found) = matches(inside.work(&work, &[]).await).expect("a search");
        let places: Vec<String> = matches
            .iter()
            .map(|one| format!("{}:{}:{}", text(&one.path), one.line, one.occurrence.start))
            .collect();
        (places.join(" "), found)
    };
    let found = |files, skipped, more| Found {
        files,
        skipped,
        more,
    };
    let all = find(search("/w", "two", false, false, None, 99)).await;
    assert_eq!(
        all,
        (
            "a.txt:2:4 d/b.txt:1:0 d/b.txt:2:3 long:1:5000".into(),
            found(3, 2, false)
        )
    );
    let any = find(search("/w", "TWO", false, true, Some("*.txt"), 99)).await;
    assert_eq!(
        any,
        (
            "a.txt:2:0 d/b.txt:1:0 d/b.txt:2:3".into(),
            found(2, 0, false)
        )
    );
    let words = find(search("/w", "^t[a-z]+$", true, false, None, 99)).await;
    assert_eq!(words.0, "a.txt:3:0 d/b.txt:1:0");
    let (first, end) = find(search("/w", "two", false, false, None, 2)).await;
    assert_eq!((first.as_str(), end.more), ("a.txt:2:4 d/b.txt:1:0", true));
    let one = inside
        .work(&search("/w/a.txt", "two", false, false, None, 9), &[])
        .await;
    let (one, _) = matches(one).expect("a search");
    let wanted = Match {
        path: Vec::new(),
        line: 2,
        text: "Two two".into(),
        occurrence: Occurrence { start: 4, end: 7 },
    };
    assert_eq!(one, [wanted]);
    for bad in ["(", "", "a{9999}{9999}"] {
        let work = search("/w", bad, true, false, None, 9);
        let failed = matches(inside.work(&work, &[]).await).expect_err("no expression");
        assert!(matches!(failed.reason, Reason::Invalid(_)), "{failed:?}");
    }
    for (path, reason) in [
        ("/w/none", Reason::NotFound),
        ("/w/fifo", Reason::Special),
        ("/proc/version", Reason::Kernel),
    ] {
        let work = search(path, "x", false, false, None, 9);
        assert_reason(matches(inside.work(&work, &[]).await), &reason);
    }
}

/// A watch that is read as it comes.
struct Watching {
    process: Box<dyn Process>,
    came: Vec<u8>,
}

impl Watching {
    /// The next block.
    async fn next<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            if self.came.len() >= 4 {
                let header = u32::from_le_bytes(self.came[..4].try_into().expect("four bytes"));
                assert_eq!(header & blocks::FAILED, 0);
                let end = 4 + header as usize;
                if self.came.len() >= end {
                    let body: Vec<u8> = self.came.drain(..end).skip(4).collect();
                    return (!body.is_empty()).then(|| blocks::parse(&body).expect("a record"));
                }
            }
            let chunk = self.process.next().await.expect("an answer").expect("more");
            self.came.extend_from_slice(&chunk.data);
        }
    }

    /// What is seen up to the creation of a path.
    async fn until(&mut self, end: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let one: Seen = self.next().await.expect("something");
            let path = text(&one.path);
            if one.what == Watched::Created && path == end {
                return seen;
            }
            seen.push(match one.what {
                Watched::Moved { from } => format!("{}>{path}", text(&from)),
                what => format!("{what:?} {path}"),
            });
        }
    }
}

/// What came to be, was written, moved and removed; in new directories too, until it is gone itself.
pub async fn a_work_watches(subject: &Subject) {
    let Some(inside) = Inside::of(subject).await else {
        return;
    };
    inside
        .sh("mkdir -p /w/d /out && touch /w/d/old && ln -s /out /w/link")
        .await;
    let work = |path: &str, limit| Work::Watch {
        path: path.into(),
        recursive: true,
        limit,
    };
    let mut watching = Watching {
        process: inside.start(&work("/w", 100)).await,
        came: Vec::new(),
    };
    let entry: Entry = watching.next().await.expect("an entry");
    assert_eq!(
        (entry.kind, text(&entry.path)),
        (Kind::Directory, "/w".into())
    );
    inside.sh("cd /w; echo x >d/new; touch /out/unseen; mv d/new d/other; mv d/other moved; chmod 600 moved; rm d/old; mkdir end1").await;
    let seen = watching.until("end1").await;
    let wanted = [
        "Created d/new",
        "Written d/new",
        "d/new>d/other",
        "d/other>moved",
        "Changed moved",
        "Removed d/old",
    ];
    assert_eq!(seen, wanted);
    inside.sh("cd /w; mkdir -p n/m/o; sleep 0.3; echo x >n/m/o/f; mv n k; echo x >>k/m/o/f; mv k /out/k; echo x >/out/k/m/o/f; mv /out/k b; mkdir end2").await;
    let mut seen = watching.until("end2").await;
    seen.dedup();
    let wanted = [
        "Created n",
        "Created n/m",
        "Created n/m/o",
        "Created n/m/o/f",
        "Written n/m/o/f",
        "n>k",
        "Written k/m/o/f",
        "Removed k",
        "Created b",
        "Created b/m",
        "Created b/m/o",
        "Created b/m/o/f",
    ];
    assert_eq!(seen, wanted);
    inside.write("/w/d/ours", b"x").await.expect("written");
    inside.sh("mkdir /w/end3").await;
    let seen = watching.until("end3").await;
    assert_eq!(seen, ["Written d/ours"]);
    inside.sh("rm -r /w").await;
    let mut last = Vec::new();
    while let Some(seen) = watching.next::<Seen>().await {
        last.push(seen.what);
    }
    assert_eq!(last.last(), Some(&Watched::Gone));
    answered(watching.process).await;
    inside.sh("touch /f").await;
    let mut watching = Watching {
        process: inside.start(&work("/f", 1)).await,
        came: Vec::new(),
    };
    watching.next::<Entry>().await.expect("an entry");
    inside.write("/f", b"x").await.expect("written");
    inside.sh("echo x >>/f; touch /other; rm /f").await;
    let mut seen = Vec::new();
    while let Some(one) = watching.next::<Seen>().await {
        assert_eq!(one.path, b"");
        seen.push(one.what);
    }
    assert_eq!(seen, [Watched::Written, Watched::Written, Watched::Gone]);
    answered(watching.process).await;
    inside.sh("mkdir -p /w/1/2/3").await;
    let failed = inside.work(&work("/w", 3), &[]).await.only::<Entry>();
    assert!(matches!(
        failed.expect_err("too many").reason,
        Reason::Limit(_)
    ));
    for (path, reason) in [("/none", Reason::NotFound), ("/proc", Reason::Kernel)] {
        let failed = inside.work(&work(path, 9), &[]).await.only::<Entry>();
        assert_reason(failed, &reason);
    }
}
