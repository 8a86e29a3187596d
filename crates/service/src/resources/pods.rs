//! Pods.

use super::{WithLabels, check_labels, pruned};
use crate::containers::{TOKEN_LABEL, shown_labels};
use crate::finding::missing;
use crate::{Call, Error, Result, Scope, Service, Who};
use podlane_engine::{
    Change, Engine, Error as EngineError, NewPod, Pod, PodId, PodName, PodStatus, PodSummary,
    Resource, Result as EngineResult, Signal,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Call {
    /// Whether a pod is the caller's to see: whatever is done to it is done to all that is in it.
    fn owns_pod(&self, pod: &PodSummary) -> bool {
        let begins = |name: &str| {
            let prefix = self.prefix();
            prefix.is_none_or(|prefix| name.starts_with(prefix.as_str()))
        };
        self.owns(&pod.labels)
            && self.caller().bounds().container.is_none()
            && begins(&pod.name)
            && pod.containers.iter().all(|member| begins(&member.name))
    }
}

impl Service {
    /// Makes a pod, and starts nothing.
    pub async fn create_pod(&self, call: &Call, new: NewPod) -> Result<Pod> {
        call.may(Scope::PodsWrite)?;
        call.note(|| format!("pod {}", new.name));
        check(call, &new)?;
        let worker = self.0.gate.enter(call).await?;
        let changing = self.0.view.changing();
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let (_worker, _changing) = (worker, changing);
            service.make_pod(&call, new).await
        })
        .await
    }

    /// Makes a pod that is right in itself, if the policy permits it.
    pub(crate) async fn make_pod(&self, call: &Call, mut new: NewPod) -> Result<Pod> {
        self.permit_pod(call, &new)?;
        let _booking = self.book_pod(call, &new).await?;
        self.borrow_networks(call, new.networks.as_ref()).await?;
        if let Who::Token { id, .. } = call.caller().who() {
            new.labels.insert(TOKEN_LABEL.into(), id.clone());
        }
        call.sign(&mut new.labels);
        let id = self.0.engine.create_pod(call, &new).await?;
        Ok(shown(self.0.engine.pod(call, &(&id).into()).await?))
    }

    /// Every pod with these labels, by name.
    pub async fn pods(&self, call: &Call, labels: &WithLabels) -> Result<Vec<PodSummary>> {
        call.may(Scope::PodsRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut pods = self.0.engine.pods(call).await?;
        pods.retain(|pod| call.owns_pod(pod) && labels.are_among(&pod.labels));
        for pod in &mut pods {
            shown_labels(&mut pod.labels);
        }
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(pods)
    }

    /// One pod.
    pub async fn pod(&self, call: &Call, name: &PodName) -> Result<Pod> {
        call.may(Scope::PodsRead)?;
        let _worker = self.0.gate.enter(call).await?;
        Ok(shown(self.own_pod(call, name).await?))
    }

    /// One that is the caller's to see.
    pub(crate) async fn own_pod(&self, call: &Call, name: &PodName) -> Result<Pod> {
        let pod = self.0.engine.pod(call, name).await?;
        if call.owns_pod(&pod.summary) {
            return Ok(pod);
        }
        Err(missing(Resource::Pod, name).into())
    }

    /// A pod that was just made, as its users see it.
    pub(crate) async fn pod_now(&self, call: &Call, id: &PodId) -> Result<PodSummary> {
        Ok(shown(self.0.engine.pod(call, &id.into()).await?).summary)
    }

    /// The pod that a new container joins. One that was not made here may share anything with the machine,
    /// which no create can ask for.
    pub(crate) async fn joined(&self, call: &Call, name: Option<&PodName>) -> Result<Option<Pod>> {
        let Some(name) = name else {
            return Ok(None);
        };
        let pod = self.own_pod(call, name).await?;
        if pod.own {
            return Ok(Some(pod));
        }
        let message =
            format!("the pod {name} was not made by Podlane, and takes no containers here");
        Err(Error::invalid("pod", message))
    }

    /// Starts every container of a pod that does not run.
    pub async fn start_pod(&self, call: &Call, name: &PodName) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        let service = self.clone();
        self.alter_pod(call, name, |engine, call, pod| async move {
            thawed(&pod)?;
            service.revive_all(&pod)?;
            engine.start_pod(&call, &pod.id).await
        })
        .await
    }

    /// Stops every container of a pod: each is asked to end and is killed after `grace` (`None`: its own stop
    /// time-out).
    pub async fn stop_pod(
        &self,
        call: &Call,
        name: &PodName,
        grace: Option<Duration>,
    ) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        self.alter_pod(call, name, move |engine, call, pod| async move {
            thawed(&pod)?;
            engine.stop_pod(&call, &pod.id, grace).await
        })
        .await
    }

    /// Stops a pod if it runs, as [`Service::stop_pod`] does, and starts it.
    pub async fn restart_pod(
        &self,
        call: &Call,
        name: &PodName,
        grace: Option<Duration>,
    ) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        let service = self.clone();
        self.alter_pod(call, name, move |engine, call, pod| async move {
            thawed(&pod)?;
            service.revive_all(&pod)?;
            engine.stop_pod(&call, &pod.id, grace).await?;
            engine.start_pod(&call, &pod.id).await
        })
        .await
    }

    /// Sends a signal to the main process of every running container of a pod.
    pub async fn kill_pod(
        &self,
        call: &Call,
        name: &PodName,
        signal: Signal,
    ) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        self.alter_pod(call, name, move |engine, call, pod| async move {
            engine.kill_pod(&call, &pod.id, signal).await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Freezes every running container of a pod.
    pub async fn pause_pod(&self, call: &Call, name: &PodName) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        self.alter_pod(call, name, |engine, call, pod| async move {
            match pod.status {
                PodStatus::Paused => Ok(Change::AlreadySo),
                PodStatus::Running | PodStatus::Degraded => {
                    engine.pause_pod(&call, &pod.id).await?;
                    Ok(Change::Done)
                }
                _ => wrong_state("no container of the pod is running; start it first"),
            }
        })
        .await
    }

    /// Lets every frozen container of a pod go on.
    pub async fn unpause_pod(&self, call: &Call, name: &PodName) -> Result<(Pod, Change)> {
        call.may(Scope::PodsWrite)?;
        self.alter_pod(call, name, |engine, call, pod| async move {
            match pod.status {
                PodStatus::Running => Ok(Change::AlreadySo),
                PodStatus::Paused | PodStatus::Degraded => {
                    engine.unpause_pod(&call, &pod.id).await?;
                    Ok(Change::Done)
                }
                _ => wrong_state("the pod is not paused"),
            }
        })
        .await
    }

    /// Removes a pod with its containers; one of which some run only with `force`. Answers its ID and name.
    pub async fn remove_pod(
        &self,
        call: &Call,
        name: &PodName,
        force: bool,
    ) -> Result<(PodId, String)> {
        call.may(Scope::PodsWrite)?;
        let (service, name) = (self.clone(), name.clone());
        self.change(call, |engine, call| async move {
            let pod = service.own_pod(&call, &name).await?.summary;
            engine.remove_pod(&call, &pod.id, force).await?;
            Ok((pod.id, pod.name))
        })
        .await
    }

    /// Removes every pod with these labels whose containers have all ended. Answers their names.
    pub async fn prune_pods(&self, call: &Call, labels: WithLabels) -> Result<Vec<String>> {
        call.may(Scope::PodsWrite)?;
        self.change(call, |engine, call| async move {
            let mut removed = Vec::new();
            for pod in engine.pods(&call).await? {
                if call.owns_pod(&pod)
                    && labels.are_among(&pod.labels)
                    && has_ended(&pod)
                    && pruned(engine.remove_pod(&call, &pod.id, false).await)?
                {
                    removed.push(pod.name);
                }
            }
            removed.sort();
            Ok(removed)
        })
        .await
    }

    /// Before a pod is started: one with a container whose time is up is not.
    fn revive_all(&self, pod: &PodSummary) -> EngineResult<()> {
        let mut members = pod.containers.iter();
        members.try_for_each(|member| self.revive(&member.id))
    }

    /// Changes what a name means now, and looks at it afterwards. Driven to its end even if the caller goes away.
    async fn alter_pod<F, W>(&self, call: &Call, name: &PodName, work: F) -> Result<(Pod, Change)>
    where
        F: FnOnce(Arc<dyn Engine>, Call, PodSummary) -> W,
        W: Future<Output = EngineResult<Change>> + Send + 'static,
    {
        let worker = self.0.gate.enter(call).await?;
        let engine = Arc::clone(&self.0.engine);
        let pod = self.own_pod(call, name).await?.summary;
        let id = (&pod.id).into();
        let work = work(Arc::clone(&engine), call.clone(), pod);
        let call = call.clone();
        let changing = self.0.view.changing();
        self.to_the_end(async move {
            let (_worker, _changing) = (worker, changing);
            let change = work.await?;
            Ok((shown(engine.pod(&call, &id).await?), change))
        })
        .await
    }
}

/// Refuses what is wrong by itself, and what the caller must not ask for.
pub(crate) fn check(call: &Call, new: &NewPod) -> Result<()> {
    check_labels(&new.labels)?;
    call.may_name(new.name.as_str())?;
    if !new.ports.is_empty() && new.networks.as_ref().is_some_and(BTreeMap::is_empty) {
        let message = "a pod without a network has no ports to publish";
        return Err(Error::invalid("ports", message));
    }
    Ok(())
}

/// A pod as its users see it.
fn shown(mut pod: Pod) -> Pod {
    shown_labels(&mut pod.summary.labels);
    pod
}

fn wrong_state<T>(message: &str) -> EngineResult<T> {
    Err(EngineError::WrongState {
        message: message.to_owned(),
    })
}

/// The engine would take a frozen pod for one that does not run.
fn thawed(pod: &PodSummary) -> EngineResult<()> {
    if pod.status == PodStatus::Paused {
        return wrong_state("the pod is paused; unpause it first");
    }
    Ok(())
}

/// Whether something was in it that has ended, and nothing is that has not.
fn has_ended(pod: &PodSummary) -> bool {
    let mut members = pod.containers.iter();
    !pod.containers.is_empty()
        && members.all(|member| member.status == podlane_engine::Status::Exited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_engine::{ContainerId, PodMember, Status};

    fn pod(members: &[(&str, Status)]) -> PodSummary {
        let id = "0123456789abcdef".repeat(4);
        let member = |(name, status): &(&str, Status)| PodMember {
            id: ContainerId::parse(&id).expect("an ID"),
            name: (*name).to_owned(),
            status: *status,
        };
        PodSummary {
            id: PodId::parse(&id).expect("an ID"),
            name: "lab-web".into(),
            status: PodStatus::Unknown,
            created: String::new(),
            labels: BTreeMap::new(),
            networks: Vec::new(),
            infra: None,
            containers: members.iter().map(member).collect(),
        }
    }

    #[test]
    fn a_pod_has_ended_when_all_in_it_has() {
        use Status::{Created, Exited, Running};
        for (members, ended) in [
            (&[][..], false),
            (&[("a", Exited)], true),
            (&[("a", Exited), ("b", Exited)], true),
            (&[("a", Exited), ("b", Running)], false),
            (&[("a", Exited), ("b", Created)], false),
        ] {
            assert_eq!(has_ended(&pod(members)), ended, "{members:?}");
        }
    }

    #[test]
    fn a_pod_is_somebodys_only_if_all_in_it_is() {
        use crate::{Bounds, Caller, NamePrefix, Scopes, Who};
        let call = |bounds| {
            let caller = Caller::new(Who::Anonymous, Scopes::all(), bounds);
            let id = podlane_engine::RequestId::parse("test").expect("valid");
            Call::new(id, Duration::from_secs(1), Arc::new(caller))
        };
        let all = call(Bounds::default());
        let lab = call(Bounds {
            prefix: NamePrefix::parse("lab-"),
            ..Bounds::default()
        });
        let one = call(Bounds {
            container: ContainerId::parse(&"0".repeat(64)).ok(),
            ..Bounds::default()
        });
        let own = pod(&[("lab-a", Status::Running)]);
        let mixed = pod(&[("lab-a", Status::Running), ("db", Status::Running)]);
        assert!(all.owns_pod(&own) && all.owns_pod(&mixed));
        assert!(lab.owns_pod(&own) && !lab.owns_pod(&mixed));
        assert!(!one.owns_pod(&own));
    }
}
