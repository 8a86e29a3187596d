//! Terminals of clients that no library stands for: what is on the wire, byte by byte.

use crate::container::{Container, nap, running, until};
use crate::server;
use podlane_testkit::{BUSYBOX, Server};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server asks every 20 seconds, and misses the answer at the third time.
const SILENCE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);
const PING: [u8; 2] = [0x89, 0];

/// Asks for a terminal, and sends `more` in the same breath.
async fn open(server: &Server, path: &str, more: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("it listens");
    let host = server.address();
    let head = format!(
        "GET /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let bytes = [head.as_bytes(), more].concat();
    stream.write_all(&bytes).await.expect("it reads");
    stream
}

/// A short binary frame, masked with zeros.
fn frame(data: &[u8]) -> Vec<u8> {
    let size = u8::try_from(data.len()).expect("short");
    assert!(size < 126);
    [&[0x82, 0x80 | size, 0, 0, 0, 0], data].concat()
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|at| *at == what).count()
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_read() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let path = container.path("exec/ws?command=cat&tty=false");
    let early = [frame(b"ear"), frame(b"ly;")].concat();
    let mut stream = open(&server, &path, &early).await;
    let mut seen = Vec::new();
    // In one frame or in two, whichever way the program has read it.
    while count(&seen, b"ly;") == 0 {
        let read = timeout(PATIENCE, stream.read_buf(&mut seen)).await;
        assert_ne!(read.expect("in time").expect("open"), 0, "{seen:?}");
    }
    assert!(seen.starts_with(b"HTTP/1.1 101 "), "{seen:?}");
    assert_eq!(count(&seen, b"ear"), 1);
    stream.write_all(&frame(b"late;")).await.expect("it reads");
    while count(&seen, b"late;") == 0 {
        let read = timeout(PATIENCE, stream.read_buf(&mut seen)).await;
        assert_ne!(read.expect("in time").expect("open"), 0, "{seen:?}");
    }
}

#[tokio::test]
async fn who_answers_no_ping_is_gone() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let path = container.path(&format!("exec/ws?command=sleep&command={nap}"));
    let opened = Instant::now();
    let mut stream = open(&server, &path, b"").await;
    until("it runs", || !running(&nap).is_empty()).await;
    let mut seen = Vec::new();
    let all = async { while stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {} };
    timeout(SILENCE + PATIENCE, all)
        .await
        .expect("it is closed");
    let elapsed = opened.elapsed();
    assert!(
        elapsed >= SILENCE,
        "not before it could answer: {elapsed:?}"
    );
    assert_eq!(count(&seen, &PING), 2, "{seen:?}");
    until("its command is ended", || running(&nap).is_empty()).await;
}
