//! A server in this process and a caller who checks every answer against the OpenAPI document.

use crate::engine::{Mood, Tiny};
use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use podlane_server::{App, Metrics, OPENAPI_JSON, Settings, router};
use podlane_service::{Limits, PullPolicy, Service, WebhookRules};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tower::ServiceExt;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(OPENAPI_JSON).expect("JSON"));

pub(crate) struct Server {
    pub(crate) engine: Arc<Tiny>,
    router: Router,
}

pub(crate) fn service(
    engine: &Arc<Tiny>,
    settings: &Settings,
    state_dir: Option<PathBuf>,
) -> Service {
    let limits = Limits {
        auth: podlane_service::Auth::Auto,
        workers: NonZeroUsize::MIN,
        queue: 0,
        request_timeout: settings.request_timeout,
        kill_grace: Duration::from_millis(100),
        output_bytes: 1 << 20,
        log_bytes: 1 << 20,
        file_bytes: 1 << 20,
        upload_bytes: 1 << 20,
        archive_entries: 100,
        streams: 2,
        execs: 2,
        exec_log_bytes: 1 << 20,
        exec_retention: Duration::from_secs(60),
        idempotency: podlane_service::KeyRules {
            retention: Duration::from_secs(60),
            keys: 10,
            bytes: 10_000,
        },
        state_dir,
        secret_key_file: None,
        audit: false,
        terminals: 1,
        recordings: None,
        pull: PullPolicy::Never,
        policy: None,
        webhooks: WebhookRules {
            most: 3,
            ..WebhookRules::default()
        },
    };
    Service::new(Arc::clone(engine) as Arc<_>, limits)
}

pub(crate) fn settings() -> Settings {
    Settings {
        body_bytes: 2000,
        body_timeout: Duration::from_millis(200),
        request_timeout: Duration::from_secs(2),
        ..Settings::default()
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::made(settings, None)
    }

    /// One that keeps what it keeps there: tokens.
    pub(crate) fn keeping(state_dir: &Path) -> Self {
        Self::made(settings(), Some(state_dir.to_owned()))
    }

    fn made(settings: Settings, state_dir: Option<PathBuf>) -> Self {
        let engine = Arc::new(Tiny::new());
        let service = service(&engine, &settings, state_dir);
        let router = router(App::new(service, settings, Metrics::new()));
        Self { engine, router }
    }

    pub(crate) fn in_mood(mood: Mood) -> Self {
        let server = Self::new();
        server.engine.set(mood);
        server
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        // What tells of all that happens has no end.
        let endless = path == "/api/v1/events" && parts.status == StatusCode::OK;
        let bytes = if endless {
            Bytes::new()
        } else {
            body.collect().await.expect("a whole body").to_bytes()
        };
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        reply.check(&method, &path);
        reply
    }

    /// The head of an answer, whose body nobody reads.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        let answer = self.router.clone().oneshot(request).await;
        answer.expect("infallible")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(get(path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.send(post(path, body)).await
    }

    /// Sends a request that must be refused before the engine hears of it.
    pub(crate) async fn refuses(
        &self,
        request: Request<Body>,
        status: u16,
        field: Option<&str>,
    ) -> Value {
        let shown = format!("{request:?}");
        let before = self.engine.calls();
        let reply = self.send(request).await;
        assert_eq!(reply.status, status, "{shown}: {}", reply.text);
        let body = reply.json();
        assert_eq!(body["success"], false, "{shown}");
        assert_eq!(body["error"]["code"], status, "{shown}");
        assert_eq!(body["error"]["type"], "ValidationError", "{shown}");
        assert_eq!(body["error"]["field"].as_str(), field, "{shown}: {body}");
        assert!(!body["error"]["message"].as_str().expect("text").is_empty());
        assert_eq!(self.engine.calls(), before, "{shown} reached the engine");
        body
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "localhost:5000")
}

pub(crate) fn get(path: &str) -> Request<Body> {
    request("GET", path).body(Body::empty()).expect("a request")
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", path)
        .header("Content-Type", "application/json")
        .body(body.into())
        .expect("a request")
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// What holds for every answer.
    fn check(&self, method: &Method, path: &str) {
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert!(
            self.header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        if path.starts_with("/api/") {
            assert_eq!(self.header("cache-control"), "no-store");
        }
        let id = self.header("x-request-id");
        assert!(!id.is_empty());
        let failed = self.status.is_client_error() || self.status.is_server_error();
        if failed && *method != Method::HEAD {
            let body = self.json();
            assert_eq!(body["request_id"], id);
            if self.header("content-type") == "application/json" {
                validate(&body, "Failure", body.get("podman").is_some());
            }
        }
        self.validate(method, path);
    }

    /// Holds the answer against the document, if it has this operation.
    fn validate(&self, method: &Method, path: &str) {
        let item = template(path).map(|template| &DOCUMENT["paths"][template]);
        let operation = item.and_then(|item| item.get(method.as_str().to_lowercase()));
        let Some(operation) = operation else {
            return;
        };
        let mut response = &operation["responses"][self.status.as_str()];
        assert!(
            response.is_object(),
            "{method} {path} is not documented to answer {}",
            self.status
        );
        if let Some(name) = response["$ref"].as_str() {
            let name = name.rsplit('/').next().expect("a name");
            response = &DOCUMENT["components"]["responses"][name];
        }
        let content = &response["content"][self.header("content-type")];
        assert!(content.is_object(), "{method} {path}: {:?}", self.headers);
        if self.header("content-type").ends_with("json") {
            check_schema(&content["schema"], &self.json());
        }
    }
}

fn template(path: &str) -> Option<&'static str> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let fits = |template: &str| {
        let (have, want): (Vec<_>, Vec<_>) =
            (path.split('/').collect(), template.split('/').collect());
        have.len() == want.len()
            && have
                .iter()
                .zip(want)
                .all(|(have, want)| *have == want || (want == "{name}" && !have.is_empty()))
    };
    paths
        .keys()
        .map(String::as_str)
        .find(|template| fits(template))
}

fn validate(body: &Value, name: &str, unhealthy: bool) {
    let name = if unhealthy { "Unhealthy" } else { name };
    check_schema(
        &json!({ "$ref": format!("#/components/schemas/{name}") }),
        body,
    );
}

fn check_schema(schema: &Value, body: &Value) {
    let mut schema = schema.clone();
    schema["components"] = DOCUMENT["components"].clone();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(body)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {body}");
}
