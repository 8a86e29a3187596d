//! What happens at the engine, told to any number of readers from one stream of it.
//!
//! An event's ID is its time in nanoseconds. A reader that was away, or too slow, is told from what the
//! engine remembers, and then goes on with the others.

mod hearing;
mod hub;

pub(crate) use hearing::Hearing;
pub(crate) use hub::{Hub, Own};

use crate::containers::{TENANT_LABEL, is_own, shown_labels};
use crate::places::Place;
use crate::{Call, Error, Result, Scope, Service};
use futures_util::StreamExt;
use podlane_engine::{EngineEvent, EventQuery};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// How many events a reader may be behind before it is told from what the engine remembers.
const BEHIND: usize = 1024;
/// How many of the last events are known again.
const MARKS: usize = 4 * BEHIND;
/// How much later, in nanoseconds, an event may come than one that happened after it: Podman's processes each
/// take the time and then wait for their turn to write.
pub(crate) const DISORDER: i64 = 5_000_000_000;

/// Which events a reader wants.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of these kinds of things; of any if empty.
    pub kinds: Vec<String>,
    /// These; any if empty.
    pub actions: Vec<String>,
    /// Of the thing with this name, or with an ID that begins with it.
    pub subject: Option<String>,
}

impl EventFilter {
    fn wants(&self, event: &EngineEvent) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.actions.is_empty() || self.actions.contains(&event.action))
            && self
                .subject
                .as_ref()
                .is_none_or(|name| event.name == *name || event.id.starts_with(name))
    }
}

/// A reader of events.
pub struct EventReader {
    service: Service,
    call: Call,
    filter: EventFilter,
    receiver: Receiver<Arc<EngineEvent>>,
    /// Only what is later is told.
    after: i64,
    /// The time of the last event that came.
    last: i64,
    told: Told,
    ready: VecDeque<Arc<EngineEvent>>,
    /// Whether what the engine remembers is to be asked for.
    missed: bool,
    /// None for the server itself.
    _place: Option<Place>,
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// The last events that came, so that none is told twice. Those that are too old to come again are forgotten.
#[derive(Debug, Default)]
struct Told {
    marks: HashSet<Mark>,
    order: VecDeque<Mark>,
    newest: i64,
}

/// What tells one event from another: its time, and a hash of the rest.
type Mark = (i64, u64);

impl Told {
    fn is_new(&mut self, event: &EngineEvent) -> bool {
        let mut rest = DefaultHasher::new();
        (&event.kind, &event.action, &event.id).hash(&mut rest);
        let mark = (event.at, rest.finish());
        if !self.marks.insert(mark) {
            return false;
        }
        self.newest = self.newest.max(event.at);
        self.order.push_back(mark);
        let old = self.newest.saturating_sub(2 * DISORDER);
        while let Some(oldest) = self.order.front().copied()
            && (self.order.len() > MARKS || oldest.0 < old)
        {
            self.order.pop_front();
            self.marks.remove(&oldest);
        }
        true
    }
}

/// The time, as events have it.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}

impl Service {
    /// Begins to tell what happens from now on, or what has happened since `after`.
    pub fn events(
        &self,
        call: &Call,
        filter: EventFilter,
        after: Option<i64>,
    ) -> Result<EventReader> {
        call.may(Scope::EventsRead)?;
        let place = self.0.streams.take()?;
        Ok(self.reader(call, filter, after, Some(place)))
    }

    /// The same for the server itself, which needs no place among the streams.
    pub(crate) fn own_events(
        &self,
        call: &Call,
        filter: EventFilter,
        after: Option<i64>,
    ) -> EventReader {
        self.reader(call, filter, after, None)
    }

    fn reader(
        &self,
        call: &Call,
        filter: EventFilter,
        after: Option<i64>,
        place: Option<Place>,
    ) -> EventReader {
        let begun = now();
        EventReader {
            receiver: self.subscribe(call, begun),
            service: self.clone(),
            call: call.clone(),
            filter,
            after: after.unwrap_or(begun),
            last: after.unwrap_or(begun),
            told: Told::default(),
            ready: VecDeque::new(),
            missed: after.is_some(),
            _place: place,
        }
    }
}

impl EventReader {
    /// What happens next. Cancel safe.
    pub async fn next(&mut self) -> Result<Arc<EngineEvent>> {
        let stopping = self.service.0.stopping.clone();
        loop {
            while let Some(event) = self.ready.pop_front() {
                if let Some(event) = self.take(event) {
                    return Ok(event);
                }
            }
            if self.missed {
                self.remember().await?;
                continue;
            }
            let received = tokio::select! {
                received = self.receiver.recv() => received,
                () = stopping.cancelled() => return Err(Error::Stopping),
            };
            match received {
                Ok(event) => self.ready.push_back(event),
                Err(RecvError::Lagged(_)) => self.missed = true,
                Err(RecvError::Closed) => {
                    self.receiver = self.service.subscribe(&self.call, self.last);
                    self.missed = true;
                }
            }
        }
    }

    /// Asks for what the engine remembers since the last event that was told, and adds what we do.
    async fn remember(&mut self) -> Result<()> {
        let call = self.call.extended(self.service.0.limits.request_timeout);
        let since = self.after.max(self.last.saturating_sub(DISORDER));
        let query = EventQuery {
            since,
            follow: false,
        };
        let _worker = self.service.0.gate.enter(&call).await?;
        let mut events = self.service.0.engine.events(&call, query).await?;
        let mut ready = Vec::new();
        while let Some(event) = events.next().await {
            ready.push(Arc::new(event?));
        }
        let own = self.service.0.own_events.since(since);
        if !own.is_empty() {
            ready.extend(own);
            ready.sort_by_key(|event| event.at);
        }
        self.ready = ready.into();
        self.missed = false;
        Ok(())
    }

    /// An event, if it was not told before and is wanted.
    fn take(&mut self, event: Arc<EngineEvent>) -> Option<Arc<EngineEvent>> {
        if event.at <= self.after || !self.told.is_new(&event) {
            return None;
        }
        self.last = self.last.max(event.at);
        if !self.filter.wants(&event) || !is_for(&self.call, &event) {
            return None;
        }
        let hidden = |name: &String| is_own(name) && name != TENANT_LABEL;
        if event.attributes.keys().any(hidden) {
            let mut event = (*event).clone();
            shown_labels(&mut event.attributes);
            return Some(Arc::new(event));
        }
        Some(event)
    }
}

/// Whether an event is the caller's to see. Only those of containers tell whose the thing is.
pub(crate) fn is_for(call: &Call, event: &EngineEvent) -> bool {
    call.sees_all("all events").is_ok()
        || (event.kind == "container" && call.owns_container(&event.name, &event.attributes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn event(at: i64) -> EngineEvent {
        EngineEvent {
            at,
            kind: "container".into(),
            action: "start".into(),
            id: "abc".into(),
            name: "web".into(),
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn each_event_is_told_once_in_whatever_order_it_comes() {
        let mut told = Told::default();
        for (at, new) in [(5, true), (3, true), (5, false), (3, false), (4, true)] {
            assert_eq!(told.is_new(&event(at)), new, "{at}");
        }
        let many = i64::try_from(MARKS).expect("a number");
        for at in 10..10 + 2 * many {
            assert!(told.is_new(&event(at)));
        }
        assert_eq!((told.marks.len(), told.order.len()), (MARKS, MARKS));
        assert!(!told.is_new(&event(9 + 2 * many)));
        assert!(told.is_new(&event(3 * DISORDER)));
        assert_eq!((told.marks.len(), told.order.len()), (1, 1));
    }

    #[test]
    fn filters_fit_all_that_they_name() {
        let filter = |kinds: &[&str], actions: &[&str], subject: Option<&str>| EventFilter {
            kinds: kinds.iter().map(ToString::to_string).collect(),
            actions: actions.iter().map(ToString::to_string).collect(),
            subject: subject.map(str::to_owned),
        };
        for (filter, wants) in [
            (filter(&[], &[], None), true),
            (
                filter(&["container"], &["died", "start"], Some("web")),
                true,
            ),
            (filter(&[], &[], Some("ab")), true),
            (filter(&[], &[], Some("we")), false),
            (filter(&["image"], &[], None), false),
            (filter(&[], &["died"], None), false),
        ] {
            assert_eq!(filter.wants(&event(1)), wants, "{filter:?}");
        }
    }
}
