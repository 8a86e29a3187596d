//! The tables, as Markdown, between two markers in a file.

use crate::connection::Result;
use crate::events::Delays;
use crate::load::{Cell, Row};
use crate::operation::Operation;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

const END: &str = "<!-- end of results -->";
/// By how many milliseconds a call may be slower than the same calls on Podman's socket.
const MARGIN: f64 = 0.5;
/// Kilobytes that an idle server may hold.
const IDLE: u64 = 15 * 1024;
/// Kilobytes by which it may differ after 100,000 requests: what an allocator does, not a leak.
const GROWTH: u64 = 512;
const START: Duration = Duration::from_millis(100);
/// How late an event and a list may be.
const EVENT: Duration = Duration::from_millis(20);
const SHOWN: Duration = Duration::from_millis(100);

/// What was measured of the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) binary_bytes: u64,
    pub(crate) start_p50: Duration,
    pub(crate) start_worst: Duration,
    pub(crate) idle: u64,
    /// Before and after the 100,000 requests, unless they were left out.
    pub(crate) steady: Option<(u64, u64)>,
    pub(crate) after_load: u64,
    pub(crate) peak: u64,
}

pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

pub(crate) fn verdict(pass: bool) -> &'static str {
    if pass { "pass" } else { "**miss**" }
}

/// The table of calls.
pub(crate) fn calls(names: &[String], rows: &[Row]) -> String {
    let mut text = String::from("| call | clients |");
    for name in names {
        let _ = write!(text, " {name} p50 | p99 | per s |");
    }
    text.push_str(" difference of p50 (quartiles) | within 0.5 ms | errors |\n|---|--:|");
    text.push_str(&"--:|--:|--:|".repeat(names.len()));
    text.push_str("--:|---|--:|\n");
    for row in rows {
        let _ = write!(text, "| {} | {} |", row.operation.name(), row.clients);
        for cell in &row.cells {
            let (p50, p99) = (number(cell.p50()), number(cell.p99()));
            let _ = write!(text, " {p50} | {p99} | {} |", number(cell.throughput()));
        }
        let difference = match &row.cells[..] {
            [ours, raw, ..] => ours.above(raw),
            _ => None,
        };
        let (shown, verdict) = match difference {
            None => ("–".into(), ""),
            Some([low, median, high]) => {
                let verdict = match row.clients {
                    1 if high <= MARGIN => verdict(true),
                    1 if low > MARGIN => verdict(false),
                    1 => "can't be told",
                    _ => "",
                };
                (format!("{median:+.2} ({low:+.2} to {high:+.2})"), verdict)
            }
        };
        let errors: usize = row.cells.iter().map(|cell| cell.errors().count()).sum();
        let _ = writeln!(text, " {shown} | {verdict} | {errors} |");
    }
    text
}

/// The goals of lists and events.
pub(crate) fn lists(rows: &[Row], delays: Option<&Delays>) -> String {
    let mut text = String::from("| goal | measured | |\n|---|--:|---|\n");
    let mut line = |goal: &str, measured: String, pass| {
        let _ = writeln!(text, "| {goal} | {measured} | {} |", verdict(pass));
    };
    let ours = |clients| {
        let row = rows
            .iter()
            .find(|row| (row.operation, row.clients) == (Operation::List(100), clients));
        row.and_then(|row| row.cells.first())
    };
    if let Some(p50) = ours(1).and_then(Cell::p50) {
        let measured = format!("{} ms", number(Some(p50)));
        line(
            "list of 100 containers, 1 client: p50 at most 0.5 ms",
            measured,
            p50 <= 0.5,
        );
    }
    if let Some(rate) = ours(50).and_then(Cell::throughput) {
        let measured = number(Some(rate));
        line(
            "5,000 lists of 100 containers a second, 50 clients",
            measured,
            rate >= 5000.0,
        );
    }
    let worst = |times: &[Duration]| {
        let shown = |time: Option<&Duration>| number(time.map(|time| time.as_secs_f64() * 1e3));
        format!(
            "{} ms (p50 of {}), {} ms at worst",
            shown(times.get(times.len() / 2)),
            times.len(),
            shown(times.last())
        )
    };
    let within = |times: &[Duration], goal| times.last().is_some_and(|time| *time <= goal);
    if let Some(Delays { told, shown }) = delays {
        line(
            "an event of the podman command is told within 20 ms",
            worst(told),
            within(told, EVENT),
        );
        line(
            "a list shows what the podman command did within 100 ms",
            worst(shown),
            within(shown, SHOWN),
        );
    }
    text
}

/// The table of the process.
pub(crate) fn process(process: &Process) -> String {
    let megabytes = |kilobytes: u64| {
        let kilobytes = u32::try_from(kilobytes).unwrap_or(u32::MAX);
        format!("{:.1} MB", f64::from(kilobytes) / 1024.0)
    };
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let healthy = format!(
        "{} (p50 of 20), {} at worst",
        milliseconds(process.start_p50),
        milliseconds(process.start_worst)
    );
    let (steady, grown) = match process.steady {
        None => ("not measured".into(), ""),
        Some((before, after)) => (
            format!("{} before, {} after", megabytes(before), megabytes(after)),
            verdict(after.saturating_sub(before) <= GROWTH),
        ),
    };
    let load = format!(
        "{} after, {} at its peak",
        megabytes(process.after_load),
        megabytes(process.peak)
    );
    let rows = [
        (
            "from exec to the first healthy answer",
            healthy,
            "100 ms",
            verdict(process.start_p50 <= START),
        ),
        (
            "resident memory, idle for 3 s after start",
            megabytes(process.idle),
            "15 MB",
            verdict(process.idle < IDLE),
        ),
        (
            "resident memory, 100,000 requests (health, list)",
            steady,
            "no growth (0.5 MB)",
            grown,
        ),
        ("resident memory, the load above", load, "", ""),
        (
            "size of the program",
            megabytes(process.binary_bytes / 1024),
            "",
            "",
        ),
    ];
    let mut text = String::from("| | measured | goal | |\n|---|---|---|---|\n");
    for (what, measured, goal, verdict) in rows {
        let _ = writeln!(text, "| {what} | {measured} | {goal} | {verdict} |");
    }
    text
}

/// Puts the results between the markers of a section of a file.
pub(crate) fn write(path: &Path, section: &str, results: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let begin = format!("<!-- results: {section} -->");
    let (before, rest) = text.split_once(&begin).ok_or("the file has no marker")?;
    let (_, after) = rest.split_once(END).ok_or("the file has no end marker")?;
    fs::write(path, format!("{before}{begin}\n\n{results}\n{END}{after}"))?;
    Ok(())
}
