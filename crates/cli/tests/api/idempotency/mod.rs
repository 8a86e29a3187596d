//! Requests that are sent again: done once, whatever happens to the client, the connection or the server.

mod bodies;
mod secrets;
mod streams;

use crate::container::Container;
use crate::rig::Rig;
use crate::server_with;
use podlane_testkit::fake::{Fault, Route, Times};
use podlane_testkit::{Answer, BUSYBOX, Client, Server, ServerOptions, unique};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

fn options(directory: &Path) -> ServerOptions {
    ServerOptions::default()
        .env("PODLANE_AUDIT", "true")
        .env("PODLANE_STATE_DIR", &directory.display().to_string())
}

fn keyed(server: &Server, key: &str) -> Client {
    server.client().with("idempotency-key", key)
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotent-replayed")
}

fn sleeping(name: &str) -> Value {
    json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000" })
}

/// Removes a container that a test has made under this name.
fn named(name: &str) -> crate::fixture::Fixture {
    crate::fixture::Fixture::named_in(&json!({ "name": name }))
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_container() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let name = unique("once");
    let _removed = named(&name);
    let key = unique("key");
    let asking = (0..20).map(|_| {
        let (api, body) = (keyed(&server, &key), sleeping(&name));
        tokio::spawn(async move {
            loop {
                let answer = api.post("/containers", body.clone()).await;
                if answer.status != 409 {
                    return answer.expect(200);
                }
                assert_eq!(answer.headers["retry-after"], "1", "{}", answer.text);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    });
    let mut answers = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        answers.push(asked.await.expect("an answer"));
    }
    let first = answers.iter().filter(|answer| !is_replayed(answer));
    assert_eq!(first.count(), 1);
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    let listed = format!("/containers?name={name}");
    let listed = server.client().get(&listed).await.expect(200).json;
    assert_eq!(listed["containers"].as_array().map(Vec::len), Some(1));

    let other = sleeping("other");
    let other = keyed(&server, &key).post("/containers", other).await;
    other.refused(422, "Idempotency-Key");
    // Without the key it is another request.
    let taken = server.client().post("/containers", sleeping(&name)).await;
    taken.refused(409, "name");
    let told = server.client().get("/audit?limit=1000").await.expect(200);
    let outcomes = told.json["entries"].as_array().expect("entries").iter();
    let outcomes: Vec<_> = outcomes
        .filter_map(|entry| entry["outcome"].as_str())
        .collect();
    let count = |outcome: &str| outcomes.iter().filter(|is| **is == outcome).count();
    assert_eq!((count("begun"), count("200")), (2, 1), "{outcomes:?}");
    assert_eq!(count("replayed 200"), 19, "{outcomes:?}");
}

#[tokio::test]
async fn an_answer_outlives_the_server_and_expires() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    let server = server_with(&options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let count = json!({ "command": "echo x >>/count; wc -l </count" });
    let run = async |server: &Server| {
        let api = keyed(server, "count");
        api.post(&container.path("exec"), count.clone()).await
    };
    let first = run(&server).await.expect(200);
    assert_eq!(first.json["execution"]["stdout"], "1\n");
    server.kill();
    let server = server_with(options.clone());
    let again = run(&server).await.expect(200);
    assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    assert_eq!(again.headers["x-exec-path"], first.headers["x-exec-path"]);
    let stream = server.client().with("accept", "text/event-stream");
    let stream = stream.with("idempotency-key", "stream");
    let streamed = stream.post(&container.path("exec"), count.clone()).await;
    assert!(streamed.text.contains("event: end"), "{}", streamed.text);
    let again = stream.post(&container.path("exec"), count.clone()).await;
    assert_eq!((is_replayed(&again), &again.text), (true, &streamed.text));
    let counted = server.client().exec(&container.name, "cat /count").await;
    assert_eq!(counted["stdout"], "x\nx\n");
    drop(server);

    let server = server_with(options.env("PODLANE_IDEMPOTENCY_RETENTION", "1"));
    let short = || async {
        let api = keyed(&server, "short");
        api.post(&container.path("exec"), count.clone())
            .await
            .expect(200)
    };
    let first = short().await;
    let began = std::time::Instant::now();
    loop {
        let again = short().await;
        if !is_replayed(&again) {
            assert_eq!(again.json["execution"]["stdout"], "4\n");
            break;
        }
        assert_eq!(again.text, first.text);
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it never expires"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sends a create on a connection of its own.
fn send(server: &Server, key: &str, body: &Value) -> TcpStream {
    let body = body.to_string();
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    write!(
        stream,
        "POST /api/v1/containers HTTP/1.1\r\nHost: {}\r\nIdempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.address(),
        body.len()
    )
    .expect("sent");
    stream
}

fn creates(rig: &Rig) -> usize {
    let requests = rig.fake.requests();
    let create = |path: &str| path.contains("/containers/create");
    requests
        .iter()
        .filter(|request| create(&request.path_and_query))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_had_begun_is_not_done_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rig = Rig::new(options(directory.path())).await;
    let body = sleeping(&unique("cut"));
    rig.fake
        .fault(Route::ContainerCreate, Fault::HangAfterEffect, Times::Once);
    let stream = send(&rig.server, "cut", &body);
    rig.until("the engine is at it", async || creates(&rig) == 1)
        .await;
    let options = options(directory.path()).engine(rig.fake.socket());
    let next = server_with(options.env("PODLANE_EXEC_AGENT", "false"));
    std::mem::replace(&mut rig.server, next).kill();
    drop(stream);
    for _ in 0..2 {
        let refused = keyed(&rig.server, "cut")
            .post("/containers", body.clone())
            .await;
        assert!(refused.message().contains("not known"), "{}", refused.text);
        assert!(!refused.headers.contains_key("retry-after"));
        refused.refused(409, "Idempotency-Key");
    }
    assert_eq!(creates(&rig), 1);
    let other = keyed(&rig.server, "cut")
        .post("/containers", sleeping("other"))
        .await;
    // Nobody knows what the first one said.
    other.refused(409, "Idempotency-Key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_gone_finds_its_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let rig = Rig::new(options(directory.path())).await;
    let body = sleeping(&unique("gone"));
    let slow = Fault::Delay(Duration::from_millis(700));
    rig.fake.fault(Route::ContainerCreate, slow, Times::Once);
    let stream = send(&rig.server, "gone", &body);
    rig.until("the engine is at it", async || creates(&rig) == 1)
        .await;
    stream.shutdown(Shutdown::Both).expect("open");
    drop(stream);
    let api = keyed(&rig.server, "gone");
    rig.until("it is done", async || {
        let answer = api.post("/containers", body.clone()).await;
        if answer.status == 409 {
            assert_eq!(answer.headers["retry-after"], "1", "{}", answer.text);
            return false;
        }
        assert!(is_replayed(&answer.expect(200)));
        true
    })
    .await;
    assert_eq!(creates(&rig), 1);
}

#[tokio::test]
async fn repetitions_count_against_the_rate() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_RATE", "1")
        .env("PODLANE_LIMITS_BURST", "3");
    let server = server_with(options);
    let api = keyed(&server, "rate");
    let volume = json!({ "name": unique("rate") });
    let first = api.post("/volumes", volume.clone()).await.expect(200);
    let mut refused = 0;
    for _ in 0..10 {
        let again = api.post("/volumes", volume.clone()).await;
        match again.status.as_u16() {
            200 => assert_eq!((is_replayed(&again), &again.text), (true, &first.text)),
            429 => refused += 1,
            other => panic!("{other}: {}", again.text),
        }
    }
    assert!(refused >= 1);
    podlane_testkit::podman(&["volume", "rm", volume["name"].as_str().expect("a name")]);
}
