//! How a container is kept, for an answer.

use podlane_api::{
    Capabilities, Command, Healthcheck, Limits, Membership, OpenFiles, Restart, RestartPolicy,
    SecretFile, Settings, Size, Tmpfs,
};

pub(super) fn settings(kept: podlane_engine::Settings) -> Settings {
    let tmpfs = kept.tmpfs.into_iter().map(|(place, tmpfs)| {
        let mode = tmpfs.mode.map(octal);
        let size = tmpfs.size.map(Size::Bytes);
        (place.to_string(), Tmpfs { size, mode })
    });
    let networks = kept.networks.unwrap_or_default();
    let networks = networks.into_iter().map(|(name, place)| {
        let ip = place.ip.map(|ip| ip.to_string());
        let aliases = place.aliases;
        (name, Membership { ip, aliases })
    });
    let hosts = kept.hosts.into_iter();
    Settings {
        hostname: kept.hostname,
        limits: limits(kept.limits),
        restart: kept.restart.map(restart),
        read_only: kept.read_only,
        tmpfs: tmpfs.collect(),
        capabilities: Capabilities {
            add: kept.added_capabilities,
            drop: kept.dropped_capabilities,
        },
        no_new_privileges: kept.no_new_privileges,
        networks: networks.collect(),
        dns: kept.dns.iter().map(ToString::to_string).collect(),
        extra_hosts: hosts.map(|(name, ip)| (name, ip.to_string())).collect(),
        healthcheck: kept.healthcheck.map(healthcheck),
        stop_signal: kept.stop_signal.map(podlane_engine::Signal::number),
        stop_timeout: kept.stop_timeout.map(|time| time.as_secs()),
        tty: kept.tty,
        stdin: kept.stdin,
        secrets: kept.secrets.into_iter().map(secret).collect(),
        devices: kept.devices,
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody has that many processors"
)]
pub(super) fn limits(limits: podlane_engine::Limits) -> Limits {
    Limits {
        memory: limits.memory.map(Size::Bytes),
        memory_swap: limits.memory_swap.map(Size::Bytes),
        cpus: limits.milli_cpus.map(|milli| milli as f64 / 1000.0),
        pids: limits.pids,
        log_size: limits.log_bytes.map(Size::Bytes),
        nofile: limits.open_files.map(|files| OpenFiles {
            soft: files.soft,
            hard: files.hard,
        }),
    }
}

fn restart(restart: podlane_engine::Restart) -> Restart {
    use podlane_engine::Restart as Engine;
    let (policy, retries) = match restart {
        Engine::No => (RestartPolicy::No, None),
        Engine::Always => (RestartPolicy::Always, None),
        Engine::UnlessStopped => (RestartPolicy::UnlessStopped, None),
        Engine::OnFailure(retries) => (RestartPolicy::OnFailure, retries),
    };
    Restart { policy, retries }
}

fn healthcheck(check: podlane_engine::Healthcheck) -> Healthcheck {
    let command = match check.command {
        podlane_engine::Command::Shell(line) => Command::Line(line),
        podlane_engine::Command::Argv(words) => Command::Words(words),
    };
    Healthcheck {
        command,
        interval: Some(check.interval.as_secs()),
        timeout: Some(check.timeout.as_secs()),
        start_period: Some(check.start_period.as_secs()),
        retries: Some(check.retries),
    }
}

fn secret(secret: podlane_engine::SecretFile) -> SecretFile {
    SecretFile {
        name: secret.name,
        file: secret.file,
        uid: Some(secret.uid),
        gid: Some(secret.gid),
        mode: Some(octal(secret.mode)),
    }
}
