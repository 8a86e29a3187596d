//! `GET containers/{name}/json`: a container in full, in the shape of `/v4.0.0`.

use super::Request;
use super::lifecycle::host_pid;
use crate::fake::FakeVersion;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::state::{Container, Mount, Port};
use http::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Go's zero time, for what has not happened.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(super) fn exists(request: &Request) -> Handled {
    let mut state = request.core.state();
    match state.find(&request.name) {
        Ok(_) => Ok(Answer::empty(StatusCode::NO_CONTENT)),
        Err(_) => Err(Refusal::plain(404, "no such container")),
    }
}

pub(super) fn inspect(request: &Request) -> Handled {
    let mut state = request.core.state();
    let id = state.find(&request.name)?.id.clone();
    let execs = state.execs.iter().filter(|(_, exec)| exec.container == id);
    let execs: Vec<String> = execs.map(|(id, _)| id.clone()).collect();
    let runtime = state.runtime.as_str();
    let shown = state.find(&id)?;
    let pod = shown.pod.clone();
    let mut body = show(shown, request.core.version, &execs);
    // What is in a pod has its pod's ports.
    if let Some(infra) = pod.and_then(|pod| Some(state.pod(&pod).ok()?.infra.clone())) {
        let ports = bindings(&state.find(&infra)?.ports, request.core.version);
        body["NetworkSettings"]["Ports"] = ports;
    }
    body["OCIRuntime"] = json!(runtime);
    Ok(Answer::json(StatusCode::OK, &body))
}

/// A time as Go writes it.
pub(super) fn time(time: Option<OffsetDateTime>) -> String {
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| NEVER.to_owned())
}

fn show(container: &Container, version: FakeVersion, execs: &[String]) -> Value {
    let mut argv = container.argv();
    if container.init {
        argv.splice(0..0, ["/run/podman-init".to_owned(), "--".to_owned()]);
    }
    // Podman cuts the program off the arguments only if there is more than one word.
    let arguments = if argv.len() > 1 {
        &argv[1..]
    } else {
        &argv[..]
    };
    let ports = bindings(&container.ports, version);
    let labels = if container.labels.is_empty() {
        Value::Null
    } else {
        json!(container.labels)
    };
    // Podman tells of file systems in memory elsewhere.
    let mounts = container.mounts.iter();
    let mounts = mounts.filter(|mount| mount.source != "tmpfs");
    let mut body = json!({
        "Id": container.id,
        "Created": time(Some(container.created)),
        "Path": argv.first().map_or("", String::as_str),
        "Args": arguments,
        "State": state(container, version),
        "Image": container.image_id,
        "ImageDigest": format!("sha256:{}", container.image_id),
        "ImageName": container.image,
        "Pod": container.pod.as_deref().unwrap_or_default(),
        "IsInfra": container.infra,
        "Name": container.name,
        "RestartCount": 0,
        "Driver": "overlay",
        "ExecIDs": execs,
        "Mounts": mounts.map(mount).collect::<Vec<_>>(),
        "NetworkSettings": {
            "IPAddress": "",
            "Ports": ports,
        },
        "Config": {
            "User": container.user,
            "Env": container.full_environment(),
            "Cmd": container.command,
            "Image": container.image,
            "Volumes": null,
            "WorkingDir": container.workdir,
            "Entrypoint": container.entrypoint.join(" "),
            "Labels": labels,
            "Annotations": {
                "io.container.manager": "libpod",
                "org.opencontainers.image.stopSignal": "15",
            },
            "StopTimeout": container.stop_timeout,
        },
        "HostConfig": {
            "NetworkMode": "bridge",
            "PortBindings": ports,
            "AutoRemove": false,
            "Privileged": false,
            "Init": container.init,
            "LogConfig": {"Type": "k8s-file", "Config": null, "Path": "", "Tag": "", "Size": "0B"},
        },
    });
    super::kept::add(container, &mut body);
    if version.is_old() {
        let init = if container.init { "TRUE" } else { "FALSE" };
        body["Config"]["Annotations"]["io.podman.annotations.init"] = json!(init);
    } else if !container.ports.is_empty() {
        let exposed = container.ports.iter();
        let exposed =
            exposed.map(|port| (format!("{}/{}", port.container, port.protocol), json!({})));
        body["Config"]["ExposedPorts"] = exposed.collect::<Map<_, _>>().into();
    }
    body
}

fn state(container: &Container, version: FakeVersion) -> Value {
    let live = container.status.is_live();
    let mut state = json!({
        "OciVersion": "1.0.2-dev",
        "Status": container.status.as_str(),
        "Running": container.status.as_str() == "running",
        "Paused": container.status.as_str() == "paused",
        "Restarting": false,
        "OOMKilled": container.oom_killed,
        "Dead": false,
        "Pid": container.main.filter(|_| live).map_or(0, host_pid),
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": time(container.started),
        "FinishedAt": time(container.finished),
        "CheckpointedAt": NEVER,
        "RestoredAt": NEVER,
    });
    let health = super::health::status(container);
    if version.is_old() || !health.is_empty() {
        state["Health"] = json!({"Status": health, "FailingStreak": 0, "Log": null});
    }
    state
}

/// Ports by what they lead to.
pub(super) fn bindings(ports: &[Port], version: FakeVersion) -> Value {
    let mut all = Map::new();
    for port in ports {
        let ip = match port.host_ip.as_str() {
            "" => version.any_address(),
            ip => ip,
        };
        let key = format!("{}/{}", port.container, port.protocol);
        let binding = json!({"HostIp": ip, "HostPort": port.host.to_string()});
        let list = all.entry(key).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(binding);
        }
    }
    all.into()
}

fn mount(mount: &Mount) -> Value {
    let mut shown = json!({
        "Type": if mount.volume.is_some() { "volume" } else { "bind" },
        "Source": mount.source,
        "Destination": mount.destination,
        "Driver": if mount.volume.is_some() { "local" } else { "" },
        "Mode": "",
        "Options": ["rbind"],
        "RW": !mount.read_only,
        "Propagation": "rprivate",
    });
    if let Some(name) = &mount.volume {
        shown["Name"] = json!(name);
    }
    shown
}
