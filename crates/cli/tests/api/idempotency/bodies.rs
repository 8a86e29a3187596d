//! Bodies that pass through: known again by what was read of them, and done once.

use super::{is_replayed, keyed, options};
use crate::container::Container;
use crate::server_with;
use bytes::Bytes;
use http::Method;
use podlane_testkit::{Answer, BUSYBOX, Client, Server, podman, unique};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const TAR: &str = "application/x-tar";

/// Sends a body as it is.
async fn send(api: &Client, path: &str, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut request = api.request(Method::POST, path, None);
    let kind = http::HeaderValue::from_static(kind);
    request.headers_mut().insert("content-type", kind);
    *request.body_mut() = http_body_util::Full::new(body.into());
    api.send(request).await
}

/// Asks until the first request with this key is not under way any more.
async fn settled(api: &Client, path: &str, kind: &'static str, body: &Bytes) -> Answer {
    loop {
        let answer = send(api, path, kind, body.clone()).await;
        if !answer.headers.contains_key("retry-after") {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Begins to send a body on a connection of its own, after further headers.
fn begin(server: &Server, path: &str, more: &str, length: usize, part: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    let address = server.address();
    write!(
        stream,
        "POST /api/v1{path} HTTP/1.1\r\nHost: {address}\r\n{more}\r\nContent-Length: {length}\r\n\r\n"
    )
    .and_then(|()| stream.write_all(part))
    .expect("sent");
    stream
}

fn with_key(key: &str) -> String {
    format!("Idempotency-Key: {key}\r\nContent-Type: {TAR}")
}

/// Begins to send an archive whose rest does not come, and waits until that is under way.
async fn load_half(server: &Server, key: &str, archive: &[u8]) -> TcpStream {
    let half = &archive[..archive.len() / 2];
    let stream = begin(server, "/load", &with_key(key), archive.len(), half);
    loop {
        let told = server.client().get("/audit?limit=1000").await.expect(200);
        let entries = told.json["entries"].as_array().expect("entries");
        let is_begun = |entry: &serde_json::Value| {
            entry["action"] == "POST /api/v1/load" && entry["outcome"] == "begun"
        };
        if entries.iter().any(is_begun) {
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An image of one's own, removed in the end, in an archive.
struct Packed {
    name: String,
    archive: Bytes,
}

impl Packed {
    async fn new(api: &Client) -> Self {
        let name = format!("localhost/{}:1", unique("packed"));
        let container = Container::sleeping(api, BUSYBOX).await;
        let body = json!({ "image": name });
        let _committed = api.post(&container.path("commit"), body).await.expect(200);
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("image.tar");
        let saved = podman(&["save", "-o", file.to_str().expect("text"), &name]);
        assert!(saved.status.success(), "{saved:?}");
        let archive = std::fs::read(&file).expect("an archive").into();
        let packed = Self { name, archive };
        packed.remove();
        packed
    }

    fn is_there(&self) -> bool {
        podman(&["image", "exists", &self.name]).status.success()
    }

    fn remove(&self) {
        podman(&["rmi", "-f", "-i", &self.name]);
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A context whose every build is another image.
fn context(more: &str) -> Bytes {
    let file = format!("FROM {BUSYBOX}\nRUN cat /proc/sys/kernel/random/uuid >/id {more}\n");
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(file.len() as u64);
    header.set_mode(0o644);
    builder
        .append_data(&mut header, "Containerfile", file.as_bytes())
        .expect("an entry");
    builder.into_inner().expect("an archive").into()
}

#[tokio::test]
async fn an_image_is_built_once_and_told_again_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(directory.path());
    let server = server_with(&options);
    let image = format!("localhost/{}:1", unique("built"));
    let path = format!("/build?no_cache=true&image={image}");
    let lines = |server: &Server| keyed(server, "lines").with("accept", "application/x-ndjson");
    let id = || {
        let shown = podman(&["image", "inspect", "--format", "{{.Id}}", &image]);
        assert!(shown.status.success(), "{shown:?}");
        shown.stdout
    };
    let first = send(&keyed(&server, "build"), &path, TAR, context("")).await;
    let first = first.expect(200);
    let built = id();
    let streamed = send(&lines(&server), &path, TAR, context("")).await;
    let (streamed, rebuilt) = (streamed.expect(200), id());
    assert!(!is_replayed(&first) && !is_replayed(&streamed));
    assert_ne!(built, rebuilt, "this test shows nothing");
    server.kill();
    let server = server_with(&options);
    for (api, first) in [
        (keyed(&server, "build"), &first),
        (lines(&server), &streamed),
    ] {
        let again = send(&api, &path, TAR, context("")).await.expect(200);
        assert!(is_replayed(&again));
        assert_eq!(again.text, first.text);
        let kind = "content-type";
        assert_eq!(again.headers[kind], first.headers[kind]);
        for other in [context("# other"), Bytes::new()] {
            let other = send(&api, &path, TAR, other).await;
            other.refused(422, "Idempotency-Key");
        }
    }
    assert_eq!(id(), rebuilt);
    podman(&["rmi", "-f", "-i", &image]);
}

#[tokio::test]
async fn an_archive_that_broke_off_can_be_sent_again_and_is_taken_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let packed = Packed::new(&server.client()).await;
    let stream = load_half(&server, "load", &packed.archive).await;
    let api = keyed(&server, "load");
    // Nobody waits for a body that comes late, and who asks before sending sends nothing.
    let meanwhile = send(&api, "/load", TAR, packed.archive.clone()).await;
    assert_eq!(meanwhile.headers["retry-after"], "1", "{}", meanwhile.text);
    meanwhile.refused(409, "Idempotency-Key");
    let asks = format!("Expect: 100-continue\r\n{}", with_key("load"));
    let mut asking = begin(&server, "/load", &asks, packed.archive.len(), b"");
    let mut head = [0; 12];
    asking.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 409");
    drop(stream);
    let loaded = settled(&api, "/load", TAR, &packed.archive).await;
    let loaded = loaded.expect(200);
    assert!(!is_replayed(&loaded) && packed.is_there());
    packed.remove();
    let again = settled(&api, "/load", TAR, &packed.archive).await;
    let again = again.expect(200);
    assert_eq!((is_replayed(&again), &again.text), (true, &loaded.text));
    assert!(!packed.is_there(), "it was taken twice");
    let half = packed.archive.slice(..packed.archive.len() / 2);
    let more = [&packed.archive[..], b"x"].concat();
    for other in [half, more.into()] {
        let other = send(&api, "/load", TAR, other).await;
        other.refused(422, "Idempotency-Key");
    }
}

#[tokio::test]
async fn what_a_killed_server_was_sent_is_not_done_by_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let packed = Packed::new(&server.client()).await;
    let stream = load_half(&server, "cut", &packed.archive).await;
    server.kill();
    drop(stream);
    let server = server_with(options(directory.path()));
    let said = send(&keyed(&server, "cut"), "/load", TAR, packed.archive.clone()).await;
    assert!(said.message().contains("not known"), "{}", said.text);
    said.refused(409, "Idempotency-Key");
    assert!(!packed.is_there());
}

#[tokio::test]
async fn a_form_is_written_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let form = |text: &str| {
        let head = "--B\r\nContent-Disposition: form-data; name=\"/one\"\r\n\r\n";
        format!("{head}{text}\r\n--B--\r\n")
    };
    let kind = "multipart/form-data; boundary=B";
    let (api, path) = (keyed(&server, "form"), container.path("files"));
    let first = send(&api, &path, kind, form("first")).await.expect(200);
    assert_eq!(first.json["success"], true, "{}", first.text);
    let change = json!({ "command": "cat /one; echo changed >/one" });
    assert_eq!(container.exec(change).await["output"], "first");
    let again = send(&api, &path, kind, form("first")).await.expect(200);
    assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    let other = send(&api, &path, kind, form("other")).await;
    other.refused(422, "Idempotency-Key");
    let read = container.exec(json!({ "command": "cat /one" })).await;
    assert_eq!(read["output"], "changed\n");
}

#[tokio::test]
async fn standard_input_is_written_once_and_not_twice_when_it_breaks_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = json!({ "command": "cat >/in", "stdin_open": true, "detach": true });
    let begun = api.post(&container.path("exec"), body).await.expect(201);
    let exec = format!(
        "/execs/{}",
        begun.json["exec"]["id"].as_str().expect("an ID")
    );
    let stdin = format!("{exec}/stdin");
    let one = keyed(&server, "one");
    let first = send(&one, &stdin, TAR, "one\n").await.expect(200);
    let again = send(&one, &stdin, TAR, "one\n").await.expect(200);
    assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    let other = send(&one, &stdin, TAR, "other\n").await;
    other.refused(422, "Idempotency-Key");

    let stream = begin(&server, &stdin, &with_key("two"), 8, b"two\n");
    let read = || async {
        let read = container.exec(json!({ "command": "cat /in" })).await;
        read["output"].as_str().expect("text").to_owned()
    };
    while read().await != "one\ntwo\n" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stream);
    // A part of it is there for good.
    let two = keyed(&server, "two");
    let refused = settled(&two, &stdin, TAR, &"two\nmore".into()).await;
    assert!(
        is_replayed(&refused) && refused.status == 400,
        "{}",
        refused.text
    );
    let closed = send(&api, &format!("{stdin}?close=true"), TAR, "").await;
    let _closed = closed.expect(200);
    let _ended = api.act(&format!("{exec}/wait")).await.expect(200);
    assert_eq!(read().await, "one\ntwo\n");
}

#[tokio::test]
async fn who_asks_before_sending_a_repetition_is_told_to_send_what_is_compared() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let volume = json!({ "name": unique("asked") });
    let body = volume.to_string();
    let api = keyed(&server, "volume");
    let made = api.post("/volumes", volume.clone()).await.expect(200);
    let more = "Connection: close\r\nExpect: 100-continue\r\nIdempotency-Key: volume\r\nContent-Type: application/json";
    let mut stream = begin(&server, "/volumes", more, body.len(), b"");
    let mut head = [0; 25];
    stream.read_exact(&mut head).expect("it may be sent");
    assert_eq!(&head, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with(&made.text), "{answer}");
    podman(&["volume", "rm", volume["name"].as_str().expect("a name")]);
}
