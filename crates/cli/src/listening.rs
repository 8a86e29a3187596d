//! The sockets of the server.

use crate::failure::Failure;
use listenfd::ListenFd;
use podlane_server::config::Config;
use podlane_server::{Listener, Tls, TlsFiles};
use rustix::fs::Mode;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// Bound sockets.
pub(crate) struct Listening {
    pub(crate) listeners: Vec<Listener>,
    addresses: Vec<SocketAddr>,
    secure: bool,
    socket: Option<PathBuf>,
}

impl Listening {
    /// Binds all that the settings name.
    pub(crate) async fn bind(config: &Config) -> Result<Self, Failure> {
        let tls = tls(config)?;
        if let Some(given) = given()? {
            return Self::take(given, tls);
        }
        let tcp = TcpListener::bind(config.listen).await.map_err(|error| {
            Failure::failed(format!(
                "can't listen on {}: {error}; choose another address with --listen",
                config.listen
            ))
        })?;
        let address = tcp.local_addr().unwrap_or(config.listen);
        let secure = tls.is_some();
        let mut listeners = vec![match tls {
            Some(tls) => Listener::Tls(tcp, Arc::new(tls)),
            None => Listener::Tcp(tcp),
        }];
        if let Some(path) = &config.socket {
            let socket = unix(path, config).await.map_err(|error| {
                Failure::failed(format!("can't listen on {}: {error}", path.display()))
            })?;
            listeners.push(Listener::Unix(socket));
        }
        Ok(Self {
            listeners,
            addresses: vec![address],
            secure,
            socket: config.socket.clone(),
        })
    }

    /// Uses sockets that systemd has bound, instead of those that the settings name.
    fn take(given: Vec<Given>, tls: Option<Tls>) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::failed(format!("can't listen on a socket of systemd's: {error}"))
        };
        let mut listening = Self {
            listeners: Vec::new(),
            addresses: Vec::new(),
            secure: tls.is_some(),
            socket: None,
        };
        let tls = tls.map(Arc::new);
        for socket in given {
            match socket {
                Given::Tcp(socket) => {
                    listening
                        .addresses
                        .push(socket.local_addr().map_err(failed)?);
                    let socket = TcpListener::from_std(socket).map_err(failed)?;
                    listening.listeners.push(match &tls {
                        Some(tls) => Listener::Tls(socket, Arc::clone(tls)),
                        None => Listener::Tcp(socket),
                    });
                }
                Given::Unix(socket) => {
                    let address = socket.local_addr().map_err(failed)?;
                    listening.socket = address.as_pathname().map(Path::to_path_buf);
                    let socket = UnixListener::from_std(socket).map_err(failed)?;
                    listening.listeners.push(Listener::Unix(socket));
                }
            }
        }
        Ok(listening)
    }

    /// The addresses where other programs can connect.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Says where, for people.
    pub(crate) fn announce(&self) {
        let scheme = if self.secure { "https" } else { "http" };
        if let Some(socket) = &self.socket {
            tracing::info!("listening on unix:{}", socket.display());
        }
        for address in &self.addresses {
            tracing::info!(
                "listening on {scheme}://{address}; the API is at /api/v1, its documentation at /docs"
            );
        }
        // Where nobody has asked to be told, this does nothing.
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
    }
}

/// A socket that systemd has bound.
enum Given {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// The sockets that systemd has bound for us; `None` without any.
fn given() -> Result<Option<Vec<Given>>, Failure> {
    let mut descriptors = ListenFd::from_env();
    let wrong = |error: io::Error| {
        Failure::failed(format!(
            "systemd gave a socket that is neither TCP nor Unix, or not listening: {error}"
        ))
    };
    let mut given = Vec::new();
    for at in 0..descriptors.len() {
        let socket = match descriptors.take_tcp_listener(at) {
            Ok(Some(socket)) => Given::Tcp(socket),
            Ok(None) => continue,
            Err(_) => match descriptors.take_unix_listener(at).map_err(wrong)? {
                Some(socket) => Given::Unix(socket),
                None => continue,
            },
        };
        match &socket {
            Given::Tcp(socket) => socket.set_nonblocking(true),
            Given::Unix(socket) => socket.set_nonblocking(true),
        }
        .map_err(wrong)?;
        given.push(socket);
    }
    Ok((!given.is_empty()).then_some(given))
}

fn tls(config: &Config) -> Result<Option<Tls>, Failure> {
    let files = match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: config.tls_client_ca.clone(),
        },
        (None, None) if config.tls_client_ca.is_none() => return Ok(None),
        _ => {
            let message = "TLS needs tls_cert and tls_key, both";
            return Err(Failure::failed(message));
        }
    };
    let loaded = Tls::load(files);
    loaded
        .map(Some)
        .map_err(|error| Failure::failed(format!("can't speak TLS: {error}")))
}

/// A group's number.
fn group(text: &str) -> io::Result<u32> {
    let named = || uzers::get_group_by_name(text).map(|group| group.gid());
    text.parse().ok().or_else(named).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no group \"{text}\" (socket_group)"),
        )
    })
}

/// A Unix socket, in place of one that nobody listens on.
async fn unix(path: &Path, config: &Config) -> io::Result<UnixListener> {
    if let Ok(there) = fs::symlink_metadata(path) {
        let taken = |why: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, why.to_owned()));
        if !there.file_type().is_socket() {
            return taken("something that is no socket is in its place");
        }
        if UnixStream::connect(path).await.is_ok() {
            return taken("another program listens there");
        }
        fs::remove_file(path)?;
    }
    let group = config.socket_group.as_deref().map(group).transpose()?;
    // Nobody else may connect before it is as it should be.
    let mask = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(mask);
    let listener = bound?;
    if group.is_some() {
        chown(path, None, group)?;
    }
    fs::set_permissions(path, Permissions::from_mode(config.socket_mode))?;
    Ok(listener)
}
