//! One client's connection: HTTP/1.1, kept alive, over TCP or a Unix socket.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::path::PathBuf;
use tokio::net::{TcpStream, UnixStream};

/// Why a request did not go as it should.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
/// What most functions here answer.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Where to connect to.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// `host:port`
    Tcp(String),
    /// The path of a socket.
    Unix(PathBuf),
}

impl Address {
    fn host(&self) -> &str {
        match self {
            Self::Tcp(host) => host,
            Self::Unix(_) => "podman",
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer, if its status is one of success.
    pub(crate) fn successful(self) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let text = String::from_utf8_lossy(&self.body);
        Err(format!("status {}: {}", self.status.as_u16(), text.trim()).into())
    }

    /// Whether the body holds these bytes.
    pub(crate) fn holds(&self, bytes: &str) -> bool {
        self.body
            .windows(bytes.len())
            .any(|window| window == bytes.as_bytes())
    }
}

/// Opens its connection when it first needs it, and again when the other side has closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: Address,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            sender: None,
        }
    }

    /// A request of this connection's server; JSON if it has a body.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>> {
        let json = !body.is_empty();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse()?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(self.address.host())?);
        if json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    /// Sends a request and gives back the answer with its body unread.
    pub(crate) async fn begin(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>> {
        Ok(self.sender().await?.send_request(request).await?)
    }

    /// Closes the connection, whatever is under way on it.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let response = self.begin(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// Sends a request that makes the connection a plain stream, on a connection of its own.
    pub(crate) async fn upgrade(&self, request: Request<Full<Bytes>>) -> Result<TokioIo<Upgraded>> {
        let mut sender = open(&self.address).await?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("status {} in place of an upgrade", response.status()).into());
        }
        Ok(TokioIo::new(hyper::upgrade::on(response).await?))
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = None;
        }
        match &mut self.sender {
            Some(sender) => Ok(sender),
            closed => Ok(closed.insert(open(&self.address).await?)),
        }
    }
}

async fn open(address: &Address) -> Result<SendRequest<Full<Bytes>>> {
    match address {
        Address::Tcp(host) => {
            let stream = TcpStream::connect(host).await?;
            stream.set_nodelay(true)?;
            start(stream).await
        }
        Address::Unix(path) => start(UnixStream::connect(path).await?).await,
    }
}

async fn start<S>(stream: S) -> Result<SendRequest<Full<Bytes>>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends is seen by the request that then fails.
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Ok(sender)
}
