//! More than the server has: workers, places in the queue, descriptors, patience.

use crate::rig::{PATIENCE, Rig};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use podlane_testkit::ServerOptions;
use podlane_testkit::fake::{FakeVersion, Fault, Route, Times};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

async fn connect(rig: &Rig) -> TcpStream {
    TcpStream::connect(rig.server.address())
        .await
        .expect("a connection")
}

fn get(path: &str) -> String {
    format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Reads until the server closes the connection.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _end = read.expect("the server closes the connection");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn past_workers_and_queue_the_answer_is_503_at_once() {
    let options = ServerOptions::default()
        .env("MAX_WORKERS", "1")
        .env("PODLANE_MAX_QUEUE", "2");
    let rig = Rig::new(options).await;
    let path = format!("/containers/{}", rig.container().await);
    let slow = Duration::from_secs(3);
    rig.fake
        .fault(Route::ContainerInspect, Fault::Delay(slow), Times::Always);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (api, path) = (rig.api.clone(), path.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                (api.get(&path).await, began.elapsed())
            })
        })
        .collect();
    let (mut served, mut refused) = (0, 0);
    for call in calls {
        let (answer, took) = call.await.expect("an answer");
        match answer.status.as_u16() {
            200 => served += 1,
            503 => {
                refused += 1;
                assert!(answer.headers.contains_key("retry-after"));
                assert!(took < slow, "{took:?}");
            }
            _ => panic!("{}", answer.text),
        }
    }
    assert_eq!((served, refused), (3, 17));
    rig.fake.clear_faults();
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_still_tells_how_it_is() {
    let rig = Rig::new(ServerOptions::default().env("MAX_WORKERS", "1")).await;
    let path = format!("/containers/{}", rig.container().await);
    rig.fake
        .fault(Route::ContainerInspect, Fault::Hang, Times::Once);
    let api = rig.api.clone();
    let hanging = tokio::spawn(async move { api.get(&path).await });
    rig.until("the worker is busy", async || rig.busy().await == 1)
        .await;
    for path in [
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/health",
        "/api/v1/metrics",
    ] {
        let answer = timeout(Duration::from_secs(20), rig.get(path)).await;
        assert_eq!(answer.expect("in time").status, 200, "{path}");
    }
    hanging.abort();
    // The client is gone: its worker is free long before the request's time is up.
    let began = Instant::now();
    rig.until("the worker is free", async || rig.busy().await == 0)
        .await;
    assert!(began.elapsed() < Duration::from_secs(20));
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_free_their_workers() {
    let rig = Rig::new(ServerOptions::default().env("MAX_WORKERS", "3")).await;
    let name = rig.container().await;
    let exec = format!("/containers/{name}/exec");
    let body = r#"{"command":"sleep 1000"}"#;
    for _ in 0..10 {
        let mut client = connect(&rig).await;
        let head = format!(
            "POST /api/v1{exec} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client
            .write_all((head + body).as_bytes())
            .await
            .expect("sent");
        if !rig.fake.running_execs().is_empty() {
            drop(client);
        }
    }
    rig.until("all workers are free", async || rig.busy().await == 0)
        .await;
    rig.until("no command is left", async || {
        rig.fake.running_execs().is_empty()
    })
    .await;
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_let_go() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_HEADER_TIMEOUT", "1")
        .env("PODLANE_LIMITS_BODY_TIMEOUT", "1");
    let rig = Rig::new(options).await;
    let mut slow_head = connect(&rig).await;
    slow_head
        .write_all(b"GET /api/v1/containers HTTP/1.1\r\nHost: loc")
        .await
        .expect("sent");
    let mut slow_body = connect(&rig).await;
    let head = "POST /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    slow_body.write_all(head.as_bytes()).await.expect("sent");
    let ended = String::from_utf8_lossy(&rest(slow_body).await).into_owned();
    assert!(
        ended.is_empty() || ended.starts_with("HTTP/1.1 408"),
        "{ended}"
    );
    let ended = String::from_utf8_lossy(&rest(slow_head).await).into_owned();
    assert!(
        ended.is_empty() || ended.starts_with("HTTP/1.1 408"),
        "{ended}"
    );
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_its_answer_is_let_go() {
    const MEGABYTE: usize = 1_000_000;
    let options = ServerOptions::default()
        .env("MAX_WORKERS", "1")
        .env("DEBUG", "true")
        .env("PODLANE_LIMITS_BODY_TIMEOUT", "1")
        .env("PODLANE_LIMITS_LOG_BYTES", "100000000");
    let rig = Rig::new(options).await;
    let name = rig.container().await;
    // More than any socket's buffers hold.
    let mut log = Vec::new();
    for _ in 0..30 {
        log.extend_from_slice(&[1, 0, 0, 0]);
        log.extend_from_slice(&1_000_000_u32.to_be_bytes());
        log.resize(log.len() + MEGABYTE, b'x');
    }
    let fault = Fault::Status {
        code: 200,
        body: log.into(),
        content_type: "application/octet-stream".into(),
    };
    rig.fake.fault(Route::ContainerLogs, fault, Times::Once);
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = rig.server.address().parse().expect("an address");
    let mut client = socket.connect(address).await.expect("a connection");
    let path = format!("/containers/{name}/logs?tail=all");
    client.write_all(get(&path).as_bytes()).await.expect("sent");
    rig.until("its connection is ended", async || {
        rig.server.log().contains("a connection ended early")
    })
    .await;
    assert_eq!(rig.busy().await, 0);
    assert!(rest(client).await.len() < 20 * MEGABYTE);
    rig.is_well().await;
}

/// Lets this process, and so the servers it starts, have so many descriptors.
pub(crate) fn allow_descriptors(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|now| now < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).expect("the hard limit is high enough");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_keep_others_out() {
    allow_descriptors(6000);
    let options = ServerOptions::default().env("PODLANE_LIMITS_HEADER_TIMEOUT", "2");
    let rig = Rig::new(options).await;
    let mut idle = Vec::new();
    for _ in 0..2000 {
        // Past the kernel's queue a connection is not even made; that is no place taken.
        match timeout(Duration::from_secs(5), connect(&rig)).await {
            Ok(stream) => idle.push(stream),
            Err(_full) => break,
        }
    }
    assert!(idle.len() > 1024, "{}", idle.len());
    let answer = timeout(PATIENCE, rig.call("list", "")).await;
    let _served = answer.expect("in time").expect(200);
    drop(idle);
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_descriptors_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("podlane-with-few-descriptors");
    let line = format!(
        "#!/bin/sh\nulimit -n 64\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_podlane")
    );
    std::fs::write(&script, line).expect("a script");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("a mode");
    let binary = script.to_str().expect("a plain path");
    let rig = Rig::of(FakeVersion::V58, binary, ServerOptions::default()).await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut client = connect(&rig).await;
        client
            .write_all(get("/containers").as_bytes())
            .await
            .expect("sent");
        clients.push(client);
    }
    rig.until("it has run out", async || {
        let list = std::fs::read_dir(format!("/proc/{}/fd", rig.server.pid()));
        list.is_ok_and(|list| list.count() >= 60)
    })
    .await;
    drop(clients);
    rig.is_well().await;
}

/// Sends `count` requests on one connection, one after the other.
async fn storm(address: String, paths: &[&str], count: usize) {
    let stream = TcpStream::connect(&address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    for path in paths.iter().cycle().take(count) {
        let request = http::Request::get(format!("/api/v1{path}")).header("host", "localhost");
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        assert!(status == 200 || status == 404, "{path} {status}");
        let _body = answer.into_body().collect().await.expect("a body");
        sender.ready().await.expect("a kept connection");
    }
}

async fn storms(rig: &Rig, count: usize) {
    const PATHS: [&str; 5] = [
        "/containers/nosuch",
        "/containers",
        "/health",
        "/metrics",
        "/nosuch",
    ];
    const CLIENTS: usize = 10;
    let address = rig.server.address();
    let clients =
        (0..CLIENTS).map(|_| tokio::spawn(storm(address.to_owned(), &PATHS, count / CLIENTS)));
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("no failure");
        rig.fake.clear_requests();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_requests_leave_nothing_behind() {
    let rig = Rig::new(ServerOptions::default()).await;
    storms(&rig, 5000).await;
    let before = rig.memory("VmRSS");
    storms(&rig, 15_000).await;
    let grown = rig.memory("VmRSS").saturating_sub(before);
    assert!(grown < 12 * 1024, "{grown} KiB");
    rig.is_well().await;
}
