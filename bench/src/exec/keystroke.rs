//! How long it takes until a key that was pressed on a terminal is seen.

use crate::TARGET;
use crate::connection::{Address, Result};
use crate::libpod;
use crate::server::Server;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

const KEYS: usize = 500;
/// The command behind both terminals: what is typed is shown by the terminal itself.
const COMMAND: &str = "cat";
/// Nothing else that can come has this in it.
const KEY: u8 = b'x';

/// How long it took, sorted.
pub(super) struct Echo(Vec<Duration>);

impl Echo {
    pub(super) fn p50(&self) -> Duration {
        self.0[KEYS / 2]
    }

    pub(super) fn p99(&self) -> Duration {
        self.0[KEYS * 99 / 100]
    }

    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }
}

/// On a terminal of the server's, and on one of Podman's.
pub(super) async fn measure(server: &Server, podman: &mut libpod::Client) -> Result<[Echo; 2]> {
    Ok([by_server(server).await?, by_podman(podman).await?])
}

async fn by_server(server: &Server) -> Result<Echo> {
    let Address::Tcp(host) = &server.address else {
        return Err("the server does not listen on TCP".into());
    };
    let url = format!("ws://{host}/api/v1/containers/{TARGET}/exec/ws?command={COMMAND}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let mut took = Vec::new();
    for _ in 0..KEYS {
        let began = Instant::now();
        socket.send(Message::binary(vec![KEY])).await?;
        loop {
            let message = socket.next().await.ok_or("the terminal was closed")??;
            if message.is_binary() && message.into_data().contains(&KEY) {
                break;
            }
        }
        took.push(began.elapsed());
    }
    socket.close(None).await?;
    Ok(Echo::of(took))
}

async fn by_podman(podman: &mut libpod::Client) -> Result<Echo> {
    let mut stream = podman.terminal(TARGET, json!([COMMAND])).await?;
    let mut took = Vec::new();
    let mut buffer = [0; 1024];
    for _ in 0..KEYS {
        let began = Instant::now();
        stream.write_all(&[KEY]).await?;
        loop {
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Err("the terminal was closed".into());
            }
            if buffer[..read].contains(&KEY) {
                break;
            }
        }
        took.push(began.elapsed());
    }
    // The end of input, on a terminal.
    stream.write_all(b"\n\x04").await?;
    Ok(Echo::of(took))
}
