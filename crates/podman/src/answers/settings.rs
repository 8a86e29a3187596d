//! How a container is kept, read from libpod's answer to an inspect.

use podlane_engine::{
    Command, Healthcheck, InnerPath, Limits, Membership, OpenFiles, Restart, SecretFile, Settings,
    Signal, Tmpfs,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What inspect's `Config` has of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    healthcheck: Option<HealthConfig>,
    #[serde(default)]
    stop_signal: i32,
    #[serde(default)]
    stop_timeout: u64,
    #[serde(default)]
    timeout: u64,
    #[serde(default)]
    secrets: Option<Vec<Secret>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthConfig {
    #[serde(default)]
    test: Option<Vec<String>>,
    #[serde(default)]
    interval: u64,
    #[serde(default)]
    timeout: u64,
    #[serde(default)]
    start_period: u64,
    #[serde(default)]
    retries: u32,
}

#[derive(Debug, Deserialize)]
struct Secret {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "UID", default)]
    uid: u32,
    #[serde(rename = "GID", default)]
    gid: u32,
    #[serde(rename = "Mode", default)]
    mode: u32,
}

/// What inspect's `HostConfig` has of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HostConfig {
    #[serde(default)]
    memory: i64,
    #[serde(default)]
    memory_swap: i64,
    #[serde(default)]
    nano_cpus: i64,
    #[serde(default)]
    pids_limit: i64,
    #[serde(default)]
    ulimits: Option<Vec<Ulimit>>,
    #[serde(default)]
    restart_policy: RestartPolicy,
    #[serde(default)]
    readonly_rootfs: bool,
    #[serde(default)]
    tmpfs: Option<BTreeMap<String, String>>,
    #[serde(default)]
    cap_add: Option<Vec<String>>,
    #[serde(default)]
    cap_drop: Option<Vec<String>>,
    #[serde(default)]
    security_opt: Option<Vec<String>>,
    #[serde(default)]
    dns: Option<Vec<String>>,
    #[serde(default)]
    extra_hosts: Option<Vec<String>>,
    #[serde(default)]
    devices: Option<Vec<Device>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestartPolicy {
    #[serde(default)]
    name: String,
    #[serde(default)]
    maximum_retry_count: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Device {
    path_on_host: String,
    #[serde(default)]
    path_in_container: String,
    #[serde(default)]
    cgroup_permissions: String,
}

/// A network of inspect's `NetworkSettings`.
#[derive(Debug, Deserialize)]
pub(super) struct Network {
    #[serde(rename = "IPAddress", default)]
    address: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    address6: String,
    #[serde(rename = "Aliases", default)]
    aliases: Option<Vec<String>>,
}

pub(super) fn settings(
    short_id: &str,
    config: Config,
    host: HostConfig,
    networks: Option<BTreeMap<String, Network>>,
) -> Settings {
    let addresses = host.dns.unwrap_or_default();
    let entries = host.extra_hosts.unwrap_or_default();
    let hosts = entries.iter().filter_map(|entry| {
        let (name, address) = entry.split_once(':')?;
        Some((name.to_owned(), address.parse().ok()?))
    });
    let mut networks = networks.unwrap_or_default();
    // Since 5.0 that is how none is told.
    networks.remove("none");
    let networks = networks.into_iter();
    let tmpfs = host.tmpfs.unwrap_or_default();
    let tmpfs = tmpfs.iter().filter_map(|(place, options)| {
        let place = InnerPath::parse(place).ok()?;
        Some((place, tmpfs_of(options)))
    });
    Settings {
        limits: Limits {
            memory: limit(host.memory),
            memory_swap: limit(host.memory_swap),
            milli_cpus: limit(host.nano_cpus / 1_000_000),
            pids: limit(host.pids_limit),
            log_bytes: None,
            open_files: host.ulimits.and_then(open_files),
        },
        hostname: Some(config.hostname).filter(|name| !name.is_empty()),
        restart: restart(&host.restart_policy),
        read_only: host.readonly_rootfs,
        tmpfs: tmpfs.collect(),
        added_capabilities: host.cap_add.unwrap_or_default(),
        dropped_capabilities: host.cap_drop.unwrap_or_default(),
        no_new_privileges: host
            .security_opt
            .iter()
            .flatten()
            .any(|option| option == "no-new-privileges"),
        networks: Some(
            networks
                .map(|(name, network)| (name, membership(network, short_id)))
                .collect(),
        ),
        dns: addresses
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        hosts: hosts.collect(),
        healthcheck: config.healthcheck.and_then(healthcheck),
        stop_signal: Signal::parse(&config.stop_signal.to_string()),
        stop_timeout: Some(Duration::from_secs(config.stop_timeout)),
        lifespan: Some(Duration::from_secs(config.timeout)).filter(|time| !time.is_zero()),
        secrets: config
            .secrets
            .unwrap_or_default()
            .into_iter()
            .map(secret)
            .collect(),
        devices: host
            .devices
            .unwrap_or_default()
            .into_iter()
            .map(device)
            .collect(),
        // Told with the rest of the container's main process.
        tty: false,
        stdin: false,
    }
}

/// libpod writes zero or less for "none".
fn limit(value: i64) -> Option<u64> {
    u64::try_from(value).ok().filter(|value| *value > 0)
}

fn open_files(limits: Vec<Ulimit>) -> Option<OpenFiles> {
    let found = limits
        .into_iter()
        .find(|limit| limit.name == "RLIMIT_NOFILE")?;
    Some(OpenFiles {
        soft: limit(found.soft)?,
        hard: limit(found.hard)?,
    })
}

fn restart(policy: &RestartPolicy) -> Option<Restart> {
    let tries = policy.maximum_retry_count;
    match policy.name.as_str() {
        "no" => Some(Restart::No),
        "always" => Some(Restart::Always),
        "unless-stopped" => Some(Restart::UnlessStopped),
        "on-failure" => Some(Restart::OnFailure((tries > 0).then_some(tries))),
        _ => None,
    }
}

/// `size=1048576,mode=1777,rw,…`; a size of others may have a letter.
fn tmpfs_of(options: &str) -> Tmpfs {
    let mut tmpfs = Tmpfs::default();
    for option in options.split(',') {
        match option.split_once('=') {
            Some(("size", bytes)) => tmpfs.size = bytes.parse().ok(),
            Some(("mode", mode)) => tmpfs.mode = u32::from_str_radix(mode, 8).ok(),
            _ => {}
        }
    }
    tmpfs
}

/// The engine itself gives each container its short ID as an alias.
fn membership(network: Network, short_id: &str) -> Membership {
    let mut aliases = network.aliases.unwrap_or_default();
    aliases.retain(|alias| alias != short_id);
    let address = network
        .address
        .parse()
        .or_else(|_| network.address6.parse());
    Membership {
        ip: address.ok(),
        aliases,
    }
}

fn healthcheck(config: HealthConfig) -> Option<Healthcheck> {
    let mut test = config.test?.into_iter();
    let command = match test.next()?.as_str() {
        "CMD" => Command::Argv(test.collect()),
        "CMD-SHELL" => Command::Shell(test.next()?),
        _ => return None,
    };
    Some(Healthcheck {
        command,
        interval: Duration::from_nanos(config.interval),
        timeout: Duration::from_nanos(config.timeout),
        start_period: Duration::from_nanos(config.start_period),
        retries: config.retries,
    })
}

fn secret(secret: Secret) -> SecretFile {
    SecretFile {
        name: secret.name,
        file: None,
        uid: secret.uid,
        gid: secret.gid,
        mode: secret.mode,
    }
}

fn device(device: Device) -> String {
    let mut text = device.path_on_host;
    let inside = device.path_in_container;
    let moved = !inside.is_empty() && inside != text;
    if moved || !device.cgroup_permissions.is_empty() {
        text = format!("{text}:{inside}");
    }
    if !device.cgroup_permissions.is_empty() {
        text = format!("{text}:{}", device.cgroup_permissions);
    }
    text
}
