//! The socket: connections in, answers out.

use super::answer::Answer;
use super::deliver::{Dropped, Payload, Upgrade, deliver};
use super::fault::{Before, Fault};
use super::handle::{self, Request};
use super::journal::Recorded;
use super::route::{self, Query, Route};
use super::state::Core;
use bytes::Bytes;
use http::{Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// A bound socket. Dropping it closes the socket and every connection.
#[derive(Debug)]
pub(super) struct Listening {
    _stop: watch::Sender<()>,
}

impl Listening {
    /// Binds the socket, in place of a dead one, and serves it.
    pub(super) fn bind(core: &Arc<Core>, socket: &Path) -> io::Result<Self> {
        let _none_there = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket)?;
        let (stop, stopped) = watch::channel(());
        let core = Arc::clone(core);
        tokio::spawn(async move {
            let mut end = stopped.clone();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        tokio::spawn(connection(Arc::clone(&core), stream, stopped.clone()));
                    }
                    _dropped = end.changed() => return,
                }
            }
        });
        Ok(Self { _stop: stop })
    }
}

async fn connection(core: Arc<Core>, stream: UnixStream, stop: watch::Receiver<()>) {
    let mut stopped = stop.clone();
    let service = service_fn(|request| serve(Arc::clone(&core), request, stop.clone()));
    // Header names in the case that Go writes.
    let connection = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        _end = connection => {}
        _dropped = stopped.changed() => {}
    }
}

async fn serve(
    core: Arc<Core>,
    mut request: http::Request<Incoming>,
    stop: watch::Receiver<()>,
) -> Result<Response<Payload>, Dropped> {
    let upgrade = asked_upgrade(&mut request);
    let (parts, body) = request.into_parts();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let (body, complete) = read(body).await;
    core.journal.add(Recorded {
        method: parts.method.clone(),
        path_and_query: target.clone(),
        headers: parts.headers.clone(),
        body: body.clone(),
        complete,
    });
    if !complete {
        return Err(Dropped);
    }
    let found = route::find(&parts.method, parts.uri.path());
    let (route, name) = found.unwrap_or((Route::Any, String::new()));
    let query = Query::parse(&target);
    // What is looked for in the background must not use up a fault that is meant for a list.
    let about_health = query
        .get("filters")
        .is_some_and(|text| text.contains("\"health\""));
    let route = match route {
        Route::ContainerList if about_health => Route::ContainersChecked,
        route => route,
    };
    let fault = core.faults.take(route);
    let request = Request {
        core: Arc::clone(&core),
        route,
        name,
        query,
        target,
        body,
    };
    let early = match fault.as_ref().map_or(Before::Run, Fault::before) {
        Before::Run => None,
        Before::Wait(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Before::Hang => std::future::pending().await,
        Before::Close => return Err(Dropped),
        Before::Answer(answer) => {
            handle::note_fault(&request, fault.as_ref());
            Some(answer)
        }
    };
    let answer = match early {
        Some(answer) => answer,
        // A task of its own: like Podman, what was begun is done even if the client leaves.
        None => tokio::spawn(async move { handle::handle(&request).await })
            .await
            .map_err(|_panicked| Dropped)?
            .unwrap_or_else(Answer::from),
    };
    let answer = if answer.headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
        answer
    } else {
        answer.signed(core.version, parts.headers.get("x-reference-id"))
    };
    deliver(answer, fault, upgrade, stop).await
}

/// Podman upgrades if `Connection` is exactly `Upgrade`, to whatever is asked for.
fn asked_upgrade(request: &mut http::Request<Incoming>) -> Option<Upgrade> {
    let wanted = request.headers().get(header::CONNECTION)?;
    if !wanted.as_bytes().eq_ignore_ascii_case(b"upgrade") {
        return None;
    }
    let protocol = request.headers().get(header::UPGRADE)?.clone();
    Some(Upgrade {
        protocol,
        connection: hyper::upgrade::on(request),
    })
}

/// The body as far as it came, and whether it came to its end.
async fn read(mut body: Incoming) -> (Bytes, bool) {
    let mut data = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(http_body_frame_data) {
            Ok(piece) => data.extend_from_slice(&piece),
            Err(_) => return (data.into(), false),
        }
    }
    (data.into(), true)
}

fn http_body_frame_data(frame: hyper::body::Frame<Bytes>) -> Bytes {
    frame.into_data().unwrap_or_default()
}
