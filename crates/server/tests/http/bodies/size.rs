//! Bodies that are too large, too slow, cut off, or not wanted.

use super::CREATE;
use crate::client::{Server, post, request};
use axum::body::Body;
use std::time::Duration;

#[tokio::test]
async fn a_body_is_taken_whole_or_not_at_all() {
    let server = Server::new();
    let padded = |length: usize| {
        let body = r#"{"image":"a","name":"x"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    for length in [1999, 2000] {
        let reply = server.post(CREATE, padded(length)).await;
        assert_eq!(reply.status, 200, "{length}");
    }
    // What is beyond the limit is white space: a truncated body would be a valid one.
    for length in [2001, 100_000] {
        server
            .refuses(post(CREATE, padded(length)), 413, None)
            .await;
        let pieces = padded(length).into_bytes();
        let pieces: Vec<_> = pieces
            .chunks(700)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        let stream = Body::from_stream(futures_util::stream::iter(pieces));
        server.refuses(post(CREATE, stream), 413, None).await;
    }
    let mut announced = post(CREATE, padded(50));
    announced
        .headers_mut()
        .insert("Content-Length", "99999999999".parse().expect("a value"));
    server.refuses(announced, 413, None).await;
}

#[tokio::test]
async fn a_silent_or_broken_body_ends_the_request() {
    let server = Server::new();
    let silent = Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    server.refuses(post(CREATE, silent), 408, None).await;
    let broken = Err::<Vec<u8>, _>(std::io::Error::other("cut"));
    let broken = Body::from_stream(futures_util::stream::iter([Ok(b"{".to_vec()), broken]));
    server.refuses(post(CREATE, broken), 400, None).await;
    // Never silent for long, and never done: the request's own bound ends it.
    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(vec![b' ']), ()))
    });
    server
        .refuses(post(CREATE, Body::from_stream(drip)), 408, None)
        .await;
}

#[tokio::test]
async fn actions_take_no_body_or_an_empty_object() {
    let server = Server::new();
    for path in [
        "/api/v1/containers/web/start",
        "/api/v1/containers/web/stop",
    ] {
        for body in ["", "{}", " { } "] {
            assert_eq!(server.post(path, body).await.status, 200, "{body}");
        }
        let bare = request("POST", path)
            .body(Body::empty())
            .expect("a request");
        assert_eq!(server.send(bare).await.status, 200);
        server
            .refuses(post(path, r#"{"timeout":5}"#), 400, Some("timeout"))
            .await;
        server.refuses(post(path, "[]"), 400, None).await;
        let form = request("POST", path).header("Content-Type", "text/plain");
        let form = form.body("x".into()).expect("a request");
        server.refuses(form, 415, Some("Content-Type")).await;
    }
}
