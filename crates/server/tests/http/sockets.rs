//! Requests as bytes, on real connections.

use crate::client::settings;
use crate::engine::Mood;
use crate::live::{live, read};
use podlane_server::Settings;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn quick() -> Settings {
    Settings {
        header_bytes: 16 * 1024,
        header_timeout: Duration::from_millis(500),
        shutdown_grace: Duration::from_millis(500),
        ..settings()
    }
}

fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1).unwrap_or_default();
    word.parse().unwrap_or_default()
}

const BODY: &str = r#"{"image":"a","name":"x"}"#;

fn create(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn plain_requests_work_and_connections_are_kept() {
    let live = live(quick()).await;
    let sized = create(&format!("Content-Length: {}\r\n", BODY.len()), BODY);
    let chunked = create(
        "Transfer-Encoding: chunked\r\n",
        &format!(
            "5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            &BODY[..5],
            BODY.len() - 5,
            &BODY[5..]
        ),
    );
    let answer = live
        .exchange(
            format!("{sized}{chunked}GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(),
        )
        .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
}

/// Answered by us, in the contract's form, and the connection is closed.
#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let live = live(quick()).await;
    let length = BODY.len();
    let smuggled = "DELETE /api/v1/containers/web?force=true HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for bytes in [
        create(
            &format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            &format!("0\r\n\r\n{smuggled}"),
        ),
        create(
            &format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
            &format!("0\r\n\r\n{smuggled}"),
        ),
        create(
            &format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
            BODY,
        ),
        format!("GET /api/v1/containers HTTP/1.1\nHost: localhost\n\n{smuggled}"),
        "GET /api/v1/containers HTTP/1.1\r\nHost: localhost\n\r\n".to_owned(),
        create(
            "Transfer-Encoding: chunked\r\n",
            &format!("{length:x}\n{BODY}\r\n0\r\n\r\n"),
        ),
    ] {
        let answer = live.exchange(bytes.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{bytes:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{bytes:?}: {answer}");
        assert!(answer.contains(r#""success":false"#), "{bytes:?}: {answer}");
        assert!(answer.contains("ValidationError"), "{answer}");
        assert_eq!(live.engine.calls(), 0, "{bytes:?}");
    }
}

/// Also what comes after the handler has begun to read.
#[tokio::test]
async fn a_body_may_not_become_ambiguous_later() {
    let live = live(quick()).await;
    for rest in [
        format!("{:x}\n{BODY}\r\n0\r\n\r\n", BODY.len()),
        format!("{:x};a\nb\r\n{BODY}\r\n0\r\n\r\n", BODY.len()),
        format!("0x{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len()),
        format!("{:x}\r\n{BODY}X\r\n0\r\n\r\n", BODY.len()),
        format!("{:x}\r\n{BODY}\r\n0\r\nA: b\nC: d\r\n\r\n", BODY.len()),
        format!("{:x}\r\n{BODY}\n0\r\n\r\n", BODY.len()),
        format!("{:x} \r\n{BODY}\r\n0\r\n\r\n", BODY.len()),
    ] {
        let mut stream = live.connect().await;
        let head = create("Transfer-Encoding: chunked\r\n", "");
        stream.write_all(head.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(rest.as_bytes()).await.expect("sent");
        let answer = read(&mut stream).await;
        assert_eq!(status(&answer), 400, "{rest:?}: {answer}");
        assert!(answer.contains(r#""success":false"#), "{rest:?}: {answer}");
        assert_eq!(live.engine.calls(), 0, "{rest:?}");
    }
}

/// Answered like any other mistake, although no handler can have seen it.
#[tokio::test]
async fn what_is_not_http_is_refused() {
    let live = live(quick()).await;
    let long = "x".repeat(100_000);
    for (bytes, expected) in [
        (
            "GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nNo Colon\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /api/v1/containers HTTP/1.1\r\nHost : localhost\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /api/v1/containers HTTP/3.0\r\nHost: localhost\r\n\r\n".to_owned(),
            400,
        ),
        ("GET\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400),
        (
            format!("GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
            431,
        ),
        (
            format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            431,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
                "A: b\r\n".repeat(200)
            ),
            431,
        ),
        (
            create("Content-Length: 99999999999999999999\r\n", BODY),
            400,
        ),
        (create("Content-Length: -1\r\n", BODY), 400),
        (
            create("Content-Length: 1\r\nContent-Length: 2\r\n", BODY),
            400,
        ),
        (create("Transfer-Encoding: gzip\r\n", BODY), 400),
    ] {
        let answer = live.exchange(bytes.as_bytes()).await;
        let shown = &bytes[..bytes.len().min(80)];
        assert_eq!(status(&answer), expected, "{shown:?}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{shown:?}: {answer}"
        );
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains("\r\nx-request-id: "), "{answer}");
        assert!(answer.contains(r#""success":false"#), "{shown:?}: {answer}");
        assert!(answer.contains(r#""type":"ValidationError""#), "{answer}");
        assert!(answer.contains(r#""request_id":""#), "{answer}");
        assert_eq!(live.engine.calls(), 0, "{shown:?}");
    }
}

/// Also behind good requests, and however the bytes are cut.
#[tokio::test]
async fn what_comes_before_what_is_not_http_is_answered() {
    let live = live(quick()).await;
    let good = create(&format!("Content-Length: {}\r\n", BODY.len()), BODY);
    let bytes = format!("{good}GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\nGET /livez");
    for cut in (1..bytes.len()).step_by(7) {
        let mut stream = live.connect().await;
        for piece in [&bytes[..cut], &bytes[cut..]] {
            stream.write_all(piece.as_bytes()).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let answer = read(&mut stream).await;
        assert!(answer.ends_with('}'), "cut at {cut}: {answer}");
        let last = answer.rfind("HTTP/1.1").expect("an answer");
        assert_eq!(status(&answer[last..]), 400, "cut at {cut}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() <= 2, "{answer}");
    }
}

#[tokio::test]
async fn hosts_and_targets_must_agree() {
    let live = live(quick()).await;
    for (bytes, expected) in [
        (
            "GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            400,
        ),
        ("GET /api/v1/containers HTTP/1.1\r\n\r\n", 400),
        ("GET /api/v1/containers HTTP/1.0\r\n\r\n", 400),
        ("GET /api/v1/containers HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (
            "GET http://evil.example/api/v1/containers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "GET http://localhost/api/v1/containers HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            400,
        ),
        (
            "GET http://evil.example/api/v1/containers HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            421,
        ),
        (
            "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n",
            405,
        ),
        (
            "TRACE /api/v1/containers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            405,
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (
            "GET /api/v1/containers/a%2Fb HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "GET /api/v1/containers/\u{e9} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "POST /api/v1/containers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ] {
        let answer = live.exchange(bytes.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{bytes:?}: {answer}");
        assert!(answer.contains(r#""success":false"#), "{bytes:?}: {answer}");
        assert_eq!(live.engine.calls(), 0, "{bytes:?}");
    }
}

#[tokio::test]
async fn who_is_slow_is_let_go() {
    let live = live(quick()).await;
    let begun = Instant::now();
    for bytes in [
        "",
        "GET / HT",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ",
    ] {
        let mut stream = live.connect().await;
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        let end =
            tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{bytes:?} is still connected");
    }
    // A body that stops half-way, and one that comes in drips.
    let answer = live
        .exchange(create("Content-Length: 100\r\n", "{").as_bytes())
        .await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\"success\":false"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(live.engine.calls(), 0);
}

#[tokio::test]
async fn who_does_not_read_is_let_go() {
    let live = live(quick()).await;
    // More than the kernel's buffers of both sides hold.
    live.engine.set(Mood::Many(100_000));
    let mut stream = live.connect().await;
    let ask = b"GET /api/v1/containers HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(ask).await.expect("sent");
    stream.peek(&mut [0]).await.expect("an answer begins");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    let whole = String::from_utf8_lossy(&rest).ends_with("]}");
    assert!(
        end.is_ok() && !whole,
        "{} bytes came, the end with them",
        rest.len()
    );
}

#[tokio::test]
async fn past_the_limit_connections_wait() {
    let live = live(Settings {
        connections: 2,
        ..quick()
    })
    .await;
    let first = live.connect().await;
    let second = live.connect().await;
    let mut third = live.connect().await;
    third
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut buffer = [0; 16];
    let early = tokio::time::timeout(Duration::from_millis(200), third.read(&mut buffer)).await;
    assert!(early.is_err(), "served beyond the limit");
    drop(first);
    assert_eq!(status(&read(&mut third).await), 200);
    drop(second);
}
