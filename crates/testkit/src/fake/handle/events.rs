//! `GET events`: what has happened to containers, and what happens.

use super::Request;
use crate::fake::answer::{Answer, Handled};
use crate::fake::state::Container;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::mpsc;

/// Something that happens to a container now.
pub(in crate::fake) fn of(container: &Container, action: &str) -> Value {
    let now = OffsetDateTime::now_utc();
    let code = if action == "died" {
        container.exit_code
    } else {
        0
    };
    json!({
        "status": action,
        "id": container.id,
        "from": container.image,
        "Type": "container",
        "Action": action,
        "Actor": {
            "ID": container.id,
            "Attributes": {
                "containerExitCode": code.to_string(),
                "image": container.image,
                "name": container.name,
                "podId": "",
            },
        },
        "scope": "local",
        "time": now.unix_timestamp(),
        "timeNano": i64::try_from(now.unix_timestamp_nanos()).unwrap_or(i64::MAX),
    })
}

pub(super) fn events(request: &Request) -> Handled {
    let follow = request.query.get("stream") != Some("false");
    let since = request
        .query
        .time("since")?
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let core = Arc::clone(&request.core);
    let (to, pieces) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut next = 0;
        let mut length = core.happened.subscribe();
        loop {
            let lines = core.state().events[next..].to_vec();
            next += lines.len();
            for line in lines {
                let at = line["timeNano"].as_i64().unwrap_or_default();
                let new = i128::from(at) > since.unix_timestamp_nanos();
                if new && to.send(format!("{line}\n").into()).await.is_err() {
                    return;
                }
            }
            if !follow {
                return;
            }
            tokio::select! {
                _more = length.wait_for(|length| *length > next) => {}
                () = to.closed() => return,
            }
        }
    });
    Ok(Answer::stream(pieces).with("content-type", "application/json"))
}
