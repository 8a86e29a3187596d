//! What was found out about files and accounts, as Markdown.

use super::Found;
use crate::report::{number, verdict};
use std::fmt::Write as _;

pub(super) fn all(found: &Found) -> String {
    let mut text = String::from("| | by | p50, ms | times Podlane's |\n|---|---|--:|--:|\n");
    for row in &found.rows {
        let ours = row.sides[0].1.as_secs_f64();
        for (side, took) in &row.sides {
            let took = took.as_secs_f64();
            let _ = writeln!(
                text,
                "| {} | {side} | {} | {} |",
                row.what,
                number(Some(took * 1e3)),
                number(Some(took / ours))
            );
        }
    }
    text.push_str("\n| goal | measured | |\n|---|--:|---|\n");
    for goal in &found.goals {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            goal.what,
            goal.measured,
            verdict(goal.pass)
        );
    }
    text
}
