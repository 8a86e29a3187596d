//! The sockets of the server.

use crate::failure::Failure;
use podlane_server::config::Config;
use podlane_server::{Listener, Tls, TlsFiles};
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// Who may connect to a Unix socket: the owner and the group.
const MODE: u32 = 0o660;

/// Bound sockets.
pub(crate) struct Listening {
    pub(crate) listeners: Vec<Listener>,
    address: SocketAddr,
    secure: bool,
    socket: Option<PathBuf>,
}

impl Listening {
    /// Binds all that the settings name.
    pub(crate) async fn bind(config: &Config) -> Result<Self, Failure> {
        let tls = tls(config)?;
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
            let socket = unix(path).await.map_err(|error| {
                Failure::failed(format!("can't listen on {}: {error}", path.display()))
            })?;
            listeners.push(Listener::Unix(socket));
        }
        Ok(Self {
            listeners,
            address,
            secure,
            socket: config.socket.clone(),
        })
    }

    /// Says where, for people.
    pub(crate) fn announce(&self) {
        let scheme = if self.secure { "https" } else { "http" };
        if let Some(socket) = &self.socket {
            tracing::info!("listening on unix:{}", socket.display());
        }
        tracing::info!(
            "listening on {scheme}://{}; the API is at /api/v1, its documentation at /docs",
            self.address
        );
    }
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

/// A Unix socket, in place of one that nobody listens on.
async fn unix(path: &Path) -> io::Result<UnixListener> {
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
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    Ok(listener)
}
