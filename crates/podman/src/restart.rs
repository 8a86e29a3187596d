//! A container stopped and started in one step.
//!
//! Podman lets go of a container while it waits for its end. A restart that comes then is refused, and one that
//! comes between that end and the new start undoes it. So ours take turns, and who meets a foreign one waits.

use crate::answers::InspectedContainer;
use crate::{PodmanEngine, requests};
use podlane_engine::{Call, Change, ContainerId, ContainerRef, Engine, Error, Result, Status};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{sleep, timeout_at};

/// How often to look whether a container that somebody else stops has ended.
const PAUSE: Duration = Duration::from_millis(50);
/// How often to try again what was refused although the container runs.
const TRIES: u32 = 5;
/// The grace of a container that says nothing, as Podman has it.
const GRACE: Duration = Duration::from_secs(10);

/// Podman may remove such a container between its end and its new start, and says so afterwards.
const FLEETING: &str =
    "the container is removed when it ends (--rm), which Podman may do in the midst of a restart";

/// Who restarts which container.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<ContainerId, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    fn of(&self, id: &ContainerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }
}

impl PodmanEngine {
    pub(crate) async fn restart_in_turn(
        &self,
        call: &Call,
        id: &ContainerId,
        grace: Option<Duration>,
    ) -> Result<()> {
        let turn = self.restarts().of(id);
        let _turn = timeout_at(call.deadline, turn.lock())
            .await
            .map_err(|_elapsed| crate::connection::timed_out(call, "restarting the container"))?;
        let request = requests::inspect_container(&ContainerRef::from(id));
        let inspected = self.connection().json::<InspectedContainer>(call, &request);
        let inspected = inspected.await?;
        let fleeting = inspected.is_fleeting();
        let container = inspected.container()?;
        if fleeting && container.status.is_live() {
            return Err(Error::WrongState {
                message: FLEETING.into(),
            });
        }
        let grace = grace.or(container.settings.stop_timeout).unwrap_or(GRACE);
        let request = requests::restart_container(id, grace);
        let mut tries = 0;
        loop {
            let Err(error) = self.done(call, request.clone()).await else {
                return Ok(());
            };
            let Error::WrongState { .. } = error else {
                return Err(error);
            };
            tries += 1;
            match self.inspect(call, &id.into()).await?.status {
                Status::Stopping => {}
                Status::Running if tries < TRIES => {}
                // What its pod or others hold ready for it does not run, either: only a start sees to that.
                Status::Created | Status::Exited if tries < TRIES => {
                    if self.start(call, id).await? == Change::Done {
                        return Ok(());
                    }
                }
                Status::Paused => return Err(crate::failure::paused()),
                _ => return Err(error),
            }
            sleep(PAUSE).await;
        }
    }
}
