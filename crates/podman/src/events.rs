//! What happens at Podman.

use crate::PodmanEngine;
use crate::body::{Lines, body};
use crate::requests;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use podlane_engine::{Call, EngineEvent, Error, EventQuery, EventStream, Events, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};

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
        // Podman writes those that say nothing too.
        attributes.retain(|_, value| !value.is_empty());
        if line.action != "died" && line.action != "exec_died" {
            attributes.remove("containerExitCode");
        }
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

#[async_trait]
impl Events for PodmanEngine {
    async fn events(&self, call: &Call, query: EventQuery) -> Result<EventStream> {
        let request = requests::events(query);
        let response = self.connection().send(call, &request).await?;
        let pieces = body(call, request.step, response);
        let step = request.step;
        let state = (pieces, Lines::default(), VecDeque::new());
        let events = stream::unfold(
            state,
            move |(mut pieces, mut lines, mut ready)| async move {
                loop {
                    if let Some(event) = ready.pop_front() {
                        return Some((event, (pieces, lines, ready)));
                    }
                    match pieces.next().await? {
                        Ok(piece) => {
                            let whole = lines.push(&piece);
                            ready.extend(whole.iter().filter_map(|line| read(line, step)));
                        }
                        Err(error) => ready.push_back(Err(error)),
                    }
                }
            },
        );
        Ok(events.boxed())
    }
}
