//! How a container shall be kept, in libpod's words.

use super::Request;
use super::create::{Adaptation, Limit};
use podlane_engine::{
    Command, ContainerId, Healthcheck, Limits, Membership, Restart, SecretFile, Settings,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The microseconds in which a processor quota is counted.
const CPU_PERIOD: u64 = 100_000;

/// How the log is kept.
#[derive(Serialize)]
struct LogConfiguration {
    size: u64,
}

/// The part of libpod's `SpecGenerator` that says how a container is kept. Sources:
/// `pkg/specgen/specgen.go`, and for limits the OCI runtime specification.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "libpod has one for each")]
pub(super) struct Kept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_limits: Option<Resources>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    r_limits: Vec<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_tries: Option<u32>,
    #[serde(skip_serializing_if = "is_false")]
    read_only_filesystem: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cap_add: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cap_drop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    log_configuration: Option<LogConfiguration>,
    #[serde(skip_serializing_if = "is_false")]
    no_new_privileges: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<Namespace>,
    #[serde(rename = "Networks", skip_serializing_if = "BTreeMap::is_empty")]
    networks: BTreeMap<&'a str, Place<'a>>,
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    dns_server: &'a [IpAddr],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hostadd: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthconfig: Option<HealthConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    terminal: bool,
    #[serde(skip_serializing_if = "is_false")]
    stdin: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Secret<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<Device<'a>>,
}

#[derive(Serialize)]
struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Cpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<Pids>,
}

#[derive(Serialize)]
struct Memory {
    limit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap: Option<u64>,
}

#[derive(Serialize)]
struct Cpu {
    quota: u64,
    period: u64,
}

#[derive(Serialize)]
struct Pids {
    limit: u64,
}

#[derive(Serialize)]
pub(super) struct Namespace {
    nsmode: &'static str,
}

#[derive(Serialize)]
pub(super) struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    static_ips: Option<[IpAddr; 1]>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
}

/// Times are in nanoseconds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HealthConfig {
    test: Vec<String>,
    interval: u64,
    timeout: u64,
    start_period: u64,
    retries: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Secret<'a> {
    source: &'a str,
    target: &'a str,
    #[serde(rename = "UID")]
    uid: u32,
    #[serde(rename = "GID")]
    gid: u32,
    mode: u32,
}

#[derive(Serialize)]
struct Device<'a> {
    path: &'a str,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl<'a> Kept<'a> {
    pub(super) fn new(settings: &'a Settings, adaptation: Adaptation) -> Self {
        let (restart_policy, restart_tries) = settings.restart.map(restart).unzip();
        let networks = settings.networks.as_ref();
        Self {
            hostname: settings.hostname.as_deref(),
            resource_limits: resources(settings.limits),
            r_limits: process_limits(settings.limits, adaptation),
            restart_policy,
            restart_tries: restart_tries.flatten(),
            read_only_filesystem: settings.read_only,
            cap_add: &settings.added_capabilities,
            cap_drop: &settings.dropped_capabilities,
            log_configuration: settings
                .limits
                .log_bytes
                .map(|size| LogConfiguration { size }),
            no_new_privileges: settings.no_new_privileges,
            netns: networks.map(namespace),
            networks: networks.into_iter().flatten().map(place).collect(),
            dns_server: &settings.dns,
            hostadd: hosts(&settings.hosts),
            healthconfig: settings.healthcheck.as_ref().map(health),
            stop_signal: settings.stop_signal.map(podlane_engine::Signal::number),
            stop_timeout: settings.stop_timeout.map(|time| time.as_secs()),
            timeout: settings.lifespan.map(|time| time.as_secs()),
            terminal: settings.tty,
            stdin: settings.stdin,
            secrets: settings.secrets.iter().map(secret).collect(),
            devices: settings
                .devices
                .iter()
                .map(|path| Device { path })
                .collect(),
        }
    }
}

/// Its network: none, or those that it is in.
pub(super) fn namespace(networks: &BTreeMap<String, Membership>) -> Namespace {
    Namespace {
        nsmode: if networks.is_empty() {
            "none"
        } else {
            "bridge"
        },
    }
}

pub(super) fn hosts(entries: &BTreeMap<String, IpAddr>) -> Vec<String> {
    let entries = entries.iter();
    entries
        .map(|(name, address)| format!("{name}:{address}"))
        .collect()
}

fn restart(restart: Restart) -> (&'static str, Option<u32>) {
    match restart {
        Restart::No => ("no", None),
        Restart::Always => ("always", None),
        Restart::UnlessStopped => ("unless-stopped", None),
        Restart::OnFailure(tries) => ("on-failure", tries),
    }
}

fn resources(limits: Limits) -> Option<Resources> {
    let memory = limits.memory.map(|limit| Memory {
        limit,
        swap: limits.memory_swap,
    });
    let cpu = limits.milli_cpus.map(|milli| Cpu {
        quota: milli * CPU_PERIOD / 1000,
        period: CPU_PERIOD,
    });
    let pids = limits.pids.map(|limit| Pids { limit });
    (memory.is_some() || cpu.is_some() || pids.is_some()).then_some(Resources { memory, cpu, pids })
}

pub(crate) fn update_container(id: &ContainerId, limits: Limits) -> Request {
    Request::post(
        "updating the container",
        &format!("/containers/{id}/update"),
    )
    .json(&resources(limits))
    .container(id.short())
}

/// What was asked for, and for the rest what this host allows where the engine's own can't be set.
fn process_limits(limits: Limits, adaptation: Adaptation) -> Vec<Limit> {
    let hosts = adaptation.limits;
    let even = |kind, value| Limit {
        kind,
        soft: value,
        hard: value,
    };
    let open_files = limits.open_files.map(|given| Limit {
        kind: "nofile",
        soft: given.soft,
        hard: given.hard,
    });
    let open_files = open_files.or_else(|| hosts.map(|hosts| even("nofile", hosts.open_files)));
    let processes = hosts.map(|hosts| even("nproc", hosts.processes));
    open_files.into_iter().chain(processes).collect()
}

pub(super) fn place<'a>(
    (network, membership): (&'a String, &'a Membership),
) -> (&'a str, Place<'a>) {
    let place = Place {
        static_ips: membership.ip.map(|ip| [ip]),
        aliases: &membership.aliases,
    };
    (network, place)
}

fn health(check: &Healthcheck) -> HealthConfig {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let test = match &check.command {
        Command::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        Command::Argv(words) => [&["CMD".to_owned()], words.as_slice()].concat(),
    };
    HealthConfig {
        test,
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        start_period: nanoseconds(check.start_period),
        retries: check.retries,
    }
}

fn secret(secret: &SecretFile) -> Secret<'_> {
    Secret {
        source: &secret.name,
        target: secret.file.as_deref().unwrap_or(&secret.name),
        uid: secret.uid,
        gid: secret.gid,
        mode: secret.mode,
    }
}
