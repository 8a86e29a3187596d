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
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    /// Listens on a socket and answers every connection with the same bytes, or never.
    fn serve(path: &Path, answer: Option<&'static str>) {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    match answer {
                        Some(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                        None => std::future::pending().await,
                    }
                });
            }
        });
    }

    const PODMAN: &str =
        "HTTP/1.1 200 OK\r\nLibpod-Api-Version: 4.3.1\r\nContent-Length: 2\r\n\r\nOK";
    const DOCKER: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 2\r\n\r\nOK";

    #[tokio::test]
    async fn the_first_that_answers_is_taken_and_what_else_was_seen_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let docker = directory.path().join("docker.sock");
        serve(&docker, Some(DOCKER));
        std::fs::create_dir(directory.path().join("podman")).unwrap();
        let user = directory.path().join("podman/podman.sock");
        serve(&user, Some(PODMAN));
        let host = format!("unix://{}", docker.display());
        let search = Search {
            explicit: None,
            container_host: Some(&host),
            runtime_dir: Some(directory.path()),
        };
        let found = search.first().await;
        assert_eq!(found.engine(), Some((user.as_path(), "4.3.1")));
        let outcomes: Vec<_> = found
            .candidates
            .iter()
            .map(|c| c.outcome.to_string())
            .collect();
        assert_eq!(
            outcomes,
            ["what answers there is not Podman", "Podman 4.3.1 answers"]
        );
        assert_eq!(search.all().await.candidates.len(), 3);
    }

    #[tokio::test]
    async fn a_named_engine_is_the_only_one_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none.sock");
        let search = Search {
            explicit: Some(&missing),
            container_host: Some("unix:///other.sock"),
            runtime_dir: None,
        };
        let found = search.all().await;
        assert_eq!(found.engine(), None);
        assert_eq!(found.candidates.len(), 1);
        assert_eq!(found.candidates[0].outcome, Outcome::Missing);
    }

    #[tokio::test]
    async fn an_address_of_another_kind_is_passed_over_in_words() {
        let search = Search {
            container_host: Some("ssh://root@example.org/run/podman.sock"),
            ..Search::default()
        };
        let outcome = search.all().await.candidates.remove(0).outcome;
        assert!(outcome.to_string().contains("only unix:///"));
    }

    #[tokio::test]
    async fn a_service_that_hangs_is_given_up_on() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("p.sock");
        serve(&socket, None);
        assert_eq!(
            ping(&socket, Duration::from_millis(50)).await,
            Outcome::Silent
        );
    }

    #[tokio::test]
    async fn a_socket_file_without_a_listener_is_dead_and_a_garbler_is_not_podman() {
        let directory = tempfile::tempdir().unwrap();
        let dead = directory.path().join("dead.sock");
        drop(UnixListener::bind(&dead).unwrap());
        assert_eq!(ping(&dead, PATIENCE).await, Outcome::Dead);
        let garbler = directory.path().join("garbler.sock");
        serve(&garbler, Some("220 smtp.example.org\r\n"));
        assert_eq!(ping(&garbler, PATIENCE).await, Outcome::NotPodman);
    }
}
