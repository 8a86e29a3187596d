//! How late a reader of events is told, and how late a list shows it, when the podman command changes
//! something.

use crate::connection::{Connection, Result};
use crate::server::Server;
use crate::{Setting, TARGET};
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::{Duration, SystemTime};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// How often the target is paused and let go on.
const TURNS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(30);

/// Times from Podman's own of an event, sorted.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    /// To its arrival at a reader.
    pub(crate) told: Vec<Duration>,
    /// To the end of the first list that shows it.
    pub(crate) shown: Vec<Duration>,
}

/// The stream of events.
struct Reader {
    body: Incoming,
    text: String,
}

impl Reader {
    async fn open(server: &Server) -> Result<Self> {
        let mut connection = Connection::new(server.address.clone());
        let path = format!("/api/v1/events?type=container&subject={TARGET}");
        let mut request = connection.request(Method::GET, &path, Bytes::new())?;
        let kind = HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(ACCEPT, kind);
        let body = connection.begin(request).await?.into_body();
        let text = String::new();
        Ok(Self { body, text })
    }

    /// When Podman says that the next thing of that name happened, and when that came.
    async fn next(&mut self, action: &str) -> Result<(SystemTime, SystemTime)> {
        let wanted = format!("\"action\":\"{action}\"");
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.contains(&wanted) {
                    let id = event.lines().find_map(|line| line.strip_prefix("id: "));
                    let nanos = id.ok_or("an event without ID")?.parse()?;
                    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
                    return Ok((at, SystemTime::now()));
                }
            }
            let frame = self.body.frame().await.ok_or("the events end")??;
            if let Ok(piece) = frame.into_data() {
                self.text.push_str(std::str::from_utf8(&piece)?);
            }
        }
    }
}

/// Lists until one says this of the target; answers when.
async fn listed(connection: &mut Connection, status: &str) -> Result<SystemTime> {
    let wanted = format!("\"name\":\"{TARGET}\",\"status\":\"{status}\"");
    loop {
        let request = connection.request(Method::GET, "/api/v1/containers", Bytes::new())?;
        if connection.send(request).await?.successful()?.holds(&wanted) {
            return Ok(SystemTime::now());
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Pauses the target with the podman command, and lets it go on, again and again.
pub(crate) async fn measure(setting: &Setting, server: &Server) -> Result<Delays> {
    let mut reader = Reader::open(server).await?;
    let mut lister = Connection::new(server.address.clone());
    let mut delays = Delays::default();
    for _ in 0..TURNS {
        for (verb, status) in [("pause", "paused"), ("unpause", "running")] {
            let mut command = Command::new(&setting.podman);
            let command = command.args([verb, TARGET]).output();
            let step = async {
                tokio::try_join!(
                    async { Ok(command.await?) },
                    reader.next(verb),
                    listed(&mut lister, status),
                )
            };
            let (output, (at, told), shown) = timeout(PATIENCE, step).await??;
            if !output.status.success() {
                return Err(format!("podman {verb}: {output:?}").into());
            }
            delays
                .told
                .push(told.duration_since(at).unwrap_or_default());
            delays
                .shown
                .push(shown.duration_since(at).unwrap_or_default());
        }
    }
    delays.told.sort_unstable();
    delays.shown.sort_unstable();
    Ok(delays)
}
