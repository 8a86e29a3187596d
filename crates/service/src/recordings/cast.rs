//! The lines of a recording: asciicast v2, as asciinema writes and plays it.
//!
//! Source: <https://docs.asciinema.org/manual/asciicast/v2/>. The first line is an object, each other
//! one `[seconds, kind, data]`.

use crate::{Tenant, TextDecoder};
use podlane_engine::TerminalSize;
use std::fmt::Write as _;
use std::time::Duration;

/// The first line.
pub(super) fn header(
    size: TerminalSize,
    unix_seconds: i64,
    tenant: Option<&Tenant>,
    title: &str,
) -> String {
    let TerminalSize { columns, rows } = size;
    let mut line = format!(
        "{{\"version\":2,\"width\":{columns},\"height\":{rows},\"timestamp\":{unix_seconds},"
    );
    if let Some(tenant) = tenant {
        line.push_str("\"tenant\":");
        quote(tenant.as_str(), &mut line);
        line.push(',');
    }
    line.push_str("\"title\":");
    quote(title, &mut line);
    line.push_str("}\n");
    line
}

/// Turns output and input into lines; no character is cut in two.
#[derive(Debug, Default)]
pub(super) struct Writer {
    output: TextDecoder,
    input: TextDecoder,
}

impl Writer {
    /// A piece of output; empty if all of it is the beginning of a character.
    pub(super) fn output(&mut self, at: Duration, data: &[u8]) -> String {
        spoken(&mut self.output, at, 'o', data)
    }

    /// A piece of input, likewise.
    pub(super) fn input(&mut self, at: Duration, data: &[u8]) -> String {
        spoken(&mut self.input, at, 'i', data)
    }
}

fn spoken(decoder: &mut TextDecoder, at: Duration, kind: char, data: &[u8]) -> String {
    let mut text = String::new();
    decoder.push(data, &mut text);
    if text.is_empty() {
        return text;
    }
    event(at, kind, &text)
}

/// The terminal has another size.
pub(super) fn resize(at: Duration, size: TerminalSize) -> String {
    event(at, 'r', &format!("{}x{}", size.columns, size.rows))
}

/// A remark.
pub(super) fn marker(at: Duration, text: &str) -> String {
    event(at, 'm', text)
}

fn event(at: Duration, kind: char, data: &str) -> String {
    let mut line = format!("[{}.{:06},\"{kind}\",", at.as_secs(), at.subsec_micros());
    quote(data, &mut line);
    line.push_str("]\n");
    line
}

/// Text as JSON has it.
fn quote(text: &str, line: &mut String) {
    line.push('"');
    for c in text.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_control() => {
                // All control characters stand in the first plane.
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn the_header_is_one_line_whatever_the_title() {
        let size = TerminalSize {
            columns: 80,
            rows: 24,
        };
        let line = header(size, 1_700_000_000, None, "a \"b\"\n\u{1b}c");
        let value: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["width"], 80);
        assert_eq!(value["title"], "a \"b\"\n\u{1b}c");
        assert_eq!(line.matches('\n').count(), 1);
    }

    proptest! {
        #[test]
        fn lines_are_json_and_hold_all_that_was_written(text: String, cuts in prop::collection::vec(1usize..7, 1..20)) {
            let mut writer = Writer::default();
            let mut rest = text.as_bytes();
            let mut sizes = cuts.iter().cycle();
            let mut seen = String::new();
            while !rest.is_empty() {
                let (piece, left) = rest.split_at(sizes.next().map_or(1, |size| *size).min(rest.len()));
                rest = left;
                let line = writer.output(Duration::from_micros(1_500_001), piece);
                if line.is_empty() {
                    continue;
                }
                prop_assert_eq!(line.matches('\n').count(), 1);
                let value: Value = serde_json::from_str(&line).expect("JSON");
                prop_assert_eq!(&value[0], &serde_json::json!(1.500_001));
                prop_assert_eq!(&value[1], "o");
                seen.push_str(value[2].as_str().expect("text"));
            }
            prop_assert_eq!(seen, text);
        }
    }
}
