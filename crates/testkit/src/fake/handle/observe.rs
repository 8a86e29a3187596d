//! Update, top, changes, export, stats.

use super::Request;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::archive;
use crate::fake::node::Node;
use crate::fake::state::{Container, Status};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The old version asks the runtime and no more, the new one remembers.
pub(super) fn update(request: &Request) -> Handled {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut state = request.core.state();
    let old = request.core.version.is_old();
    let container = state.find(&request.name)?;
    let id = container.id.clone();
    if old && !container.status.is_live() {
        let message = format!("`/usr/bin/crun update {id}` failed: exit status 1");
        return Err(Refusal::plain(500, message));
    }
    if !old {
        for (kind, limit) in asked.as_object().into_iter().flatten() {
            container.spec["resource_limits"][kind] = limit.clone();
        }
    }
    Ok(Answer::json(StatusCode::CREATED, &json!(id)))
}

/// In the columns that are asked for. Of a process the fake knows its
/// number and its words.
pub(super) fn top(request: &Request) -> Handled {
    let columns = request.query.get("ps_args").unwrap_or_default();
    let mut state = request.core.state();
    let container = state.find(&request.name)?;
    if container.status != Status::Running {
        if request.core.version.is_old() {
            return Ok(Answer::empty(StatusCode::OK));
        }
        let message = "top can only be used on running containers";
        return Err(Refusal::plain(500, message));
    }
    let processes = container.inside.processes.list();
    let rows = processes.into_iter().map(|(pid, argv)| {
        let column = |name: &str| match name {
            "pid" => json!(pid.to_string()),
            "ppid" => json!("0"),
            "user" => json!("root"),
            "state" => json!("S"),
            "pcpu" => json!("0.000"),
            "rss" => json!("1376"),
            "tty" => json!("?"),
            "args" => json!(argv.join(" ")),
            _ => json!("1.5s"),
        };
        columns.split(',').map(column).collect::<Value>()
    });
    let titles: Vec<String> = columns.split(',').map(str::to_uppercase).collect();
    let body = json!({"Processes": rows.collect::<Value>(), "Titles": titles});
    Ok(Answer::json(StatusCode::OK, &body))
}

/// By path, against the image. A directory in which something changed has changed too.
pub(super) fn changes(request: &Request) -> Handled {
    let mut state = request.core.state();
    let container = state.find(&request.name)?;
    let (inside, image) = (Arc::clone(&container.inside), container.image.clone());
    let base = state.image(&image).map(|image| image.tree.clone());
    let own = inside.tree();
    let before: BTreeMap<&str, &Node> = base.iter().flat_map(|tree| tree.below("/")).collect();
    let after: BTreeMap<&str, &Node> = own.below("/").collect();
    let mut rows = Vec::new();
    let mut touched = BTreeSet::new();
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let kind = match (before.get(path), after.get(path)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(_), Some(_)) => 0,
            (None, _) => 1,
            (_, None) => 2,
        };
        rows.push(json!({"Path": path, "Kind": kind}));
        if let Some((parent, _)) = path.rsplit_once('/')
            && before.contains_key(parent)
        {
            touched.insert(parent);
        }
    }
    rows.extend(touched.iter().map(|path| json!({"Path": path, "Kind": 0})));
    Ok(Answer::json(StatusCode::OK, &json!(rows)))
}

pub(super) fn export(request: &Request) -> Handled {
    let inside = Arc::clone(&request.core.state().find(&request.name)?.inside);
    let packed = archive::pack(&inside.tree(), "/", true);
    let packed = packed.map_err(|error| Refusal::plain(500, error.go_text()))?;
    Ok(Answer::typed(StatusCode::OK, "application/x-tar", packed))
}

/// One whose only number that means something is that of its processes.
fn measured(container: &Container, old: bool) -> Value {
    let pids = if container.status.is_live() {
        container.inside.processes.list().len()
    } else {
        0
    };
    let some = |number: u64| if pids == 0 { 0 } else { number };
    let mut row = json!({
        "AvgCPU": 0.5,
        "ContainerID": container.id,
        "Name": container.name,
        "CPU": 0.5,
        "CPUNano": some(8_533_737),
        "MemUsage": some(585_728),
        "MemLimit": some(25_276_510_208),
        "BlockInput": 0,
        "BlockOutput": 0,
        "PIDs": pids,
    });
    if old {
        // The wrong way round, as 4.3 does.
        (row["NetInput"], row["NetOutput"]) = (json!(some(1110)), json!(some(516)));
    } else {
        row["Network"] = json!({"eth0": {"RxBytes": some(516), "TxBytes": some(1110)}});
    }
    row
}

pub(super) fn stats(request: &Request) -> Handled {
    let old = request.core.version.is_old();
    let mut state = request.core.state();
    let rows = if let Some(name) = request.query.get("containers") {
        match state.find(name) {
            Ok(container) => json!([measured(container, old)]),
            Err(_) if old => {
                let body = json!({"Error": {}, "Stats": null});
                return Ok(Answer::json(StatusCode::OK, &body));
            }
            Err(refusal) => return Err(refusal),
        }
    } else {
        let live = state.containers.iter();
        let live = live.filter(|container| container.status.is_live());
        live.map(|container| measured(container, old)).collect()
    };
    let body = json!({"Error": null, "Stats": rows});
    Ok(Answer::json(StatusCode::OK, &body))
}
