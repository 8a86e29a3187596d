//! A pod of a document, and what belongs to it.

use super::document::{HostAlias, HostPath, PodSpec, Port, Volume};
use super::{Maps, container, volume};
use crate::extract::shown;
use crate::refusal::Refusal;
use crate::routes::pods::create::new_pod;
use podlane_api::{CreatePod, PortTarget, UniqueMap};
use podlane_service::{KubeVolume, NewKube};
use std::collections::BTreeMap;
use std::time::Duration;

type Labels = BTreeMap<String, String>;

/// Where a volume of a pod's is: a path of the host or a volume's name, and whether it can't be written.
pub(super) struct Place {
    pub(super) source: String,
    pub(super) read_only: bool,
}

/// Adds a pod with its containers, and the volumes that live and end with it.
pub(super) fn add(
    new: &mut NewKube,
    maps: &Maps,
    name: &str,
    labels: &Labels,
    mut spec: PodSpec,
    most: Duration,
) -> Result<(), Refusal> {
    for (field, asked) in [
        ("hostNetwork", spec.host_network),
        ("hostPID", spec.host_pid),
        ("hostIPC", spec.host_ipc),
        ("shareProcessNamespace", spec.share_process_namespace),
    ] {
        if asked {
            let message = format!("`spec[\"{field}\"]` can't be asked for: leave it out");
            return Err(Refusal::field("spec", message));
        }
    }
    let mut places = BTreeMap::new();
    for wanted in std::mem::take(&mut spec.volumes) {
        let (key, place) = place(new, name, labels, wanted)?;
        if places.insert(key.clone(), place).is_some() {
            let message = format!("two volumes are called \"{}\"", shown(&key));
            return Err(Refusal::field("spec", message));
        }
    }
    let ports = spec
        .containers
        .iter()
        .flat_map(|container| &container.ports);
    let pod = new_pod(CreatePod {
        name: name.to_owned(),
        ports: Some(published(ports)?),
        hostname: spec.hostname.take(),
        dns: Some(std::mem::take(&mut spec.dns_config.nameservers)),
        extra_hosts: Some(hosts(&spec.host_aliases)?),
        labels: Some(UniqueMap(labels.clone())),
        ..CreatePod::default()
    });
    let pod = pod.map_err(|refusal| inside(&format!("the pod {}", shown(name)), refusal))?;
    let mut containers = Vec::new();
    for wanted in &spec.containers {
        let what = format!("the container {}", shown(&wanted.name));
        let made = container::new(name, labels, &spec, wanted, &places, maps, most);
        containers.push(made.map_err(|refusal| inside(&what, refusal))?);
    }
    if containers.is_empty() {
        let message = "`spec[\"containers\"]` is empty";
        return Err(Refusal::field("spec", message));
    }
    new.pods.push((pod, containers));
    Ok(())
}

/// A refusal that says of what it is.
fn inside(what: &str, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Field {
            field,
            message,
            hint,
        } => Refusal::Field {
            field,
            message: format!("{what}: {message}"),
            hint,
        },
        other => other,
    }
}

/// Where a volume is. One that is empty at first is a volume of the pod's own, and goes with it.
fn place(
    new: &mut NewKube,
    pod: &str,
    labels: &Labels,
    wanted: Volume,
) -> Result<(String, Place), Refusal> {
    let Volume {
        name,
        persistent_volume_claim,
        host_path,
        empty_dir,
    } = wanted;
    let place = match (persistent_volume_claim, host_path, empty_dir) {
        (Some(claim), None, None) => {
            // What begins with `/` would be a path of the host.
            let named = volume("spec", &claim.claim_name, Labels::new());
            named.map_err(|refusal| inside("`claimName`", refusal))?;
            Place {
                source: claim.claim_name,
                read_only: claim.read_only,
            }
        }
        (None, Some(host), None) => Place {
            source: host_directory(host)?,
            read_only: false,
        },
        (None, None, Some(_)) => {
            let source = format!("{pod}-{name}");
            new.volumes.push(KubeVolume {
                new: volume("spec", &source, labels.clone())?,
                scratch: true,
            });
            Place {
                source,
                read_only: false,
            }
        }
        _ => {
            let message = format!(
                "the volume \"{}\" must have one of `persistentVolumeClaim`, `hostPath` and `emptyDir`",
                shown(&name)
            );
            return Err(Refusal::field("spec", message));
        }
    };
    Ok((name, place))
}

/// What is there already: nothing is made on the host.
fn host_directory(host: HostPath) -> Result<String, Refusal> {
    let kind = host.kind.as_deref().unwrap_or_default();
    if !matches!(kind, "" | "Directory" | "File") {
        let message = "a `hostPath` must have the `type` Directory or File, or none: nothing is made on the host";
        return Err(Refusal::field("spec", message));
    }
    if !host.path.starts_with('/') {
        let message = "a `hostPath` must have an absolute `path`";
        return Err(Refusal::field("spec", message));
    }
    Ok(host.path)
}

fn published<'p>(ports: impl Iterator<Item = &'p Port>) -> Result<UniqueMap<PortTarget>, Refusal> {
    let mut all = BTreeMap::new();
    for port in ports {
        let Some(host) = port.host_port.filter(|host| *host > 0) else {
            if port.host_ip.is_some() {
                let message = "a port with a `hostIP` needs a `hostPort`";
                return Err(Refusal::field("ports", message));
            }
            continue;
        };
        let host = match port.host_ip.as_deref() {
            None | Some("" | "0.0.0.0") => host.to_string(),
            Some(address) if address.contains(':') => format!("[{address}]:{host}"),
            Some(address) => format!("{address}:{host}"),
        };
        let protocol = port
            .protocol
            .as_deref()
            .unwrap_or("TCP")
            .to_ascii_lowercase();
        let target = PortTarget::Text(format!("{}/{protocol}", port.container_port));
        if all.insert(host.clone(), target).is_some() {
            let message = format!("the host port {host} stands there twice");
            return Err(Refusal::field("ports", message));
        }
    }
    Ok(UniqueMap(all))
}

fn hosts(aliases: &[HostAlias]) -> Result<UniqueMap<String>, Refusal> {
    let mut all = BTreeMap::new();
    for alias in aliases {
        for name in &alias.hostnames {
            if all.insert(name.clone(), alias.ip.clone()).is_some() {
                let message = format!("the host \"{}\" has two addresses", shown(name));
                return Err(Refusal::field("spec", message));
            }
        }
    }
    Ok(UniqueMap(all))
}
