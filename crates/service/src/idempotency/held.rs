//! How much of answers is held in memory until it is kept: of one caller, and of all.

use super::keys::{CALLERS, Opened};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Bytes>);

#[derive(Debug, Default)]
struct Bytes {
    all: usize,
    of: HashMap<String, usize>,
}

impl Held {
    fn bytes(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A claim's part of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    opened: Arc<Opened>,
    caller: String,
    bytes: usize,
}

impl Hold {
    pub(super) fn new(opened: &Arc<Opened>, caller: &str) -> Self {
        Self {
            opened: Arc::clone(opened),
            caller: caller.to_owned(),
            bytes: 0,
        }
    }

    /// Takes more, of at most so much of its caller; whether there was room.
    pub(super) fn more(&mut self, bytes: usize, most: usize) -> bool {
        let mut held = self.opened.held().bytes();
        let own = held.of.get(&self.caller).copied().unwrap_or_default();
        if own + bytes > most || held.all + bytes > most.saturating_mul(CALLERS) {
            return false;
        }
        held.all += bytes;
        held.of.insert(self.caller.clone(), own + bytes);
        self.bytes += bytes;
        true
    }

    /// Gives all of it back.
    pub(super) fn nothing(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut held = self.opened.held().bytes();
        held.all -= bytes;
        if let Some(own) = held.of.get_mut(&self.caller) {
            *own -= bytes;
            if *own == 0 {
                held.of.remove(&self.caller);
            }
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.nothing();
    }
}
