//! From a URL to a connection, by way of addresses that may be used.

use crate::trust::Trust;
use podlane_service::Letter;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use url::Host;

/// How many names may be asked about at once. Asking holds a thread, for as long as name servers are silent.
const ASKING: usize = 16;
/// How many addresses of a name are tried.
const TRIED: usize = 4;

/// Who asks where names lead.
#[derive(Debug)]
pub(crate) struct Names(Arc<Semaphore>);

impl Default for Names {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ASKING)))
    }
}

impl Names {
    async fn addresses(&self, name: String, port: u16) -> Result<Vec<IpAddr>, &'static str> {
        const UNKNOWN: &str = "its name leads nowhere";
        let place = Arc::clone(&self.0).acquire_owned().await;
        let place = place.map_err(|_| UNKNOWN)?;
        // It goes on when nobody waits any more, and so does its place.
        let asked = tokio::spawn(async move {
            let _place = place;
            let found = tokio::net::lookup_host((name, port)).await;
            found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>())
        });
        let found = asked.await.map_err(|_| UNKNOWN)?;
        found.map_err(|_| UNKNOWN)
    }
}

/// A connection, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) async fn connect(
    letter: &Letter,
    names: &Names,
    trust: &Trust,
) -> Result<Box<dyn Stream>, &'static str> {
    let url = &letter.url;
    let port = url.port_or_known_default().ok_or("its URL has no port")?;
    let (addresses, name) = match url.host() {
        Some(Host::Ipv4(address)) => (
            vec![address.into()],
            ServerName::from(IpAddr::from(address)),
        ),
        Some(Host::Ipv6(address)) => (
            vec![address.into()],
            ServerName::from(IpAddr::from(address)),
        ),
        Some(Host::Domain(name)) => {
            // A name in a certificate has no dot at its end.
            let plain = name.strip_suffix('.').unwrap_or(name).to_owned();
            let addresses = names.addresses(name.to_owned(), port).await?;
            let name = ServerName::try_from(plain);
            (addresses, name.map_err(|_| "its URL has no host name")?)
        }
        None => return Err("its URL has no host"),
    };
    // One that is not permitted among others may be a trap: what is tried first is not ours to say.
    if !addresses
        .iter()
        .all(|address| letter.reach.permits(url, *address))
    {
        tracing::debug!(
            message = letter.id,
            ?addresses,
            "a webhook leads where messages may not go"
        );
        return Err("its name leads to an address that messages may not go to");
    }
    let stream = reach(&addresses, port).await?;
    // What is small goes at once.
    let _slower = stream.set_nodelay(true);
    if url.scheme() != "https" {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(trust.config().await?);
    let secured = connector.connect(name, stream).await.map_err(|error| {
        tracing::debug!(message = letter.id, %error, "a webhook's TLS failed");
        "TLS failed: its certificate may be of another name, expired, or of an authority that is unknown here"
    })?;
    Ok(Box::new(secured))
}

async fn reach(addresses: &[IpAddr], port: u16) -> Result<TcpStream, &'static str> {
    for address in addresses.iter().take(TRIED) {
        if let Ok(stream) = TcpStream::connect(SocketAddr::new(*address, port)).await {
            return Ok(stream);
        }
    }
    Err("it could not be reached")
}
