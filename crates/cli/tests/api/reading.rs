//! A client that reads an answer while it comes.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use podlane_testkit::Server;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What takes longer than this never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer under way, on a connection of its own; dropping it closes that.
pub(crate) struct Reading {
    pub(crate) response: Response<Incoming>,
    pub(crate) trailers: HeaderMap,
    pending: BytesMut,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Reading {
    /// POST of JSON to a path below /api/v1.
    pub(crate) async fn post(server: &Server, path: &str, accept: &str, body: Value) -> Self {
        let json = [("content-type", "application/json"), ("accept", accept)];
        Self::ask(server, Method::POST, path, &json, body.to_string().into()).await
    }

    /// GET of a path below /api/v1.
    pub(crate) async fn get(server: &Server, path: &str, accept: &str) -> Self {
        Self::ask(
            server,
            Method::GET,
            path,
            &[("accept", accept)],
            Bytes::new(),
        )
        .await
    }

    /// Any request to a path below /api/v1.
    pub(crate) async fn ask(
        server: &Server,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Self {
        let stream = TcpStream::connect(server.address())
            .await
            .expect("it listens");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        let connection = tokio::spawn(async move {
            let _end = connection.await;
        });
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("host", server.address());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let response = timeout(PATIENCE, sender.send_request(request))
            .await
            .expect("headers in time")
            .expect("an answer");
        Self {
            response,
            trailers: HeaderMap::new(),
            pending: BytesMut::new(),
            connection,
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.response.status().as_u16(), status);
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name).expect("the header");
        value.to_str().expect("text")
    }

    /// What comes next; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Option<Bytes> {
        loop {
            let frame = timeout(PATIENCE, self.response.body_mut().frame())
                .await
                .expect("it comes in time")?;
            match frame.expect("no break").into_data() {
                Ok(data) => return Some(data),
                Err(frame) => self.trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
    }

    /// All that is still to come.
    pub(crate) async fn rest(&mut self) -> Bytes {
        let mut all = std::mem::take(&mut self.pending);
        while let Some(piece) = self.piece().await {
            all.extend_from_slice(&piece);
        }
        all.freeze()
    }

    /// All up to a separator, without it.
    async fn until(&mut self, separator: &[u8]) -> Option<Bytes> {
        loop {
            let found = self
                .pending
                .windows(separator.len())
                .position(|window| window == separator);
            if let Some(at) = found {
                let taken = self.pending.split_to(at + separator.len());
                return Some(taken.freeze().slice(..at));
            }
            let piece = self.piece().await?;
            self.pending.extend_from_slice(&piece);
        }
    }

    /// The next event of a stream of lines.
    pub(crate) async fn line(&mut self) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Signs of life don't count.
            assert!(Instant::now() < deadline, "nothing comes");
            let line = self.until(b"\n").await?;
            let event: Value = serde_json::from_slice(&line).expect("JSON");
            if event["event"] != "keep-alive" {
                return Some(event);
            }
        }
    }

    /// All events that are still to come in lines.
    pub(crate) async fn lines(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.line().await {
            events.push(event);
        }
        events
    }

    /// The next server-sent event: its ID as a number, its name and its data.
    pub(crate) async fn event(&mut self) -> Option<(u64, String, Value)> {
        let (id, name, data) = self.named_event().await?;
        Some((id.parse().expect("a number"), name, data))
    }

    /// The next server-sent event: its ID, its name and its data.
    pub(crate) async fn named_event(&mut self) -> Option<(String, String, Value)> {
        loop {
            let block = self.until(b"\n\n").await?;
            let text = String::from_utf8(block.to_vec()).expect("text");
            if text.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let value = text.lines().find_map(|line| line.strip_prefix(name));
                value.expect("the field").to_owned()
            };
            let data = serde_json::from_str(&field("data: ")).expect("JSON");
            return Some((field("id: "), field("event: "), data));
        }
    }
}

/// The text of all events of a name, in order.
pub(crate) fn text(events: &[Value], name: &str) -> String {
    let named = events.iter().filter(|event| event["event"] == name);
    named
        .map(|event| event["data"].as_str().expect("data"))
        .collect()
}

/// IDs only grow.
pub(crate) fn ordered(events: &[Value]) {
    let ids: Vec<u64> = events.iter().map(|event| place(&event["id"])).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}

/// The bytes that the ID of an event counts; before them that of a log has its container's.
fn place(id: &Value) -> u64 {
    let number = id.as_str().and_then(|id| id.split_once('.'));
    let number = number.and_then(|(_, at)| at.parse().ok());
    number.or(id.as_u64()).expect("an ID")
}
