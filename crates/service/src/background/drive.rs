//! Reads a background command's output into its ring, until it ends.

use super::entry::{End, Entry, How, Progress};
use super::reader::blocking;
use super::ring::Ring;
use super::store;
use crate::live::{Event, Live};
use crate::{Error, Result};
use futures_util::FutureExt;
use podlane_engine::Chunk;
use std::sync::Arc;
use time::OffsetDateTime;

/// Output that is written to disk at once: many small pieces, or so many bytes.
const PIECES: usize = 256;
const BYTES: usize = 512 * 1024;

/// Drives a command to its end and records that.
pub(super) async fn drive(entry: Arc<Entry>, mut live: Live, ring: Ring) {
    let read = tokio::select! {
        read = read(&entry, &mut live, ring) => read,
        () = entry.given_up.cancelled() => How::Lost("it was given up".into()),
    };
    drop(live);
    let end = End {
        at: OffsetDateTime::now_utc(),
        how: read,
    };
    // Somebody who is writing finds out.
    if let Ok(mut stdin) = entry.stdin.try_lock() {
        *stdin = Err("the command has ended");
    }
    let progress = Progress {
        end: Some(end.clone()),
        ..entry.progress.borrow().clone()
    };
    if !entry.given_up.is_cancelled() {
        let kept = Arc::clone(&entry);
        let saved = blocking(move || store::save(&kept.directory, &kept.about, &progress)).await;
        if let Err(error) | Ok(Err(error)) = saved {
            tracing::warn!(%error, exec = %entry.about.id, "the end of a background command is not on disk");
        }
    }
    entry
        .progress
        .send_modify(|progress| progress.end = Some(end));
}

async fn read(entry: &Entry, live: &mut Live, mut ring: Ring) -> How {
    let mut came = live.next().await;
    loop {
        let chunk = match came {
            Ok(Event::Output(chunk)) => chunk,
            Ok(Event::Ended(ended)) => return How::Exited(ended),
            Err(error) => return How::Lost(reason(&error)),
        };
        let (chunks, next) = gather(live, chunk);
        let appended = blocking(move || {
            for chunk in &chunks {
                ring.append(chunk);
            }
            ring
        });
        ring = match appended.await {
            Ok(ring) => ring,
            Err(error) => return How::Lost(reason(&error)),
        };
        let extent = ring.extent();
        entry
            .progress
            .send_modify(|progress| progress.extent = extent);
        came = match next {
            Some(next) => next,
            None => live.next().await,
        };
    }
}

/// What has come already, and what has come after it that is no output.
fn gather(live: &mut Live, first: Chunk) -> (Vec<Chunk>, Option<Result<Event>>) {
    let mut bytes = first.data.len();
    let mut chunks = vec![first];
    while chunks.len() < PIECES && bytes < BYTES {
        match live.next().now_or_never() {
            Some(Ok(Event::Output(chunk))) => {
                bytes += chunk.data.len();
                chunks.push(chunk);
            }
            other => return (chunks, other),
        }
    }
    (chunks, None)
}

/// Why a command was lost, without the engine's addresses.
fn reason(error: &Error) -> String {
    match error {
        Error::Stopping => "the server was stopped".into(),
        Error::Engine(podlane_engine::Error::Unavailable { .. }) => {
            "Podman could not be reached".into()
        }
        Error::Engine(podlane_engine::Error::Garbled { .. }) => {
            "Podman's answer made no sense".into()
        }
        error => error.to_string(),
    }
}
