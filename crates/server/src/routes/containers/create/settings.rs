//! How a new container shall be kept, field by field.

use super::super::fields;
use super::{networks, privileges};
use crate::extract::shown;
use crate::refusal::Refusal;
use crate::routes::limits;
use podlane_api::{CreateContainer, Healthcheck, Restart, RestartPolicy, Tmpfs, UniqueMap};
use podlane_engine::{Command, InnerPath, Settings, Signal};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than anybody waits for a check.
const MOST_SECONDS: u64 = 7 * 24 * 3600;

/// Takes the settings out of a body. A stop may take the time `most`.
pub(super) fn settings(body: &mut CreateContainer, most: Duration) -> Result<Settings, Refusal> {
    let stop_timeout = body.stop_timeout.map(Duration::from_secs);
    Refusal::unless_within("stop_timeout", stop_timeout, most)?;
    let capabilities = body.capabilities.take().unwrap_or_default();
    Ok(Settings {
        hostname: body.hostname.take().map(networks::hostname).transpose()?,
        limits: limits::limits(&body.limits.take().unwrap_or_default())?,
        restart: body.restart.as_ref().map(restart).transpose()?,
        read_only: body.read_only.unwrap_or_default(),
        tmpfs: tmpfs(body.tmpfs.take().unwrap_or_default())?,
        added_capabilities: privileges::capabilities("capabilities.add", capabilities.add)?,
        dropped_capabilities: privileges::capabilities("capabilities.drop", capabilities.drop)?,
        no_new_privileges: body.no_new_privileges.unwrap_or_default(),
        networks: body.networks.take().map(networks::networks).transpose()?,
        dns: networks::dns(body.dns.take().unwrap_or_default())?,
        hosts: networks::extra_hosts(body.extra_hosts.take().unwrap_or_default())?,
        healthcheck: body.healthcheck.take().map(healthcheck).transpose()?,
        stop_signal: body.stop_signal.as_deref().map(signal).transpose()?,
        stop_timeout,
        lifespan: None,
        tty: body.tty.unwrap_or_default(),
        stdin: body.stdin.unwrap_or_default(),
        secrets: privileges::secrets(body.secrets.take().unwrap_or_default())?,
        devices: privileges::devices(body.devices.take().unwrap_or_default())?,
    })
}

fn restart(wire: &Restart) -> Result<podlane_engine::Restart, Refusal> {
    use podlane_engine::Restart as Engine;
    match (&wire.policy, wire.retries) {
        (RestartPolicy::OnFailure, Some(0)) => {
            let message = "`restart.retries` must be at least 1";
            Err(Refusal::field("restart.retries", message))
        }
        (RestartPolicy::OnFailure, retries) => Ok(Engine::OnFailure(retries)),
        (_, Some(_)) => {
            let message = "`restart.retries` goes only with the policy \"on-failure\"";
            Err(Refusal::field("restart.retries", message))
        }
        (RestartPolicy::No, None) => Ok(Engine::No),
        (RestartPolicy::Always, None) => Ok(Engine::Always),
        (RestartPolicy::UnlessStopped, None) => Ok(Engine::UnlessStopped),
    }
}

fn tmpfs(wire: UniqueMap<Tmpfs>) -> Result<BTreeMap<InnerPath, podlane_engine::Tmpfs>, Refusal> {
    let mut all = BTreeMap::new();
    for (place, tmpfs) in wire.0 {
        let wrong =
            |why: &str| Refusal::field("tmpfs", format!("tmpfs[\"{}\"] {why}", shown(&place)));
        let path = InnerPath::parse(&place)
            .map_err(|error| wrong(&format!("is no container path: {error}")))?;
        if path.as_str() == "/" {
            return Err(wrong("must not cover the container's root directory"));
        }
        let size = tmpfs.size.as_ref();
        let size = size
            .map(|size| limits::bytes("tmpfs.size", size))
            .transpose()?;
        let mode = match tmpfs.mode.as_deref() {
            None => None,
            Some(text) => Some(
                privileges::mode(text)
                    .ok_or_else(|| wrong("has a `mode` that is not octal, such as \"1777\""))?,
            ),
        };
        if all
            .insert(path, podlane_engine::Tmpfs { size, mode })
            .is_some()
        {
            return Err(wrong("stands there twice"));
        }
    }
    Ok(all)
}

fn healthcheck(wire: Healthcheck) -> Result<podlane_engine::Healthcheck, Refusal> {
    let command = match wire.command {
        podlane_api::Command::Line(line) if line.trim().is_empty() || line.contains('\0') => {
            let message = "the healthcheck's command is empty or contains NUL";
            return Err(Refusal::field("healthcheck.command", message));
        }
        podlane_api::Command::Line(line) => Command::Shell(line),
        podlane_api::Command::Words(words) => {
            Command::Argv(fields::argv("healthcheck.command", words)?)
        }
    };
    let seconds = |field: &'static str, value: Option<u64>, least, usual| {
        let value = value.unwrap_or(usual);
        if (least..=MOST_SECONDS).contains(&value) {
            return Ok(Duration::from_secs(value));
        }
        let message = format!("`{field}` must be from {least} to {MOST_SECONDS} seconds");
        Err(Refusal::field(field, message))
    };
    let retries = wire.retries.unwrap_or(3);
    if !(1..=1000).contains(&retries) {
        let message = "`healthcheck.retries` must be from 1 to 1000";
        return Err(Refusal::field("healthcheck.retries", message));
    }
    Ok(podlane_engine::Healthcheck {
        command,
        interval: seconds("healthcheck.interval", wire.interval, 1, 30)?,
        timeout: seconds("healthcheck.timeout", wire.timeout, 1, 30)?,
        start_period: seconds("healthcheck.start_period", wire.start_period, 0, 0)?,
        retries,
    })
}

fn signal(text: &str) -> Result<Signal, Refusal> {
    Signal::parse(text).ok_or_else(|| {
        let message =
            "`stop_signal` must be a signal's name, such as \"INT\", or its number, 1 to 64";
        Refusal::field("stop_signal", message)
    })
}
