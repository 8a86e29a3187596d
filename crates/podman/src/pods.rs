//! Pods.

use crate::PodmanEngine;
use crate::answers::{Created, InspectedPod, ListedPod};
use crate::capabilities::PAUSE;
use crate::engine::change;
use crate::instance::Attempt;
use crate::requests::{self, Request};
use async_trait::async_trait;
use podlane_engine::{
    Call, Change, Error, KubeOf, NewPod, Pod, PodId, PodName, PodSummary, Pods, Result, Signal,
};
use std::time::Duration;

/// How long clearing up a failed create may take, past the call's own deadline.
const CLEANUP: Duration = Duration::from_secs(30);
/// Pauses between looks for a pod whose create has not been answered.
const LOOKS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(400),
    Duration::from_secs(3),
    Duration::from_secs(30),
];

impl PodmanEngine {
    /// The pod of that name, if this attempt has made it.
    async fn pod_made_by(
        &self,
        call: &Call,
        name: &PodName,
        attempt: &Attempt,
    ) -> Result<Option<PodId>> {
        let request = requests::inspect_pod(name);
        match self.connection().json::<InspectedPod>(call, &request).await {
            Ok(found) if found.attempt() == Some(attempt.as_str()) => found.id().map(Some),
            Ok(_) | Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what a create that failed has made all the same: Podman leaves a pod that nothing holds together.
    /// Answers whether there was something.
    async fn try_undo_pod(&self, call: &Call, name: &PodName, attempt: &Attempt) -> Result<bool> {
        match self.pod_made_by(call, name, attempt).await? {
            Some(id) => self.remove_pod(call, &id, true).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// The same, when nobody waits any more, of a create that was not answered well.
    fn undo_pod(&self, call: &Call, new: &NewPod, attempt: Attempt) {
        let (engine, call, name) = (self.clone(), call.clone(), new.name.clone());
        self.spawn(async move {
            for pause in LOOKS {
                tokio::time::sleep(pause).await;
                let call = call.extended(CLEANUP);
                if let Ok(true) = engine.try_undo_pod(&call, &name, &attempt).await {
                    return;
                }
            }
        });
    }

    /// Podman answers 304 where there is nothing to do, and a report where there was.
    async fn change_pod(&self, call: &Call, request: Request) -> Result<Change> {
        match self.connection().status(call, &request).await? {
            http::StatusCode::OK => Ok(Change::Done),
            other => change(request.step, other),
        }
    }
}

#[async_trait]
impl Pods for PodmanEngine {
    async fn create_pod(&self, call: &Call, new: &NewPod) -> Result<PodId> {
        let attempt = self.instance().attempt();
        let request = requests::create_pod(new, &attempt);
        let made = self.connection().json::<Created>(call, &request).await;
        let made = made.and_then(|made| made.pod());
        if let Err(error) = &made {
            let cleanup = call.extended(CLEANUP);
            let undone = self.try_undo_pod(&cleanup, &new.name, &attempt).await;
            let unknown = matches!(
                error,
                Error::Timeout { .. } | Error::Unavailable { .. } | Error::Garbled { .. }
            );
            if undone.is_err() || (unknown && !undone.is_ok_and(|found| found)) {
                self.undo_pod(call, new, attempt);
            }
        }
        made
    }

    async fn pods(&self, call: &Call) -> Result<Vec<PodSummary>> {
        let request = requests::list_pods();
        let all: Option<Vec<ListedPod>> = self.connection().json(call, &request).await?;
        let all = all.unwrap_or_default().into_iter();
        all.map(ListedPod::summary).collect()
    }

    async fn pod(&self, call: &Call, name: &PodName) -> Result<Pod> {
        let request = requests::inspect_pod(name);
        let found: InspectedPod = self.connection().json(call, &request).await?;
        found.pod()
    }

    async fn start_pod(&self, call: &Call, id: &PodId) -> Result<Change> {
        self.change_pod(call, requests::start_pod(id)).await
    }

    async fn stop_pod(&self, call: &Call, id: &PodId, grace: Option<Duration>) -> Result<Change> {
        self.change_pod(call, requests::stop_pod(id, grace)).await
    }

    async fn kill_pod(&self, call: &Call, id: &PodId, signal: Signal) -> Result<()> {
        self.done(call, requests::kill_pod(id, signal)).await
    }

    async fn pause_pod(&self, call: &Call, id: &PodId) -> Result<()> {
        self.needs(call, PAUSE).await?;
        self.done(call, requests::pause_pod(id)).await
    }

    async fn unpause_pod(&self, call: &Call, id: &PodId) -> Result<()> {
        self.done(call, requests::unpause_pod(id)).await
    }

    /// Without force Podman removes what does not run, and only then refuses because of what does.
    async fn remove_pod(&self, call: &Call, id: &PodId, force: bool) -> Result<()> {
        let look = requests::inspect_pod(&id.into());
        let found: InspectedPod = self.connection().json(call, &look).await?;
        if !force && found.is_live() {
            return Err(Error::WrongState {
                message:
                    "containers of the pod are running; stop it first, or remove it with force=true"
                        .into(),
            });
        }
        self.done(call, requests::remove_pod(id, force)).await
    }

    async fn generate_kube(&self, call: &Call, of: &KubeOf) -> Result<String> {
        let request = requests::generate_kube(of);
        let text = self.connection().bytes(call, &request).await?;
        String::from_utf8(text.into()).map_err(|_| Error::Garbled {
            step: request.step.into(),
            reason: "it is not UTF-8".into(),
        })
    }
}
