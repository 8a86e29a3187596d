//! What goes on in containers.

use crate::PodmanEngine;
use crate::answers::{ChangedPath, ContainerStats, DiskReport, ProcessTable, StatsReport};
use crate::body::body;
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{
    Archive, Call, ContainerId, ContainerProcess, DiskUsage, Error, Observe, PathChange, Resource,
    Result, Stats,
};
use std::time::Duration;
use tokio::time::sleep;

/// How often Podman is asked to measure the disk: it gives up when something goes away under its hands.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Whether a measurement failed because what was measured has gone.
fn has_moved(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } => true,
        Error::Failed { message, .. } => {
            message.contains("no such") || message.contains("layer not known")
        }
        _ => false,
    }
}

#[async_trait]
impl Observe for PodmanEngine {
    /// Of a container that does not run Podman 4 answers nothing at all.
    async fn top(&self, call: &Call, id: &ContainerId) -> Result<Vec<ContainerProcess>> {
        let request = requests::top(id);
        let answer = match self.connection().bytes(call, &request).await {
            Ok(answer) if answer.iter().all(u8::is_ascii_whitespace) => {
                let message = "the container is not running; start it first".into();
                Err(Error::WrongState { message })
            }
            other => other,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.unless_paused(call, id, error).await),
        };
        let table: ProcessTable =
            serde_json::from_slice(&answer).map_err(|error| Error::Garbled {
                step: request.step.into(),
                reason: error.to_string(),
            })?;
        table.processes()
    }

    async fn changes(&self, call: &Call, id: &ContainerId) -> Result<Vec<PathChange>> {
        let request = requests::changes(id);
        let all: Option<Vec<ChangedPath>> = self.connection().json(call, &request).await?;
        let all = all.unwrap_or_default().into_iter();
        Ok(all.map(Into::into).collect())
    }

    async fn stats(&self, call: &Call, id: Option<&ContainerId>) -> Result<Vec<Stats>> {
        let request = requests::stats(id);
        let report = match self.connection().json::<StatsReport>(call, &request).await {
            Ok(report) => report,
            // On hosts where it can't be had Podman refuses in words of its own.
            Err(error @ Error::Failed { .. }) => {
                self.needs(call, "stats").await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let mut rows = report.stats.iter().flatten();
        let swapped = rows.any(ContainerStats::has_sums) && self.swaps_networks(call).await?;
        let stats = report.stats.map(|stats| {
            let stats = stats.into_iter().map(|row| row.stats(swapped));
            stats.collect::<Result<Vec<_>>>()
        });
        match (stats.transpose()?, id) {
            (Some(stats), Some(_)) => Ok(stats),
            (Some(mut stats), None) => {
                // Those that do not run are there too, with nothing.
                stats.retain(|stats| stats.pids > 0 || stats.memory > 0);
                Ok(stats)
            }
            (None, Some(id)) => Err(Error::NotFound {
                resource: Resource::Container,
                name: id.short().to_owned(),
            }),
            (None, None) if report.error.is_null() => Ok(Vec::new()),
            (None, None) => Err(Error::Failed {
                step: request.step.into(),
                message: "Podman does not say why".into(),
            }),
        }
    }

    async fn disk_usage(&self, call: &Call) -> Result<DiskUsage> {
        let request = requests::disk_usage();
        let mut looks = 0;
        loop {
            let report = self.connection().json::<DiskReport>(call, &request).await;
            looks += 1;
            match report {
                Ok(report) => return Ok(report.into()),
                Err(error) if looks < LOOKS && has_moved(&error) => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn export(&self, call: &Call, id: &ContainerId) -> Result<Archive> {
        let request = requests::export(id);
        let response = self.connection().send(call, &request).await?;
        Ok(body(call, request.step, response))
    }
}
