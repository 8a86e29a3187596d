//! A WebSocket client of the tests.

use futures_util::{SinkExt, StreamExt};
use podlane_testkit::Server;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Request};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// No test waits longer for a message.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const JSON: &str = "podlane.v1.json";
pub(crate) const V5: &str = "v5.channel.k8s.io";
pub(crate) const V4: &str = "v4.channel.k8s.io";

#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// What has been written and not been asked for yet.
    seen: String,
}

/// A handshake for a path below /api/v1.
pub(crate) fn handshake(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Request<()> {
    let uri = format!("ws://{}/api/v1{path}", server.address());
    let mut request = uri.into_client_request().expect("a URI");
    for (name, value) in headers {
        let value = value.parse().expect("a value");
        request.headers_mut().insert(*name, value);
    }
    request
}

/// The status and the body of a handshake that is refused.
pub(crate) async fn refused(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
) -> (u16, Value) {
    let stream = TcpStream::connect(server.address())
        .await
        .expect("it listens");
    match client_async(handshake(server, path, headers), stream).await {
        Err(Error::Http(response)) => {
            let status = response.status().as_u16();
            let body = response.into_body().unwrap_or_default();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        }
        other => panic!("not refused: {other:?}"),
    }
}

impl Socket {
    pub(crate) async fn open(server: &Server, path: &str, protocol: Option<&str>) -> Self {
        Self::open_with(server, path, protocol).await.0
    }

    /// The same, with the headers of the upgrade.
    pub(crate) async fn open_with(
        server: &Server,
        path: &str,
        protocol: Option<&str>,
    ) -> (Self, HeaderMap) {
        let headers = protocol.map(|name| ("sec-websocket-protocol", name));
        let request = handshake(server, path, headers.as_slice());
        let stream = TcpStream::connect(server.address())
            .await
            .expect("it listens");
        let (stream, response) = client_async(request, stream).await.expect("it is upgraded");
        let chosen = response.headers().get("sec-websocket-protocol");
        assert_eq!(chosen.map(|name| name.to_str().expect("text")), protocol);
        let seen = String::new();
        (Self { stream, seen }, response.headers().clone())
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("open");
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn type_in(&mut self, text: &str) {
        self.say(json!({ "type": "stdin", "data": text })).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.send(Message::Binary(Bytes::copy_from_slice(bytes)))
            .await;
    }

    /// The next message; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Message {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let next = tokio::time::timeout_at(until, self.stream.next()).await;
            let next = next.expect("a message in time").expect("not closed yet");
            match next.expect("a message") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn close_frame(&mut self) -> CloseFrame {
        match self.next().await {
            Message::Close(Some(frame)) => frame,
            other => panic!("not closed: {other:?}"),
        }
    }

    /// Reads output until `needle` was written; answers what was written up to there.
    pub(crate) async fn until(&mut self, needle: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(needle) {
                let rest = self.seen.split_off(at + needle.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let message = self.json().await;
            match message["type"].as_str() {
                Some("start") => {}
                Some("stdout" | "stderr") => {
                    self.seen.push_str(message["data"].as_str().expect("text"));
                }
                _ => panic!("no {needle:?} in {:?}: {message}", self.seen),
            }
        }
    }

    /// Reads to the end: standard output, standard error, the last message.
    pub(crate) async fn end(&mut self) -> (String, String, Value) {
        let (mut out, mut err) = (std::mem::take(&mut self.seen), String::new());
        loop {
            let message = self.json().await;
            let data = message["data"].as_str();
            match message["type"].as_str() {
                Some("start") => {}
                Some("stdout") => out.push_str(data.expect("text")),
                Some("stderr") => err.push_str(data.expect("text")),
                _ => return (out, err, message),
            }
        }
    }

    /// The same by channel: what came on 1 and 2, and the status that came on 3.
    pub(crate) async fn channels(&mut self) -> (String, String, Value) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        loop {
            let Message::Binary(bytes) = self.next().await else {
                panic!("not a binary message");
            };
            match bytes[0] {
                1 => out.extend_from_slice(&bytes[1..]),
                2 => err.extend_from_slice(&bytes[1..]),
                3 => {
                    let text = |bytes| String::from_utf8(bytes).expect("text");
                    let status = serde_json::from_slice(&bytes[1..]).expect("JSON");
                    return (text(out), text(err), status);
                }
                other => panic!("channel {other}"),
            }
        }
    }
}
