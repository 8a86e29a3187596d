//! The one stream of the engine's events: all readers share it, and so does the view of the containers.

use super::{BEHIND, DISORDER, Hearing, now};
use crate::view::View;
use crate::{Call, Service};
use futures_util::StreamExt;
use podlane_engine::{EngineEvent, EventQuery, EventStream};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// The pause before the engine is asked again that was not there.
const AGAIN: Duration = Duration::from_millis(500);
/// The time that the engine's stream gets; then it is asked for anew.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// The one stream, while it is open.
pub(crate) type Hub = Arc<Mutex<Option<Sender<Arc<EngineEvent>>>>>;

/// The last events of our own, which the engine does not remember.
#[derive(Debug, Default)]
pub(crate) struct Own(Mutex<VecDeque<Arc<EngineEvent>>>);

impl Own {
    fn keep(&self, event: &Arc<EngineEvent>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == BEHIND {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(event));
    }

    /// Those since then.
    pub(super) fn since(&self, since: i64) -> Vec<Arc<EngineEvent>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = kept.iter().filter(|event| event.at >= since);
        late.cloned().collect()
    }
}

impl Service {
    /// Joins the one stream, and begins it if nobody reads it yet.
    pub(super) fn subscribe(&self, call: &Call, since: i64) -> Receiver<Arc<EngineEvent>> {
        self.event_sender(call, since).subscribe()
    }

    /// Joins it for what happens from now on.
    pub(crate) fn subscribe_now(&self, call: &Call) -> Receiver<Arc<EngineEvent>> {
        self.subscribe(call, now())
    }

    /// Has the view told what happens.
    pub(crate) fn listen(&self, call: &Call) {
        self.event_sender(call, now());
    }

    /// Tells of something that the engine does not know.
    pub(crate) fn tell(&self, event: EngineEvent) {
        let event = Arc::new(event);
        self.0.own_events.keep(&event);
        let hub = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens.
        let _told = hub.as_ref().map(|sender| sender.send(event));
    }

    fn event_sender(&self, call: &Call, since: i64) -> Sender<Arc<EngineEvent>> {
        let mut hub = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*hub {
            return sender.clone();
        }
        let sender = Sender::new(BEHIND);
        *hub = Some(sender.clone());
        let (inner, call) = (Arc::downgrade(&self.0), call.extended(LONG));
        let since = since.saturating_sub(DISORDER);
        self.0.tasks.spawn(read(inner, call, since));
        sender
    }
}

/// Reads the engine's stream for as long as somebody listens.
async fn read(service: Weak<crate::Inner>, call: Call, mut since: i64) {
    loop {
        let Some(inner) = service.upgrade() else {
            return;
        };
        let stopping = inner.stopping.clone();
        let call = call.extended(LONG);
        let query = EventQuery {
            since,
            follow: true,
        };
        // The stream has no end, its beginning has.
        let begin = timeout(
            inner.limits.request_timeout,
            inner.engine.events(&call, query),
        );
        let asked = tokio::select! {
            asked = begin => asked,
            () = stopping.cancelled() => return,
        };
        let ears = Ears {
            hub: Arc::clone(&inner.events),
            view: Arc::clone(&inner.view),
            hearing: Arc::clone(&inner.hearing),
        };
        drop(inner);
        let why = match asked {
            Ok(Ok(events)) => {
                ears.view.connect(true);
                ears.hearing.begins();
                let told = tokio::select! {
                    told = ears.tell(events, &mut since) => told,
                    () = stopping.cancelled() => return,
                };
                let Some(why) = told else {
                    return;
                };
                ears.view.connect(false);
                why
            }
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "it does not begin to".to_owned(),
        };
        tracing::debug!(why, "the engine tells no events");
        ears.hearing.ends(&why);
        tokio::select! {
            () = sleep(AGAIN) => {}
            () = stopping.cancelled() => return,
        }
        if ears.are_left() {
            return;
        }
    }
}

/// Those who are told.
struct Ears {
    hub: Hub,
    view: Arc<View>,
    hearing: Arc<Hearing>,
}

impl Ears {
    /// Tells what comes, and at the end why it has; `None` if nobody listens.
    async fn tell(&self, mut events: EventStream, since: &mut i64) -> Option<String> {
        let mut pace = interval(AGAIN);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                _ = pace.tick() => {
                    if self.are_left() {
                        return None;
                    }
                    continue;
                }
                () = self.view.doubts() => return Some("it has told nothing of what has changed".into()),
            };
            match event {
                Some(Ok(event)) => {
                    *since = (*since).max(event.at.saturating_sub(DISORDER));
                    // Who was told of it finds it in a list.
                    self.view.hear(&event);
                    let hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
                    // Without a reader it is left soon.
                    let _read = hub.as_ref().map(|sender| sender.send(Arc::new(event)));
                }
                Some(Err(error)) => return Some(error.to_string()),
                None => return Some("its stream has ended".into()),
            }
        }
    }

    /// Whether nobody listens any more; then the next one begins a new stream.
    fn are_left(&self) -> bool {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = hub.as_ref().map_or(0, Sender::receiver_count);
        let left = readers == 0 && !self.view.is_used();
        if left {
            self.view.connect(false);
            self.hearing.forget();
            *hub = None;
        }
        left
    }
}
