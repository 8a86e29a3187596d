//! The gate before the engine: so many operations at once, a bounded first-come queue behind them,
//! a refusal at once past that.

use crate::{Error, Result};
use podlane_engine::Call;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How busy the workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Operations under way.
    pub busy: usize,
    /// How many may be under way at once.
    pub workers: usize,
    /// Operations waiting.
    pub queued: usize,
    /// How many may wait.
    pub queue: usize,
}

#[derive(Debug)]
pub(crate) struct Gate {
    workers: usize,
    queue: usize,
    /// First come, first served: tokio's semaphore is fair.
    free: Arc<Semaphore>,
    queued: AtomicUsize,
}

/// A place at work; dropping it hands it to the next in the queue.
#[derive(Debug)]
pub(crate) struct Worker {
    _permit: OwnedSemaphorePermit,
}

/// Counts one waiting operation for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn new(workers: NonZeroUsize, queue: usize) -> Self {
        let workers = workers.get().min(Semaphore::MAX_PERMITS);
        Self {
            workers,
            queue,
            free: Arc::new(Semaphore::new(workers)),
            queued: AtomicUsize::new(0),
        }
    }

    pub(crate) fn load(&self) -> Load {
        Load {
            busy: self.workers - self.free.available_permits(),
            workers: self.workers,
            queued: self.queued.load(Ordering::Relaxed),
            queue: self.queue,
        }
    }

    /// Waits for a free worker until the call's deadline.
    pub(crate) async fn enter(&self, call: &Call) -> Result<Worker> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(Worker { _permit: permit });
        }
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.queued);
        if before >= self.queue {
            return Err(self.busy());
        }
        let wait = Arc::clone(&self.free).acquire_owned();
        match tokio::time::timeout_at(call.deadline, wait).await {
            Ok(Ok(permit)) => Ok(Worker { _permit: permit }),
            Ok(Err(_closed)) => Err(Error::Stopping),
            // Nothing has been begun, so trying again is safe: that is "busy", not "timed out".
            Err(_elapsed) => Err(self.busy()),
        }
    }

    fn busy(&self) -> Error {
        Error::Busy {
            workers: self.workers,
            queued: self.queued.load(Ordering::Relaxed).min(self.queue),
            retry_after: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_engine::RequestId;

    fn call(limit: Duration) -> Call {
        Call::new(RequestId::parse("test").expect("valid"), limit)
    }

    fn gate(workers: usize, queue: usize) -> Gate {
        Gate::new(NonZeroUsize::new(workers).expect("not zero"), queue)
    }

    #[tokio::test]
    async fn past_the_queue_the_answer_is_busy_at_once() {
        let gate = gate(1, 1);
        let long = call(Duration::from_secs(60));
        let first = gate.enter(&long).await.expect("free");
        let mut second = Box::pin(gate.enter(&long));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(
            gate.load(),
            Load {
                busy: 1,
                workers: 1,
                queued: 1,
                queue: 1
            }
        );
        assert!(matches!(
            gate.enter(&long).await,
            Err(Error::Busy {
                workers: 1,
                queued: 1,
                ..
            })
        ));
        drop(first);
        second.await.expect("served in turn");
        assert_eq!(gate.load().queued, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline_and_frees_its_place() {
        let gate = gate(1, 5);
        let _held = gate
            .enter(&call(Duration::from_secs(60)))
            .await
            .expect("free");
        assert!(matches!(
            gate.enter(&call(Duration::from_secs(1))).await,
            Err(Error::Busy { .. })
        ));
        assert_eq!(gate.load().queued, 0);
    }
}
