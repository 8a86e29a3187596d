//! HTTP/1.1 connections to a Unix socket, kept alive and used again.
//!
//! A connection has no task of its own: whoever asks drives it, while waiting for the answer and while
//! reading its body. So no piece of an answer is handed from one task to another, and who stops waiting
//! closes the connection.

use crate::requests::Payload;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

/// Idle connections kept, and for how long.
const MAX_IDLE: usize = 64;
const IDLE: Duration = Duration::from_secs(60);

/// Why no answer came.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("can't connect")]
    Connect(#[source] io::Error),
    #[error("can't ask")]
    Http(#[source] hyper::Error),
}

/// The connections to one socket.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    socket: Arc<Path>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// A connection that waits, the one idle for longest first.
#[derive(Debug)]
struct Idle {
    line: Line,
    since: Instant,
}

/// A connection, and what moves its bytes.
#[derive(Debug)]
struct Line {
    sender: SendRequest<Payload>,
    connection: http1::Connection<TokioIo<UnixStream>, Payload>,
}

impl Line {
    async fn open(socket: &Path) -> Result<Self, Failure> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(Failure::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::Http)?;
        Ok(Self { sender, connection })
    }

    /// Moves bytes; whether the connection still stands and could take a request.
    fn is_ready(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.connection).poll(cx).is_pending() && self.sender.is_ready()
    }
}

impl Pool {
    pub(crate) fn new(socket: Arc<Path>) -> Self {
        Self {
            socket,
            idle: Arc::default(),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and waits for the head of its answer. An idle connection that turns out to be
    /// closed is replaced if nothing of the request has been sent on it.
    pub(crate) async fn send(
        &self,
        mut request: Request<Payload>,
    ) -> Result<Response<Answer>, Failure> {
        while let Some(mut line) = self.take().await {
            let mut sent = pin!(line.sender.try_send_request(request));
            match drive(&mut line.connection, sent.as_mut()).await {
                (Ok(response), stands) => {
                    return Ok(self.answer(response, stands.then_some(line)));
                }
                (Err(mut error), _) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::Http(error.into_error())),
                },
            }
        }
        let mut line = Line::open(&self.socket).await?;
        let mut sent = pin!(line.sender.send_request(request));
        let (response, stands) = drive(&mut line.connection, sent.as_mut()).await;
        let response = response.map_err(Failure::Http)?;
        Ok(self.answer(response, stands.then_some(line)))
    }

    /// Sends a request that may make the connection a stream of its own: that has a task, and is not used
    /// again.
    pub(crate) async fn upgrade(
        &self,
        request: Request<Payload>,
    ) -> Result<Response<Answer>, Failure> {
        let Line {
            mut sender,
            connection,
        } = Line::open(&self.socket).await?;
        // How it ends is seen by whoever reads the stream.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        let response = sender.send_request(request).await;
        Ok(self.answer(response.map_err(Failure::Http)?, None))
    }

    /// The idle connection that was used last and still stands.
    async fn take(&self) -> Option<Line> {
        loop {
            let Idle { mut line, since } = self.idle().pop()?;
            let ready = poll_fn(|cx| Poll::Ready(line.is_ready(cx))).await;
            if ready && since.elapsed() < IDLE {
                return Some(line);
            }
        }
    }

    fn answer(&self, response: Response<Incoming>, line: Option<Line>) -> Response<Answer> {
        response.map(|body| Answer {
            body,
            line,
            pool: self.clone(),
        })
    }

    fn give_back(&self, line: Line) {
        let since = Instant::now();
        let mut idle = self.idle();
        if idle.is_empty() {
            tokio::spawn(expire(Arc::downgrade(&self.idle), since + IDLE));
        }
        if idle.len() < MAX_IDLE {
            idle.push(Idle { line, since });
        }
    }
}

/// Closes connections once they have been idle for long, until there are none.
async fn expire(idle: Weak<Mutex<Vec<Idle>>>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE);
        match idle.first() {
            Some(oldest) => next = oldest.since + IDLE,
            None => return,
        }
    }
}

/// Waits for something of a connection while moving its bytes; also, whether the connection still stands.
async fn drive<F: Future>(
    connection: &mut http1::Connection<TokioIo<UnixStream>, Payload>,
    mut wanted: Pin<&mut F>,
) -> (F::Output, bool) {
    let mut stands = true;
    poll_fn(|cx| {
        // Why it ended, if it did, what is waited for says.
        if stands && Pin::new(&mut *connection).poll(cx).is_ready() {
            stands = false;
        }
        wanted.as_mut().poll(cx).map(|output| (output, stands))
    })
    .await
}

/// The body of an answer. Read to its end, its connection can serve again; dropped before, that is closed.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Incoming,
    /// `None` if it has ended or has a task of its own.
    line: Option<Line>,
    pool: Pool,
}

impl Answer {
    fn ended(&mut self, cx: &mut Context<'_>) {
        if let Some(mut line) = self.line.take()
            && line.is_ready(cx)
        {
            self.pool.give_back(line);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let mut frame = Pin::new(&mut this.body).poll_frame(cx);
        if frame.is_pending()
            && let Some(line) = &mut this.line
        {
            if Pin::new(&mut line.connection).poll(cx).is_ready() {
                this.line = None;
            }
            frame = Pin::new(&mut this.body).poll_frame(cx);
        }
        let frame = ready!(frame);
        if frame.is_none() {
            this.ended(cx);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
