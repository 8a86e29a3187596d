//! Create and start as one step: both happen, or nothing is left.
//!
//! A start can fail only because of what the host lets the engine do (limits it may not set, no init
//! binary). Then the container is removed and made again, asked for differently, and the engine
//! remembers.

use crate::PodmanEngine;
use crate::answers::{Created, InspectedContainer};
use crate::failure::Failure;
use crate::instance::Attempt;
use crate::requests::{self, ATTEMPT_LABEL, Adaptation, ResourceLimits};
use podlane_engine::{
    Call, Change, Container, ContainerId, ContainerRef, ContainerSpec, Engine, Error, Init, Result,
};
use rustix::process::{Resource, getrlimit};
use std::time::Duration;

/// How long clearing up a failed run may take, past the call's own deadline.
const CLEANUP: Duration = Duration::from_secs(30);
/// Pauses between looks for a container whose create has not been answered: while the caller waits,
/// and afterwards.
const SOON: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
];
const LATER: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
];

impl PodmanEngine {
    pub(crate) async fn create_and_start(
        &self,
        call: &Call,
        spec: &ContainerSpec,
    ) -> Result<Container> {
        self.needs_limits(call, &spec.settings.limits).await?;
        let before = self.adaptation();
        let mut adaptation = before;
        loop {
            let error = match self.try_once(call, spec, adaptation).await {
                Ok(container) => {
                    if adaptation != before {
                        tracing::info!(request_id = %call.request_id, ?adaptation, "this host needs containers to be created differently");
                        self.adapt(adaptation);
                    }
                    return Ok(container);
                }
                Err(error) => error,
            };
            // Podman looks where we may not see, so it is asked first whether it finds a device.
            if matches!(
                &error,
                Error::Invalid {
                    field: "devices",
                    ..
                }
            ) && names_cdi(spec)
            {
                self.needs(call, "devices.cdi").await?;
            }
            match adapted(adaptation, spec, &error) {
                Some(next) => adaptation = next,
                None => return Err(too_many_files(spec, error)),
            }
        }
    }

    async fn try_once(
        &self,
        call: &Call,
        spec: &ContainerSpec,
        adaptation: Adaptation,
    ) -> Result<Container> {
        let attempt = self.instance().attempt();
        let request = requests::create_container(spec, &attempt, adaptation);
        let created = match self.connection().json::<Created>(call, &request).await {
            Ok(created) => created.container()?,
            Err(error) => match self
                .after_failed_create(call, spec, &attempt, error)
                .await?
            {
                Some(id) => id,
                None => return Err(crate::connection::timed_out(call, request.step)),
            },
        };
        let behind_init = adaptation.gives_init(spec.init);
        let started = match self.start_in_pod(call, spec, &created).await {
            Ok(_) if behind_init => self.behind_init(call, &created).await,
            Ok(_) => self.inspect(call, &(&created).into()).await,
            Err(error) => Err(error),
        };
        if started.is_err() {
            // Also the port rules of a failed start stay until the container is removed.
            self.undo(call, &created).await;
        }
        started
    }

    /// Starts a container, before it what holds its pod together: Podman does that by itself, and then does not
    /// say why it fails.
    async fn start_in_pod(
        &self,
        call: &Call,
        spec: &ContainerSpec,
        id: &ContainerId,
    ) -> Result<Change> {
        if let Some(infra) = spec.pod.as_ref().and_then(|pod| pod.infra.as_ref()) {
            self.start(call, infra).await?;
        }
        let request = requests::start_new_container(id, spec);
        self.changed(call, request).await
    }

    /// Finds out whether a create that was not answered well has made the container all the same.
    ///
    /// Before the deadline, the container of this very request is the one that was wanted: only its
    /// answer was lost. Past it (`None`), it is removed. An engine that can't be asked now is asked
    /// again later, when nobody waits any more.
    async fn after_failed_create(
        &self,
        call: &Call,
        spec: &ContainerSpec,
        attempt: &Attempt,
        error: Error,
    ) -> Result<Option<ContainerId>> {
        let late = matches!(error, Error::Timeout { .. });
        if !late && !matches!(error, Error::Unavailable { .. } | Error::Garbled { .. }) {
            return Err(error);
        }
        let cleanup = call.extended(CLEANUP);
        for pause in SOON {
            tokio::time::sleep(pause).await;
            match self.made_by(&cleanup, spec, attempt).await {
                Ok(Some(id)) if !late && !call.remaining().is_zero() => return Ok(Some(id)),
                Ok(Some(id)) => {
                    self.undo(&cleanup, &id).await;
                    return if late { Ok(None) } else { Err(error) };
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
        let (engine, spec, attempt) = (self.clone(), spec.clone(), attempt.clone());
        tokio::spawn(async move {
            for pause in LATER {
                tokio::time::sleep(pause).await;
                let cleanup = cleanup.extended(CLEANUP);
                if let Ok(Some(id)) = engine.made_by(&cleanup, &spec, &attempt).await {
                    engine.undo(&cleanup, &id).await;
                    return;
                }
            }
        });
        Err(error)
    }

    /// The never started container that this attempt has made.
    async fn made_by(
        &self,
        call: &Call,
        spec: &ContainerSpec,
        attempt: &Attempt,
    ) -> Result<Option<ContainerId>> {
        let request = requests::inspect_container(&ContainerRef::from(&spec.name));
        let found = match self
            .connection()
            .json::<InspectedContainer>(call, &request)
            .await
        {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let label = found.labels().and_then(|labels| labels.get(ATTEMPT_LABEL));
        let ours = label.is_some_and(|label| label == attempt.as_str());
        if ours && !found.ever_started() {
            found.id().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Removes a container that did not come to life; if the engine can't now, then later, when nobody
    /// waits any more.
    async fn undo(&self, call: &Call, id: &ContainerId) {
        let Err(error) = self.try_undo(call, id).await else {
            return;
        };
        tracing::warn!(request_id = %call.request_id, container = id.short(), %error, "a container that did not start could not be removed yet");
        let (engine, call, id) = (self.clone(), call.clone(), id.clone());
        tokio::spawn(async move {
            for pause in LATER {
                tokio::time::sleep(pause).await;
                if engine.try_undo(&call, &id).await.is_ok() {
                    return;
                }
            }
        });
    }

    async fn try_undo(&self, call: &Call, id: &ContainerId) -> Result<()> {
        let request = requests::remove_container(id, true);
        match self
            .connection()
            .status(&call.extended(CLEANUP), &request)
            .await
        {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What to ask for differently after `error`; `None` if it has nothing to do with the host or that
/// has been tried.
fn adapted(current: Adaptation, spec: &ContainerSpec, error: &Error) -> Option<Adaptation> {
    let Error::Failed { message, .. } = error else {
        return None;
    };
    let mut next = current;
    if Failure::refuses_limits(message) {
        next.limits = Some(own_limits());
    } else if Failure::lacks_init(message) && spec.init == Init::Preferred {
        next.no_init = true;
    }
    (next != current).then_some(next)
}

/// Whether a device is named for the Container Device Interface, and not by a path.
fn names_cdi(spec: &ContainerSpec) -> bool {
    let mut devices = spec.settings.devices.iter();
    devices.any(|device| !device.starts_with('/'))
}

/// What is left of a refused limit when the host's own are kept: that for open files.
fn too_many_files(spec: &ContainerSpec, error: Error) -> Error {
    match (&error, spec.settings.limits.open_files) {
        (Error::Failed { message, .. }, Some(_)) if Failure::refuses_limits(message) => {
            Error::Invalid {
                field: "limits.nofile",
                message: "the engine may not give a process so many open files".into(),
                conflict: false,
            }
        }
        _ => error,
    }
}

/// How many open files and processes Podman gives a container where nothing is said.
const USUAL: u64 = 1 << 20;

/// What an engine that we start can give containers, where that is less than it would ask for: as root that may
/// not raise its own limits. What holds a pod together can be asked for no other way.
pub(crate) fn scarce_limits() -> Option<ResourceLimits> {
    let own = own_limits();
    let enough = own.open_files.min(own.processes) >= USUAL;
    let root = rustix::process::geteuid().is_root();
    (root && !enough && !may_raise_limits()).then_some(own)
}

/// Whether this process has `CAP_SYS_RESOURCE`. Source: proc(5), capabilities(7).
fn may_raise_limits() -> bool {
    const SYS_RESOURCE: u32 = 24;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let effective = lines.find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    effective.is_some_and(|capabilities| capabilities & (1 << SYS_RESOURCE) != 0)
}

/// The hard limits of this process. An engine on the same host has the same or higher ones.
fn own_limits() -> ResourceLimits {
    let hard = |resource, most: u64| {
        getrlimit(resource)
            .maximum
            .map_or(most, |hard| hard.min(most))
    };
    ResourceLimits {
        open_files: hard(Resource::Nofile, 1 << 20),
        processes: hard(Resource::Nproc, 1 << 22),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_this_host_allows() {
        let limits = own_limits();
        assert!(limits.open_files > 0 && limits.open_files <= 1 << 20);
        assert!(limits.processes > 0 && limits.processes <= 1 << 22);
    }
}
