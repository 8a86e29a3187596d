//! Whether the engine tells what happens, for whoever asks how all is.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A stream that breaks off again sooner was no recovery.
const STEADY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Hearing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when the stream is open, if it is.
    open: Option<Instant>,
    /// When it was lost, and why.
    lost: Option<Loss>,
}

/// The engine's stream is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) since: SystemTime,
    pub(crate) why: String,
}

impl Hearing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine begins to tell.
    pub(super) fn begins(&self) {
        self.state().open = Some(Instant::now());
    }

    /// It does not begin to, or not any more.
    pub(super) fn ends(&self, why: &impl Display) {
        let mut state = self.state();
        let steady = state
            .open
            .take()
            .is_some_and(|open| open.elapsed() >= STEADY);
        let before = state.lost.take().filter(|_| !steady);
        state.lost = Some(Loss {
            since: before.map_or_else(SystemTime::now, |loss| loss.since),
            why: why.to_string(),
        });
    }

    /// Nobody listens any more.
    pub(super) fn forget(&self) {
        *self.state() = State::default();
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state().open.is_some()
    }

    /// Since when nothing is told, and why, as far as that is known.
    pub(crate) fn loss(&self) -> Option<Loss> {
        let state = self.state();
        state.lost.clone().filter(|_| state.open.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_lasts_until_the_stream_has_been_open_for_a_while() {
        let hearing = Hearing::default();
        assert_eq!((hearing.is_open(), hearing.loss()), (false, None));
        hearing.ends(&"no socket");
        let first = hearing.loss().expect("a loss");
        assert_eq!(first.why, "no socket");
        hearing.begins();
        assert_eq!((hearing.is_open(), hearing.loss()), (true, None));
        hearing.ends(&"cut off");
        let second = hearing.loss().expect("a loss");
        assert_eq!(
            (second.since, second.why.as_str()),
            (first.since, "cut off")
        );
        let long_ago = Instant::now().checked_sub(STEADY).expect("a time");
        hearing.state().open = Some(long_ago);
        hearing.ends(&"cut off");
        assert!(hearing.loss().expect("a loss").since > first.since);
        hearing.forget();
        assert_eq!(hearing.loss(), None);
    }
}
