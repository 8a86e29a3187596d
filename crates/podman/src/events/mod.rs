//! What happens at Podman.

mod log;
mod twins;

pub(crate) use log::{Known, Mark};

use crate::PodmanEngine;
use crate::body::{Lines, body};
use crate::requests;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use log::Log;
use podlane_engine::{Archive, Call, EngineEvent, Error, EventQuery, EventStream, Events, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use twins::{Twins, Way};

/// How often, and after which pauses, the file of events is looked for.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// What a health check says, among an event's attributes.
const HEALTH: &str = "healthStatus";
/// What Podman writes beside labels, and may leave empty.
const OWN: [&str; 5] = ["error", HEALTH, "image", "network", "podId"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    actor: Actor,
    #[serde(rename = "timeNano", default)]
    time_nano: i64,
    /// What a health check says: until Podman 5 what it has said before, later what it says now.
    #[serde(default)]
    health_status: String,
}

#[derive(Debug, Default, Deserialize)]
struct Actor {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: Option<BTreeMap<String, String>>,
}

impl From<Line> for EngineEvent {
    fn from(line: Line) -> Self {
        let mut attributes = line.actor.attributes.unwrap_or_default();
        let name = attributes.remove("name").unwrap_or_default();
        attributes.insert(HEALTH.into(), line.health_status);
        tidy(&line.action, &mut attributes);
        Self {
            at: line.time_nano,
            kind: line.kind,
            action: line.action,
            id: line.actor.id,
            name,
            attributes,
        }
    }
}

fn read(line: &[u8], step: &'static str) -> Option<Result<EngineEvent>> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let read = serde_json::from_slice::<Line>(line);
    Some(read.map(Into::into).map_err(|error| Error::Garbled {
        step: step.into(),
        reason: error.to_string(),
    }))
}

/// Leaves out what says nothing: Podman writes that too. A label may be empty.
fn tidy(action: &str, attributes: &mut BTreeMap<String, String>) {
    attributes.retain(|name, value| !value.is_empty() || !OWN.contains(&name.as_str()));
    if action != "died" && action != "exec_died" {
        attributes.remove("containerExitCode");
    }
}

/// Events as Podman's service tells them.
struct Told {
    pieces: Archive,
    lines: Lines,
    ready: VecDeque<Result<EngineEvent>>,
    step: &'static str,
}

impl Told {
    /// Cancel safe.
    async fn next(&mut self) -> Option<Result<EngineEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match self.pieces.next().await? {
                Ok(piece) => {
                    let lines = self.lines.push(&piece);
                    let step = self.step;
                    self.ready
                        .extend(lines.iter().filter_map(|line| read(line, step)));
                }
                Err(error) => self.ready.push_back(Err(error)),
            }
        }
    }
}

/// The same events, sooner where Podman's own file of them can be read.
struct Sooner {
    told: Told,
    engine: PodmanEngine,
    log: Option<Log>,
    /// How often the file is still looked for, and when next.
    looks: u32,
    look: Instant,
    twins: Twins,
}

impl Sooner {
    /// The end is that of what is told.
    async fn next(&mut self) -> Option<Result<EngineEvent>> {
        loop {
            let (way, event) = tokio::select! {
                told = self.told.next() => match told? {
                    Ok(event) => (Way::Told, event),
                    error => return Some(error),
                },
                written = written(&mut self.log) => if let Some(event) = written {
                    (Way::Written, event)
                } else {
                    self.log = None;
                    self.looks = LOOKS;
                    self.look = Instant::now() + PAUSE;
                    continue;
                },
                // The service opens it a little later than it answers.
                () = sleep_until(self.look), if self.log.is_none() && self.looks > 0 => {
                    self.looks -= 1;
                    self.look = Instant::now() + PAUSE;
                    self.log = Log::of(self.engine.connection().socket()).await;
                    if let Some(log) = &self.log {
                        self.engine.event_file().set(log);
                    }
                    continue;
                }
            };
            if self.twins.is_first(way, &event) {
                return Some(Ok(event));
            }
        }
    }
}

async fn written(log: &mut Option<Log>) -> Option<EngineEvent> {
    match log {
        Some(log) => log.next().await,
        None => pending().await,
    }
}

#[async_trait]
impl Events for PodmanEngine {
    async fn events(&self, call: &Call, query: EventQuery) -> Result<EventStream> {
        let request = requests::events(query);
        let response = self.connection().send(call, &request).await?;
        let events = Sooner {
            told: Told {
                pieces: body(call, request.step, response),
                lines: Lines::default(),
                ready: VecDeque::new(),
                step: request.step,
            },
            engine: self.clone(),
            log: None,
            looks: if query.follow { LOOKS } else { 0 },
            look: Instant::now(),
            twins: Twins::default(),
        };
        let events = stream::unfold(events, |mut events| async move {
            let event = events.next().await?;
            Some((event, events))
        });
        Ok(events.boxed())
    }
}
