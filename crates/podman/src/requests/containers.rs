//! Containers that are there.

use super::{ATTEMPT_LABEL, Request};
use http::Method;
use podlane_engine::{
    ContainerId, ContainerName, ContainerRef, ContainerSpec, LogQuery, Signal, Source, TerminalSize,
};
use std::time::{Duration, SystemTime};

pub(crate) fn start_container(id: &ContainerId) -> Request {
    Request::post("starting the container", &format!("/containers/{id}/start"))
        .container(id.short())
}

/// The first start, which finds out what a create does not.
pub(crate) fn start_new_container(id: &ContainerId, spec: &ContainerSpec) -> Request {
    let mut request = start_container(id).image(&spec.image);
    request.about.user = spec
        .user
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    request
}

pub(crate) fn stop_container(id: &ContainerId, grace: Option<Duration>) -> Request {
    let seconds = grace.map(|grace| grace.as_secs().to_string());
    Request::post("stopping the container", &format!("/containers/{id}/stop"))
        .query(seconds.map(|seconds| ("timeout", seconds)))
        .container(id.short())
}

/// Podman does not know a default here: without a time-out it kills at once.
pub(crate) fn restart_container(id: &ContainerId, grace: Duration) -> Request {
    Request::post(
        "restarting the container",
        &format!("/containers/{id}/restart"),
    )
    .query([("timeout", grace.as_secs().to_string())])
    .container(id.short())
}

/// By force means at once: without `timeout=0` Podman waits the grace of a PID 1 that ignores SIGTERM.
pub(crate) fn remove_container(id: &ContainerId, force: bool) -> Request {
    let query = if force {
        vec![("v", "true"), ("force", "true"), ("timeout", "0")]
    } else {
        vec![("v", "true")]
    };
    Request::new(
        "removing the container",
        Method::DELETE,
        &format!("/containers/{id}"),
    )
    .query(query)
    .container(id.short())
}

pub(crate) fn inspect_container(container: &ContainerRef) -> Request {
    Request::get(
        "looking up the container",
        &format!("/containers/{container}/json"),
    )
    .container(container.as_str())
}

/// Answers nothing but whether there is one.
pub(crate) fn container_exists(id: &ContainerId) -> Request {
    Request::get(
        "looking up the container",
        &format!("/containers/{id}/exists"),
    )
    .container(id.short())
}

pub(crate) fn list_containers() -> Request {
    Request::get("listing the containers", "/containers/json").query([("all", "true")])
}

/// The containers that were made and never started.
pub(crate) fn list_never_started() -> Request {
    let filters = format!(r#"{{"label":["{ATTEMPT_LABEL}"],"status":["created"]}}"#);
    Request::get("looking for containers left half-made", "/containers/json")
        .query([("all", "true".to_owned()), ("filters", filters)])
}

/// The running containers that have a health check.
pub(crate) fn list_checked() -> Request {
    let filters = r#"{"health":["starting","healthy","unhealthy"],"status":["running"]}"#;
    Request::get("looking for health checks", "/containers/json").query([("filters", filters)])
}

pub(crate) fn check_health(id: &ContainerId) -> Request {
    Request::get(
        "running the health check",
        &format!("/containers/{id}/healthcheck"),
    )
    .container(id.short())
}

/// Podman 4 leaks a descriptor for each log read with `tail`, for good; so there the whole log is read.
/// Podman takes the tail first and leaves out of it what else is not wanted, so that too little would stay.
pub(crate) fn logs(id: &ContainerId, query: &LogQuery, tail_leaks: bool) -> Request {
    let whole = query.since.is_none() && query.until.is_none() && query.only.is_none();
    let tail = query
        .tail
        .filter(|tail| whole && !tail_leaks && i64::try_from(*tail).is_ok());
    let wanted = |source| (query.only.is_none() || query.only == Some(source)).to_string();
    let mut pairs = vec![
        ("stdout", wanted(Source::Stdout)),
        ("stderr", wanted(Source::Stderr)),
    ];
    pairs.extend(query.follow.then(|| ("follow", "true".to_owned())));
    pairs.extend(query.times.then(|| ("timestamps", "true".to_owned())));
    pairs.extend(tail.map(|tail| ("tail", tail.to_string())));
    pairs.extend(query.since.map(|time| ("since", unix_time(time))));
    pairs.extend(query.until.map(|time| ("until", unix_time(time))));
    Request::get("reading the log", &format!("/containers/{id}/logs"))
        .query(pairs)
        .container(id.short())
}

/// Seconds since 1970 with a fraction; times before that are that one.
fn unix_time(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    format!("{}.{:09}", since.as_secs(), since.subsec_nanos())
}

/// Without keys that detach: they would be taken out of the input.
pub(crate) fn attach(id: &ContainerId, stdin: bool) -> Request {
    let stdin = if stdin { "true" } else { "false" };
    let mut request = Request::post(
        "attaching to the container",
        &format!("/containers/{id}/attach"),
    )
    .query([
        ("stream", "true"),
        ("logs", "false"),
        ("detachKeys", ""),
        ("stdin", stdin),
        ("stdout", "true"),
        ("stderr", "true"),
    ])
    .container(id.short());
    request.upgrade = true;
    request
}

pub(crate) fn resize_container(id: &ContainerId, size: TerminalSize) -> Request {
    let pairs = [("h", size.rows), ("w", size.columns)];
    Request::post("resizing the terminal", &format!("/containers/{id}/resize"))
        .query(pairs.map(|(name, value)| (name, value.to_string())))
        .container(id.short())
}

pub(crate) fn kill_container(id: &ContainerId, signal: Signal) -> Request {
    Request::post("sending the signal", &format!("/containers/{id}/kill"))
        .query([("signal", signal.number().to_string())])
        .container(id.short())
}

pub(crate) fn pause_container(id: &ContainerId) -> Request {
    Request::post("pausing the container", &format!("/containers/{id}/pause")).container(id.short())
}

pub(crate) fn unpause_container(id: &ContainerId) -> Request {
    Request::post(
        "unpausing the container",
        &format!("/containers/{id}/unpause"),
    )
    .container(id.short())
}

pub(crate) fn rename_container(id: &ContainerId, name: &ContainerName) -> Request {
    let mut request = Request::post(
        "renaming the container",
        &format!("/containers/{id}/rename"),
    )
    .query([("name", name.as_str())])
    .container(id.short());
    name.as_str().clone_into(&mut request.about.name);
    request
}
