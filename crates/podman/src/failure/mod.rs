//! What Podman's failures mean. The one place that reads its status numbers and its wording.
//!
//! Podman 4.3 answers 500 for most of what later versions tell apart by status, and its `cause` is the
//! stablest part of an answer; so that is looked at first, whatever the status.

mod rules;

use crate::requests::Request;
use http::{Method, StatusCode};
use podlane_engine::{Call, Error, ImageRef, PAUSED, Resource};
use rules::{RULES, Rule};
use serde::Deserialize;
use std::path::Path;

/// What a create says, what a rename does, and what it does in a database of SQL.
const NAME_IN_USE: [&str; 8] = [
    "name is already in use",
    "already in use, cannot rename",
    "UNIQUE constraint failed",
    "volume already exists",
    "network already exists",
    "secret name in use",
    "pod already exists",
    "is in use: container already exists",
];

/// An error answer.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Failure {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    message: String,
    /// What a pod's containers say, where only some could.
    #[serde(default, rename = "Errs")]
    of_each: Option<Vec<String>>,
    #[serde(skip)]
    status: StatusCode,
    /// Whether the body was libpod's error object.
    #[serde(skip)]
    understood: bool,
}

impl Failure {
    pub(crate) fn parse(status: StatusCode, body: &[u8]) -> Self {
        // Podman 4.3 goes on after some refusals as if it had not refused.
        let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Self>();
        match values.next() {
            Some(Ok(mut failure)) => {
                if failure.message.is_empty() {
                    failure.message = failure.of_each.take().unwrap_or_default().join("; ");
                }
                Self {
                    status,
                    understood: true,
                    ..failure
                }
            }
            _ => Self {
                status,
                ..Self::default()
            },
        }
    }

    fn says(&self, words: &str) -> bool {
        self.cause.contains(words) || self.message.contains(words)
    }

    /// Trouble among Podman's own processes about their database, gone when tried again.
    pub(crate) fn is_lock_trouble(&self) -> bool {
        self.says("database is locked") || self.says("database table is locked")
    }

    /// A look at a process that ended while Podman looked. 4.3: "read /proc/N/cgroup: no such process".
    pub(crate) fn is_race(&self, request: &Request) -> bool {
        request.method == Method::GET && self.says("/proc/") && self.says("no such process")
    }

    /// What to try when a start failed only because of what this host allows.
    pub(crate) fn refuses_limits(message: &str) -> bool {
        message.contains("rlimit") && message.to_lowercase().contains("operation not permitted")
    }

    pub(crate) fn lacks_init(message: &str) -> bool {
        message.contains("init binary") || message.contains("container-init binary")
    }

    /// What it means for the caller of `request`.
    pub(crate) fn meaning(self, call: &Call, request: &Request) -> Error {
        let step = || request.step.to_owned();
        if let Some(error) = self.missing(request) {
            return error;
        }
        if let Some(error) = self.taken(request) {
            return error;
        }
        let used = [
            "volume is being used",
            "network is being used",
            "image is in use by a container",
        ];
        if let Some((resource, name)) = &request.about.kept
            && used.iter().any(|words| self.says(words))
        {
            return Error::InUse {
                resource: *resource,
                name: name.clone(),
            };
        }
        if self.says("no such exec session") {
            return Error::WrongState {
                message: "the container was stopped or removed while the command ran".into(),
            };
        }
        if [
            "container state improper",
            "is paused",
            "not running",
            "network is already connected",
            "is not connected to network",
            "top can only be used on running containers",
            "please force removal",
            "invalid network mode",
            "cannot kill a pod with no running containers",
            "cannot read logs",
            "has no defined healthcheck",
        ]
        .iter()
        .any(|words| self.says(words))
        {
            return Error::WrongState {
                message: state_message(&self, request),
            };
        }
        if self.says("no space left on device") || self.says("disk quota exceeded") {
            return Error::NoSpace { message: step() };
        }
        if self.says("read-only file system") {
            let message = format!("{} is on a read-only file system", request.about.path);
            return Error::ReadOnly { message };
        }
        // Whether the value is wrong or the host, is found out by another try.
        if Self::refuses_limits(&self.message) {
            return Error::Failed {
                step: step(),
                message: self.message,
            };
        }
        if let Some((rule, explained)) = RULES.iter().find_map(|rule| self.breaks(rule, request)) {
            let (field, conflict) = (rule.field, rule.conflict);
            return Error::Invalid {
                field,
                message: explained,
                conflict,
            };
        }
        if !self.understood && request.method == Method::HEAD {
            let message = format!("status {}", self.status);
            return Error::Failed {
                step: step(),
                message,
            };
        }
        if !self.understood {
            let reason = format!("status {} without libpod's error object", self.status);
            return Error::Garbled {
                step: step(),
                reason,
            };
        }
        if self.says("context deadline exceeded") {
            return crate::connection::timed_out(call, request.step);
        }
        let mut message = if self.message.is_empty() {
            self.cause
        } else {
            self.message
        };
        // Before the reason the archive code prints all its own state, host paths included.
        if let Some((_, reason)) = message.rsplit_once("}: copier: ") {
            message = reason.to_owned();
        }
        if message.contains("crun") && message.contains("hybrid") {
            message.push_str(
                "; this host's cgroup layout needs runc: set runtime = \"runc\" under [engine] in containers.conf",
            );
        }
        Error::Failed {
            step: step(),
            message,
        }
    }

    fn missing(&self, request: &Request) -> Option<Error> {
        let about = &request.about;
        let not_found = |resource, name: &str| {
            Some(Error::NotFound {
                resource,
                name: name.to_owned(),
            })
        };
        if self.says("no such container") || self.says("container has already been removed") {
            return not_found(Resource::Container, &about.container);
        }
        if self.says("image not known") || self.says("no such image") {
            return not_found(Resource::Image, &about.image);
        }
        if let Some((resource, name)) = &about.kept {
            let words = match resource {
                Resource::Volume => "no such volume",
                Resource::Network => "network not found",
                Resource::Secret => "no such secret",
                Resource::Pod => "no such pod",
                _ => "no such image",
            };
            if self.says(words) || self.says("has already been removed") {
                return not_found(*resource, name);
            }
        }
        // An answer to HEAD has no body; whether it is the container that is missing is asked next.
        let head = request.method == Method::HEAD && self.status == StatusCode::NOT_FOUND;
        if !about.path.is_empty() && (head || self.says("no such file or directory")) {
            return not_found(Resource::Path, &about.path);
        }
        None
    }

    /// Who has the wanted name.
    fn taken(&self, request: &Request) -> Option<Error> {
        if !NAME_IN_USE.iter().any(|words| self.says(words)) {
            return None;
        }
        let container = || (Resource::Container, request.about.name.clone());
        let (mut resource, name) = request.about.kept.clone().unwrap_or_else(container);
        // With some versions pods and containers share their names.
        if self.says("is in use: container already exists") {
            resource = Resource::Container;
        } else if self.says("pod already exists") {
            resource = Resource::Pod;
        }
        Some(Error::NameInUse { resource, name })
    }

    fn breaks<'r>(&self, rule: &'r Rule, request: &Request) -> Option<(&'r Rule, String)> {
        // What is no path of the request's can't be wrong with it.
        let strays = rule.field == "dest_path" && request.about.path.is_empty();
        let applies = !strays
            && rule.step.is_none_or(|step| step == request.step)
            && rule.words.iter().any(|words| self.says(words));
        let explained = || {
            let about = &request.about;
            rule.explanation
                .replace("{container}", &about.container)
                .replace("{user}", &about.user)
                .replace("{path}", &about.path)
                .replace("{image}", &about.image)
                .replace("{engine}", &self.message)
        };
        applies.then(|| (rule, explained()))
    }
}

/// What can't be done to a container whose processes are frozen.
pub(crate) fn paused() -> Error {
    Error::WrongState {
        message: PAUSED.into(),
    }
}

fn state_message(failure: &Failure, request: &Request) -> String {
    let paused = [
        "is paused",
        "it is paused",
        "in state paused",
        "cannot start paused container",
    ]
    .iter()
    .any(|words| failure.says(words));
    match request.step {
        "removing the container" if paused => {
            "the container is paused; unpause it first, or remove it with force=true".into()
        }
        "connecting the container" if failure.says("network is already connected") => {
            "the container is in the network already".into()
        }
        "disconnecting the container" if failure.says("is not connected to network") => {
            "the container is not in the network".into()
        }
        "connecting the container" | "disconnecting the container"
            if failure.says("invalid network mode") =>
        {
            "the container has no networks of its own: they are those of its pod, or it has none"
                .into()
        }
        "sending the signal to the pod" => {
            "no container of the pod is running; start it first".into()
        }
        "starting the pod" if paused => "the pod is paused; unpause it first".into(),
        "removing the pod" => {
            "containers of the pod are running; stop it first, or remove it with force=true".into()
        }
        "removing the image" => {
            "the image has several names: remove them one by one, or it with force=true".into()
        }
        "unpausing the container" => "the container is not paused".into(),
        _ if paused => PAUSED.into(),
        "removing the container" => {
            "the container is running; stop it first, or remove it with force=true".into()
        }
        "pausing the container"
        | "sending the signal"
        | "preparing the command"
        | "starting the command"
        | "listing the processes" => "the container is not running; start it first".into(),
        "reading the log" if failure.says("cannot read logs") => {
            "the container keeps no log: its log driver is none or passthrough".into()
        }
        step => format!(
            "{step} is not possible in the container's present state: {}",
            failure.message
        ),
    }
}

/// What the last line of a pull that failed means.
pub(crate) fn of_pull(image: &ImageRef, words: String) -> Error {
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&[
        "manifest unknown",
        "name unknown",
        "repository name not known",
    ]) {
        let (resource, name) = (Resource::Image, image.to_string());
        return Error::NotFound { resource, name };
    }
    if says(&["short-name"]) {
        let message = format!(
            "{image} does not say which registry it is in, and Podman knows none to search; write it like \"docker.io/library/alpine:latest\""
        );
        return Error::Invalid {
            field: "image",
            message,
            conflict: false,
        };
    }
    if says(&["no space left on device"]) {
        return Error::NoSpace {
            message: "pulling the image".into(),
        };
    }
    Error::Registry { message: words }
}

/// What the last line of a build that failed means.
pub(crate) fn of_build(words: &str) -> Error {
    if words.contains("no space left on device") {
        return Error::NoSpace {
            message: "building the image".into(),
        };
    }
    let words = without_place(words.trim_end());
    let (field, message) = if words.starts_with("stat /") {
        let message = "the instructions are not in the context: there is no such file".to_owned();
        ("dockerfile", message)
    } else {
        ("body", format!("the image can't be built: {words}"))
    };
    Error::Invalid {
        field,
        message,
        conflict: false,
    }
}

/// A message without the directory in which Podman has unpacked the context.
fn without_place(words: &str) -> String {
    let mut rest = words;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("/libpod_builder") {
        let begin = before.rfind([' ', '"', '\'']).map_or(0, |at| at + 1);
        text.push_str(&before[..begin]);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.strip_prefix("/build").unwrap_or(rest);
    }
    text + rest
}

/// No answer came.
pub(crate) fn from_transport(
    step: &'static str,
    socket: &Path,
    error: &crate::pool::Failure,
) -> Error {
    let step = step.into();
    match error {
        crate::pool::Failure::Connect(_) => Error::Unavailable {
            step,
            reason: format!("no Podman service answers at {}", socket.display()),
        },
        // What hyper can't parse is an answer, if a senseless one.
        crate::pool::Failure::Http(error) if error.is_parse() => Error::Garbled {
            step,
            reason: chain(error),
        },
        crate::pool::Failure::Http(error) => Error::Unavailable {
            step,
            reason: format!(
                "the connection to Podman at {} broke: {}",
                socket.display(),
                chain(error)
            ),
        },
    }
}

/// The answer broke off or was too long.
pub(crate) fn from_body(step: &'static str, error: &(dyn std::error::Error + 'static)) -> Error {
    if error.is::<http_body_util::LengthLimitError>() {
        return Error::Garbled {
            step: step.into(),
            reason: "it is longer than 64 MiB".into(),
        };
    }
    Error::Unavailable {
        step: step.into(),
        reason: chain(error),
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::without_place;

    #[test]
    fn places_of_the_host_are_left_out() {
        for (words, left) in [
            (
                "stat /var/tmp/libpod_builder12/build/sub/X: no",
                "stat /sub/X: no",
            ),
            (
                "sources under \"/var/tmp/libpod_builder12/build\": \"/x\": no",
                "sources under \"\": \"/x\": no",
            ),
            ("exit status 3", "exit status 3"),
        ] {
            assert_eq!(without_place(words), left);
        }
    }
}
