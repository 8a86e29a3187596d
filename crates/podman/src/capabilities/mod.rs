//! What not every Podman can do everywhere: one table, for the document and for refusals.
//!
//! A method that depends on a row asks [`PodmanEngine::needs`] first.

mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::PAUSE;

use crate::PodmanEngine;
use crate::answers::Info;
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{Call, Capability, EngineInfo, Limits, Result, System};
use std::path::Path;
use std::time::Duration;
use table::{Host, TABLE, version};
use tokio::time::{Instant, timeout_at};

/// How long is believed what Podman said of itself: it looks up packages for that.
const BELIEVED: Duration = Duration::from_secs(30);
/// How long what can be done on the host, which hardly ever changes.
const LASTING: Duration = Duration::from_secs(600);
/// Is there where systemd runs.
const SYSTEMD: &str = "/run/systemd/system";

/// What an answer is remembered with.
pub(crate) type Remembered = tokio::sync::Mutex<Option<(Instant, EngineInfo)>>;

impl PodmanEngine {
    /// What Podman has said of itself, not longer ago than that. Whoever asks while another one does waits
    /// for that answer.
    async fn said_within(&self, call: &Call, age: Duration) -> Result<EngineInfo> {
        let request = requests::info();
        let Ok(mut remembered) = timeout_at(call.deadline, self.remembered().lock()).await else {
            return Err(crate::connection::timed_out(call, request.step));
        };
        if let Some((when, info)) = &*remembered
            && when.elapsed() < age
        {
            return Ok(info.clone());
        }
        let info: Info = self.connection().json(call, &request).await?;
        let mut info = EngineInfo::from(info);
        // One that uses control groups by itself has systemd's timers all the same.
        info.runs_checks |= Path::new(SYSTEMD).exists();
        *remembered = Some((Instant::now(), info.clone()));
        Ok(info)
    }

    async fn table(&self, call: &Call, age: Duration) -> Result<Vec<Capability>> {
        let info = self.said_within(call, age).await?;
        let host = Host {
            info: &info,
            agents: self.agents().map(|agents| agents.gives_descriptors()),
        };
        Ok(TABLE.iter().map(|row| row.capability(&host)).collect())
    }

    /// What the table says of one row.
    async fn row(&self, call: &Call, name: &'static str) -> Result<Option<Capability>> {
        let mut rows = self.table(call, LASTING).await?.into_iter();
        Ok(rows.find(|row| row.name == name))
    }

    /// Refuses what a row of the table says can't be done here.
    pub(crate) async fn needs(&self, call: &Call, name: &'static str) -> Result<()> {
        self.row(call, name)
            .await?
            .map_or(Ok(()), Capability::needed)
    }

    /// Whether a row of the table says that it can be done here.
    pub(crate) async fn supports(&self, call: &Call, name: &'static str) -> Result<bool> {
        Ok(self.row(call, name).await?.is_none_or(|row| row.supported))
    }

    /// Whether what a network has taken in is told as what it has put out.
    pub(crate) async fn swaps_networks(&self, call: &Call) -> Result<bool> {
        let info = self.said_within(call, LASTING).await?;
        Ok(version(&info.version).is_some_and(|version| version < (4, 4)))
    }

    /// Refuses limits that this host can't keep.
    pub(crate) async fn needs_limits(&self, call: &Call, limits: &Limits) -> Result<()> {
        for (wanted, name) in [
            (limits.memory.is_some(), "limits.memory"),
            (limits.milli_cpus.is_some(), "limits.cpus"),
            (limits.pids.is_some(), "limits.pids"),
        ] {
            if wanted {
                self.needs(call, name).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl System for PodmanEngine {
    async fn info(&self, call: &Call) -> Result<EngineInfo> {
        self.said_within(call, BELIEVED).await
    }

    async fn capabilities(&self, call: &Call) -> Result<Vec<Capability>> {
        self.table(call, BELIEVED).await
    }

    fn trouble(&self) -> Option<String> {
        self.service_trouble()
    }
}
