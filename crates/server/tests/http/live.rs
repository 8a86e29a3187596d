//! A server on a real socket, and bytes sent to it.

use crate::client::service;
use crate::engine::Tiny;
use podlane_server::{Metrics, Settings, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Live {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<Tiny>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<()>,
}

pub(crate) async fn live(settings: Settings) -> Live {
    let engine = Arc::new(Tiny::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let service = service(&engine, &settings, None);
    let server = serve(
        vec![podlane_server::Listener::Tcp(listener)],
        service,
        Metrics::new(),
        settings,
        shutdown.clone(),
    );
    Live {
        address,
        engine,
        shutdown,
        server: tokio::spawn(server),
    }
}

impl Live {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    /// Sends bytes and reads until the server closes or is silent for a while.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        read(&mut stream).await
    }
}

/// Reads what comes until the server closes or is silent; a busy machine may take long to begin.
pub(crate) async fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut buffer = vec![0; 65536];
    let mut patience = Duration::from_secs(10);
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(patience, stream.read(&mut buffer)).await {
        text.extend_from_slice(&buffer[..count]);
        patience = Duration::from_millis(400);
    }
    String::from_utf8_lossy(&text).into_owned()
}
