//! What was found out about commands, as Markdown.

use super::{AGENT, Found, LIBPOD, RUNTIME, Row};
use crate::load::Cell;
use crate::report::{number, verdict};
use std::fmt::Write as _;
use std::time::Duration;

/// Milliseconds that a command may take.
const P50: f64 = 1.0;
/// Commands a second, of the most clients.
const THROUGHPUT: f64 = 2000.0;
/// Until a key is seen.
const KEYSTROKE: Duration = Duration::from_millis(2);
/// Bytes of output a second.
const OUTPUT: f64 = 1e9;

pub(super) fn all(found: &Found) -> String {
    format!(
        "{}\n{}\n{}\n{}",
        ways(found),
        first(found),
        keystroke(found),
        goals(found)
    )
}

fn ways(found: &Found) -> String {
    let mut text = String::from(
        "| exec `echo hi` | clients | p50 | p99 | per s | times the agent's p50 |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for Row { clients, cells } in &found.rows {
        for (side, cell) in found.sides.iter().zip(cells) {
            let _ = writeln!(
                text,
                "| {} | {clients} | {} | {} | {} | {} |",
                side.name,
                number(cell.p50()),
                number(cell.p99()),
                number(cell.throughput()),
                number(times(cell, &cells[AGENT])),
            );
        }
    }
    text
}

fn times(slow: &Cell, fast: &Cell) -> Option<f64> {
    Some(slow.p50()? / fast.p50()?)
}

fn first(found: &Found) -> String {
    let mut text =
        String::from("| the first exec in a fresh container | p50 | at worst |\n|---|--:|--:|\n");
    for (side, first) in [AGENT, LIBPOD].into_iter().zip(&found.first) {
        let (p50, worst) = (milliseconds(first.p50()), milliseconds(first.worst()));
        let _ = writeln!(text, "| {} | {p50} | {worst} |", found.sides[side].name);
    }
    text
}

fn keystroke(found: &Found) -> String {
    let mut text =
        String::from("| a key on a terminal until it is seen | p50 | p99 |\n|---|--:|--:|\n");
    for (side, echo) in [AGENT, LIBPOD].into_iter().zip(&found.keystroke) {
        let (p50, p99) = (milliseconds(echo.p50()), milliseconds(echo.p99()));
        let _ = writeln!(text, "| {} | {p50} | {p99} |", found.sides[side].name);
    }
    text
}

fn milliseconds(time: Duration) -> String {
    number(Some(time.as_secs_f64() * 1e3))
}

fn goals(found: &Found) -> String {
    let (one, most) = (&found.rows[0].cells, &found.rows[found.rows.len() - 1]);
    let mut text = String::from("| goal | measured | |\n|---|--:|---|\n");
    let mut line = |goal: &str, measured: String, pass: bool| {
        let _ = writeln!(text, "| {goal} | {measured} | {} |", verdict(pass));
    };
    let p50 = one[AGENT].p50();
    line(
        "p50 at most 1.0 ms, 1 client",
        format!("{} ms", number(p50)),
        p50.is_some_and(|p50| p50 <= P50),
    );
    let is_runc = found.runtime == "runc";
    let mut ratio = |side: usize, wanted: f64| {
        let times = times(&one[side], &one[AGENT]);
        line(
            &format!("{wanted} times as fast as {}", found.sides[side].name),
            number(times),
            times.is_some_and(|times| times >= wanted),
        );
    };
    ratio(LIBPOD, if is_runc { 100.0 } else { 60.0 });
    if is_runc {
        ratio(RUNTIME, 30.0);
    }
    let throughput = most.cells[AGENT].throughput();
    line(
        &format!("2,000 commands a second, {} clients", most.clients),
        number(throughput),
        throughput.is_some_and(|count| count >= THROUGHPUT),
    );
    let [ours, libpods] = &found.first;
    line(
        "the first command no slower than libpod's",
        format!(
            "{} to {} ms",
            milliseconds(ours.p50()),
            milliseconds(libpods.p50())
        ),
        ours.p50() <= libpods.p50(),
    );
    let echo = found.keystroke[0].p50();
    line(
        "a key's echo p50 at most 2 ms",
        format!("{} ms", milliseconds(echo)),
        echo <= KEYSTROKE,
    );
    line(
        "output of 1 GB/s",
        format!("{:.2} GB/s", found.output / 1e9),
        found.output >= OUTPUT,
    );
    if let Some(left) = &found.left {
        line(
            &format!("{} commands leave nothing behind", left.execs),
            left.to_string(),
            left.is_clean(),
        );
    }
    text
}
