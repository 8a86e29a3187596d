//! `GET containers/{name}/logs`.

use super::Request;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::inside::Inside;
use crate::fake::log::Line;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) fn logs(request: &Request) -> Handled {
    let query = &request.query;
    let (out, err) = (query.flag("stdout")?, query.flag("stderr")?);
    let (follow, timestamps) = (query.flag("follow")?, query.flag("timestamps")?);
    if !out && !err {
        let text = format!(
            "Bad Request: you must choose at least one stream for {}",
            request.target
        );
        return Err(Refusal::plain(400, text));
    }
    let inside = Arc::clone(&request.core.state().find(&request.name)?.inside);
    let tail = match query.get("tail") {
        Some("all") => None,
        _ => query
            .number("tail")?
            .and_then(|tail| usize::try_from(tail).ok()),
    };
    let old = request.core.version.is_old();
    let (to, pieces) = mpsc::channel(16);
    let (since, until) = (query.time("since")?, query.time("until")?);
    let picked = move |line: &Line| {
        let stream = if line.stream == 1 { out } else { err };
        let after = since.is_none_or(|since| line.time > since);
        stream && after && until.is_none_or(|until| line.time < until)
    };
    tokio::spawn(async move {
        // The length before the tail is taken: a line between the two comes twice rather than never.
        let next = inside.log.from(0).len();
        let first = match tail {
            Some(tail) => inside.log.tail(tail, old),
            None => inside.log.from(0)[..next].to_vec(),
        };
        for line in first.iter().filter(|line| picked(line)) {
            if to.send(line.frame(timestamps, old)).await.is_err() {
                return;
            }
        }
        if follow {
            follow_on(&inside, next, &to, &picked, timestamps, old).await;
        }
    });
    let answer = Answer::stream(pieces);
    Ok(if old {
        answer.with("content-type", "application/octet-stream")
    } else {
        answer
    })
}

/// Sends what is written, until the container has ended and all is sent, or the client leaves.
async fn follow_on(
    inside: &Inside,
    mut next: usize,
    to: &mpsc::Sender<Bytes>,
    picked: &impl Fn(&Line) -> bool,
    timestamps: bool,
    old: bool,
) {
    let mut length = inside.log.watch();
    let mut running = inside.running.subscribe();
    loop {
        let live = *running.borrow_and_update();
        length.mark_unchanged();
        let lines = inside.log.from(next);
        next += lines.len();
        for line in lines.iter().filter(|line| picked(line)) {
            if to.send(line.frame(timestamps, old)).await.is_err() {
                return;
            }
        }
        if !live {
            return;
        }
        tokio::select! {
            _more = length.wait_for(|length| *length > next) => {}
            _ended = running.changed() => {}
            () = to.closed() => return,
        }
    }
}
