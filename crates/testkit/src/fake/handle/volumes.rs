//! Volumes.

use super::Request;
use super::inspect::time;
use crate::fake::answer::{Answer, Handled, Refusal};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Makes a volume if there is none of that name.
pub(super) fn provide(volumes: &mut BTreeMap<String, Value>, name: &str) {
    let volume = || volume(name, &json!({}));
    volumes.entry(name.to_owned()).or_insert_with(volume);
}

fn volume(name: &str, labels: &Value) -> Value {
    json!({
        "Name": name,
        "Driver": "local",
        "Mountpoint": format!("/nonexistent/podlane-fake/volumes/{name}/_data"),
        "CreatedAt": time(Some(OffsetDateTime::now_utc())),
        "Labels": labels,
        "Scope": "local",
        "Options": {},
        "MountCount": 0,
        "NeedsCopyUp": true,
        "NeedsChown": true,
    })
}

pub(super) fn create(request: &Request) -> Handled {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = body["Name"].as_str().unwrap_or_default();
    let volumes = &mut request.core.state().volumes;
    if volumes.contains_key(name) {
        let message = format!("volume with name {name} already exists: volume already exists");
        return Err(Refusal::wrapped(500, &message));
    }
    let labels = match &body["Labels"] {
        Value::Null => json!({}),
        labels => labels.clone(),
    };
    let made = volume(name, &labels);
    volumes.insert(name.to_owned(), made.clone());
    Ok(Answer::json(StatusCode::CREATED, &made))
}

pub(super) fn list(request: &Request) -> Answer {
    let all: Vec<Value> = request.core.state().volumes.values().cloned().collect();
    Answer::json(StatusCode::OK, &json!(all))
}

pub(super) fn inspect(request: &Request) -> Handled {
    let name = &request.name;
    let message = format!("volume with name {name} not found: no such volume");
    let state = request.core.state();
    let volume = state.volumes.get(name);
    let volume = volume.ok_or_else(|| Refusal::wrapped(404, &message))?;
    Ok(Answer::json(StatusCode::OK, volume))
}

pub(super) fn remove(request: &Request) -> Handled {
    let name = &request.name;
    let mut state = request.core.state();
    let user = state.containers.iter().find(|container| {
        let mut mounts = container.mounts.iter();
        mounts.any(|mount| mount.volume.as_ref() == Some(name))
    });
    if let Some(user) = user {
        let cause = "volume is being used";
        let message = format!(
            "volume {name} is being used by the following container(s): {}: {cause}",
            user.id
        );
        return Err(Refusal::new(409, cause, message));
    }
    if state.volumes.remove(name).is_none() {
        let message = format!("no volume with name \"{name}\" found: no such volume");
        return Err(Refusal::wrapped(404, &message));
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
