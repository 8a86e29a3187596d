//! One container's lifetime, as this server knows it.

use super::label::Terms;
use super::{Lifetime, Reason};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How much later than its keeper another server ends a container: the keeper goes first.
const OTHERS: Duration = Duration::from_secs(5);
/// How long is waited after what failed: at first, and at most.
const SOON: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(60);
/// The share of one processor that counts as use.
const BUSY: f64 = 0.01;

#[derive(Debug)]
pub(super) struct Life {
    pub(super) terms: Terms,
    /// Whether this server keeps its time: it alone knows how that was changed, and who uses it.
    pub(super) own: bool,
    /// Held by whoever changes its end, or brings it about.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    expires: Option<SystemTime>,
    /// When it was last used.
    used: Instant,
    /// Uses under way.
    uses: usize,
    /// When its processor time was last looked at, and how much it was.
    measured: Option<(Instant, Duration)>,
    /// Whether what happens at its end has happened.
    over: bool,
    /// Whether that is under way.
    ending: bool,
    failures: u32,
    /// Until when it is left alone after a failure.
    rest: Option<Instant>,
}

/// What is to be done about a container now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing, until then.
    Wait(Instant),
    /// Nothing, until something is changed.
    Nothing,
    /// Its processor time has to be looked at.
    Look,
    /// It has to be ended.
    End(Reason),
}

/// What a look at the processor time of an idle container said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It works by itself.
    Busy,
    /// It does not.
    Idle,
    /// That can be said the next time.
    Unknown,
}

impl Life {
    pub(super) fn new(terms: Terms, own: bool, extended: Option<SystemTime>) -> Self {
        let state = State {
            expires: extended.or(terms.expires),
            used: Instant::now(),
            uses: 0,
            measured: None,
            over: false,
            ending: false,
            failures: 0,
            rest: None,
        };
        Self {
            terms,
            own,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The idle time that this server looks after.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.terms.idle.filter(|_| self.own)
    }

    /// When it expires, as far as this server may say so: how its keeper has extended it, another one does
    /// not know.
    fn end(&self, state: &State) -> Option<SystemTime> {
        if self.own {
            state.expires
        } else {
            self.terms.latest.map(|latest| latest + OTHERS)
        }
    }

    pub(super) fn told(&self) -> Lifetime {
        let state = self.state();
        let (now, clock) = (Instant::now(), SystemTime::now());
        let idle_expires = self.idle().filter(|_| !state.over).map(|idle| {
            let since = if state.uses > 0 { now } else { state.used };
            clock + (since + idle).saturating_duration_since(now)
        });
        Lifetime {
            expires: state.expires,
            latest: self.terms.latest,
            idle_timeout: self.terms.idle,
            idle_expires,
            on_expiry: self.terms.on_expiry,
        }
    }

    /// When its time was up, if it was.
    pub(super) fn expired(&self) -> Option<SystemTime> {
        let end = self.end(&self.state());
        end.filter(|end| *end <= SystemTime::now())
    }

    pub(super) fn set_expiry(&self, expires: SystemTime) {
        let mut state = self.state();
        state.expires = Some(expires);
        state.over = false;
    }

    /// Somebody uses it, or has done something that counts as that.
    pub(super) fn touch(&self) {
        self.state().used = Instant::now();
    }

    pub(super) fn begin_use(&self) {
        let mut state = self.state();
        state.uses += 1;
        state.used = Instant::now();
    }

    pub(super) fn end_use(&self) {
        let mut state = self.state();
        state.uses = state.uses.saturating_sub(1);
        state.used = Instant::now();
    }

    /// It is new: it has used nothing yet.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.used = now;
        state.measured = Some((now, Duration::ZERO));
    }

    /// It is started anew, and can come to an end again.
    pub(super) fn begin_again(&self) {
        let mut state = self.state();
        state.used = Instant::now();
        state.over = false;
    }

    /// It was seen to run.
    pub(super) fn seen_alive(&self) {
        let mut state = self.state();
        if state.over {
            state.over = false;
            state.used = Instant::now();
        }
    }

    /// What is to be done now.
    pub(super) fn need(&self) -> Need {
        let state = self.state();
        let (now, clock) = (Instant::now(), SystemTime::now());
        if state.over || state.ending {
            return Need::Nothing;
        }
        if let Some(rest) = state.rest.filter(|rest| *rest > now) {
            return Need::Wait(rest);
        }
        let end = self.end(&state);
        if end.is_some_and(|end| end <= clock) {
            return Need::End(Reason::Ttl);
        }
        let left = end.and_then(|end| end.duration_since(clock).ok());
        let end = left.and_then(|left| now.checked_add(left));
        let look = self.idle().map(|idle| look(&state, idle, now));
        match (end, look) {
            (_, Some(look)) if look <= now => Need::Look,
            (Some(end), Some(look)) => Need::Wait(end.min(look)),
            (Some(end), None) => Need::Wait(end),
            (None, Some(look)) => Need::Wait(look),
            (None, None) => Need::Nothing,
        }
    }

    /// Takes down how much processor time it has used, and says whether that was next to nothing for as
    /// long as nobody may use it. A container that does not run uses none.
    pub(super) fn measure(&self, used: Duration) -> Found {
        let Some(idle) = self.idle() else {
            return Found::Unknown;
        };
        let mut state = self.state();
        let now = Instant::now();
        let before = state.measured.replace((now, used));
        let fresh = before.filter(|(at, _)| *at >= state.used);
        let (Some((at, before)), true) = (fresh, state.uses == 0 && now >= state.used + idle)
        else {
            return Found::Unknown;
        };
        // It was started anew meanwhile if it is less than before.
        let spent = used.checked_sub(before).unwrap_or(used);
        if spent.as_secs_f64() >= BUSY * (now - at).as_secs_f64() {
            state.used = now;
            return Found::Busy;
        }
        Found::Idle
    }

    /// Whether its end is still to be brought about; from then on it is under way.
    pub(super) fn begin_end(&self) -> bool {
        let mut state = self.state();
        !state.over && !std::mem::replace(&mut state.ending, true)
    }

    /// Whether the reason for its end still holds.
    pub(super) fn is_due(&self, reason: Reason) -> bool {
        let state = self.state();
        match reason {
            Reason::Ttl => self.end(&state).is_some_and(|end| end <= SystemTime::now()),
            Reason::Idle => self
                .idle()
                .is_some_and(|idle| state.uses == 0 && Instant::now() >= state.used + idle),
        }
    }

    /// How bringing about its end went: it is over, there was no reason any more, or it failed. Answers how
    /// long it is left alone then.
    pub(super) fn end_ended(&self, over: Option<bool>) -> Duration {
        let mut state = self.state();
        state.ending = false;
        let Some(over) = over else {
            return rest(&mut state);
        };
        state.over = over;
        state.failures = 0;
        state.rest = None;
        Duration::ZERO
    }

    /// It could not be looked at.
    pub(super) fn unseen(&self) {
        rest(&mut self.state());
    }
}

fn rest(state: &mut State) -> Duration {
    let pause = LATE.min(SOON * 2_u32.saturating_pow(state.failures.min(10)));
    state.failures = state.failures.saturating_add(1);
    state.rest = Some(Instant::now() + pause);
    pause
}

/// When its processor time is to be looked at. What was used while somebody used the container does not count,
/// so where there was no look since then, there is one half-way.
fn look(state: &State, idle: Duration, now: Instant) -> Instant {
    if state.uses > 0 {
        return now + idle / 2;
    }
    let measured = state.measured.is_some_and(|(at, _)| at >= state.used);
    state.used + if measured { idle } else { idle / 2 }
}

#[cfg(test)]
mod tests;
