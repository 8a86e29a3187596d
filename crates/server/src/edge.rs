//! The edge: where a request gets its ID and its deadline, and where its end is written, counted and
//! logged, once. What a request holds (query values, headers, bodies) is not logged.

use crate::App;
use crate::error::{Answer, Error};
use crate::headers;
use crate::metrics::RequestLabels;
use crate::render::{Format, render};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use podlane_api::ErrorType;
use podlane_engine::RequestId;
use podlane_service::{Call, Caller, Who};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tracing::Level;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who asks, and the name of the container that it is about, for a request's line in the log; checked names only.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject(Arc<About>);

#[derive(Debug, Default)]
struct About {
    container: OnceLock<String>,
    caller: OnceLock<String>,
}

impl Subject {
    pub(crate) fn set(&self, name: &str) {
        // The first name stays; a request is about one container.
        let _ = self.0.container.set(name.to_owned());
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.container.get().map(String::as_str)
    }

    /// Says who asks: by ID, because names are people's words.
    pub(crate) fn by(&self, caller: &Caller) {
        let mut text = match caller.who() {
            Who::Token { id, .. } => format!("token {id}"),
            Who::Anonymous | Who::Server => "anonymous".to_owned(),
        };
        if let Some(tenant) = &caller.bounds().tenant {
            text.push_str(" for ");
            text.push_str(tenant.as_str());
        }
        let _ = self.0.caller.set(text);
    }

    fn caller(&self) -> Option<&str> {
        self.0.caller.get().map(String::as_str)
    }
}

/// The layer around everything.
pub(crate) async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let format = Format::of(request.headers());
    let path = request.uri().path().to_owned();
    let record = Record::new(&app, &id, &request);
    let call = Call::new(
        id.clone(),
        app.settings.request_timeout,
        Arc::new(Caller::anonymous()),
    );
    request.extensions_mut().insert(call);
    request.extensions_mut().insert(record.subject.clone());

    let leaving = request.headers().contains_key(UPGRADE);
    let mut response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && response.extensions().get::<Answer>().is_none() {
        let answer = Error::Bare(response.status()).answer();
        response.extensions_mut().insert(answer);
    }
    let answer = response.extensions_mut().remove::<Answer>();
    if let Some(answer) = &answer {
        response = render(answer, &id, format, response);
    }
    if leaving && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // What has come behind such a request has been checked by nobody.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    headers::secure(&path, response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    record.finish(response.status(), answer.as_ref());
    response
}

/// The caller's ID if it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .and_then(RequestId::parse);
    given.unwrap_or_else(new_id)
}

fn new_id() -> RequestId {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bits = [0_u8; 16];
    if getrandom::fill(&mut bits).is_err() {
        // Without a random source an ID is still unique within this process.
        bits[8..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
    let text = format!("{:032x}", u128::from_be_bytes(bits));
    RequestId::parse(&text).unwrap_or_else(|| unreachable!("32 hexadecimal digits"))
}

/// What a panic becomes.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the signature is that of the layer"
)]
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        })
        .unwrap_or_else(|| "no message".into());
    Error::Panicked(text).into_response()
}

/// A request's line in the log and in the metrics. If it is dropped unfinished, the caller went away.
struct Record {
    app: App,
    id: RequestId,
    method: Method,
    route: Option<String>,
    subject: Subject,
    begun: Instant,
    finished: bool,
}

impl Record {
    fn new(app: &App, id: &RequestId, request: &Request) -> Self {
        app.metrics.requests.begun();
        let route = request.extensions().get::<MatchedPath>();
        Self {
            app: app.clone(),
            id: id.clone(),
            method: request.method().clone(),
            route: route.map(|route| route.as_str().to_owned()),
            subject: Subject::default(),
            begun: Instant::now(),
            finished: false,
        }
    }

    fn finish(mut self, status: StatusCode, answer: Option<&Answer>) {
        self.finished = true;
        let api = self
            .route
            .as_deref()
            .is_some_and(|route| route.starts_with("/api/"));
        let (level, outcome) = match answer {
            None if api => (Level::INFO, "ok"),
            None => (Level::DEBUG, "ok"),
            Some(answer) => match (answer.kind, status.is_server_error()) {
                (ErrorType::InternalError, _) if status != StatusCode::SERVICE_UNAVAILABLE => {
                    (Level::ERROR, answer.kind.as_str())
                }
                (kind, true) => (Level::WARN, kind.as_str()),
                (kind, false) => (Level::INFO, kind.as_str()),
            },
        };
        let error = answer.map(|answer| answer.log.as_str());
        self.log(level, Some(status), outcome, error);
        self.count(status.as_u16());
    }

    fn count(&self, status: u16) {
        let labels = RequestLabels::new(&self.method, self.route.as_deref(), status);
        self.app
            .metrics
            .requests
            .ended(labels, self.begun.elapsed());
    }

    fn log(&self, level: Level, status: Option<StatusCode>, outcome: &str, error: Option<&str>) {
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "podlane::request",
                    $level,
                    request_id = %self.id,
                    method = %self.method,
                    route = self.route.as_deref().unwrap_or("(unknown)"),
                    caller = self.subject.caller(),
                    container = self.subject.get(),
                    status = status.map(|status| status.as_u16()),
                    outcome,
                    error,
                    duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "request"
                )
            };
        }
        match level {
            Level::ERROR => line!(Level::ERROR),
            Level::WARN => line!(Level::WARN),
            Level::INFO => line!(Level::INFO),
            _ => line!(Level::DEBUG),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.finished {
            self.log(Level::INFO, None, "abandoned", None);
            // The status that others write for it, too: nobody was there to receive one.
            self.count(499);
        }
    }
}
