//! Transfers that may take long, but may not stand still.

use futures_util::{StreamExt, stream};
use podlane_engine::{Archive, Error as EngineError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How often is looked whether what is waited for has come.
const GLANCE: Duration = Duration::from_secs(1);

/// When the engine last took something.
#[derive(Debug, Clone)]
pub(crate) struct Motion(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    taken: Instant,
    /// Whether there was nothing to take: then it is not the engine that stands still.
    waiting: bool,
}

impl Motion {
    /// The same archive, watched.
    pub(crate) fn of(mut archive: Archive) -> (Archive, Self) {
        let motion = Self(Arc::new(Mutex::new(State {
            taken: Instant::now(),
            waiting: false,
        })));
        let noted = motion.clone();
        let watched = stream::poll_fn(move |cx| {
            let piece = archive.poll_next_unpin(cx);
            *noted.state() = State {
                taken: Instant::now(),
                waiting: piece.is_pending(),
            };
            piece
        });
        (watched.boxed(), motion)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the engine has taken nothing for so long, although there was something.
    pub(crate) async fn stands_still(&self, limit: Duration) {
        loop {
            let (taken, waiting) = {
                let state = self.state();
                (state.taken, state.waiting)
            };
            if waiting {
                sleep(GLANCE.min(limit)).await;
            } else if taken.elapsed() >= limit {
                return;
            } else {
                sleep_until(taken + limit).await;
            }
        }
    }
}

/// The same archive; that nothing comes for so long is an error.
pub(crate) fn patient(archive: Archive, step: &'static str, limit: Duration) -> Archive {
    let pieces = stream::unfold(Some(archive), move |archive| async move {
        let mut archive = archive?;
        match timeout(limit, archive.next()).await {
            Ok(piece) => piece.map(|piece| (piece, Some(archive))),
            Err(_elapsed) => Some((Err(late(step, limit)), None)),
        }
    });
    pieces.boxed()
}

/// Nothing moved for so long.
pub(crate) fn late(step: &str, limit: Duration) -> EngineError {
    EngineError::Timeout {
        step: step.into(),
        limit,
    }
}
