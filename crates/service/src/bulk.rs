//! One verb for many containers.

use crate::{Acted, Call, ListFilter, Page, Result, Scope, Service, WithLabels};
use futures_util::{StreamExt, stream};
use podlane_engine::{Change, Container, ContainerRef, Error as EngineError, Signal, Status};
use std::collections::HashSet;
use std::time::Duration;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start what does not run.
    Start,
    /// Stop what runs, with this grace.
    Stop(Option<Duration>),
    /// Stop what runs, with this grace, and start it.
    Restart(Option<Duration>),
    /// Send a signal.
    Kill(Signal),
    /// Freeze.
    Pause,
    /// Let go on.
    Unpause,
    /// Remove, running ones only by force.
    Remove {
        /// Whether by force.
        force: bool,
    },
}

/// To which containers.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// Those with these names.
    Names(Vec<ContainerRef>),
    /// Those with these labels.
    Labels(WithLabels),
}

/// What became of one of them.
#[derive(Debug)]
pub struct BulkRow {
    /// The container, as it was named or is called.
    pub name: String,
    /// Whether there was something to do.
    pub result: Result<Acted>,
}

impl Service {
    /// Does the same to many containers, as many at once as there are workers. What fails for one is told in
    /// its row, and the others go on. The rows come in the order of the names; what stands there twice has one.
    pub async fn bulk(&self, call: &Call, chosen: Chosen, verb: Verb) -> Result<Vec<BulkRow>> {
        call.may(Scope::ContainersWrite)?;
        let chosen: Vec<(String, ContainerRef)> = match chosen {
            Chosen::Names(names) => {
                let mut seen = HashSet::new();
                let names = names.into_iter().map(|name| (name.to_string(), name));
                names
                    .filter(|(name, _)| seen.insert(name.clone()))
                    .collect()
            }
            Chosen::Labels(labels) => {
                let filter = ListFilter {
                    labels,
                    ..ListFilter::default()
                };
                let whole = Page::default();
                let listed = self.list_containers(call, &filter, &whole).await?;
                let mut all: Vec<(String, ContainerRef)> = listed
                    .containers
                    .iter()
                    .filter(|container| !container.infra)
                    .map(|container| (container.name.clone(), (&container.id).into()))
                    .collect();
                all.sort_by(|one, other| one.0.cmp(&other.0));
                all
            }
        };
        let rows = chosen.into_iter().map(|(name, container)| async move {
            let result = self.act_as(call, &container, verb).await;
            BulkRow { name, result }
        });
        let workers = self.0.limits.workers.get();
        Ok(stream::iter(rows).buffered(workers).collect().await)
    }

    async fn act_as(&self, call: &Call, name: &ContainerRef, verb: Verb) -> Result<Acted> {
        let acted = |(container, change): (Container, Change)| Acted {
            id: container.id,
            name: container.name,
            change,
        };
        match verb {
            Verb::Start => self.start_container(call, name).await,
            Verb::Stop(grace) => self.stop_container(call, name, grace).await,
            Verb::Remove { force } => self.remove_container(call, name, force).await,
            Verb::Restart(grace) => self.restart_container(call, name, grace).await.map(acted),
            Verb::Kill(signal) => self.kill_container(call, name, signal).await.map(acted),
            Verb::Pause => self.pause_container(call, name).await.map(acted),
            Verb::Unpause => self.unpause_container(call, name).await.map(acted),
        }
    }

    /// Removes every container with these labels whose main process has ended. Answers their names.
    pub async fn prune_containers(&self, call: &Call, labels: WithLabels) -> Result<Vec<String>> {
        call.may(Scope::ContainersWrite)?;
        self.change(call, |engine, call| async move {
            let mut removed = Vec::new();
            for container in engine.list(&call).await? {
                if container.status != Status::Exited
                    || container.infra
                    || !labels.are_among(&container.labels)
                    || !call.owns_container(&container.name, &container.labels)
                {
                    continue;
                }
                match engine.remove(&call, &container.id, false).await {
                    Ok(()) => removed.push(container.name),
                    // Started again, or gone, in the meantime.
                    Err(EngineError::WrongState { .. } | EngineError::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(removed)
        })
        .await
    }
}
