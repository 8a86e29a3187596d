//! A client that checks every answer against the OpenAPI document.

use crate::schema;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// No test waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a connection is kept for the next request. A test that waits for something else does not see that the
/// server has closed it.
const KEEP: Duration = Duration::from_secs(2);

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
    /// Sent with each request.
    headers: HeaderMap,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as text.
    pub text: String,
    /// Its body as JSON; null if it is none.
    pub json: Value,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            pool: Pool::builder(TokioExecutor::new())
                .pool_idle_timeout(KEEP)
                .build(connector),
            base,
            headers: HeaderMap::new(),
        }
    }

    /// The same client with a header more in each request.
    ///
    /// # Panics
    /// If it can't be sent.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a header's value");
        self.headers.insert(name, value);
        self
    }

    /// `http://127.0.0.1:PORT`
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET of a path below /api/v1.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, None)).await
    }

    /// POST of JSON to a path below /api/v1.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path, Some(body.to_string())))
            .await
    }

    /// POST without a body to a path below /api/v1.
    pub async fn act(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path, None)).await
    }

    /// DELETE of a path below /api/v1.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, None)).await
    }

    /// POST of exec with a command and nothing else; answers the execution.
    ///
    /// # Panics
    /// If the exec is not answered 200.
    pub async fn exec(&self, container: &str, command: impl Into<Value>) -> Value {
        let body = serde_json::json!({ "command": command.into() });
        let answer = self
            .post(&format!("/containers/{container}/exec"), body)
            .await;
        answer.expect(200).json["execution"].take()
    }

    /// A request to a path below /api/v1, to be changed and then sent.
    ///
    /// # Panics
    /// If the path is no path.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base));
        request = request.header(HOST, self.base.trim_start_matches("http://"));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .expect("a request");
        request.headers_mut().extend(self.headers.clone());
        request
    }

    /// Sends a request and judges its answer.
    ///
    /// # Panics
    /// If no answer comes, or one that the OpenAPI document does not have.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let exchange = async {
            let response = self.pool.request(request).await.expect("an answer");
            let (head, body) = response.into_parts();
            (
                head,
                body.collect().await.expect("a whole answer").to_bytes(),
            )
        };
        let (head, body) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an answer in time");
        let kind = head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let json: Option<Value> = kind
            .starts_with("application/json")
            .then(|| serde_json::from_slice(&body).expect("a body that says it is JSON"));
        assert!(
            head.headers.contains_key("x-request-id"),
            "{method} {path} {} has no X-Request-ID",
            head.status
        );
        schema::check(&method, &path, head.status, json.as_ref());
        let json = json.unwrap_or_default();
        if head.status.is_client_error() || head.status.is_server_error() {
            check_error(&json, head.status);
        }
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            json,
        }
    }
}

/// The contract's form of errors.
fn check_error(json: &Value, status: StatusCode) {
    assert_eq!(json["success"], false, "{status}: {json}");
    assert_eq!(json["error"]["code"], status.as_u16(), "{json}");
    let kind = json["error"]["type"].as_str().unwrap_or_default();
    assert!(
        ["PodmanAPIError", "InternalError", "ValidationError"].contains(&kind),
        "{json}"
    );
    assert!(
        json["error"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{json}"
    );
    assert!(
        json["timestamp"].is_string() && json["request_id"].is_string(),
        "{json}"
    );
}

impl Answer {
    /// Insists on a status.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Insists on a refusal: its status and the field that it names.
    ///
    /// # Panics
    /// If it is another answer.
    #[track_caller]
    pub fn refused(self, status: u16, field: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.json["error"]["field"], field, "{}", self.text);
    }

    /// The error's message; empty for a success.
    pub fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_default()
    }
}
