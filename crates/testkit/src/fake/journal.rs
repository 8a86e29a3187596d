//! What the fake was asked, so that a test can say "no request reached the engine".

use bytes::Bytes;
use http::{HeaderMap, Method};
use std::sync::{Mutex, PoisonError};

/// A request as it arrived, written down before anything is done about it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its method.
    pub method: Method,
    /// Its target as it was sent, not decoded.
    pub path_and_query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as much of it as came.
    pub body: Bytes,
    /// Whether the body came to its end.
    pub complete: bool,
}

/// All requests since the start or the last clearing.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Vec<Recorded>>);

impl Journal {
    pub(super) fn add(&self, request: Recorded) {
        self.lock().push(request);
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
