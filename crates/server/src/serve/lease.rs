//! The server's hold on a connection, for those who take it out of HTTP.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Goes with each request of a connection. An upgraded connection outlives its request, and HTTP knows
/// nothing of it any more: whoever serves it keeps this until it is closed, so that it counts among the
/// open connections and is waited for when the server stops.
#[derive(Debug, Clone)]
pub(crate) struct Lease(Arc<Held>);

#[derive(Debug)]
struct Held {
    _place: Option<OwnedSemaphorePermit>,
    _awaited: Option<TaskTrackerToken>,
    stopping: CancellationToken,
    cut: CancellationToken,
}

impl Lease {
    pub(super) fn new(
        place: OwnedSemaphorePermit,
        connections: &TaskTracker,
        stopping: &CancellationToken,
        cut: &CancellationToken,
    ) -> Self {
        Self(Arc::new(Held {
            _place: Some(place),
            _awaited: Some(connections.token()),
            stopping: stopping.clone(),
            cut: cut.clone(),
        }))
    }

    /// Waits until the server has been asked to stop; what is under way may still end by itself.
    pub(crate) async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// Waits until the server waits no more.
    pub(crate) async fn cut(&self) {
        self.0.cut.cancelled().await;
    }
}

impl<S: Sync> FromRequestParts<S> for Lease {
    type Rejection = Infallible;

    /// Without sockets (the router alone) nothing is counted and nothing stops.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let lease = parts.extensions.get::<Self>().cloned();
        Ok(lease.unwrap_or_else(|| {
            Self(Arc::new(Held {
                _place: None,
                _awaited: None,
                stopping: CancellationToken::new(),
                cut: CancellationToken::new(),
            }))
        }))
    }
}
