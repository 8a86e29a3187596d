//! From an answer to bytes on the wire, with the faults that strike on the way.

use super::answer::{Answer, Body};
use super::fault::Fault;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::{HeaderValue, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

/// A body as hyper takes it.
pub(super) type Payload = UnsyncBoxBody<Bytes, io::Error>;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(super) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fault drops this connection")
    }
}

impl std::error::Error for Dropped {}

/// What a client asked to upgrade to, and how to get at the connection.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) protocol: HeaderValue,
    pub(super) connection: OnUpgrade,
}

type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// How long what was written before a broken end has to get to the client.
const FLUSH: Duration = Duration::from_millis(30);

/// Makes the response. `stop` ends what goes on beside it.
pub(super) async fn deliver(
    answer: Answer,
    fault: Option<Fault>,
    upgrade: Option<Upgrade>,
    stop: watch::Receiver<()>,
) -> Result<Response<Payload>, Dropped> {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let mut response = Response::new(
        Full::default()
            .map_err(|never| match never {})
            .boxed_unsync(),
    );
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    match (fault, body) {
        (Some(Fault::LoseAnswer), _) => return Err(Dropped),
        (Some(Fault::HangAfterEffect), _) => std::future::pending().await,
        (Some(Fault::NoUpgrade), _) => {}
        (Some(Fault::WrongUpgrade), _) => {
            let html = stream::iter([Ok(Bytes::from_static(b"<html>Bad Gateway</html>"))]).boxed();
            let protocol = HeaderValue::from_static("websocket");
            switch(&mut response, protocol);
            if let Some(upgrade) = upgrade {
                tokio::spawn(talk(upgrade.connection, html, None, stop));
            }
        }
        (fault, Body::Full(data)) => full(&mut response, fault.as_ref(), data),
        (fault, Body::Stream(from)) => {
            *response.body_mut() = payload(meddled(fault.as_ref(), from));
        }
        (fault, Body::Hijacked { output, input }) => {
            let pieces = meddled(fault.as_ref(), output);
            if let Some(upgrade) = upgrade {
                switch(&mut response, upgrade.protocol);
                tokio::spawn(talk(upgrade.connection, pieces, input, stop));
            } else {
                // Podman's answer has no length and no chunks, and ends with the connection; of
                // HTTP/1.1 hyper would make chunks.
                *response.version_mut() = Version::HTTP_10;
                *response.body_mut() = payload(pieces);
            }
        }
    }
    Ok(response)
}

fn switch(response: &mut Response<Payload>, protocol: HeaderValue) {
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

fn payload(pieces: Pieces) -> Payload {
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// A body whose length is announced, rightly or wrongly.
fn full(response: &mut Response<Payload>, fault: Option<&Fault>, data: Bytes) {
    let (announced, pieces) = match fault {
        Some(Fault::HangBody) => (data.len(), stream::pending().boxed()),
        Some(Fault::DieMidBody) => (data.len(), broken(data.slice(..data.len() / 2))),
        Some(Fault::WrongLength) => (data.len() + 100, broken(data)),
        Some(Fault::GarbageFrames(garbage)) => {
            *response.body_mut() = payload(stream::iter([Ok(garbage.bytes())]).boxed());
            return;
        }
        Some(Fault::HugeLine) => {
            *response.body_mut() = payload(endless());
            return;
        }
        _ => {
            let body = Full::new(data).map_err(|never| match never {});
            *response.body_mut() = body.boxed_unsync();
            return;
        }
    };
    let length = HeaderValue::from(announced);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length);
    *response.body_mut() = payload(pieces);
}

/// A stream, as a fault changes it.
fn meddled(fault: Option<&Fault>, from: mpsc::Receiver<Bytes>) -> Pieces {
    match fault {
        Some(Fault::HangBody) => stream::pending().boxed(),
        Some(Fault::SlowBody(time)) => {
            let time = *time;
            let slowed = receive(from).then(move |piece| async move {
                tokio::time::sleep(time).await;
                piece
            });
            slowed.boxed()
        }
        Some(Fault::DieMidBody | Fault::WrongLength) => {
            let first = receive(from).take(1).map(|piece| {
                let piece = piece.unwrap_or_default();
                broken(piece.slice(..piece.len().div_ceil(2)))
            });
            first.flatten().boxed()
        }
        Some(Fault::GarbageFrames(garbage)) => {
            let keep = receive(from).filter(|_| std::future::ready(false));
            stream::iter([Ok(garbage.bytes())]).chain(keep).boxed()
        }
        Some(Fault::HugeLine) => endless(),
        _ => receive(from).boxed(),
    }
}

fn receive(from: mpsc::Receiver<Bytes>) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(from, async |mut from| Some((Ok(from.recv().await?), from)))
}

/// Some data, time for it to arrive, then the end of the connection.
fn broken(data: Bytes) -> Pieces {
    let end = stream::once(async {
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::other("a fault ends this body"))
    });
    stream::iter([Ok(data)]).chain(end).boxed()
}

/// One line that never ends, in frames of 64 KiB, as fast as it is read.
fn endless() -> Pieces {
    let piece = super::answer::frame(1, &vec![b'x'; 64 * 1024]);
    stream::repeat_with(move || Ok(piece.clone())).boxed()
}

/// Both directions of an upgraded connection. A client that leaves does not end the process: its
/// input ends, and its output is thrown away.
async fn talk(
    upgrade: OnUpgrade,
    mut pieces: Pieces,
    input: Option<mpsc::Sender<Bytes>>,
    mut stop: watch::Receiver<()>,
) {
    let Ok(connection) = upgrade.await else {
        return;
    };
    let (mut reader, mut writer) = tokio::io::split(TokioIo::new(connection));
    let listen = async move {
        if let Some(input) = input {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = reader.read(&mut buffer).await {
                if input
                    .send(Bytes::copy_from_slice(&buffer[..count]))
                    .await
                    .is_err()
                {
                    break;
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let speak = async move {
        while let Some(Ok(piece)) = pieces.next().await {
            if writer.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _already_gone = writer.shutdown().await;
    };
    tokio::select! {
        () = listen => {}
        () = speak => {}
        _stopped = stop.changed() => {}
    }
}
