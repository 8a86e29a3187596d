//! When something was last heard of a client, and when something was last said at all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Shared by the two directions of a session.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// Milliseconds after `began`.
    heard: AtomicU64,
    said: AtomicU64,
    /// Nothing is read from the client just now, because the command does not take what came before.
    deaf: AtomicBool,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            heard: AtomicU64::new(0),
            said: AtomicU64::new(0),
            deaf: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Any frame has come.
    pub(super) fn hear(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    /// Input has come, or output.
    pub(super) fn say(&self) {
        self.said.store(self.now(), Ordering::Relaxed);
    }

    /// For as long as the answer lives, nothing can be heard.
    pub(super) fn deafened(&self) -> Deafened<'_> {
        self.deaf.store(true, Ordering::Relaxed);
        Deafened(self)
    }

    /// Whether a client that is asked every `pause` seems to be gone.
    pub(super) fn has_stopped(&self, pause: Duration) -> bool {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let silent = self.now() - self.heard.load(Ordering::Relaxed).min(self.now());
        // Half a pause away from any moment at which this is asked.
        silent > pause.saturating_mul(5) / 2 && !self.deaf.load(Ordering::Relaxed)
    }

    /// Waits until nothing was said for `limit`.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let said = Duration::from_millis(self.said.load(Ordering::Relaxed));
            let until = self.began + said + limit;
            if Instant::now() >= until {
                return;
            }
            sleep_until(until).await;
        }
    }
}

pub(super) struct Deafened<'a>(&'a Pulse);

impl Drop for Deafened<'_> {
    fn drop(&mut self) {
        self.0.hear();
        self.0.deaf.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed_where_something_could_be_heard() {
        let (pulse, pause) = (Pulse::new(), Duration::from_secs(20));
        advance(Duration::from_secs(49)).await;
        assert!(!pulse.has_stopped(pause));
        advance(Duration::from_secs(2)).await;
        assert!(pulse.has_stopped(pause));
        pulse.hear();
        assert!(!pulse.has_stopped(pause));
        let deafened = pulse.deafened();
        advance(Duration::from_secs(100)).await;
        assert!(!pulse.has_stopped(pause));
        drop(deafened);
        assert!(!pulse.has_stopped(pause), "it is to be asked again first");
    }

    #[tokio::test(start_paused = true)]
    async fn idling_begins_anew_with_each_word() {
        let (pulse, limit) = (Pulse::new(), Duration::from_secs(60));
        advance(Duration::from_secs(50)).await;
        pulse.say();
        let begun = Instant::now();
        pulse.idle(limit).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
