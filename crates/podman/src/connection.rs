//! The way to Podman's socket. Sends requests and bounds them in time; knows nothing of what they mean.

use crate::failure;
use crate::pool::{Answer, Pool};
use crate::requests::{Payload, Request};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use podlane_engine::{Call, Error, Result, Upload};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most bytes of an answer that is read whole. A list of 10,000 containers has about 10 MB.
const MAX_ANSWER: usize = 64 << 20;
/// The header that describes a path in a container.
pub(crate) const PATH_STAT: &str = "x-docker-container-path-stat";

/// How often a look at something that is just ending is repeated.
const LOOKS: u32 = 5;

/// Told of every call to the engine: step, how it ended, how long it took.
pub type Observer = Arc<dyn Fn(&'static str, &'static str, Duration) + Send + Sync>;

/// A pool of connections to one Podman service.
#[derive(Clone)]
pub(crate) struct Connection {
    pool: Pool,
    observer: Option<Observer>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("socket", &self.pool.socket())
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(socket: PathBuf, observer: Option<Observer>) -> Self {
        Self {
            pool: Pool::new(socket.into()),
            observer,
        }
    }

    /// Where Podman listens.
    pub(crate) fn socket(&self) -> &Path {
        self.pool.socket()
    }

    /// Sends a request and gives back an answer whose status is a success, body unread.
    /// Podman's own lock trouble is tried again until the deadline and never shown, and so, a few times,
    /// is a look that fell into the moment in which a process ended.
    pub(crate) async fn send(&self, call: &Call, request: &Request) -> Result<Response<Answer>> {
        let mut pause = Duration::from_millis(10);
        let mut looks = 0;
        loop {
            let response = self.send_once(call, request, request.to_http(call)).await?;
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS && !request.upgrades() {
                let reason = "it switches protocols unasked".into();
                return Err(Error::Garbled {
                    step: request.step.into(),
                    reason,
                });
            }
            // A symbolic link that leads nowhere is answered with 404, and described all the same.
            if status.is_success()
                || matches!(status.as_u16(), 101 | 304)
                || response.headers().contains_key(PATH_STAT)
            {
                return Ok(response);
            }
            let body = self.collect(call, request, response).await?;
            let failure = failure::Failure::parse(status, &body);
            let locked = failure.is_lock_trouble();
            let again = locked || (looks < LOOKS && failure.is_race(request));
            if !again {
                return Err(failure.meaning(call, request));
            }
            if Instant::now() + pause >= call.deadline {
                return Err(timed_out(call, request.step));
            }
            looks += 1;
            tracing::debug!(request_id = %call.request_id, step = request.step, locked, "Podman's own processes were in each other's way, trying again");
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Sends a request and gives back the answer, whatever its status, body unread.
    pub(crate) async fn ask(&self, call: &Call, request: &Request) -> Result<Response<Answer>> {
        self.send_once(call, request, request.to_http(call)).await
    }

    async fn send_once(
        &self,
        call: &Call,
        request: &Request,
        http: http::Request<Payload>,
    ) -> Result<Response<Answer>> {
        let began = Instant::now();
        let sent = async {
            if request.upgrades() {
                self.pool.upgrade(http).await
            } else {
                self.pool.send(http).await
            }
        };
        let sent = timeout_at(call.deadline, sent).await;
        let result = match sent {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failure::from_transport(
                request.step,
                self.pool.socket(),
                &error,
            )),
            Err(_elapsed) => Err(timed_out(call, request.step)),
        };
        let outcome = match &result {
            Ok(response) if response.status().is_server_error() => "error",
            Ok(response) if response.status().is_client_error() => "refused",
            Ok(_) => "ok",
            Err(Error::Timeout { .. }) => "timeout",
            Err(_) => "unreachable",
        };
        let took = began.elapsed();
        tracing::debug!(
            request_id = %call.request_id,
            step = request.step,
            method = %request.method,
            path = request.path(),
            status = result.as_ref().map_or(0, |response| response.status().as_u16()),
            took_ms = took.as_secs_f64() * 1e3,
            "engine call"
        );
        if let Some(observer) = &self.observer {
            observer(request.step, outcome, took);
        }
        result
    }

    /// Reads the whole body of an answer, within the deadline and [`MAX_ANSWER`].
    pub(crate) async fn collect(
        &self,
        call: &Call,
        request: &Request,
        response: Response<Answer>,
    ) -> Result<Bytes> {
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        match timeout_at(call.deadline, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => Err(failure::from_body(request.step, error.as_ref())),
            Err(_elapsed) => Err(timed_out(call, request.step)),
        }
    }

    /// Sends a request and reads its answer whole.
    pub(crate) async fn bytes(&self, call: &Call, request: &Request) -> Result<Bytes> {
        let response = self.send(call, request).await?;
        self.collect(call, request, response).await
    }

    /// Sends a request and reads its answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<T> {
        let body = self.bytes(call, request).await?;
        serde_json::from_slice(&body).map_err(|error| Error::Garbled {
            step: request.step.into(),
            reason: error.to_string(),
        })
    }

    /// Sends a request and reads its answer to the end without looking at it, so that the connection
    /// can serve again. Answers the status.
    pub(crate) async fn status(&self, call: &Call, request: &Request) -> Result<http::StatusCode> {
        let response = self.send(call, request).await?;
        let status = response.status();
        self.collect(call, request, response).await?;
        Ok(status)
    }

    /// Sends a request with an archive whose right answer has no body: one that has is none of Podman's.
    pub(crate) async fn upload(
        &self,
        call: &Call,
        request: &Request,
        archive: Upload,
    ) -> Result<()> {
        let response = self.send_archive(call, request, archive).await?;
        self.nothing_more(call, request, response).await
    }

    /// Sends a request with an archive and gives back an answer whose status is a success, body unread.
    /// What comes piece by piece can't be sent again.
    pub(crate) async fn send_archive(
        &self,
        call: &Call,
        request: &Request,
        archive: Upload,
    ) -> Result<Response<Answer>> {
        let pieces = match archive {
            Upload::Whole(archive) => {
                let mut request = request.clone();
                request.body = archive;
                return self.send(call, &request).await;
            }
            Upload::Pieces(pieces) => pieces,
        };
        let body = StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync();
        let http = request.to_http(call).map(|_empty| body);
        let response = self.send_once(call, request, http).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.collect(call, request, response).await?;
        Err(failure::Failure::parse(status, &body).meaning(call, request))
    }

    async fn nothing_more(
        &self,
        call: &Call,
        request: &Request,
        response: Response<Answer>,
    ) -> Result<()> {
        let body = self.collect(call, request, response).await?;
        if body.is_empty() {
            return Ok(());
        }
        Err(Error::Garbled {
            step: request.step.into(),
            reason: "it has a body".into(),
        })
    }
}

pub(crate) fn timed_out(call: &Call, step: &str) -> Error {
    Error::Timeout {
        step: step.into(),
        limit: call.limit,
    }
}

/// Between half of `pause` and all of it.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX)) / 2
}
