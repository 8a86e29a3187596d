//! Requests to libpod, built and not sent: pure functions of what is wanted.
//!
//! All use the `/v4.0.0` prefix, for which every Podman from 4.3 on answers in one shape.

mod containers;
mod create;
mod exec;
mod files;
mod images;
mod networks;
mod observe;
mod pods;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;
mod volumes;

pub(crate) use containers::*;
pub(crate) use create::*;
pub(crate) use exec::*;
pub(crate) use files::*;
pub(crate) use images::*;
pub(crate) use networks::*;
pub(crate) use observe::*;
pub(crate) use pods::*;
pub(crate) use secrets::*;
pub(crate) use settings::update_container;
pub(crate) use volumes::*;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use http::{HeaderName, HeaderValue, Method};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use podlane_engine::{Call, Error, Resource};
use serde::Serialize;
use std::fmt;
use url::form_urlencoded;

const PREFIX: &str = "/v4.0.0/libpod";
/// The same for calls that Docker has.
const DOCKER: &str = "/v1.41";

/// The label that says which request of which server made a container, so that a later server can
/// tell what a dead one left half-made.
pub(crate) const ATTEMPT_LABEL: &str = "io.podlane.made-by";
/// The label that says the same of a pod. It is another one because what holds a pod together has the pod's
/// labels, too.
pub(crate) const POD_LABEL: &str = "io.podlane.pod";
/// The variable that marks an exec's processes, so that they can be found and ended.
pub(crate) const EXEC_VARIABLE: &str = "PODLANE_EXEC";

/// What is sent with a request.
pub(crate) type Payload = UnsyncBoxBody<Bytes, Error>;

pub(crate) fn whole(body: Bytes) -> Payload {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A request, ready to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    /// What it does, as a gerund: for logs, metrics and "… failed".
    pub(crate) step: &'static str,
    pub(crate) method: Method,
    target: String,
    pub(crate) body: Bytes,
    content_type: Option<&'static str>,
    upgrade: bool,
    /// Who asks a registry, in the header in which Podman wants it.
    login: Option<(HeaderName, HeaderValue)>,
    /// What it is about, for error messages.
    pub(crate) about: About,
}

/// The names in a request that an error message may need.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) container: String,
    /// The name that it is to have.
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) user: String,
    pub(crate) path: String,
    /// The volume, network, secret or pod.
    pub(crate) kept: Option<(Resource, String)>,
}

/// Without the body, which may be a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("step", &self.step)
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
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
            login: None,
            about: About::default(),
        }
    }

    fn get(step: &'static str, path: &str) -> Self {
        Self::new(step, Method::GET, path)
    }

    fn post(step: &'static str, path: &str) -> Self {
        Self::new(step, Method::POST, path)
    }

    /// A call that Docker has, and libpod not.
    fn post_docker(step: &'static str, path: &str) -> Self {
        Self {
            target: format!("{DOCKER}{path}"),
            ..Self::post(step, path)
        }
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

    fn image(mut self, image: impl fmt::Display) -> Self {
        self.about.image = image.to_string();
        self
    }

    fn kept(mut self, resource: Resource, name: impl fmt::Display) -> Self {
        self.about.kept = Some((resource, name.to_string()));
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

    pub(crate) fn to_http(&self, call: &Call) -> http::Request<Payload> {
        let mut request = http::Request::new(whole(self.body.clone()));
        *request.method_mut() = self.method.clone();
        // Names are checked, queries are encoded: the target is always a valid URI.
        *request.uri_mut() = self.target.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("podman"));
        if let Ok(id) = HeaderValue::from_str(call.request_id.as_str()) {
            headers.insert("x-reference-id", id);
        }
        if let Some(kind) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some((name, value)) = &self.login {
            headers.insert(name, value.clone());
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
