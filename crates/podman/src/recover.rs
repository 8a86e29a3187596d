//! Clearing up after servers that died: containers they had created and not yet started, commands
//! whose output nobody reads any more.

use crate::PodmanEngine;
use crate::answers::{InspectedContainer, ListedContainer};
use crate::host;
use crate::instance::{Attempt, Fate};
use crate::requests::{self, ATTEMPT_LABEL, EXEC_VARIABLE};
use podlane_engine::{Call, ContainerRef, Error, Result, Termination};
use std::time::Duration;

impl PodmanEngine {
    pub(crate) async fn clear_up_after_the_dead(&self, call: &Call) -> Result<Vec<String>> {
        let mut done = self.remove_half_made(call).await?;
        done.extend(
            tokio::task::spawn_blocking(end_orphaned_commands)
                .await
                .unwrap_or_default(),
        );
        Ok(done)
    }

    async fn remove_half_made(&self, call: &Call) -> Result<Vec<String>> {
        let listed: Option<Vec<ListedContainer>> = self
            .connection()
            .json(call, &requests::list_never_started())
            .await?;
        let mut done = Vec::new();
        for listed in listed.unwrap_or_default() {
            let maker = listed
                .labels
                .as_ref()
                .and_then(|labels| labels.get(ATTEMPT_LABEL));
            if maker.map(|maker| Attempt::fate(maker)) != Some(Fate::Dead) {
                continue;
            }
            let summary = listed.summary()?;
            let request = requests::inspect_container(&ContainerRef::from(&summary.id));
            let removed = match self
                .connection()
                .json::<InspectedContainer>(call, &request)
                .await
            {
                // Listed as created but has run once: that is how Podman 4 shows containers after a
                // reboot. It is somebody's, and stays.
                Ok(container) if container.ever_started() => continue,
                Ok(_) => {
                    self.connection()
                        .status(call, &requests::remove_container(&summary.id, true))
                        .await
                }
                Err(error) => Err(error),
            };
            match removed {
                Ok(_) => done.push(format!(
                    "removed container {}, created but never started by a server that died",
                    summary.name
                )),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

/// Ends the commands of dead servers whose processes this host sees.
fn end_orphaned_commands() -> Vec<String> {
    let mut done = Vec::new();
    for (mark, pid) in host::marks(EXEC_VARIABLE) {
        if Attempt::fate(&mark) != Fate::Dead {
            continue;
        }
        match host::kill_tree(pid, &requests::marking(&mark), Some(pid), Duration::ZERO) {
            Termination::Complete { .. } => {
                done.push(format!("ended command {mark} of a server that died"));
            }
            left => tracing::warn!(
                mark,
                ?left,
                "a command of a server that died could not be ended"
            ),
        }
    }
    done
}
