//! What was measured on.

use crate::connection::Result;
use serde_json::Value;
use std::fs;
use std::thread::available_parallelism;
use time::OffsetDateTime;
use time::macros::format_description;

/// One line for each thing that a reader has to know to compare.
pub(crate) fn describe((version, info): &(Value, Value), load_before: &str) -> Result<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    let hypervisor = if cpuinfo.contains(" hypervisor") {
        ", a virtual machine"
    } else {
        ""
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or("unknown", |name| name.trim_matches('"'));
    let cores = available_parallelism().map_or(0, std::num::NonZero::get);
    let date = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?;
    let runtime = info["host"]["ociRuntime"]["version"]
        .as_str()
        .and_then(|text| text.lines().next())
        .unwrap_or("unknown");
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    Ok(format!(
        "- CPU: {model}, {cores} cores{hypervisor}\n\
         - system: {system}, Linux {}\n\
         - Podman {}, {runtime}, network by {}, storage by {}\n\
         - date: {date}; load average when it began {load_before}, which is other work\n",
        kernel.trim(),
        text(&version["Version"]),
        text(&info["host"]["networkBackend"]),
        text(&info["store"]["graphDriverName"]),
    ))
}

/// Podman's major version.
pub(crate) fn major((version, _): &(Value, Value)) -> Result<u32> {
    let text = version["Version"].as_str().unwrap_or_default();
    let (major, _) = text
        .split_once('.')
        .ok_or("Podman does not say its version")?;
    Ok(major.parse()?)
}

/// The load average of the last minute.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}
