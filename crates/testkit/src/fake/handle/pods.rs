//! Pods. What holds one together is a container that sleeps, and has the pod's ports and labels.

use super::inspect::{bindings, time};
use super::{Request, create, lifecycle};
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::image::Image;
use crate::fake::inside::Inside;
use crate::fake::state::{Container, Pod, State, Status, new_id};
use crate::fake::{FakeVersion, ImageKind};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;

pub(super) fn create(request: &Request) -> Handled {
    let spec: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = spec["name"].as_str().unwrap_or_default().to_owned();
    let old = request.core.version.is_old();
    let mut state = request.core.state();
    let taken = if state.pods.iter().any(|pod| pod.name == name) {
        Some("pod already exists")
    } else if old && state.containers.iter().any(|other| other.name == name) {
        Some("container already exists")
    } else {
        None
    };
    if let Some(cause) = taken {
        let message =
            format!("failed to make pod: adding pod to state: name \"{name}\" is in use: {cause}");
        return Err(Refusal::new(409, cause, message));
    }
    let id = new_id();
    let pod = |infra: String| Pod {
        id: id.clone(),
        name: name.clone(),
        infra,
        created: OffsetDateTime::now_utc(),
        spec: spec.clone(),
    };
    for network in spec["Networks"].as_object().into_iter().flatten() {
        let network = network.0;
        if network != "podman" && !state.networks.contains_key(network) {
            let message = format!(
                "failed to make pod: unable to find network with name or ID {network}: network not found"
            );
            // As with Podman, the pod stays.
            state.pods.push(pod(String::new()));
            return Err(Refusal::wrapped(500, &message));
        }
    }
    let infra = infra(&id, &spec, &mut state)?;
    let pod = pod(infra.id.clone());
    state.containers.push(infra);
    state.pods.push(pod);
    Ok(Answer::json(StatusCode::CREATED, &json!({"Id": id})))
}

fn infra(pod: &str, spec: &Value, state: &mut State) -> Result<Container, Refusal> {
    let image = Image::new(new_id(), "localhost/podman-pause", ImageKind::Busybox);
    Ok(Container {
        id: new_id(),
        name: format!("{}-infra", &pod[..12]),
        labels: create::labels(spec, &image),
        ports: create::ports(spec, state)?,
        image: image.name,
        image_id: image.id,
        entrypoint: Vec::new(),
        command: vec!["sleep".into(), "100000000".into()],
        environment: Vec::new(),
        own_environment: Vec::new(),
        mounts: Vec::new(),
        user: String::new(),
        workdir: "/".into(),
        init: false,
        stop_timeout: 0,
        created: OffsetDateTime::now_utc(),
        started: None,
        finished: None,
        status: Status::Created,
        exit_code: 0,
        oom_killed: false,
        error: String::new(),
        main: None,
        inside: Arc::new(Inside::new(image.tree)),
        spec: spec.clone(),
        pod: Some(pod.to_owned()),
        infra: true,
        health: super::health::Said::default(),
    })
}

/// By libpod's rules, of all containers in it.
fn status(state: &State, pod: &Pod) -> &'static str {
    let all: Vec<Status> = state.of_pod(pod).map(|one| one.status).collect();
    let each = |wanted: Status| all.iter().all(|status| *status == wanted);
    let some = |wanted: Status| all.contains(&wanted);
    if each(Status::Created) {
        "Created"
    } else if each(Status::Paused) {
        "Paused"
    } else if each(Status::Running) {
        "Running"
    } else if some(Status::Running) {
        "Degraded"
    } else if each(Status::Exited) {
        "Exited"
    } else {
        "Stopped"
    }
}

fn networks(pod: &Pod) -> Value {
    match pod.spec["Networks"].as_object() {
        Some(given) if !given.is_empty() => given.keys().cloned().collect(),
        _ if pod.spec["netns"]["nsmode"] == "none" => Value::Null,
        _ => json!(["podman"]),
    }
}

pub(super) fn list(request: &Request) -> Answer {
    let state = request.core.state();
    let rows = state.pods.iter().map(|pod| {
        let members = state
            .of_pod(pod)
            .map(|one| json!({"Id": one.id, "Names": one.name, "Status": one.status.as_str()}));
        json!({
            "Cgroup": "/libpod_parent",
            "Containers": members.collect::<Value>(),
            "Created": time(Some(pod.created)),
            "Id": pod.id,
            "InfraId": pod.infra,
            "Name": pod.name,
            "Namespace": "",
            "Networks": networks(pod),
            "Status": status(&state, pod),
            "Labels": pod.spec["labels"],
        })
    });
    let rows: Value = rows.collect();
    Answer::json(StatusCode::OK, &rows)
}

pub(super) fn inspect(request: &Request) -> Handled {
    let state = request.core.state();
    let pod = state.pod(&request.name)?;
    let body = show(&state, pod, request.core.version);
    Ok(Answer::json(StatusCode::OK, &body))
}

fn show(state: &State, pod: &Pod, version: FakeVersion) -> Value {
    let members = state
        .of_pod(pod)
        .map(|one| json!({"Id": one.id, "Name": one.name, "State": one.status.as_str()}));
    let members: Vec<Value> = members.collect();
    let spec = &pod.spec;
    let ports = state.of_pod(pod).find(|one| one.infra);
    let ports = ports.map(|infra| bindings(&infra.ports, version));
    json!({
        "Id": pod.id,
        "Name": pod.name,
        "Created": time(Some(pod.created)),
        "ExitPolicy": "continue",
        "State": status(state, pod),
        "Hostname": spec["hostname"].as_str().unwrap_or_default(),
        "Labels": spec["labels"],
        "CreateCgroup": true,
        "CreateInfra": true,
        "InfraContainerID": pod.infra,
        "InfraConfig": {
            "PortBindings": ports,
            "HostNetwork": false,
            "DNSServer": spec["dns_server"],
            "HostAdd": spec["hostadd"],
            "Networks": networks(pod),
            "pid_ns": "private",
            "userns": "host",
            "uts_ns": "private",
        },
        "SharedNamespaces": ["ipc", "net", "uts"],
        "NumContainers": members.len(),
        "Containers": members,
    })
}

/// The pod's ID, and the IDs of its containers, what holds it together first.
fn members(request: &Request) -> Result<(String, Vec<String>), Refusal> {
    let state = request.core.state();
    let pod = state.pod(&request.name)?;
    let mut ids: Vec<_> = state
        .of_pod(pod)
        .map(|one| (!one.infra, one.id.clone()))
        .collect();
    ids.sort();
    Ok((pod.id.clone(), ids.into_iter().map(|(_, id)| id).collect()))
}

/// The states of a pod's containers.
fn states(request: &Request, ids: &[String]) -> Vec<Status> {
    let mut state = request.core.state();
    let of = |id: &String| state.find(id).map(|one| one.status).ok();
    ids.iter().filter_map(of).collect()
}

fn report(id: &str, errors: &[String]) -> Answer {
    let errors = (!errors.is_empty()).then_some(errors);
    let status = if errors.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    Answer::json(status, &json!({"Errs": errors, "Id": id}))
}

pub(super) fn start(request: &Request) -> Handled {
    let (pod, ids) = members(request)?;
    if states(request, &ids)
        .iter()
        .all(|status| *status == Status::Running)
    {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
    }
    let mut errors = Vec::new();
    for id in ids {
        if let Err(refusal) = lifecycle::start_by(&request.core, &id) {
            errors.push(format!("starting container {id}: {}", refusal.message()));
            break;
        }
    }
    Ok(report(&pod, &errors))
}

pub(super) async fn stop(request: &Request) -> Handled {
    let asked = request.query.number("t")?;
    let (pod, ids) = members(request)?;
    let running = states(request, &ids).contains(&Status::Running);
    if !running {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
    }
    for id in ids.iter().rev() {
        let grace = {
            let mut state = request.core.state();
            let container = state.find(id)?;
            let asked = asked.map(|timeout| u64::try_from(timeout).unwrap_or_default());
            asked.unwrap_or(container.stop_timeout)
        };
        lifecycle::end(&request.core, id, grace).await;
    }
    Ok(report(&pod, &[]))
}

pub(super) fn kill(request: &Request) -> Handled {
    let (pod, ids) = members(request)?;
    if !states(request, &ids).contains(&Status::Running) {
        let message = format!("cannot kill a pod with no running containers: {pod}");
        return Err(Refusal::plain(409, message));
    }
    for id in ids {
        let signal = request.query.get("signal").unwrap_or("KILL");
        // What does not run is left out.
        let _none = lifecycle::kill_by(&request.core, &id, signal);
    }
    Ok(report(&pod, &[]))
}

/// Pauses what runs, or lets what is paused go on.
pub(super) fn pause(request: &Request, from: Status, to: Status) -> Handled {
    let (pod, ids) = members(request)?;
    let mut state = request.core.state();
    for id in ids {
        let container = state.find(&id)?;
        if container.status == from {
            container.status = to;
        }
    }
    Ok(report(&pod, &[]))
}

/// As with Podman, what does not run is gone even if what runs is in the way.
pub(super) async fn remove(request: &Request) -> Handled {
    let force = request.query.flag("force")?;
    request.query.number("timeout")?;
    let (pod, ids) = members(request)?;
    let mut running = None;
    for id in ids.iter().rev() {
        let (live, infra) = {
            let mut state = request.core.state();
            let container = state.find(id)?;
            (container.status.is_live(), container.infra)
        };
        if live && !force && !infra {
            running = Some(id);
            continue;
        }
        if infra && running.is_some() {
            break;
        }
        lifecycle::end(&request.core, id, 0).await;
        let mut state = request.core.state();
        state.containers.retain(|container| container.id != *id);
    }
    if let Some(id) = running {
        let text = format!(
            "removing container {id} from pod {pod}: cannot remove container {id} as it is running - running or paused containers cannot be removed without force"
        );
        return Err(Refusal::state(500, &text));
    }
    request.core.state().pods.retain(|one| one.id != pod);
    Ok(Answer::json(
        StatusCode::OK,
        &json!({"Err": null, "Id": pod}),
    ))
}
