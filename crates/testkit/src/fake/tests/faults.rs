//! Every fault does what its name says, once or always.

use super::*;
use crate::fake::{Fault, Garbage, Route, Times};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn answers_that_never_come() {
    let fake = fake(FakeVersion::V43).await;
    fake.fault(Route::Ping, Fault::Hang, Times::Once);
    assert!(
        tokio::time::timeout(SHORT, get(&fake, "/_ping"))
            .await
            .is_err()
    );
    fake.fault(Route::Ping, Fault::DropConnection, Times::Once);
    assert!(send(&fake, "GET", "/_ping", "", &[]).await.is_err());
    fake.fault(Route::Info, Fault::HangBody, Times::Once);
    let head = tokio::time::timeout(SHORT, send(&fake, "GET", "/info", "", &[])).await;
    let body = head.expect("a head").unwrap().into_body().collect();
    assert!(tokio::time::timeout(SHORT, body).await.is_err());
    fake.fault(Route::Ping, Fault::Delay(SHORT), Times::Once);
    let before = std::time::Instant::now();
    assert_eq!(get(&fake, "/_ping").await.status, 200);
    assert!(before.elapsed() >= SHORT);
    assert_eq!(get(&fake, "/_ping").await.status, 200);
    assert_eq!(fake.requests().len(), 5);
}

#[tokio::test]
async fn answers_that_break_off_or_lie() {
    let fake = fake(FakeVersion::V43).await;
    for fault in [Fault::DieMidBody, Fault::WrongLength] {
        fake.fault(Route::Info, fault, Times::Once);
        let reply = get(&fake, "/info").await;
        assert!(reply.cut && reply.body.len() > 10, "{reply:?}");
    }
    let html = Fault::Status {
        code: 502,
        body: "<html>".into(),
        content_type: "text/html".into(),
    };
    fake.fault(Route::Any, html, Times::Always);
    for path in ["/info", "/nosuch"] {
        let reply = get(&fake, path).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body[..]),
            (502, &b"<html>"[..])
        );
    }
    fake.clear_faults();
    fake.fault(Route::ContainerCreate, Fault::Locked, Times::Count(2));
    let spec = json!({"name": "c", "image": "localhost/bb:1", "command": ["sleep", "9"]});
    for _ in 0..2 {
        let reply = post(&fake, "/containers/create", spec.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["cause"]),
            (500, &json!("database is locked"))
        );
    }
    assert!(fake.containers().is_empty());
    assert_eq!(post(&fake, "/containers/create", spec).await.status, 201);
}

#[tokio::test]
async fn effects_without_answers() {
    let fake = fake(FakeVersion::V58).await;
    fake.fault(Route::ContainerCreate, Fault::LoseAnswer, Times::Once);
    let spec =
        json!({"name": "c", "image": "localhost/bb:1", "command": ["sleep", "9"]}).to_string();
    assert!(
        send(&fake, "POST", "/containers/create", spec, &[])
            .await
            .is_err()
    );
    assert_eq!(fake.containers()[0].status, "created");
    fake.fault(
        Route::ContainerStart,
        Fault::Fails("no space left on device".into()),
        Times::Once,
    );
    let reply = post(&fake, "/containers/c/start", Value::Null).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["message"]),
        (500, &json!("no space left on device"))
    );
    let inspect = get(&fake, "/containers/c/json").await.json();
    assert_eq!(inspect["State"]["Error"], "no space left on device");
    fake.fault(Route::ContainerStart, Fault::HangAfterEffect, Times::Once);
    let start = post(&fake, "/containers/c/start", Value::Null);
    assert!(tokio::time::timeout(SHORT, start).await.is_err());
    assert_eq!(fake.containers()[0].status, "running");
}

async fn attached(fake: &FakePodman, fault: Fault) -> (u16, String, Vec<u8>) {
    let id = exec_create(fake, "c", &["echo", "hello"], Value::Null).await;
    fake.fault(Route::ExecStart, fault, Times::Once);
    let headers = [("connection", "Upgrade"), ("upgrade", "tcp")];
    let response = send(fake, "POST", &format!("/exec/{id}/start"), "{}", &headers)
        .await
        .unwrap();
    let status = response.status().as_u16();
    let protocol = response
        .headers()
        .get("upgrade")
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    if status != 101 {
        return (status, protocol, Vec::new());
    }
    let mut connection = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut bytes = vec![0; 200_000];
    let mut length = 0;
    while let Ok(Ok(count @ 1..)) =
        tokio::time::timeout(SHORT, connection.read(&mut bytes[length..])).await
    {
        length += count;
    }
    bytes.truncate(length);
    (status, protocol, bytes)
}

#[tokio::test]
async fn upgraded_streams_go_wrong() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let (status, protocol, bytes) = attached(&fake, Fault::WrongUpgrade).await;
    assert_eq!((status, protocol.as_str()), (101, "websocket"));
    assert!(bytes.starts_with(b"<html>"));
    assert_eq!(attached(&fake, Fault::NoUpgrade).await.0, 200);
    for garbage in [
        Garbage::StreamByte,
        Garbage::HugeLength,
        Garbage::CutHeader,
        Garbage::Text,
    ] {
        let (_, _, bytes) = attached(&fake, Fault::GarbageFrames(garbage)).await;
        assert_eq!(bytes, garbage.bytes());
    }
    let (_, _, bytes) = attached(&fake, Fault::DieMidBody).await;
    assert_eq!(bytes.len(), 7);
    assert!(attached(&fake, Fault::HangBody).await.2.is_empty());
    let (_, _, bytes) = attached(&fake, Fault::HugeLine).await;
    assert!(bytes.len() == 200_000 && !bytes.contains(&b'\n'));
}

#[tokio::test]
async fn streams_of_logs_go_wrong() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["echo", "hello"], Value::Null).await;
    soon(|| fake.containers()[0].status == "exited").await;
    let path = "/containers/c/logs?stdout=true";
    fake.fault(Route::ContainerLogs, Fault::DieMidBody, Times::Once);
    let reply = get(&fake, path).await;
    assert!(reply.cut && reply.body.len() == 7, "{reply:?}");
    fake.fault(
        Route::ContainerLogs,
        Fault::GarbageFrames(Garbage::HugeLength),
        Times::Once,
    );
    assert_eq!(get(&fake, path).await.body, Garbage::HugeLength.bytes());
    fake.fault(Route::ContainerLogs, Fault::HugeLine, Times::Once);
    let mut body = send(&fake, "GET", path, "", &[]).await.unwrap().into_body();
    let mut length = 0;
    while length < 1_000_000 {
        length += body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .len();
    }
}

#[tokio::test]
async fn the_service_dies_and_comes_back() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let id = exec_create(&fake, "c", &["sleep", "100"], Value::Null).await;
    let headers = [("connection", "Upgrade"), ("upgrade", "tcp")];
    let response = send(&fake, "POST", &format!("/exec/{id}/start"), "{}", &headers)
        .await
        .unwrap();
    let mut connection = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let follow = send(
        &fake,
        "GET",
        "/containers/c/logs?stdout=true&follow=true",
        "",
        &[],
    )
    .await
    .unwrap();
    fake.stop_listening();
    let mut nothing = Vec::new();
    connection.read_to_end(&mut nothing).await.unwrap();
    assert!(follow.into_body().collect().await.is_err());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(UnixStream::connect(fake.socket()).await.is_err());
    fake.resume().await.unwrap();
    assert_eq!(get(&fake, "/_ping").await.status, 200);
    assert_eq!(fake.running_execs().len(), 1);
    let socket = fake.socket().to_owned();
    drop(fake);
    assert!(!socket.exists());
}
