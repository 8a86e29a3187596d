//! Output read while the command runs: in time, whole, and at the reader's pace.

use crate::container::{Container, nap, running, until};
use crate::reading::{Reading, ordered, text};
use crate::{server, server_with};
use http::Method;
use podlane_testkit::{BUSYBOX, DEBIAN, Server, ServerOptions};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";
const FRAMES: &str = "application/vnd.docker.multiplexed-stream";

fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kib.expect("a size").parse::<usize>().expect("a number")
}

/// Standard output and standard error of frames, by the book: eight bytes, of which the first is the
/// stream and the last four the length.
fn demultiplex(mut bytes: &[u8]) -> [Vec<u8>; 4] {
    let mut streams: [Vec<u8>; 4] = Default::default();
    while !bytes.is_empty() {
        assert_eq!(bytes[1..4], [0; 3]);
        let length = bytes[4..8]
            .iter()
            .fold(0, |all, b| (all << 8) | usize::from(*b));
        streams[usize::from(bytes[0])].extend_from_slice(&bytes[8..8 + length]);
        bytes = &bytes[8 + length..];
    }
    streams
}

#[tokio::test]
async fn events_come_while_the_command_runs() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        let path = container.path("exec");
        let body = json!({ "command": "echo one; sleep 1; echo two >&2; exit 3" });
        let mut stream = Reading::post(&server, &path, EVENTS, body)
            .await
            .expect(200);
        assert_eq!(stream.header("content-type"), EVENTS);
        let path = stream.header("x-exec-path").to_owned();
        let (id, name, start) = stream.event().await.expect("start");
        assert_eq!((id, name.as_str()), (0, "start"));
        assert_eq!(start["path"], path);
        assert!(
            container
                .inspect("{{.Id}}")
                .starts_with(start["container"].as_str().expect("an ID"))
        );
        let first = stream.event().await.expect("output");
        assert_eq!(first, (4, "stdout".into(), json!({ "data": "one\n" })));
        let came = Instant::now();
        let second = stream.event().await.expect("output");
        assert_eq!(second, (8, "stderr".into(), json!({ "data": "two\n" })));
        let (id, name, end) = stream.event().await.expect("end");
        assert_eq!((id, name.as_str()), (11, "end"), "{end}");
        assert_eq!(end["exit_code"], 3);
        assert_eq!(end["timed_out"], false);
        assert!(came.elapsed() > Duration::from_millis(700), "not in time");
        assert!(end["duration_ms"].as_u64() >= Some(900), "{end}");
        assert!(stream.event().await.is_none(), "nothing after the end");
    }
}

#[tokio::test]
async fn headers_come_before_any_output() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let body = json!({ "command": ["sleep", nap] });
    let mut stream = Reading::post(&server, &container.path("exec"), LINES, body)
        .await
        .expect(200);
    assert_eq!(stream.line().await.expect("start")["event"], "start");
    until("it runs", || running(&nap).len() == 1).await;
    drop(stream);
    until("it is ended", || running(&nap).is_empty()).await;
}

#[tokio::test]
async fn lines_cut_no_character_and_end_with_what_is_left() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let command = "printf '\\342'; sleep 0.3; printf 'x' >&2; sleep 0.3; printf '\\202\\254'; \
                   sleep 0.3; printf 'y\\342\\202' >&2";
    let path = container.path("exec");
    let body = json!({ "command": command });
    let mut stream = Reading::post(&server, &path, LINES, body).await.expect(200);
    let events = stream.lines().await;
    ordered(&events);
    assert_eq!(text(&events, "stdout"), "€");
    assert_eq!(text(&events, "stderr"), "xy\u{fffd}");
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str()).collect();
    assert_eq!(names.last(), Some(&Some("end")));
    let body = json!({ "command": "printf '\\000\\377\\342'", "encoding": "base64" });
    let mut stream = Reading::post(&server, &path, LINES, body).await.expect(200);
    assert_eq!(text(&stream.lines().await, "stdout"), "AP/i");
}

#[tokio::test]
async fn frames_for_clients_of_docker() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let body =
        json!({ "command": "head -c 300000 /dev/zero; echo err >&2; kill -9 $$" }).to_string();
    let path = container.path("exec");
    let headers = [
        ("content-type", "application/json"),
        ("accept", FRAMES),
        ("te", "trailers"),
    ];
    let mut stream = Reading::ask(&server, Method::POST, &path, &headers, body.clone().into())
        .await
        .expect(200);
    assert!(stream.header("trailer").contains("x-exit-code"));
    let [none, out, err, error] = demultiplex(&stream.rest().await);
    assert_eq!((out.len(), err.as_slice()), (300_000, &b"err\n"[..]));
    assert!(none.is_empty() && error.is_empty());
    assert_eq!(stream.trailers["x-exit-code"], "137");
    assert_eq!(stream.trailers["x-exec-timed-out"], "false");
    // Who does not ask for trailers gets none.
    let mut stream = Reading::ask(&server, Method::POST, &path, &headers[..2], body.into()).await;
    assert!(!stream.response.headers().contains_key("trailer"));
    assert_eq!(demultiplex(&stream.rest().await)[1].len(), 300_000);
    assert!(stream.trailers.is_empty());
}

#[tokio::test]
async fn what_is_refused_is_an_answer_and_no_stream() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for accept in [EVENTS, LINES, FRAMES] {
        for (name, body, status) in [
            ("nosuch", json!({ "command": "true" }), 404),
            (&*container.name, json!({ "command": "" }), 400),
            (
                &*container.name,
                json!({ "command": "true", "timeout": 86_401 }),
                400,
            ),
        ] {
            let path = format!("/containers/{name}/exec");
            let mut answer = Reading::post(&server, &path, accept, body)
                .await
                .expect(status);
            assert_eq!(answer.header("content-type"), "application/json");
            let body = String::from_utf8(answer.rest().await.to_vec()).expect("text");
            assert!(body.contains("request_id"), "{body}");
        }
    }
    let _stopped = api.act(&container.path("stop?timeout=0")).await.expect(200);
    let body = json!({ "command": "true" });
    let _refused = Reading::post(&server, &container.path("exec"), EVENTS, body)
        .await
        .expect(409);
}

#[tokio::test]
async fn the_request_timeout_ends_no_stream_but_its_own_limit_does() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "4"));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let path = container.path("exec");
    let body = json!({ "command": "sleep 5; echo late" });
    let mut stream = Reading::post(&server, &path, LINES, body).await.expect(200);
    let events = stream.lines().await;
    assert_eq!(text(&events, "stdout"), "late\n");
    assert_eq!(events.last().expect("the end")["exit_code"], 0);
    let nap = nap();
    let body = json!({ "command": format!("echo on; sleep {nap}"), "timeout": 4 });
    let mut stream = Reading::post(&server, &path, LINES, body).await.expect(200);
    let events = stream.lines().await;
    assert_eq!(text(&events, "stdout"), "on\n");
    assert_eq!(events.last().expect("the end")["timed_out"], true);
    assert_eq!(running(&nap), Vec::<String>::new());
}

/// A reader that takes nothing makes its command wait, and nobody else.
#[tokio::test]
async fn a_reader_that_does_not_read() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let before = resident(&server);
    let mut stalled = Vec::new();
    for accept in [EVENTS, LINES, FRAMES] {
        let body = json!({ "command": ["yes", "much"], "timeout": 600 });
        stalled.push(
            Reading::post(&server, &container.path("exec"), accept, body)
                .await
                .expect(200),
        );
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let answered = Instant::now();
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
    assert!(answered.elapsed() < Duration::from_secs(5));
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more while nobody reads");
    drop(stalled);
    until("they have ended", || running("much").is_empty()).await;
}

#[tokio::test]
async fn memory_stays_flat_while_much_passes() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let before = resident(&server);
    let size = 256 << 20;
    let body = json!({ "command": ["dd", "if=/dev/zero", "bs=1M", "count=256", "status=none"] });
    let mut stream = Reading::post(&server, &container.path("exec"), FRAMES, body)
        .await
        .expect(200);
    let (mut passed, mut most) = (0, 0);
    while let Some(piece) = stream.piece().await {
        passed += piece.len();
        if passed % 512 == 0 {
            most = most.max(resident(&server));
        }
    }
    assert!(passed > size, "{passed}");
    let grown = most.max(resident(&server)).saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
}

#[tokio::test]
async fn past_the_limit_of_streams_the_answer_is_503() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_STREAMS", "2")
        .env("MAX_WORKERS", "1");
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let path = container.path("exec");
    let body = json!({ "command": ["sleep", nap] });
    let one = Reading::post(&server, &path, LINES, body.clone())
        .await
        .expect(200);
    let two = Reading::post(&server, &path, LINES, body.clone())
        .await
        .expect(200);
    let refused = Reading::post(&server, &path, LINES, body.clone())
        .await
        .expect(503);
    assert_eq!(refused.header("retry-after"), "1");
    // Streams hold no worker.
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
    drop((one, two));
    until("places are free", || running(&nap).is_empty()).await;
    let _three = Reading::post(&server, &path, LINES, body).await.expect(200);
}

#[tokio::test]
async fn a_stopping_server_says_so_in_its_streams() {
    let mut server = server_with(ServerOptions::default().env("PODLANE_SHUTDOWN_GRACE", "0.5"));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let body = json!({ "command": ["sleep", nap] });
    let path = container.path("exec");
    let mut lines = Reading::post(&server, &path, LINES, body.clone())
        .await
        .expect(200);
    let mut frames = Reading::post(&server, &path, FRAMES, body)
        .await
        .expect(200);
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let events = lines.lines().await;
    let last = events.last().expect("an event");
    assert_eq!(last["event"], "error");
    assert_eq!(last["error"]["message"], "the server is stopping");
    let [_, _, _, error] = demultiplex(&frames.rest().await);
    assert!(String::from_utf8_lossy(&error).starts_with("the server is stopping"));
    assert_eq!(ended.await.expect("it ends"), Some(0));
    assert_eq!(running(&nap), Vec::<String>::new());
}
