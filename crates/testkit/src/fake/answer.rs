//! Answers before they are sent: status, headers, body, and libpod's error form.

use super::FakeVersion;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// What follows the head of an answer.
#[derive(Debug)]
pub(super) enum Body {
    /// All of it, its length announced.
    Full(Bytes),
    /// Pieces as they come, chunked.
    Stream(mpsc::Receiver<Bytes>),
    /// The connection itself, as after exec start: no framing of HTTP's any more.
    Hijacked {
        /// What goes to the client; its end closes the connection.
        output: mpsc::Receiver<Bytes>,
        /// Where the client's bytes go; dropped at the client's end of file.
        input: Option<mpsc::Sender<Bytes>>,
    },
}

/// An answer on its way out.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl Answer {
    fn new(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// A status and nothing else.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self::new(status, Body::Full(Bytes::new()))
    }

    /// JSON with the final newline of Go's encoder.
    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        Self::typed(status, "application/json", format!("{value}\n"))
    }

    /// Bytes of a content type.
    pub(super) fn typed(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Self {
        Self::new(status, Body::Full(body.into())).with("content-type", kind)
    }

    /// A chunked answer that is written while it is made.
    pub(super) fn stream(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self::new(StatusCode::OK, Body::Stream(pieces))
    }

    /// The connection, handed over.
    pub(super) fn hijacked(
        output: mpsc::Receiver<Bytes>,
        input: Option<mpsc::Sender<Bytes>>,
    ) -> Self {
        Self::new(StatusCode::OK, Body::Hijacked { output, input })
            .with("content-type", "application/vnd.docker.raw-stream")
    }

    /// What Podman's router says of a path that it does not have.
    pub(super) fn no_route() -> Self {
        let text = "text/plain; charset=utf-8";
        Self::typed(StatusCode::NOT_FOUND, text, "Not Found\n")
            .with("x-content-type-options", "nosniff")
    }

    /// Adds a header; one that can't be written is left out.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Adds the headers that Podman puts on every answer of its API.
    pub(super) fn signed(mut self, version: FakeVersion, reference: Option<&HeaderValue>) -> Self {
        let reference = reference
            .cloned()
            .unwrap_or_else(|| HeaderValue::from_static("0xc000128018"));
        self.headers.insert("x-reference-id", reference);
        if matches!(self.body, Body::Hijacked { .. }) {
            self.headers.remove("x-reference-id");
            return self;
        }
        let server = format!("Libpod/{} (linux)", version.as_str());
        self.with("api-version", version.compat_api())
            .with("libpod-api-version", version.as_str())
            .with(header::SERVER.as_str(), &server)
    }
}

/// A refusal in libpod's form.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    cause: String,
    message: String,
}

impl Refusal {
    /// A refusal whose cause is the innermost of Go's wrapped errors.
    pub(super) fn new(status: u16, cause: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            cause: cause.to_owned(),
            message: message.into(),
        }
    }

    /// A refusal with one text for both.
    pub(super) fn plain(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            cause: message.clone(),
            message,
        }
    }

    /// A refusal whose cause is what follows the message's last colon.
    pub(super) fn wrapped(status: u16, message: &str) -> Self {
        let cause = message.rsplit(": ").next().unwrap_or(message);
        Self::new(status, cause, message)
    }

    /// The container's state forbids it.
    pub(super) fn state(status: u16, message: &str) -> Self {
        let cause = "container state improper";
        Self::new(status, cause, format!("{message}: {cause}"))
    }

    /// No container of that name or ID.
    pub(super) fn no_container(name: &str) -> Self {
        let message = format!("no container with name or ID \"{name}\" found: no such container");
        Self::new(404, "no such container", message)
    }

    /// No exec session of that ID.
    pub(super) fn no_exec(id: &str) -> Self {
        let message = format!("no exec session with ID {id} found: no such exec session");
        Self::new(404, "no such exec session", message)
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let status =
            StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "cause": refusal.cause,
            "message": refusal.message,
            "response": refusal.status,
        });
        Self::json(status, &body)
    }
}

/// The result of a handler.
pub(super) type Handled = Result<Answer, Refusal>;

/// One piece of the multiplexed stream of exec and logs: stream byte, three zeroes, length, data.
pub(super) fn frame(stream: u8, data: &[u8]) -> Bytes {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(data);
    frame.into()
}
