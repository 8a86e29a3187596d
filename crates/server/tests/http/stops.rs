//! The end of a server.

use crate::client::settings;
use crate::engine::Mood;
use crate::live::{live, read};
use podlane_server::Settings;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const LIST: &[u8] = b"GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn with_grace(grace: u64) -> Settings {
    Settings {
        shutdown_grace: Duration::from_millis(grace),
        ..settings()
    }
}

#[tokio::test]
async fn requests_under_way_end_and_no_new_ones_begin() {
    let live = live(with_grace(20_000)).await;
    live.engine.set(Mood::Slow(Duration::from_millis(500)));
    let mut idle = live.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut busy = live.connect().await;
    busy.write_all(LIST).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    live.shutdown.cancel();
    let begun = Instant::now();
    assert!(read(&mut busy).await.starts_with("HTTP/1.1 200"));
    live.server.await.expect("no panic");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "idle connections delay nothing"
    );
    assert!(TcpStream::connect(live.address).await.is_err());
}

#[tokio::test]
async fn past_the_grace_requests_are_cut() {
    let live = live(with_grace(100)).await;
    live.engine.set(Mood::Slow(Duration::from_secs(60)));
    let mut busy = live.connect().await;
    busy.write_all(LIST).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    live.shutdown.cancel();
    live.server.await.expect("no panic");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let live = live(with_grace(100)).await;
    live.engine.set(Mood::Panics);
    let mut stream = live.connect().await;
    stream.write_all(LIST).await.expect("sent");
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 500"));
    live.engine.set(Mood::Fine);
    stream.write_all(LIST).await.expect("sent");
    assert!(read(&mut stream).await.starts_with("HTTP/1.1 200"));
}
