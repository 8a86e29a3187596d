use super::end::End;
use super::lines::{Lines, Matching};
use super::{ReadLogs, Tail};
use bytes::Bytes;
use podlane_engine::{LogPiece, Source};
use std::time::{Duration, SystemTime};

fn end(wanted: Option<u64>, max: usize, pieces: &[&str]) -> (String, bool) {
    let mut end = End::new(wanted, max);
    for piece in pieces {
        end.push(Source::Stdout, Bytes::copy_from_slice(piece.as_bytes()));
    }
    let truncated = end.truncated;
    (end.into_text(), truncated)
}

#[test]
fn keeps_the_last_lines() {
    assert_eq!(
        end(Some(2), 100, &["a\nb\n", "c\n"]),
        ("b\nc\n".into(), false)
    );
    assert_eq!(end(Some(2), 100, &["a\nb\nc"]), ("b\nc".into(), false));
    assert_eq!(
        end(Some(1), 100, &["a\nlo", "ng ", "line\n"]),
        ("long line\n".into(), false)
    );
    assert_eq!(end(Some(9), 100, &["a\n"]), ("a\n".into(), false));
    assert_eq!(end(Some(u64::MAX), 100, &["a\n"]), ("a\n".into(), false));
    assert_eq!(end(None, 100, &["a\n\n", "b"]), ("a\n\nb".into(), false));
}

#[test]
fn keeps_the_last_bytes_of_an_endless_line() {
    assert_eq!(end(None, 4, &["abc", "def", "gh"]), ("efgh".into(), true));
    assert_eq!(end(Some(1), 4, &["abcdefgh\n"]), ("fgh\n".into(), true));
    let gone = end(Some(1), 4, &["abcdefgh\n", "i\n"]);
    assert_eq!(gone, ("i\n".into(), false));
    let short = end(Some(2), 4, &["ab\n", "cd\n", "e\n"]);
    assert_eq!(short, ("d\ne\n".into(), true));
}

fn wanted(pattern: Option<&str>, times: bool) -> ReadLogs {
    ReadLogs {
        tail: Tail::All,
        since: None,
        until: None,
        only: None,
        matching: pattern.map(|pattern| Matching::new(pattern).expect("a pattern")),
        times,
    }
}

fn piece(source: Source, second: u64, data: &'static str) -> LogPiece {
    LogPiece {
        source,
        time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second)),
        data: Bytes::from_static(data.as_bytes()),
    }
}

#[test]
fn lines_that_match_whatever_cuts_them() {
    let read = wanted(Some("^a.*z$"), false);
    let mut end = End::new(Some(3), 1000);
    let mut lines = Lines::new(&read, 1000);
    for (source, data) in [
        (Source::Stdout, "az\nb\na"),
        (Source::Stderr, "a err"),
        (Source::Stdout, " out z\na\nza\n"),
        (Source::Stderr, "or z\naz\nabc\n"),
        (Source::Stdout, "a \u{fc} z"),
    ] {
        lines.push(piece(source, 1, data), &mut end);
    }
    lines.finish(&mut end);
    assert_eq!(end.into_text(), "a error z\naz\na \u{fc} z");
}

#[test]
fn a_line_has_the_time_of_its_first_part() {
    let told = |pattern, tail| {
        let read = wanted(pattern, true);
        let mut end = End::new(tail, 1000);
        let mut lines = Lines::new(&read, 1000);
        for (source, second, data) in [
            (Source::Stdout, 1, "so f"),
            (Source::Stderr, 2, "bad\n"),
            (Source::Stdout, 3, "ar\n\n"),
            (Source::Stderr, 4, "op"),
            (Source::Stderr, 5, "en"),
        ] {
            lines.push(piece(source, second, data), &mut end);
        }
        lines.finish(&mut end);
        end.into_text().replace("1970-01-01T00:00:0", "")
    };
    assert_eq!(told(None, None), "2Z bad\n1Z so far\n3Z \n4Z open");
    assert_eq!(told(None, Some(2)), "3Z \n4Z open");
    assert_eq!(told(Some("^.o|^o"), None), "1Z so far\n4Z open");
}

#[test]
fn an_endless_line_is_matched_in_parts() {
    let read = wanted(Some("x"), true);
    let mut end = End::new(None, 8);
    let mut lines = Lines::new(&read, 8);
    for _ in 0..10_000 {
        lines.push(piece(Source::Stdout, 1, "abc"), &mut end);
        assert!(lines.open[0].line.len() < 8);
    }
    lines.push(piece(Source::Stdout, 1, "x"), &mut end);
    lines.finish(&mut end);
    assert!(end.into_text().ends_with('x'));
    let read = wanted(None, true);
    let mut end = End::new(None, 100);
    let mut lines = Lines::new(&read, 4);
    for data in ["abcd", "efgh", "ij\n", "k\n"] {
        lines.push(piece(Source::Stdout, 7, data), &mut end);
    }
    let expected = "1970-01-01T00:00:07Z abcdefghij\n1970-01-01T00:00:07Z k\n";
    assert_eq!(end.into_text(), expected);
}

#[test]
fn what_is_no_pattern_is_said() {
    assert_eq!(Matching::new("(").expect_err("open"), "unclosed group");
    let large = Matching::new(r"(\w{100}){100}").expect_err("large");
    assert_eq!(large, "it is too large");
}
