//! Logs of the main process.

use super::subject::Subject;
use podlane_engine::{ContainerId, LogPiece, LogQuery, Source};
use std::time::{Duration, SystemTime};

async fn wrote(subject: &Subject, script: &str) -> ContainerId {
    let id = subject.run(&subject.spec(&["sh", "-c", script])).await;
    subject.ended(&id).await;
    id
}

fn text(log: &[LogPiece], source: Source) -> String {
    let pieces = log.iter().filter(|chunk| chunk.source == source);
    let bytes: Vec<u8> = pieces.flat_map(|chunk| chunk.data.to_vec()).collect();
    String::from_utf8(bytes).expect("text")
}

/// Oldest first, each piece with its stream.
pub async fn a_log_has_both_streams_in_order(subject: &Subject) {
    let script =
        "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; sleep 0.1; echo vier ö >&2";
    let id = wrote(subject, script).await;
    let log = subject.log(&id, None).await;
    assert_eq!(text(&log, Source::Stdout), "one\nthree\n");
    assert_eq!(text(&log, Source::Stderr), "two\nvier ö\n");
    let all: Vec<u8> = log.iter().flat_map(|chunk| chunk.data.to_vec()).collect();
    assert_eq!(String::from_utf8_lossy(&all), "one\ntwo\nthree\nvier ö\n");
}

/// More lines may come, never fewer.
pub async fn the_end_of_a_log_is_enough(subject: &Subject) {
    let id = wrote(subject, "for i in 1 2 3 4 5 6; do echo line $i; done").await;
    let whole = text(&subject.log(&id, None).await, Source::Stdout);
    for tail in [1, 3, 6, 100, u64::MAX] {
        let log = text(&subject.log(&id, Some(tail)).await, Source::Stdout);
        assert!(whole.ends_with(&log), "{tail}: {log}");
        assert!(log.lines().count() as u64 >= tail.min(6), "{tail}: {log}");
    }
}

/// What is left out does not count as a line of the end.
pub async fn a_part_of_a_log_by_time_and_by_output(subject: &Subject) {
    let script = "echo early; echo wrong >&2; sleep 6; echo late; echo odd >&2; echo last";
    let before = SystemTime::now();
    let id = wrote(subject, script).await;
    let whole = LogQuery::default();
    let middle = Some(SystemTime::now() - Duration::from_secs(3));
    let part = async |query| {
        let log = subject.part_of_log(&id, query).await;
        (text(&log, Source::Stdout), text(&log, Source::Stderr))
    };
    let is = |(out, err): (String, String), expected: (&str, &str)| {
        assert_eq!((out.as_str(), err.as_str()), expected);
    };
    let since = middle;
    is(
        part(LogQuery { since, ..whole }).await,
        ("late\nlast\n", "odd\n"),
    );
    let until = middle;
    is(
        part(LogQuery { until, ..whole }).await,
        ("early\n", "wrong\n"),
    );
    let (since, until) = (Some(before), middle);
    let between = LogQuery {
        since,
        until,
        ..whole
    };
    is(part(between).await, ("early\n", "wrong\n"));
    let until = Some(before);
    is(part(LogQuery { until, ..whole }).await, ("", ""));
    let only = Some(Source::Stderr);
    is(part(LogQuery { only, ..whole }).await, ("", "wrong\nodd\n"));
    let (tail, only) = (Some(2), Some(Source::Stdout));
    let (out, err) = part(LogQuery {
        tail,
        only,
        ..whole
    })
    .await;
    assert!(
        out.ends_with("late\nlast\n") && err.is_empty(),
        "{out} {err}"
    );
}

/// No newline is added to it.
pub async fn a_line_without_an_end_is_in_the_log(subject: &Subject) {
    let id = wrote(subject, "echo whole; printf part").await;
    let log = subject.log(&id, None).await;
    assert_eq!(text(&log, Source::Stdout), "whole\npart");
}

/// It does not wait for more, also while the container runs.
pub async fn a_log_that_is_empty_ends(subject: &Subject) {
    let id = subject.idle().await;
    assert!(subject.log(&id, None).await.is_empty());
    assert!(subject.log(&id, Some(10)).await.is_empty());
    let never = subject.created().await;
    assert!(subject.log(&never, None).await.is_empty());
}

/// What is there, what comes, and no more when the container has ended.
pub async fn a_log_is_followed_to_its_end(subject: &Subject) {
    let script = "echo one; sleep 1; echo two >&2; sleep 0.3; printf three";
    let id = subject.run(&subject.spec(&["sh", "-c", script])).await;
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let pieces = subject.part_of_log(&id, query).await;
    let text = |source| {
        let pieces = pieces.iter().filter(|piece| piece.source == source);
        let bytes: Vec<u8> = pieces.flat_map(|piece| piece.data.to_vec()).collect();
        String::from_utf8(bytes).expect("text")
    };
    assert_eq!(text(Source::Stdout), "one\nthree");
    assert_eq!(text(Source::Stderr), "two\n");
    let ended = subject.ended(&id).await;
    assert_eq!(ended.exit_code, Some(0));
}

/// Each piece has the time at which it was written, and else they are as without.
pub async fn a_log_tells_when_each_piece_was_written(subject: &Subject) {
    let before = SystemTime::now();
    let script = "printf 'so f'; sleep 0.2; echo ar; echo odd >&2; sleep 1.2; echo; head -c 20000 /dev/zero | tr '\\0' x; echo";
    let id = wrote(subject, script).await;
    let after = SystemTime::now();
    let plain = subject.log(&id, None).await;
    let query = LogQuery {
        times: true,
        ..LogQuery::default()
    };
    let timed = subject.part_of_log(&id, query).await;
    for source in [Source::Stdout, Source::Stderr] {
        assert_eq!(text(&timed, source), text(&plain, source));
    }
    assert!(plain.iter().all(|piece| piece.time.is_none()));
    // Some engines tell whole seconds only.
    let second = Duration::from_secs(1);
    let written: Vec<_> = timed
        .iter()
        .map(|piece| piece.time.expect("a time"))
        .collect();
    let (first, last) = (written[0], written[written.len() - 1]);
    assert!(written.is_sorted(), "{written:?}");
    assert!(first >= before - second && last <= after, "{written:?}");
    assert!(last >= first + second, "{written:?}");
}
