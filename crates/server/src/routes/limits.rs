//! What a container may use at most, and other sizes.

use crate::refusal::Refusal;
use podlane_api::{Limits, OpenFiles, Size};

/// Less does not hold the engine's own start.
const LEAST_MEMORY: u64 = 6 << 20;
const MOST_PIDS: u64 = 1 << 22;
const MOST_FILES: u64 = 1 << 30;

pub(crate) fn limits(wire: &Limits) -> Result<podlane_engine::Limits, Refusal> {
    let memory = wire.memory.as_ref();
    let memory = memory
        .map(|size| bytes("limits.memory", size))
        .transpose()?;
    if memory.is_some_and(|memory| memory < LEAST_MEMORY) {
        let message = "`limits.memory` must be at least \"6m\"";
        return Err(Refusal::field("limits.memory", message));
    }
    let swap = wire.memory_swap.as_ref();
    let memory_swap = swap
        .map(|size| bytes("limits.memory_swap", size))
        .transpose()?;
    if memory_swap.is_some_and(|swap| memory.is_none_or(|memory| swap < memory)) {
        let message = "`limits.memory_swap` is memory and swap together: `limits.memory` must be given too, and not be more";
        return Err(Refusal::field("limits.memory_swap", message));
    }
    if wire
        .pids
        .is_some_and(|pids| !(1..=MOST_PIDS).contains(&pids))
    {
        let message = format!("`limits.pids` must be from 1 to {MOST_PIDS}");
        return Err(Refusal::field("limits.pids", message));
    }
    Ok(podlane_engine::Limits {
        memory,
        memory_swap,
        milli_cpus: wire.cpus.map(milli_cpus).transpose()?,
        pids: wire.pids,
        log_bytes: log_size(wire)?,
        open_files: wire.nofile.as_ref().map(open_files).transpose()?,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn milli_cpus(cpus: f64) -> Result<u64, Refusal> {
    if (0.01..=1024.0).contains(&cpus) {
        return Ok((cpus * 1000.0).round() as u64);
    }
    let message = "`limits.cpus` must be from 0.01 to 1024: 0.5 is half of a processor";
    Err(Refusal::field("limits.cpus", message))
}

/// Less would be gone before anybody reads it.
const LEAST_LOG: u64 = 64 << 10;

fn log_size(wire: &Limits) -> Result<Option<u64>, Refusal> {
    let Some(size) = &wire.log_size else {
        return Ok(None);
    };
    let size = bytes("limits.log_size", size)?;
    if size < LEAST_LOG {
        let message = "`limits.log_size` must be at least \"64k\"";
        return Err(Refusal::field("limits.log_size", message));
    }
    Ok(Some(size))
}

fn open_files(wire: &OpenFiles) -> Result<podlane_engine::OpenFiles, Refusal> {
    let (soft, hard) = (wire.soft, wire.hard);
    if soft >= 1 && soft <= hard && hard <= MOST_FILES {
        return Ok(podlane_engine::OpenFiles { soft, hard });
    }
    let message = format!(
        "`limits.nofile` must have a `soft` of at least 1 and a `hard` of at least that and at most {MOST_FILES}"
    );
    Err(Refusal::field("limits.nofile", message))
}

/// `536870912`, `"536870912"`, `"512m"`.
pub(crate) fn bytes(field: &'static str, size: &Size) -> Result<u64, Refusal> {
    let bytes = match size {
        Size::Bytes(bytes) => Some(*bytes),
        Size::Text(text) => parse(text),
    };
    // Engines count in signed numbers.
    let bytes = bytes.filter(|bytes| (1..=i64::MAX.cast_unsigned()).contains(bytes));
    bytes.ok_or_else(|| {
        let message = format!(
            "`{field}` must be a number of bytes above 0, such as 536870912, \"512m\" or \"2g\""
        );
        Refusal::field(field, message)
    })
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<podlane_engine::Limits, Refusal> {
        limits(&serde_json::from_str(json).expect(json))
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (json, expected) in [
            ("8388608", 8 << 20),
            ("\"8388608\"", 8 << 20),
            ("\"8192k\"", 8 << 20),
            ("\"8M\"", 8 << 20),
            ("\"1g\"", 1 << 30),
            ("\"1t\"", 1 << 40),
            ("\"8388608b\"", 8 << 20),
        ] {
            let limits = read(&format!("{{\"memory\": {json}}}")).expect(json);
            assert_eq!(limits.memory, Some(expected), "{json}");
        }
    }

    #[test]
    fn wrong_limits_are_named() {
        for (field, json) in [
            ("limits.memory", r#"{"memory": 0}"#),
            ("limits.memory", r#"{"memory": ""}"#),
            ("limits.memory", r#"{"memory": "m"}"#),
            ("limits.memory", r#"{"memory": "1.5g"}"#),
            ("limits.memory", r#"{"memory": "-1"}"#),
            ("limits.memory", r#"{"memory": "512mb"}"#),
            ("limits.memory", r#"{"memory": "99999999999t"}"#),
            ("limits.memory", r#"{"memory": 18446744073709551615}"#),
            ("limits.memory", r#"{"memory": "5m"}"#),
            ("limits.memory_swap", r#"{"memory_swap": "1g"}"#),
            (
                "limits.memory_swap",
                r#"{"memory": "64m", "memory_swap": "63m"}"#,
            ),
            ("limits.cpus", r#"{"cpus": 0}"#),
            ("limits.cpus", r#"{"cpus": -1}"#),
            ("limits.cpus", r#"{"cpus": 1e300}"#),
            ("limits.pids", r#"{"pids": 0}"#),
            ("limits.nofile", r#"{"nofile": {"soft": 2, "hard": 1}}"#),
            ("limits.nofile", r#"{"nofile": {"soft": 0, "hard": 1}}"#),
        ] {
            let refusal = read(json).expect_err(json);
            assert_eq!(refusal.what(), Some(field), "{json}: {refusal}");
        }
    }
}
