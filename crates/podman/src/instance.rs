//! Who made something: this server process, told apart from all others, also after it has died.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

/// A server process: host boot, PID namespace, PID and start time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    text: String,
}

/// One thing done by an instance: its name and a number that is not used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    text: String,
}

impl Attempt {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the process that made the attempt of that name still runs.
    pub(crate) fn fate(text: &str) -> Fate {
        text.rsplit_once('-')
            .map_or(Fate::Unknown, |(instance, _)| Instance::fate(instance))
    }
}

/// What can be said of an instance from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It runs.
    Alive,
    /// It has ended.
    Dead,
    /// It ran on another host or in another PID namespace.
    Unknown,
}

impl Instance {
    /// This process.
    pub(crate) fn here() -> Self {
        let pid = std::process::id();
        let started = start_time(pid).unwrap_or_default();
        Self {
            text: format!("{}.{pid}.{started}", place()),
        }
    }

    pub(crate) fn attempt(&self) -> Attempt {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Attempt {
            text: format!("{}-{number}", self.text),
        }
    }

    /// Whether the process of which `text` is the name still runs.
    fn fate(text: &str) -> Fate {
        let mut parts = text.rsplitn(3, '.');
        let (Some(started), Some(pid), Some(origin)) = (parts.next(), parts.next(), parts.next())
        else {
            return Fate::Unknown;
        };
        let (Ok(started), Ok(pid)) = (started.parse::<u64>(), pid.parse::<u32>()) else {
            return Fate::Unknown;
        };
        if origin != place() {
            return Fate::Unknown;
        }
        if start_time(pid) == Some(started) {
            Fate::Alive
        } else {
            Fate::Dead
        }
    }
}

/// This boot of this host, and this PID namespace.
fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}.{namespace}", boot.trim())
}

/// When a process started, in clock ticks since boot. Source: proc(5), field 22 of /proc/pid/stat.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a file name in parentheses and may hold anything, also parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_living_from_the_dead() {
        let attempt = Instance::here().attempt();
        assert_eq!(Attempt::fate(attempt.as_str()), Fate::Alive);
        let (rest, _) = attempt.as_str().rsplit_once('.').expect("several parts");
        assert_eq!(Attempt::fate(&format!("{rest}.1-1")), Fate::Dead);
        assert_eq!(Attempt::fate("elsewhere.4026531836.1.1-1"), Fate::Unknown);
        assert_eq!(Attempt::fate("nonsense"), Fate::Unknown);
        assert_ne!(Instance::here().attempt(), attempt);
    }
}
