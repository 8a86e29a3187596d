//! Finds a Podman service that answers: which sockets are looked at, in which order, and what was found
//! at each.
//!
//! Reads no environment variable; whoever asks has read them.

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// How long a service may take to answer a ping before the search goes on.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The socket of the machine's own service, run by root.
pub const SYSTEM_SOCKET: &str = "/run/podman/podman.sock";

/// Where to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search<'a> {
    /// The socket that the user named; if there is one, nothing else is looked at.
    pub explicit: Option<&'a Path>,
    /// The value of `$CONTAINER_HOST`.
    pub container_host: Option<&'a str>,
    /// The value of `$XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<&'a Path>,
}

/// What was found, in the order of looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Every place that was looked at.
    pub candidates: Vec<Candidate>,
}

impl Found {
    /// The first service that answered: its socket and its version.
    pub fn engine(&self) -> Option<(&Path, &str)> {
        self.candidates
            .iter()
            .find_map(|candidate| match &candidate.outcome {
                Outcome::Answers { version } => {
                    Some((candidate.socket.as_path(), version.as_str()))
                }
                _ => None,
            })
    }
}

/// A place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Why it was looked at.
    pub source: Source,
    /// The address as it was given.
    pub address: String,
    /// Its socket; empty if the address names none.
    pub socket: PathBuf,
    /// What was found there.
    pub outcome: Outcome,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The user named it.
    Explicit,
    /// `$CONTAINER_HOST`.
    ContainerHost,
    /// The user's own service, below `$XDG_RUNTIME_DIR`.
    User,
    /// The machine's service.
    System,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Explicit => "the configured engine",
            Self::ContainerHost => "$CONTAINER_HOST",
            Self::User => "your own Podman service",
            Self::System => "the machine's Podman service",
        })
    }
}

/// What was found at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A Podman service that answers.
    Answers {
        /// Its version.
        version: String,
    },
    /// Nothing.
    Missing,
    /// A socket that nobody listens on.
    Dead,
    /// A socket that this account may not use.
    Denied,
    /// Something that took longer than [`PATIENCE`].
    Silent,
    /// Something else than Podman; Docker, for one.
    NotPodman,
    /// An address of a kind that can't be used.
    Unsupported,
    /// None of these, in the system's words.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers { version } => write!(f, "Podman {version} answers"),
            Self::Missing => f.write_str("no such socket"),
            Self::Dead => f.write_str("the socket is there, but nobody listens on it"),
            Self::Denied => f.write_str("permission denied"),
            Self::Silent => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::NotPodman => f.write_str("what answers there is not Podman"),
            Self::Unsupported => {
                f.write_str("only unix:///path/of.sock is supported, so it is passed over")
            }
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl Search<'_> {
    /// Looks until a service answers.
    pub async fn first(&self) -> Found {
        self.look(true).await
    }

    /// Looks everywhere.
    pub async fn all(&self) -> Found {
        self.look(false).await
    }

    async fn look(&self, stop_at_first: bool) -> Found {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (source, address) in self.addresses() {
            let socket = socket_of(&address);
            if candidates.iter().any(|seen| seen.address == address) {
                continue;
            }
            let outcome = match &socket {
                Some(socket) => ping(socket, PATIENCE).await,
                None => Outcome::Unsupported,
            };
            let answers = matches!(outcome, Outcome::Answers { .. });
            candidates.push(Candidate {
                source,
                address,
                socket: socket.unwrap_or_default(),
                outcome,
            });
            if answers && stop_at_first {
                break;
            }
        }
        Found { candidates }
    }

    fn addresses(&self) -> Vec<(Source, String)> {
        let unix = |path: &Path| format!("unix://{}", path.display());
        if let Some(path) = self.explicit {
            return vec![(Source::Explicit, unix(path))];
        }
        let mut addresses = Vec::new();
        if let Some(host) = self.container_host {
            addresses.push((Source::ContainerHost, host.to_owned()));
        }
        if let Some(directory) = self.runtime_dir {
            addresses.push((Source::User, unix(&directory.join("podman/podman.sock"))));
        }
        addresses.push((Source::System, unix(Path::new(SYSTEM_SOCKET))));
        addresses
    }
}

fn socket_of(address: &str) -> Option<PathBuf> {
    let path = address.strip_prefix("unix://")?;
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Asks whoever listens on a socket who it is.
pub async fn ping(socket: &Path, patience: Duration) -> Outcome {
    match tokio::time::timeout(patience, ask(socket)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Outcome::Missing,
            io::ErrorKind::ConnectionRefused => Outcome::Dead,
            io::ErrorKind::PermissionDenied => Outcome::Denied,
            _ => Outcome::Failed(error.to_string()),
        },
        Err(_) => Outcome::Silent,
    }
}

async fn ask(socket: &Path) -> io::Result<Outcome> {
    let stream = TokioIo::new(UnixStream::connect(socket).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(io::Error::other)?;
    let request = http::Request::get("/_ping")
        .header(http::header::HOST, "podman")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let answer = tokio::select! {
        answer = sender.send_request(request) => answer,
        // Ends only when the other side does, and then the answer is an error as well.
        Err(error) = connection => Err(error),
    };
    // Something that speaks no HTTP is not Podman either.
    let version = answer.ok().and_then(|answer| {
        let header = answer.headers().get("libpod-api-version")?;
        header.to_str().ok().map(str::to_owned)
    });
    Ok(version.map_or(Outcome::NotPodman, |version| Outcome::Answers { version }))
}

#[cfg(test)]
mod tests;
