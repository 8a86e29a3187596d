//! Requests to libpod, built and not sent: pure functions of what is wanted.
//!
//! All use the `/v4.0.0` prefix, for which every Podman from 4.3 on answers in one shape.

use crate::agent::{AGENT_LABEL, AGENT_OFF};
use crate::instance::Attempt;
use base64::Engine as _;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use http::{HeaderValue, Method};
use http_body_util::Full;
use podlane_engine::{
    Call, ContainerId, ContainerRef, ContainerSpec, ExecSpec, HostPort, ImageRef, Init, InnerPath,
    LogQuery, MountSource, Ownership, Signal, TerminalSize,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use url::form_urlencoded;

const PREFIX: &str = "/v4.0.0/libpod";

/// The label that says which request of which server made a container, so that a later server can
/// tell what a dead one left half-made.
pub(crate) const ATTEMPT_LABEL: &str = "io.podlane.made-by";
/// The variable that marks an exec's processes, so that they can be found and ended.
pub(crate) const EXEC_VARIABLE: &str = "PODLANE_EXEC";

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What it does, as a gerund: for logs, metrics and "… failed".
    pub(crate) step: &'static str,
    pub(crate) method: Method,
    target: String,
    body: Bytes,
    content_type: Option<&'static str>,
    upgrade: bool,
    /// What it is about, for error messages.
    pub(crate) about: About,
}

/// The names in a request that an error message may need.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) container: String,
    pub(crate) image: String,
    pub(crate) user: String,
    pub(crate) path: String,
}

impl Request {
    fn new(step: &'static str, method: Method, path: &str) -> Self {
        Self {
            step,
            method,
            target: format!("{PREFIX}{path}"),
            body: Bytes::new(),
            content_type: None,
            upgrade: false,
            about: About::default(),
        }
    }

    fn get(step: &'static str, path: &str) -> Self {
        Self::new(step, Method::GET, path)
    }

    fn post(step: &'static str, path: &str) -> Self {
        Self::new(step, Method::POST, path)
    }

    fn query<V: AsRef<str>>(mut self, pairs: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        let query = query.finish();
        if !query.is_empty() {
            self.target = format!("{}?{query}", self.target);
        }
        self
    }

    fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body)
            .map(Bytes::from)
            .unwrap_or_default();
        self.content_type = Some("application/json");
        self
    }

    fn container(mut self, container: &str) -> Self {
        container.clone_into(&mut self.about.container);
        self
    }

    /// Whether the connection is to become a stream of its own.
    pub(crate) fn upgrades(&self) -> bool {
        self.upgrade
    }

    /// Path and query; the query never holds a secret.
    pub(crate) fn path(&self) -> &str {
        &self.target
    }

    pub(crate) fn to_http(&self, call: &Call) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        // Names are checked, queries are encoded: the target is always a valid URI.
        *request.uri_mut() = format!("http://podman{}", self.target)
            .parse()
            .unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("podman"));
        if let Ok(id) = HeaderValue::from_str(call.request_id.as_str()) {
            headers.insert("x-reference-id", id);
        }
        if let Some(kind) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if self.upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
        }
        request
    }
}

pub(crate) fn ping() -> Request {
    Request::get("asking for the engine's version", "/_ping")
}

pub(crate) fn info() -> Request {
    Request::get("asking the engine about its store", "/info")
}

pub(crate) fn inspect_image(image: &ImageRef) -> Request {
    let mut request = Request::get("looking up the image", &format!("/images/{image}/json"));
    image.as_str().clone_into(&mut request.about.image);
    request
}

pub(crate) fn pull_image(image: &ImageRef) -> Request {
    let mut request = Request::post("pulling the image", "/images/pull")
        .query([("reference", image.as_str()), ("policy", "always")]);
    image.as_str().clone_into(&mut request.about.image);
    request
}

/// What has to be asked for differently on this host than by default, learnt from a failed start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Adaptation {
    /// Limits to set in place of the engine's, which it may not set itself here.
    pub(crate) limits: Option<ResourceLimits>,
    /// Whether the engine has no init to offer.
    pub(crate) no_init: bool,
}

impl Adaptation {
    /// Whether the engine's init is asked for as PID 1.
    pub(crate) fn gives_init(self, init: Init) -> bool {
        match init {
            Init::Off => false,
            Init::Preferred => !self.no_init,
            Init::Required => true,
        }
    }
}

/// Hard limits that this host lets a container have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceLimits {
    pub(crate) open_files: u64,
    pub(crate) processes: u64,
}

pub(crate) fn create_container(
    spec: &ContainerSpec,
    attempt: &Attempt,
    adaptation: Adaptation,
) -> Request {
    let body = Create::new(spec, attempt, adaptation);
    let mut request = Request::post("creating the container", "/containers/create").json(&body);
    spec.name.as_str().clone_into(&mut request.about.container);
    spec.image.as_str().clone_into(&mut request.about.image);
    if let Some(user) = &spec.user {
        user.as_str().clone_into(&mut request.about.user);
    }
    request
}

/// The part of libpod's `SpecGenerator` that we use. Source: `pkg/specgen/specgen.go`.
#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    command: &'a [String],
    env: &'a BTreeMap<String, String>,
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "create_working_dir")]
    make_workdir: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    portmappings: Vec<PortMapping>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<BindMount<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<NamedVolume<'a>>,
    init: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    r_limits: Vec<Limit>,
}

#[derive(Serialize)]
struct PortMapping {
    #[serde(skip_serializing_if = "Option::is_none")]
    host_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_port: Option<u16>,
    container_port: u16,
    protocol: &'static str,
}

#[derive(Serialize)]
struct BindMount<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    source: &'a str,
    destination: &'a str,
    options: [&'static str; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamedVolume<'a> {
    name: &'a str,
    dest: &'a str,
    options: [&'static str; 1],
}

#[derive(Serialize)]
struct Limit {
    #[serde(rename = "type")]
    kind: &'static str,
    soft: u64,
    hard: u64,
}

impl<'a> Create<'a> {
    fn new(spec: &'a ContainerSpec, attempt: &'a Attempt, adaptation: Adaptation) -> Self {
        let mut labels: BTreeMap<&str, &str> = spec
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        labels.insert(ATTEMPT_LABEL, attempt.as_str());
        if !spec.agent {
            labels.insert(AGENT_LABEL, AGENT_OFF);
        }
        let access = |read_only| if read_only { "ro" } else { "rw" };
        let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
        for mount in &spec.mounts {
            let destination = mount.destination.as_str();
            let access = access(mount.read_only);
            match &mount.source {
                MountSource::Host(source) => mounts.push(BindMount {
                    kind: "bind",
                    source,
                    destination,
                    options: ["rbind", access],
                }),
                MountSource::Volume(name) => {
                    volumes.push(NamedVolume {
                        name,
                        dest: destination,
                        options: [access],
                    });
                }
            }
        }
        let portmappings = spec.ports.iter().map(|port| PortMapping {
            host_ip: port.host_ip.map(|ip| ip.to_string()),
            host_port: match port.host {
                HostPort::Fixed(port) => Some(port),
                HostPort::Free => None,
            },
            container_port: port.container,
            protocol: port.protocol.as_str(),
        });
        let limit = |kind, value| Limit {
            kind,
            soft: value,
            hard: value,
        };
        let r_limits = adaptation.limits.map_or_else(Vec::new, |limits| {
            vec![
                limit("nofile", limits.open_files),
                limit("nproc", limits.processes),
            ]
        });
        Self {
            name: spec.name.as_str(),
            image: spec.image.as_str(),
            command: &spec.command,
            env: &spec.environment,
            labels,
            user: spec.user.as_ref().map(podlane_engine::UserSpec::as_str),
            work_dir: spec.workdir.as_ref().map(InnerPath::as_str),
            make_workdir: spec.workdir.as_ref().map(|_| true),
            portmappings: portmappings.collect(),
            mounts,
            volumes,
            init: adaptation.gives_init(spec.init),
            r_limits,
        }
    }
}

pub(crate) fn start_container(id: &ContainerId) -> Request {
    Request::post("starting the container", &format!("/containers/{id}/start"))
        .container(id.short())
}

pub(crate) fn stop_container(id: &ContainerId, grace: Option<Duration>) -> Request {
    let seconds = grace.map(|grace| grace.as_secs().to_string());
    Request::post("stopping the container", &format!("/containers/{id}/stop"))
        .query(seconds.map(|seconds| ("timeout", seconds)))
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

/// Podman 4 leaks a descriptor for each log read with `tail`, for good; so there the whole log is read.
pub(crate) fn logs(id: &ContainerId, query: &LogQuery, tail_leaks: bool) -> Request {
    let tail = query
        .tail
        .filter(|tail| !tail_leaks && i64::try_from(*tail).is_ok());
    let mut pairs = vec![("stdout", "true".to_owned()), ("stderr", "true".to_owned())];
    pairs.extend(tail.map(|tail| ("tail", tail.to_string())));
    Request::get("reading the log", &format!("/containers/{id}/logs"))
        .query(pairs)
        .container(id.short())
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

pub(crate) fn create_exec(
    id: &ContainerId,
    spec: &ExecSpec,
    argv: &[String],
    marker: &Attempt,
) -> Request {
    let mut env: Vec<String> = spec
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    env.push(format!("{EXEC_VARIABLE}={}", marker.as_str()));
    let body = CreateExec {
        cmd: argv,
        env,
        user: spec.user.as_ref().map(podlane_engine::UserSpec::as_str),
        working_dir: spec.workdir.as_ref().map(InnerPath::as_str),
        attach_stdin: spec.stdin,
        attach_stdout: true,
        attach_stderr: true,
        tty: spec.terminal.is_some(),
    };
    let mut request = Request::post("preparing the command", &format!("/containers/{id}/exec"))
        .json(&body)
        .container(id.short());
    body.user
        .unwrap_or_default()
        .clone_into(&mut request.about.user);
    request
}

/// Source: `ExecCreateConfig` of the Docker Engine API, which libpod shares.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "libpod's own shape")]
struct CreateExec<'a> {
    cmd: &'a [String],
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<&'a str>,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    tty: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartExec {
    detach: bool,
    tty: bool,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    height: Option<u16>,
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    width: Option<u16>,
}

pub(crate) fn resize_exec(exec: &str, size: TerminalSize) -> Request {
    let pairs = [("h", size.rows), ("w", size.columns)];
    Request::post("resizing the terminal", &format!("/exec/{exec}/resize"))
        .query(pairs.map(|(name, value)| (name, value.to_string())))
}

pub(crate) fn start_exec(exec: &str, terminal: Option<TerminalSize>, about: About) -> Request {
    let mut request =
        Request::post("starting the command", &format!("/exec/{exec}/start")).json(&StartExec {
            detach: false,
            tty: terminal.is_some(),
            height: terminal.map(|size| size.rows),
            width: terminal.map(|size| size.columns),
        });
    request.upgrade = true;
    request.about = about;
    request
}

pub(crate) fn inspect_exec(exec: &str) -> Request {
    Request::get("looking up the command", &format!("/exec/{exec}/json"))
}

/// Podman 5 forgets a finished exec at once when told to; 4.3 does not know this call.
pub(crate) fn remove_exec(exec: &str) -> Request {
    Request::post("clearing away the command", &format!("/exec/{exec}/remove"))
        .json(&serde_json::json!({ "Force": false }))
}

fn archive_request(
    step: &'static str,
    method: Method,
    id: &ContainerId,
    path: &InnerPath,
) -> Request {
    let mut request = Request::new(step, method, &format!("/containers/{id}/archive"))
        .query([("path", path.as_str())])
        .container(id.short());
    path.as_str().clone_into(&mut request.about.path);
    request
}

pub(crate) fn stat(id: &ContainerId, path: &InnerPath) -> Request {
    archive_request("looking at the path", Method::HEAD, id, path)
}

pub(crate) fn read_archive(id: &ContainerId, path: &InnerPath) -> Request {
    archive_request("reading the file", Method::GET, id, path)
}

/// Libpod has no call that removes a path. But before it makes an entry it clears away what has its
/// name, a whole directory too, and only then finds that a hard link to itself can't be made. A file
/// comes first, because of a symbolic link the copier would link what it leads to. Source: buildah's
/// `copier/copier.go`, `copierHandlerPut`.
pub(crate) fn remove_path(id: &ContainerId, directory: &InnerPath, name: &str) -> Request {
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o600);
    let mut link = header.clone();
    link.set_entry_type(tar::EntryType::Link);
    let mut builder = tar::Builder::new(Vec::new());
    // Into memory nothing fails; and an empty archive would be answered as a failure.
    let appended = builder
        .append_data(&mut header, name, std::io::empty())
        .and_then(|()| builder.append_link(&mut link, name, name));
    let archive = appended.and_then(|()| builder.into_inner());
    let mut request = archive_request("removing the path", Method::PUT, id, directory);
    request.target.push_str("&copyUIDGID=false");
    request.body = archive.map(Bytes::from).unwrap_or_default();
    request.content_type = Some("application/x-tar");
    request
}

/// In libpod `copyUIDGID=false` is what KEEPS the archive's numbers: the name is the wrong way round.
pub(crate) fn write_archive(
    id: &ContainerId,
    directory: &InnerPath,
    tar: Bytes,
    ownership: Ownership,
) -> Request {
    let mut request = archive_request("writing the file", Method::PUT, id, directory);
    request.target.push_str("&noOverwriteDirNonDir=true");
    if ownership == Ownership::Archive {
        request.target.push_str("&copyUIDGID=false");
    }
    request.body = tar;
    request.content_type = Some("application/x-tar");
    request
}

/// Decodes the header that describes a path: base64 of a JSON object. Podman writes the alphabet of
/// URLs (`pkg/copy/fileinfo.go`), Docker the standard one.
pub(crate) fn decode_stat_header(value: &[u8]) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    URL_SAFE
        .decode(value)
        .or_else(|_| STANDARD.decode(value))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::Instance;
    use podlane_engine::{ContainerName, Mount, Protocol};
    use serde_json::json;

    fn id() -> ContainerId {
        ContainerId::parse(&"a".repeat(64)).expect("valid")
    }

    fn spec() -> ContainerSpec {
        ContainerSpec {
            image: ImageRef::parse("alpine:latest").expect("valid"),
            name: ContainerName::parse("c1").expect("valid"),
            command: vec!["sleep".into(), "300".into()],
            environment: BTreeMap::from([("A".into(), "b".into())]),
            ports: vec![podlane_engine::PortMapping {
                host_ip: None,
                host: HostPort::Free,
                container: 80,
                protocol: Protocol::Tcp,
            }],
            mounts: vec![
                Mount {
                    source: MountSource::Host("/srv".into()),
                    destination: InnerPath::parse("/data").expect("valid"),
                    read_only: true,
                },
                Mount {
                    source: MountSource::Volume("v".into()),
                    destination: InnerPath::parse("/vol").expect("valid"),
                    read_only: false,
                },
            ],
            user: None,
            workdir: None,
            labels: BTreeMap::new(),
            init: Init::Preferred,
            agent: true,
        }
    }

    fn body(request: &Request) -> serde_json::Value {
        serde_json::from_slice(&request.body).expect("JSON")
    }

    #[test]
    fn create_maps_field_by_field() {
        let attempt = Instance::here().attempt();
        let request = create_container(&spec(), &attempt, Adaptation::default());
        assert_eq!(
            body(&request),
            json!({
                "name": "c1",
                "image": "alpine:latest",
                "command": ["sleep", "300"],
                "env": {"A": "b"},
                "labels": {"io.podlane.made-by": attempt.as_str()},
                "portmappings": [{"container_port": 80, "protocol": "tcp"}],
                "mounts": [{"type": "bind", "source": "/srv", "destination": "/data", "options": ["rbind", "ro"]}],
                "volumes": [{"Name": "v", "Dest": "/vol", "Options": ["rw"]}],
                "init": true,
            })
        );
    }

    #[test]
    fn a_container_may_be_made_without_an_agent() {
        let spec = ContainerSpec {
            agent: false,
            ..spec()
        };
        let attempt = Instance::here().attempt();
        let request = create_container(&spec, &attempt, Adaptation::default());
        assert_eq!(body(&request)["labels"]["io.podlane.agent"], "off");
    }

    #[test]
    fn create_adapts_to_the_host() {
        let limits = Some(ResourceLimits {
            open_files: 20_000,
            processes: 4096,
        });
        let adaptation = Adaptation {
            limits,
            no_init: true,
        };
        let body = body(&create_container(
            &spec(),
            &Instance::here().attempt(),
            adaptation,
        ));
        assert_eq!(body["init"], false);
        assert_eq!(
            body["r_limits"][0],
            json!({"type": "nofile", "soft": 20_000, "hard": 20_000})
        );
    }

    #[test]
    fn paths_and_queries_are_encoded() {
        let path = InnerPath::parse("/a b/c?d&e=f#g%00").expect("valid");
        let request = read_archive(&id(), &path);
        assert!(
            request
                .path()
                .ends_with("/archive?path=%2Fa+b%2Fc%3Fd%26e%3Df%23g%2500"),
            "{}",
            request.path()
        );
        let call = Call::new(
            podlane_engine::RequestId::parse("r1").expect("valid"),
            Duration::from_secs(1),
        );
        let http = request.to_http(&call);
        assert_eq!(
            http.uri()
                .path_and_query()
                .map(http::uri::PathAndQuery::as_str),
            Some(request.path())
        );
        assert_eq!(http.headers()["x-reference-id"], "r1");
    }

    #[test]
    fn logs_are_read_whole_where_tail_leaks() {
        let query = LogQuery { tail: Some(5) };
        assert!(!logs(&id(), &query, true).path().contains("tail"));
        assert!(logs(&id(), &query, false).path().contains("tail=5"));
        assert!(
            !logs(
                &id(),
                &LogQuery {
                    tail: Some(u64::MAX)
                },
                false
            )
            .path()
            .contains("tail")
        );
    }
}
