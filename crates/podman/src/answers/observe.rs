//! Process lists, changes and numbers.

use super::{garbled, id, status};
use podlane_engine::{
    ChangeKind, ContainerProcess, DiskShare, DiskUsage, PathChange, Result, Stats,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProcessTable {
    #[serde(default)]
    processes: Option<Vec<[String; 10]>>,
}

impl ProcessTable {
    pub(crate) fn processes(self) -> Result<Vec<ContainerProcess>> {
        let rows = self.processes.unwrap_or_default().into_iter();
        let wrong = || {
            garbled(
                "listing the processes",
                "a row has no numbers where it should",
            )
        };
        rows.map(|row| process(row).ok_or_else(wrong)).collect()
    }
}

fn process(row: [String; 10]) -> Option<ContainerProcess> {
    let [
        id,
        parent,
        user,
        state,
        cpu,
        time,
        elapsed,
        rss,
        tty,
        command,
    ] = row;
    Some(ContainerProcess {
        pid: id.parse().ok()?,
        ppid: parent.parse().ok()?,
        user,
        state,
        cpu_percent: cpu.parse().ok()?,
        cpu_time: go_duration(&time)?,
        elapsed: go_duration(&elapsed)?,
        memory: rss.parse::<u64>().ok()?.checked_mul(1024)?,
        terminal: Some(tty).filter(|tty| tty != "?"),
        command,
    })
}

/// `1h2m3.5s`, `829.45943ms`, `0s`: as Go writes a duration.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit());
        let (unit, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        seconds += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "µs" | "us" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChangedPath {
    path: String,
    kind: u8,
}

impl From<ChangedPath> for PathChange {
    fn from(change: ChangedPath) -> Self {
        Self {
            path: change.path,
            kind: match change.kind {
                1 => ChangeKind::Added,
                2 => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            },
        }
    }
}

/// `error` is an object without a word where there is one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatsReport {
    #[serde(default)]
    pub(crate) error: serde_json::Value,
    #[serde(default)]
    pub(crate) stats: Option<Vec<ContainerStats>>,
}

/// Networks are summed up before 5.0, and told apart since. Before 4.4 what came in is called output, and the
/// reverse. Source: `libpod/stats_linux.go`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerStats {
    #[serde(rename = "ContainerID")]
    container_id: String,
    name: String,
    #[serde(rename = "AvgCPU", default)]
    average_cpu: f64,
    #[serde(rename = "CPUNano", default)]
    cpu_nano: u64,
    #[serde(default)]
    mem_usage: u64,
    #[serde(default)]
    mem_limit: u64,
    #[serde(default)]
    net_input: u64,
    #[serde(default)]
    net_output: u64,
    #[serde(default)]
    network: Option<BTreeMap<String, NetworkStats>>,
    #[serde(default)]
    block_input: u64,
    #[serde(default)]
    block_output: u64,
    #[serde(rename = "PIDs", default)]
    pids: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkStats {
    #[serde(default)]
    rx_bytes: u64,
    #[serde(default)]
    tx_bytes: u64,
}

impl ContainerStats {
    /// Whether networks are summed up in it.
    pub(crate) fn has_sums(&self) -> bool {
        self.net_input > 0 || self.net_output > 0
    }

    /// `swapped`: whether the sums have each other's name.
    pub(crate) fn stats(mut self, swapped: bool) -> Result<Stats> {
        if swapped {
            std::mem::swap(&mut self.net_input, &mut self.net_output);
        }
        let networks = self.network.unwrap_or_default();
        let sum = |of: fn(&NetworkStats) -> u64| networks.values().map(of).sum::<u64>();
        Ok(Stats {
            id: id(&self.container_id, "measuring containers")?,
            name: self.name,
            cpu_percent: self.average_cpu,
            cpu_time: Duration::from_nanos(self.cpu_nano),
            memory: self.mem_usage,
            memory_limit: self.mem_limit,
            received: self.net_input + sum(|network| network.rx_bytes),
            sent: self.net_output + sum(|network| network.tx_bytes),
            read: self.block_input,
            written: self.block_output,
            pids: self.pids,
        })
    }
}

/// What lies on the disk. Sizes may be negative where Podman could not measure.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DiskReport {
    #[serde(default)]
    images: Option<Vec<DiskImage>>,
    #[serde(default)]
    containers: Option<Vec<DiskContainer>>,
    #[serde(default)]
    volumes: Option<Vec<DiskVolume>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DiskImage {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    unique_size: i64,
    #[serde(default)]
    containers: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DiskContainer {
    #[serde(default)]
    status: String,
    #[serde(rename = "RWSize", default)]
    own_size: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DiskVolume {
    #[serde(default)]
    links: i64,
    #[serde(default)]
    size: i64,
}

/// Adds up rows: whether each is in use, its size, and what its removal would free.
fn share(rows: impl Iterator<Item = (bool, i64, i64)>) -> DiskShare {
    let bytes = |size: i64| u64::try_from(size).unwrap_or(0);
    rows.fold(DiskShare::default(), |mut share, (active, size, freed)| {
        share.count += 1;
        share.size += bytes(size);
        if active {
            share.active += 1;
        } else {
            share.reclaimable += bytes(freed);
        }
        share
    })
}

impl From<DiskReport> for DiskUsage {
    fn from(report: DiskReport) -> Self {
        let images = report.images.unwrap_or_default().into_iter();
        let containers = report.containers.unwrap_or_default().into_iter();
        let volumes = report.volumes.unwrap_or_default().into_iter();
        let live = |container: &DiskContainer| status(&container.status).is_live();
        Self {
            images: share(images.map(|row| (row.containers > 0, row.size, row.unique_size))),
            containers: share(containers.map(|row| (live(&row), row.own_size, row.own_size))),
            volumes: share(volumes.map(|row| (row.links > 0, row.size, row.size))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        for (text, millis) in [
            ("0s", 0),
            ("1.5s", 1500),
            ("829.45943ms", 829),
            ("1h2m3s", 3_723_000),
            ("48h0m0.25s", 172_800_250),
            ("15µs", 0),
        ] {
            let duration = go_duration(text).expect(text);
            assert_eq!(duration.as_millis(), millis, "{text}");
        }
        for wrong in ["5", "s", "1x", "-1s", "1h2"] {
            assert_eq!(go_duration(wrong), None, "{wrong}");
        }
    }
}
