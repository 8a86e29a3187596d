//! What a request asks for, as the rules look at it.

use super::Field;
use crate::{Error, NewContainer, Result};
use podlane_engine::{HostPort, ImageRef, Membership, MountSource, NewPod, PortMapping, Settings};
use std::collections::BTreeMap;
use std::fmt;

/// Something that is asked for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Image(ImageRef),
    Mount { path: String, read_only: bool },
    Port(PortMapping),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Image(image) => write!(f, "{image}"),
            Self::Mount { path, read_only } => {
                write!(f, "{path}{}", if *read_only { ":ro" } else { "" })
            }
            Self::Port(port) => {
                if let Some(address) = port.host_ip {
                    write!(f, "{address}:")?;
                }
                let number = match port.host {
                    HostPort::Fixed(number) => number,
                    HostPort::Free => 0,
                };
                write!(f, "{number}/{}", port.protocol)
            }
        }
    }
}

/// Replaces directories of the host by where they are without links, so that what is judged is what is mounted.
pub(super) async fn settle_mounts(new: &mut NewContainer) -> Result<()> {
    for mount in &mut new.mounts {
        let MountSource::Host(path) = &mut mount.source else {
            continue;
        };
        let found = tokio::fs::canonicalize(&*path).await.ok();
        let found = found.and_then(|found| found.into_os_string().into_string().ok());
        *path = found.ok_or_else(|| {
            let message = format!("volumes[\"{path}\"] is not there, or can't be looked at");
            Error::invalid("volumes", message)
        })?;
    }
    Ok(())
}

/// An account's part of a user, in one form.
pub(super) fn user(text: &str) -> Value {
    let account = text.split(':').next().unwrap_or_default();
    let root = account.is_empty() || account.parse() == Ok(0_u32);
    let account = if root { "root" } else { account };
    Value::Text(account.to_owned())
}

/// All of it. What no rule can be about is named, so that a new field is a decision.
pub(super) fn asked(new: &NewContainer) -> Vec<(Field, Value)> {
    let NewContainer {
        image,
        ports,
        mounts,
        user: account,
        settings,
        name: _,
        entrypoint: _,
        command: _,
        environment: _,
        workdir: _,
        labels: _,
        init: _,
        agent: _,
        warm: _,
        pull: _,
        // A tenant's own, and for images of one registry.
        pull_as: _,
        replace: _,
        // What is the pod's was judged when it was made.
        pod,
        // Judged as limits, too.
        lifetime: _,
    } = new;
    let Settings {
        added_capabilities,
        networks,
        devices,
        // Judged as limits.
        limits: _,
        hostname: _,
        restart: _,
        read_only: _,
        tmpfs: _,
        dropped_capabilities: _,
        no_new_privileges: _,
        dns: _,
        hosts: _,
        healthcheck: _,
        stop_signal: _,
        stop_timeout: _,
        // Follows from the lifetime.
        lifespan: _,
        tty: _,
        stdin: _,
        // A tenant's own, or those of who has none.
        secrets: _,
    } = settings;
    let mut asked = vec![(Field::Image, Value::Image(image.clone()))];
    for mount in mounts {
        asked.push(match &mount.source {
            MountSource::Host(path) => (
                Field::Mounts,
                Value::Mount {
                    path: path.clone(),
                    read_only: mount.read_only,
                },
            ),
            MountSource::Volume(name) => (Field::Volumes, Value::Text(name.clone())),
        });
    }
    if pod.is_none() {
        asked.extend(asked_of_networks(networks.as_ref()));
    }
    asked.extend(ports.iter().map(|port| (Field::Ports, Value::Port(*port))));
    let added = added_capabilities.iter().cloned();
    asked.extend(added.map(|one| (Field::Capabilities, Value::Text(one))));
    let devices = devices.iter().map(|device| {
        let path = device
            .split(':')
            .next()
            .filter(|path| path.starts_with('/'));
        Value::Text(path.unwrap_or(device).to_owned())
    });
    asked.extend(devices.map(|device| (Field::Devices, device)));
    if let Some(account) = account {
        asked.push((Field::User, user(account.as_str())));
    }
    asked
}

fn asked_of_networks(networks: Option<&BTreeMap<String, Membership>>) -> Vec<(Field, Value)> {
    let names = match networks {
        None => vec!["default".to_owned()],
        Some(networks) if networks.is_empty() => vec!["none".to_owned()],
        Some(networks) => networks.keys().cloned().collect(),
    };
    let names = names.into_iter();
    names
        .map(|name| (Field::Networks, Value::Text(name)))
        .collect()
}

/// All that a new pod asks for, likewise.
pub(super) fn asked_of_pod(new: &NewPod) -> Vec<(Field, Value)> {
    let NewPod {
        ports,
        networks,
        name: _,
        labels: _,
        hostname: _,
        dns: _,
        hosts: _,
    } = new;
    let mut asked = asked_of_networks(networks.as_ref());
    asked.extend(ports.iter().map(|port| (Field::Ports, Value::Port(*port))));
    asked
}
