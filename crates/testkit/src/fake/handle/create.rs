//! `POST containers/create`: from a SpecGenerator to a container.

use super::{Request, events, volumes};
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::image::Image;
use crate::fake::inside::Inside;
use crate::fake::state::{Container, Mount, Port, State, Status, new_id};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use time::OffsetDateTime;

pub(super) fn create(request: &Request) -> Handled {
    let spec = parse(&request.body)?;
    let old = request.core.version.is_old();
    let mut state = request.core.state();
    let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
    let image = text("image");
    let Some(image) = state.image(&image).cloned() else {
        let (status, message) = request.core.version.unknown_image(&image);
        return Err(Refusal::new(status, "image not known", message));
    };
    let (entrypoint, command) = program(&spec, &image);
    if old && entrypoint.is_empty() && command.is_empty() {
        let text = "no command or entrypoint provided, and no CMD or ENTRYPOINT from image";
        return Err(Refusal::plain(500, text));
    }
    let id = new_id();
    let name = match text("name") {
        name if name.is_empty() => format!("fake_{}", &id[..8]),
        name => name,
    };
    check_name(&state, &name)?;
    let pod = pod(&state, &spec, old)?;
    if old && state.pods.iter().any(|pod| pod.name == name) {
        let message = format!("name \"{name}\" is in use: pod already exists");
        return Err(Refusal::wrapped(500, &message));
    }
    check_devices(&spec)?;
    let mounts = mounts(&spec)?;
    let ports = ports(&spec, &mut state)?;
    let mut tree = image.tree.clone();
    for mount in &mounts {
        tree.mount(&mount.destination, mount.read_only);
    }
    if spec["read_only_filesystem"] == true {
        tree.mount("/", true);
        tree.mount("/dev", false);
    }
    let user = Some(text("user")).filter(|user| !user.is_empty());
    let workdir = [text("work_dir"), image.workdir.clone(), "/".to_owned()];
    let workdir = workdir.into_iter().find(|path| !path.is_empty());
    let made = match text("work_dir") {
        given if given.is_empty() => image.workdir.clone(),
        given if spec["create_working_dir"] == true => given,
        _ => String::new(),
    };
    if !made.is_empty() {
        let _kept = tree.make_directories(&made, crate::fake::node::Who::ROOT);
    }
    let inside = Arc::new(Inside::new(tree));
    let user = user.unwrap_or_else(|| image.user.clone());
    let environment = environment(&spec, &image, old);
    let own_environment = own_environment(&spec, &environment, &id, &inside, &user);
    let container = Container {
        environment,
        own_environment,
        labels: labels(&spec, &image),
        name,
        image: image.name,
        image_id: image.id,
        entrypoint,
        command,
        ports,
        mounts,
        user,
        workdir: workdir.unwrap_or_default(),
        init: spec["init"] == true,
        stop_timeout: spec["stop_timeout"].as_u64().unwrap_or(10),
        created: OffsetDateTime::now_utc(),
        started: None,
        finished: None,
        status: Status::Created,
        exit_code: 0,
        oom_killed: false,
        error: String::new(),
        main: None,
        inside,
        id: id.clone(),
        spec,
        pod,
        infra: false,
        health: super::health::Said::default(),
    };
    for volume in container
        .mounts
        .iter()
        .filter_map(|mount| mount.volume.as_ref())
    {
        volumes::provide(&mut state.volumes, volume);
    }
    let event = events::of(&container, "create");
    state.containers.push(container);
    request.core.happens(&mut state, event);
    let body = json!({"Id": id, "Warnings": []});
    Ok(Answer::json(StatusCode::CREATED, &body))
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let refuse = |cause: &str| Refusal::new(500, cause, format!("decode(): {cause}"));
    if body.is_empty() {
        return Err(refuse("EOF"));
    }
    let spec: Value = serde_json::from_slice(body).map_err(|_| refuse("unexpected EOF"))?;
    for (field, kind) in [
        ("image", "string"),
        ("name", "string"),
        ("command", "[]string"),
        ("env", "map[string]string"),
        ("labels", "map[string]string"),
        ("portmappings", "[]types.PortMapping"),
        ("mounts", "[]specs.Mount"),
        ("volumes", "[]*specgen.NamedVolume"),
    ] {
        let fits = match &spec[field] {
            Value::Null => true,
            Value::String(_) => kind == "string",
            Value::Array(_) => kind.starts_with("[]"),
            Value::Object(_) => kind.starts_with("map"),
            _ => false,
        };
        if !fits {
            let cause = format!(
                "json: cannot unmarshal into Go struct field SpecGenerator.{field} of type {kind}"
            );
            return Err(refuse(&cause));
        }
    }
    Ok(spec)
}

fn check_name(state: &State, name: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !name.bytes().all(plain) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let rule = "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument";
        let message = format!("running container create option: {rule}");
        return Err(Refusal::new(500, "invalid argument", message));
    }
    let mut all = state.containers.iter();
    let Some(taken) = all.find(|container| container.name == name) else {
        return Ok(());
    };
    let cause = "that name is already in use";
    let message = format!(
        "creating container storage: the container name \"{name}\" is already in use by {}. You have to remove that container to be able to reuse that name: {cause}",
        taken.id
    );
    Err(Refusal::new(500, cause, message))
}

/// The ID of the pod to join. What is the pod's, no container in it says.
fn pod(state: &State, spec: &Value, old: bool) -> Result<Option<String>, Refusal> {
    let Some(name) = spec["pod"].as_str() else {
        return Ok(None);
    };
    let status = if old { 500 } else { 404 };
    let missing = |refusal: Refusal| Refusal::wrapped(status, refusal.message());
    let pod = state.pod(name).map_err(missing)?;
    if spec["hostname"].is_string() {
        let message = "invalid config provided: cannot set hostname when joining the pod UTS namespace: invalid configuration";
        return Err(Refusal::wrapped(500, message));
    }
    if spec["portmappings"].is_array() || spec["Networks"].is_object() {
        let message = "invalid config provided: published or exposed ports must be defined when the pod is created: network cannot be configured when it is shared with a pod";
        return Err(Refusal::wrapped(500, message));
    }
    Ok(Some(pod.id.clone()))
}

fn check_devices(spec: &Value) -> Result<(), Refusal> {
    for device in spec["devices"].as_array().into_iter().flatten() {
        let path = device["path"].as_str().unwrap_or_default();
        let path = path.split(':').next().unwrap_or_default();
        if path.starts_with('/') && !std::path::Path::new(path).exists() {
            let message = format!("stat {path}: no such file or directory");
            return Err(Refusal::wrapped(500, &message));
        }
        // No device is described to the fake.
        if !path.starts_with('/') {
            let message = format!("unresolvable CDI devices {path}");
            return Err(Refusal::plain(500, message));
        }
    }
    Ok(())
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

/// A given entrypoint takes the image's command away, as in Podman.
fn program(spec: &Value, image: &Image) -> (Vec<String>, Vec<String>) {
    let (entrypoint, command) = (strings(&spec["entrypoint"]), strings(&spec["command"]));
    match (entrypoint.is_empty(), command.is_empty()) {
        (true, true) => (image.entrypoint.clone(), image.command.clone()),
        (true, false) => (image.entrypoint.clone(), command),
        (false, _) => (entrypoint, command),
    }
}

fn environment(spec: &Value, image: &Image, old: bool) -> Vec<String> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut all: Vec<(&str, &str)> = vec![("PATH", path)];
    let mut set = |name, value| match all.iter_mut().find(|(old, _)| *old == name) {
        Some((_, old)) => *old = value,
        None => all.push((name, value)),
    };
    if old {
        set("TERM", "xterm");
    }
    set("container", "podman");
    let of_image = image.environment.iter();
    for (name, value) in of_image.filter_map(|entry| entry.split_once('=')) {
        set(name, value);
    }
    for (name, value) in spec["env"].as_object().into_iter().flatten() {
        set(name, value.as_str().unwrap_or_default());
    }
    let all = all.iter().map(|(name, value)| format!("{name}={value}"));
    all.collect()
}

/// What the main process gets besides, where it is not given.
fn own_environment(
    spec: &Value,
    given: &[String],
    id: &str,
    inside: &Inside,
    user: &str,
) -> Vec<String> {
    let hostname = spec["hostname"].as_str().unwrap_or(&id[..12]);
    let account = inside.account(user).ok();
    let home = account.and_then(|account| account.home);
    let own = [
        format!("HOSTNAME={hostname}"),
        format!("HOME={}", home.as_deref().unwrap_or("/")),
    ];
    let is_given = |entry: &String| {
        let name = &entry[..=entry.find('=').unwrap_or_default()];
        given.iter().any(|given| given.starts_with(name))
    };
    own.into_iter().filter(|entry| !is_given(entry)).collect()
}

pub(super) fn labels(spec: &Value, image: &Image) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = image.labels.iter().cloned().collect();
    for (name, value) in spec["labels"].as_object().into_iter().flatten() {
        labels.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    labels
}

pub(super) fn ports(spec: &Value, state: &mut State) -> Result<Vec<Port>, Refusal> {
    let mut ports = Vec::new();
    for mapping in spec["portmappings"].as_array().into_iter().flatten() {
        let number = |key: &str| {
            let number = mapping[key].as_u64().unwrap_or_default();
            u16::try_from(number)
                .map_err(|_| Refusal::plain(500, format!("decode(): {key} {number} is no uint16")))
        };
        let container = number("container_port")?;
        if container == 0 {
            return Err(Refusal::plain(500, "container port number must be non-0"));
        }
        let host = match number("host_port")? {
            0 => state.free_port(),
            host => host,
        };
        ports.push(Port {
            host_ip: mapping["host_ip"].as_str().unwrap_or_default().to_owned(),
            host,
            container,
            protocol: mapping["protocol"].as_str().unwrap_or("tcp").to_owned(),
        });
    }
    Ok(ports)
}

fn mounts(spec: &Value) -> Result<Vec<Mount>, Refusal> {
    let list = |key: &str| spec[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read_only = |options: &Value| strings(options).iter().any(|option| option == "ro");
    let mut mounts = Vec::new();
    for mount in list("mounts") {
        let source = text(&mount["source"]);
        let volume = (mount["type"] == "volume").then(|| source.clone());
        if mount["type"] == "bind" && !std::path::Path::new(&source).exists() {
            let message = format!("statfs {source}: no such file or directory");
            return Err(Refusal::wrapped(500, &message));
        }
        mounts.push(Mount {
            volume,
            source,
            destination: text(&mount["destination"]),
            read_only: read_only(&mount["options"]),
        });
    }
    for volume in list("volumes") {
        let name = match text(&volume["Name"]) {
            name if name.is_empty() => new_id(),
            name => name,
        };
        mounts.push(Mount {
            source: format!("/nonexistent/podlane-fake/volumes/{name}/_data"),
            volume: Some(name),
            destination: text(&volume["Dest"]),
            read_only: read_only(&volume["Options"]),
        });
    }
    let mut places = BTreeSet::new();
    for Mount { destination, .. } in &mounts {
        if !places.insert(destination) {
            let message = format!("{destination}: duplicate mount destination");
            return Err(Refusal::wrapped(500, &message));
        }
    }
    Ok(mounts)
}
