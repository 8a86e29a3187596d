//! Where connections come in.

use super::tls::Tls;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A bound socket.
#[derive(Debug)]
pub enum Listener {
    /// HTTP over TCP.
    Tcp(TcpListener),
    /// HTTP over TLS.
    Tls(TcpListener, Arc<Tls>),
    /// HTTP over a Unix socket: who may connect, the file's mode says.
    Unix(UnixListener),
}

/// A connection that has just come.
pub(super) enum Incoming {
    Tcp(TcpStream, IpAddr),
    Tls(TcpStream, IpAddr, Arc<Tls>),
    Unix(UnixStream),
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Incoming> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Incoming::Tcp(stream, peer.ip()))
            }
            Self::Tls(listener, tls) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Incoming::Tls(stream, peer.ip(), Arc::clone(tls)))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Incoming::Unix(stream))
            }
        }
    }

    /// What must be driven while it listens.
    pub(super) async fn attend(&self) {
        match self {
            Self::Tls(_, tls) => tls.keep_current().await,
            Self::Tcp(_) | Self::Unix(_) => std::future::pending().await,
        }
    }
}
