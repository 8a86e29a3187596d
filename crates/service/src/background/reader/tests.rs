use super::super::entry::{About, End};
use super::super::ring::{self, Ring};
use super::super::{ExecId, store};
use super::*;
use crate::live::Ended;
use bytes::Bytes;
use podlane_engine::{Chunk, ExecPath, Exit, Source};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

fn about() -> About {
    About {
        id: ExecId::parse(&"0a".repeat(16)).expect("an ID"),
        container: "abc".into(),
        tenant: None,
        name: "web".into(),
        command: "ls".into(),
        path: ExecPath::Engine,
        started: OffsetDateTime::UNIX_EPOCH,
        terminal: false,
    }
}

fn entry(directory: &Path, progress: Progress) -> Arc<Entry> {
    Arc::new(Entry {
        about: about(),
        directory: directory.to_path_buf(),
        progress: watch::Sender::new(progress),
        control: None,
        stdin: Arc::new(tokio::sync::Mutex::new(Err("closed"))),
        given_up: CancellationToken::new(),
    })
}

fn end() -> End {
    End {
        at: OffsetDateTime::UNIX_EPOCH,
        how: How::Exited(Ended {
            exit: Exit::of(0),
            duration: Duration::from_secs(1),
            timed_out: false,
            killed: false,
            survivors: Vec::new(),
        }),
    }
}

/// All that was ever written, and what a reader has been told of it.
struct Model {
    written: Vec<(Source, u8)>,
    at: usize,
}

impl Model {
    fn check(&mut self, step: &Step) {
        match step {
            Step::Output { chunk, at } => {
                for byte in &chunk.data {
                    assert_eq!(self.written[self.at], (chunk.source, *byte));
                    self.at += 1;
                }
                assert_eq!(*at, self.at as u64);
            }
            Step::Lost { bytes, at, .. } => {
                self.at += usize::try_from(*bytes).expect("small");
                assert_eq!(*at, self.at as u64);
            }
            Step::Ended(_) => assert_eq!(self.at, self.written.len()),
        }
    }
}

fn append(ring: &mut Ring, written: &mut Vec<(Source, u8)>, size: usize, source: Source) {
    let data: Vec<u8> = (0..size)
        .map(|n| (written.len() + n).to_be_bytes()[7])
        .collect();
    written.extend(data.iter().map(|byte| (source, *byte)));
    ring.append(&Chunk {
        source,
        data: data.into(),
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// However much is written between looks, and wherever a reader begins: what it is told is what
    /// was written, each byte once, in order, or said to be lost.
    #[test]
    fn each_byte_is_told_or_said_to_be_lost(
        writes in prop::collection::vec((1usize..150, any::<bool>(), 0usize..3), 1..60),
        from in 0u64..3000,
        bytes in 100usize..3000,
        begin in 0usize..60,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let directory = tempfile::tempdir().expect("a directory");
            let mut ring = Ring::new(directory.path().to_path_buf(), bytes);
            let entry = entry(directory.path(), Progress::default());
            let mut model = Model { written: Vec::new(), at: 0 };
            let mut reader = None;
            for (number, (size, error, looks)) in writes.iter().enumerate() {
                if number == begin.min(writes.len() - 1) {
                    let opened = OutputReader::open(Arc::clone(&entry), from, true, None).await.expect("open");
                    model.at = usize::try_from(opened.at()).expect("small");
                    reader = Some(opened);
                }
                let source = if *error { Source::Stderr } else { Source::Stdout };
                append(&mut ring, &mut model.written, *size, source);
                let extent = ring.extent();
                assert!(extent.segments.len() <= 2);
                assert!(extent.lost() + extent.segments.iter().map(|s| s.output).sum::<u64>() == extent.total);
                entry.progress.send_modify(|progress| progress.extent = extent);
                let reader = reader.as_mut();
                if let Some(reader) = reader {
                    for _ in 0..*looks {
                        if model.at < model.written.len() {
                            let step = reader.next().await.expect("readable").expect("more");
                            model.check(&step);
                        }
                    }
                }
            }
            // An entry cut by a crash is not there.
            let newest = ring.extent().segments.back().expect("one").number;
            let path = ring::path(directory.path(), newest);
            let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("there");
            file.write_all(&[0, 0, 0]).expect("written");
            assert_eq!(ring::recover(directory.path()).expect("readable"), ring.extent());
            entry.progress.send_modify(|progress| progress.end = Some(end()));
            let mut reader = reader.expect("opened");
            while let Some(step) = reader.next().await.expect("readable") {
                model.check(&step);
            }
            assert_eq!(model.at, model.written.len());
        });
    }
}

#[tokio::test]
async fn a_character_across_the_place_of_resumption_stays_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut ring = Ring::new(directory.path().to_path_buf(), 1 << 20);
    let euro = "€".as_bytes();
    for (source, data) in [
        (Source::Stdout, &euro[..1]),
        (Source::Stderr, b"x"),
        (Source::Stdout, &euro[1..]),
    ] {
        let data = Bytes::copy_from_slice(data);
        ring.append(&Chunk { source, data });
    }
    let progress = Progress {
        extent: ring.extent(),
        end: Some(end()),
    };
    let entry = entry(directory.path(), progress);
    // Into the middle of an entry, too.
    for from in [1, 2, 3] {
        let mut reader = OutputReader::open(Arc::clone(&entry), from, false, None)
            .await
            .expect("open");
        let mut texts = reader.take_texts();
        let mut out = String::new();
        while let Some(step) = reader.next().await.expect("readable") {
            if let Step::Output { chunk, .. } = step
                && chunk.source == Source::Stdout
            {
                out.push_str(&texts.push(chunk.source, &chunk.data));
            }
        }
        assert_eq!(out, "€", "from {from}");
    }
}

#[tokio::test]
async fn output_that_can_not_be_written_is_lost_and_said_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let gone = directory.path().join("gone");
    let mut ring = Ring::new(gone.clone(), 1 << 20);
    let chunk = |text: &'static str| Chunk {
        source: Source::Stdout,
        data: Bytes::from_static(text.as_bytes()),
    };
    ring.append(&chunk("lost"));
    std::fs::create_dir(&gone).expect("made");
    ring.append(&chunk("kept"));
    let progress = Progress {
        extent: ring.extent(),
        end: Some(end()),
    };
    assert_eq!(progress.extent.lost(), 4);
    let mut reader = OutputReader::open(entry(&gone, progress), 0, true, None)
        .await
        .expect("open");
    let first = reader.next().await.expect("readable");
    let lost = Step::Lost {
        bytes: 4,
        at: 4,
        rest_of: None,
    };
    assert_eq!(first, Some(lost));
    let second = reader.next().await.expect("readable");
    let kept = chunk("kept");
    assert_eq!(second, Some(Step::Output { chunk: kept, at: 8 }));
}

/// The rest of a character whose beginning is lost, in each of the outputs.
#[tokio::test]
async fn text_goes_on_with_a_whole_character() {
    let directory = tempfile::tempdir().expect("a directory");
    let gone = directory.path().join("gone");
    let mut ring = Ring::new(gone.clone(), 1 << 20);
    let chunk = |source, data: &[u8]| Chunk {
        source,
        data: Bytes::copy_from_slice(data),
    };
    ring.append(&chunk(Source::Stderr, b"x\xf0\x9f"));
    ring.append(&chunk(Source::Stdout, b"a\xe2"));
    std::fs::create_dir(&gone).expect("made");
    for (source, data) in [
        (Source::Stdout, &b"\x82"[..]),
        (Source::Stdout, b"\xacb\xc3"),
        (Source::Stderr, b"\x98\x80y"),
        (Source::Stdout, b"\xbc\x80"),
    ] {
        ring.append(&chunk(source, data));
    }
    let progress = Progress {
        extent: ring.extent(),
        end: Some(end()),
    };
    let entry = entry(&gone, progress);
    let output = |source, data: &[u8], at| Step::Output {
        chunk: chunk(source, data),
        at,
    };
    let lost = |bytes, at, rest_of| Step::Lost { bytes, at, rest_of };
    for from in [0, 5] {
        let mut reader = OutputReader::open(Arc::clone(&entry), from, false, None)
            .await
            .expect("open");
        reader.want_whole_characters();
        let mut steps = Vec::new();
        while let Some(step) = reader.next().await.expect("readable") {
            steps.push(step);
        }
        let first = match from {
            0 => lost(7, 7, None),
            // It may be the last event's place: what it has shown before goes on.
            _ => lost(2, 7, Some(Source::Stdout)),
        };
        assert_eq!(steps[0], first);
        let rest = [
            output(Source::Stdout, b"b\xc3", 9),
            lost(2, 11, Some(Source::Stderr)),
            output(Source::Stderr, b"y", 12),
            output(Source::Stdout, b"\xbc\x80", 14),
        ];
        assert_eq!(steps[1..5], rest);
    }
    let mut reader = OutputReader::open(entry, 0, false, None)
        .await
        .expect("open");
    assert_eq!(
        reader.next().await.expect("readable"),
        Some(lost(5, 5, None))
    );
    let bytes = reader.next().await.expect("readable");
    assert_eq!(
        bytes,
        Some(output(Source::Stdout, b"\x82", 6)),
        "as they are"
    );
}

#[test]
fn records_survive_their_server() {
    let state = tempfile::tempdir().expect("a directory");
    let about = about();
    let opened = store::Store::open(state.path()).expect("free");
    assert!(matches!(
        store::Store::open(state.path()),
        Err(Error::Unkept { .. })
    ));
    let directory = opened.create(&about.id).expect("made");
    store::save(&directory, &about, &Progress::default()).expect("saved");
    let mut ring = Ring::new(directory.clone(), 1 << 20);
    ring.append(&Chunk {
        source: Source::Stdout,
        data: Bytes::from_static(b"text"),
    });
    // One that has no record was never started.
    let nothing = ExecId::parse(&"0b".repeat(16)).expect("an ID");
    let unmade = opened.create(&nothing).expect("made");
    drop(opened);
    let opened = store::Store::open(state.path()).expect("free again");
    let [(read, _, progress)] = <[_; 1]>::try_from(opened.load().expect("readable")).expect("one");
    assert_eq!(
        (read.id, read.command),
        (about.id.clone(), about.command.clone())
    );
    assert!(matches!(
        progress.end,
        Some(End {
            how: How::Lost(_),
            ..
        })
    ));
    assert_eq!(progress.extent.total, 4);
    assert!(!unmade.exists());
    let progress = Progress {
        end: Some(end()),
        ..progress
    };
    store::save(&directory, &about, &progress).expect("saved");
    let [(_, _, read)] = <[_; 1]>::try_from(opened.load().expect("readable")).expect("one");
    assert_eq!(read.end, progress.end);
}
