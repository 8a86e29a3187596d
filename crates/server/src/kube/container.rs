//! A container of a document, as the body of a create.

use super::document::{Container, PodSpec, Probe, PullPolicy, RestartPolicy, Security};
use super::pod::Place;
use super::{Maps, quantity, variables};
use crate::extract::shown;
use crate::refusal::Refusal;
use crate::routes::containers::create::spec::new_container;
use podlane_api::{
    Bind, Capabilities, Command, CreateContainer, Healthcheck, Limits, Pull, Restart, Size,
    UniqueMap, VolumeTarget,
};
use podlane_engine::RegistryName;
use podlane_service::{NewContainer, PullAs};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most registries of one pod.
const PULL_SECRETS: usize = 16;

pub(super) fn new(
    pod: &str,
    labels: &BTreeMap<String, String>,
    spec: &PodSpec,
    wanted: &Container,
    places: &BTreeMap<String, Place>,
    maps: &Maps,
    most: Duration,
) -> Result<NewContainer, Refusal> {
    let security = &wanted.security_context;
    if security.privileged {
        let message = "`privileged` can't be asked for: leave it out";
        return Err(Refusal::field("privileged", message));
    }
    let some = |flag: bool| flag.then_some(true);
    let words = |words: &[String]| (!words.is_empty()).then(|| Command::Words(words.to_vec()));
    let body = CreateContainer {
        image: wanted.image.clone(),
        name: format!("{pod}-{}", wanted.name),
        entrypoint: words(&wanted.command),
        command: words(&wanted.args),
        environment: Some(variables::environment(wanted, maps)?),
        volumes: Some(mounts(wanted, places)?),
        user: user(spec, security)?,
        workdir: wanted.working_dir.clone(),
        labels: Some(UniqueMap(labels.clone())),
        pull: wanted.image_pull_policy.map(|policy| match policy {
            PullPolicy::Never => Pull::Never,
            PullPolicy::IfNotPresent => Pull::Missing,
            PullPolicy::Always => Pull::Always,
        }),
        limits: Some(limits(wanted)?),
        restart: Some(restart(spec.restart_policy)),
        read_only: security.read_only_root_filesystem,
        capabilities: Some(Capabilities {
            add: security.capabilities.add.clone(),
            drop: security.capabilities.drop.clone(),
        }),
        no_new_privileges: some(security.allow_privilege_escalation == Some(false)),
        healthcheck: wanted.liveness_probe.as_ref().map(healthcheck),
        stop_timeout: spec.termination_grace_period_seconds,
        tty: wanted.tty,
        stdin: wanted.stdin,
        pod: Some(pod.to_owned()),
        ..CreateContainer::default()
    };
    let mut new = new_container(body, most)?;
    new.pull_as = pull_as(spec)?;
    Ok(new)
}

/// As in a cluster, each of the pod's images is asked for with what is for its registry.
fn pull_as(spec: &PodSpec) -> Result<PullAs, Refusal> {
    let secrets = &spec.image_pull_secrets;
    if secrets.len() > PULL_SECRETS {
        let message = format!("`imagePullSecrets` has more than {PULL_SECRETS} names");
        return Err(Refusal::field("imagePullSecrets", message));
    }
    let names = secrets.iter().map(|one| RegistryName::parse(&one.name));
    let names: Result<Vec<_>, _> = names.collect();
    names
        .map(PullAs::AnyOf)
        .map_err(Refusal::in_field("imagePullSecrets"))
}

fn restart(policy: RestartPolicy) -> Restart {
    use podlane_api::RestartPolicy as Api;
    Restart {
        policy: match policy {
            RestartPolicy::Always => Api::Always,
            RestartPolicy::OnFailure => Api::OnFailure,
            RestartPolicy::Never => Api::No,
        },
        retries: None,
    }
}

/// The container's own, else the pod's.
fn user(spec: &PodSpec, own: &Security) -> Result<Option<String>, Refusal> {
    let user = own.run_as_user.or(spec.security_context.run_as_user);
    let group = own.run_as_group.or(spec.security_context.run_as_group);
    match (user, group) {
        (None, None) => Ok(None),
        (Some(user), None) => Ok(Some(user.to_string())),
        (Some(user), Some(group)) => Ok(Some(format!("{user}:{group}"))),
        (None, Some(_)) => {
            let message = "`runAsGroup` needs a `runAsUser`";
            Err(Refusal::field("runAsGroup", message))
        }
    }
}

fn mounts(
    wanted: &Container,
    places: &BTreeMap<String, Place>,
) -> Result<UniqueMap<VolumeTarget>, Refusal> {
    let mut all = BTreeMap::new();
    for mount in &wanted.volume_mounts {
        let wrong = |why: &str| {
            let message = format!("volumeMounts[\"{}\"] {why}", shown(&mount.name));
            Refusal::field("volumeMounts", message)
        };
        let place = places.get(&mount.name);
        let place = place.ok_or_else(|| wrong("is no volume of the pod"))?;
        let read_only = mount.read_only || place.read_only;
        let target = VolumeTarget::Bind(Bind {
            bind: mount.mount_path.clone(),
            mode: Some(if read_only { "ro" } else { "rw" }.to_owned()),
        });
        if all.insert(place.source.clone(), target).is_some() {
            return Err(wrong("is seen at two places"));
        }
    }
    Ok(UniqueMap(all))
}

fn limits(wanted: &Container) -> Result<Limits, Refusal> {
    let wrong = |field: &'static str| {
        let message =
            format!("`{field}` is no amount, such as \"64Mi\" of memory or \"500m\" of cpu");
        Refusal::field(field, message)
    };
    let limits = &wanted.resources.limits;
    let memory = limits.memory.as_ref();
    let memory = memory.map(|memory| quantity::bytes(memory).ok_or_else(|| wrong("limits.memory")));
    let cpus = limits.cpu.as_ref();
    let cpus = cpus.map(|cpus| quantity::cpus(cpus).ok_or_else(|| wrong("limits.cpus")));
    Ok(Limits {
        memory: memory.transpose()?.map(Size::Bytes),
        cpus: cpus.transpose()?,
        ..Limits::default()
    })
}

/// Kubernetes' own values where nothing is said.
fn healthcheck(probe: &Probe) -> Healthcheck {
    Healthcheck {
        command: Command::Words(probe.exec.command.clone()),
        interval: Some(probe.period_seconds.unwrap_or(10)),
        timeout: Some(probe.timeout_seconds.unwrap_or(1)),
        start_period: probe.initial_delay_seconds,
        retries: Some(probe.failure_threshold.unwrap_or(3)),
    }
}
