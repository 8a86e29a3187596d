//! `GET containers/json`: one row a container, with the filters that matter.

use super::Request;
use super::inspect::time;
use super::lifecycle::host_pid;
use crate::fake::FakeVersion;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::state::{Container, State};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn list(request: &Request) -> Handled {
    let filters = filters(request)?;
    let all = request.query.flag("all")?;
    let limit = request.query.number("limit")?.unwrap_or_default();
    let state = request.core.state();
    let mut containers: Vec<&Container> = state.containers.iter().collect();
    let by_status = filters.contains_key("status");
    containers.retain(|container| all || by_status || limit > 0 || container.status.is_live());
    containers.retain(|container| {
        filters
            .iter()
            .all(|(key, values)| fits(container, key, values))
    });
    if let Ok(limit @ 1..) = usize::try_from(limit) {
        let surplus = containers.len().saturating_sub(limit);
        containers.drain(..surplus);
    }
    let rows = containers
        .into_iter()
        .map(|container| row(container, &state, request.core.version));
    let rows: Vec<Value> = rows.collect();
    Ok(Answer::json(StatusCode::OK, &json!(rows)))
}

type Filters = BTreeMap<String, Vec<String>>;

fn filters(request: &Request) -> Result<Filters, Refusal> {
    let Some(text) = request.query.get("filters") else {
        return Ok(Filters::new());
    };
    let wrong = |cause: String| {
        let message = format!(
            "failed to decode filter parameters for {}: {cause}",
            request.target
        );
        Refusal::new(500, &cause, message)
    };
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let filters = value
        .as_object()
        .ok_or_else(|| wrong("no object".to_owned()))?;
    let mut parsed = Filters::new();
    for (key, values) in filters {
        let known = ["id", "label", "name", "status", "ancestor", "health"];
        if !known.contains(&key.as_str()) {
            let text = format!("{key} is an invalid filter: invalid argument");
            return Err(Refusal::wrapped(500, &text));
        }
        let values = values
            .as_array()
            .ok_or_else(|| wrong("no array".to_owned()))?;
        let values = values.iter().filter_map(Value::as_str);
        let values: Vec<String> = values.map(str::to_owned).collect();
        let states = [
            "created", "running", "paused", "stopping", "exited", "stopped",
        ];
        if let Some(odd) = values
            .iter()
            .find(|value| key == "status" && !states.contains(&value.as_str()))
        {
            let text = format!("unknown container state: {odd}: invalid argument");
            return Err(Refusal::wrapped(500, &text));
        }
        parsed.insert(key.clone(), values);
    }
    Ok(parsed)
}

/// All labels must fit, of other filters one value.
fn fits(container: &Container, key: &str, values: &[String]) -> bool {
    let label = |value: &String| match value.split_once('=') {
        Some((name, value)) => container
            .labels
            .get(name)
            .is_some_and(|found| found == value),
        None => container.labels.contains_key(value),
    };
    match key {
        "label" => values.iter().all(label),
        "id" => values.iter().any(|value| container.id.starts_with(value)),
        "name" => values
            .iter()
            .any(|value| container.name.contains(value.trim_matches(['^', '$']))),
        "health" => {
            let status = super::health::status(container);
            values.iter().any(|value| value == status)
        }
        "status" => values
            .iter()
            .any(|value| value == container.status.as_str()),
        _ => values.iter().any(|value| container.image.contains(value)),
    }
}

fn row(container: &Container, state: &State, version: FakeVersion) -> Value {
    let live = container.status.is_live();
    let ports = state.ports_of(container);
    let ports = ports.iter().map(|port| {
        json!({
            "host_ip": port.host_ip,
            "container_port": port.container,
            "host_port": port.host,
            "range": 1,
            "protocol": port.protocol,
        })
    });
    let ports: Vec<Value> = ports.collect();
    let seconds = |time: Option<time::OffsetDateTime>| {
        time.map_or(-62_135_596_800, time::OffsetDateTime::unix_timestamp)
    };
    let mounts: Vec<&String> = container
        .mounts
        .iter()
        .map(|mount| &mount.destination)
        .collect();
    let mut row = json!({
        "AutoRemove": false,
        "Command": container.command,
        "Created": time(Some(container.created)),
        "CreatedAt": "",
        "Exited": container.status.as_str() == "exited",
        "ExitedAt": seconds(container.finished),
        "ExitCode": container.exit_code,
        "Id": container.id,
        "Image": container.image,
        "ImageID": container.image_id,
        "IsInfra": container.infra,
        "Labels": if container.labels.is_empty() { Value::Null } else { json!(container.labels) },
        "Mounts": mounts,
        "Names": [container.name],
        "Namespaces": {},
        "Networks": ["podman"],
        "Pid": container.main.filter(|_| live).map_or(0, host_pid),
        "Pod": container.pod.as_deref().unwrap_or_default(),
        "PodName": "",
        "Ports": if ports.is_empty() { Value::Null } else { json!(ports) },
        "Size": null,
        "StartedAt": seconds(container.started),
        "State": container.status.as_str(),
        "Status": "",
    });
    if !version.is_old() {
        row["CIDFile"] = json!("");
        row["ExposedPorts"] = Value::Null;
        row["Restarts"] = json!(0);
    }
    row
}
