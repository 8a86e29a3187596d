//! The sockets: accepts connections, serves them and lets them end when the server stops.
//!
//! A connection is bounded in everything a client decides: the size and the time of its headers, the
//! time it idles, the time it takes nothing of an answer. Its number is bounded too: past the limit,
//! clients wait in the kernel's queue.

mod framing;
mod lease;
mod listener;
mod progress;
mod tls;
mod watched;

pub(crate) use framing::Framing;
pub(crate) use lease::Lease;
pub use listener::Listener;
pub use tls::{Tls, TlsError, TlsFiles};

use crate::{App, Metrics, Settings, router};
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use listener::Incoming;
use podlane_service::{Fingerprint, Service};
use progress::Progress;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use watched::Watched;

/// How long connections may take to send what is ready once their work was ended for them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then accepts no more, lets requests under way end within the grace, ends
/// what is left and stops the service.
pub async fn serve(
    listeners: Vec<Listener>,
    service: Service,
    metrics: Metrics,
    settings: Settings,
    shutdown: CancellationToken,
) {
    let grace = settings.shutdown_grace;
    let server = Arc::new(Server {
        places: Arc::new(Semaphore::new(
            settings.connections.clamp(1, Semaphore::MAX_PERMITS),
        )),
        http: http(&settings),
        body_timeout: settings.body_timeout,
        header_timeout: settings.header_timeout,
        header_bytes: settings.header_bytes,
        router: router(App::new(service.clone(), settings, metrics)),
        connections: TaskTracker::new(),
        stopping: shutdown,
        cut: CancellationToken::new(),
    });
    join_all(listeners.iter().map(|listener| server.accept(listener))).await;
    drop(listeners);

    server.connections.close();
    if timeout(grace, server.connections.wait()).await.is_err() {
        // Executions are ended now and answer so.
        service.stop(LAST_WORDS).await;
        let ended = server.connections.wait();
        if timeout(LAST_WORDS, ended).await.is_err() {
            tracing::warn!("requests under way were cut off: they outlasted the shutdown grace");
        }
    }
    server.cut.cancel();
    server.connections.wait().await;
    if !service.stop(grace).await {
        tracing::warn!("work under way in the engine was left behind at shutdown");
    }
}

/// What is read of a body at once. Large, because each reading costs a wakeup.
const AHEAD: usize = 256 << 10;

fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_header_size(settings.header_bytes)
        // What is read ahead of a body at most, and only of one that comes fast. Not less than a head.
        .max_buf_size(settings.header_bytes.max(AHEAD))
        .half_close(false);
    http
}

/// Who is at the other end of a connection; nobody is told apart through a Unix socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// The certificate that it has shown, if any, which is one of a known authority.
    pub(crate) certificate: Option<Fingerprint>,
}

impl Peer {
    /// One that has shown no certificate.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self {
            address,
            certificate: None,
        }
    }
}

struct Server {
    router: Router,
    http: http1::Builder,
    body_timeout: Duration,
    header_timeout: Duration,
    header_bytes: usize,
    places: Arc<Semaphore>,
    /// The open ones, those too that speak HTTP no more.
    connections: TaskTracker,
    /// No connection is accepted any more, and those that are open end with their request.
    stopping: CancellationToken,
    /// Ends the connections that outlast the grace.
    cut: CancellationToken,
}

impl Server {
    async fn accept(self: &Arc<Self>, listener: &Listener) {
        tokio::select! {
            () = self.accept_all(listener) => {}
            () = listener.attend() => {}
        }
    }

    async fn accept_all(self: &Arc<Self>, listener: &Listener) {
        loop {
            let accepted = tokio::select! {
                () = self.stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let incoming = match accepted {
                Ok(incoming) => incoming,
                // Out of descriptors, or the client is gone already: trying at once would only spin.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Past the limit this one waits here, and all others in the kernel.
            let place = tokio::select! {
                () = self.stopping.cancelled() => return,
                place = Arc::clone(&self.places).acquire_owned() => place,
            };
            let Ok(place) = place else { return };
            let lease = Lease::new(place, &self.connections, &self.stopping, &self.cut);
            self.connections
                .spawn(Arc::clone(self).incoming(incoming, lease));
        }
    }

    async fn incoming(self: Arc<Self>, incoming: Incoming, lease: Lease) {
        match incoming {
            Incoming::Unix(stream) => self.connection(stream, None, lease).await,
            Incoming::Tcp(stream, peer) => {
                // Answers are small and whole: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                self.connection(stream, Some(Peer::at(peer)), lease).await;
            }
            Incoming::Tls(stream, peer, tls) => {
                let _ = stream.set_nodelay(true);
                let shaken = tokio::select! {
                    shaken = timeout(self.header_timeout, tls.acceptor().accept(stream)) => shaken,
                    () = self.stopping.cancelled() => return,
                };
                match shaken {
                    Ok(Ok(stream)) => {
                        let shown = stream.get_ref().1.peer_certificates();
                        let peer = Peer {
                            address: peer,
                            certificate: shown
                                .and_then(|chain| Some(Fingerprint::of(chain.first()?))),
                        };
                        self.connection(stream, Some(peer), lease).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
    }

    async fn connection<S>(self: Arc<Self>, stream: S, peer: Option<Peer>, lease: Lease)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let framing = Framing::default();
        let io = Progress::new(stream, self.body_timeout);
        let io = TokioIo::new(Watched::new(io, framing.clone(), self.header_bytes));
        let router = self.router.clone();
        let answer = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(framing.clone());
            request.extensions_mut().insert(lease.clone());
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            router.clone().call(request)
        });
        let mut connection = pin!(self.http.serve_connection(io, answer).with_upgrades());
        let mut stopping = pin!(self.stopping.cancelled().fuse());
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = &mut stopping => connection.as_mut().graceful_shutdown(),
                () = self.cut.cancelled() => return,
            }
        }
    }
}
