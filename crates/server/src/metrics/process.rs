//! The server's own process, as /proc shows it.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::fs;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Process {
    memory: Gauge,
    files: Gauge,
    uptime: Gauge,
}

impl Process {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let process = Self {
            memory: Gauge::default(),
            files: Gauge::default(),
            uptime: Gauge::default(),
        };
        registry.register_with_unit(
            "process_resident_memory",
            "Memory that the server holds",
            Unit::Bytes,
            process.memory.clone(),
        );
        registry.register(
            "process_open_fds",
            "File descriptors that the server holds",
            process.files.clone(),
        );
        registry.register_with_unit(
            "podlane_uptime",
            "Time since the server started",
            Unit::Seconds,
            process.uptime.clone(),
        );
        process
    }

    /// Measures now. What /proc does not tell keeps its last value.
    pub(super) fn measure(&self, uptime: Duration) {
        if let Some(bytes) = resident() {
            self.memory.set(bytes);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // One of them is this look itself.
            let open = entries.count().saturating_sub(1);
            self.files.set(i64::try_from(open).unwrap_or(i64::MAX));
        }
        self.uptime
            .set(i64::try_from(uptime.as_secs()).unwrap_or(i64::MAX));
    }
}

/// `VmRSS:     1234 kB`
fn resident() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
