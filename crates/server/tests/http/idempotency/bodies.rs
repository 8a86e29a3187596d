//! Bodies that pass through: known again by what was read of them.

use super::{is_replayed, keyed};
use crate::client::{Server, request};
use crate::engine::Mood;
use axum::body::Body;
use axum::http::Request;
use futures_util::{StreamExt, stream};
use podlane_engine::Error;
use serde_json::json;
use std::io;
use std::sync::Arc;

fn load(key: &str, pieces: &'static [&'static str]) -> Request<Body> {
    let pieces = stream::iter(pieces).map(|piece| Ok::<_, io::Error>(*piece));
    loading(key, Body::from_stream(pieces))
}

fn loading(key: &str, body: Body) -> Request<Body> {
    let load = request("POST", "/api/v1/load").header("content-type", "application/x-tar");
    let load = load.header("idempotency-key", key);
    load.body(body).expect("a request")
}

#[tokio::test]
async fn a_body_that_passes_through_is_known_again_and_not_held() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let first = server.send(load("a", &["one", "two"])).await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (200, false));
    let asked = server.engine.calls();
    for same in [&["onetwo"][..], &["o", "", "netwo"]] {
        let again = server.send(load("a", same)).await;
        assert_eq!((is_replayed(&again), &again.text), (true, &first.text));
    }
    for other in [&[][..], &["onetw"], &["onetwO"], &["one", "two", "three"]] {
        let other = load("a", other);
        server.refuses(other, 422, Some("Idempotency-Key")).await;
    }
    // One that never comes is waited for as every body is.
    let never = || Body::from_stream(stream::pending::<io::Result<&str>>());
    server.refuses(loading("a", never()), 408, None).await;
    assert_eq!(server.engine.calls(), asked);
    // What was refused before it was read is compared with nothing.
    let json = keyed("/api/v1/load", "b", &json!({}));
    server.refuses(json, 415, Some("Content-Type")).await;
    assert_eq!(server.send(load("b", &["x"])).await.status, 200);
}

#[tokio::test]
async fn a_body_that_broke_off_can_be_sent_again_where_nothing_was_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let broken = || {
        let pieces = [Ok("one"), Err(io::Error::other("gone"))];
        loading("a", Body::from_stream(stream::iter(pieces)))
    };
    for _ in 0..2 {
        let cut = server.send(broken()).await;
        assert_eq!((cut.status.as_u16(), is_replayed(&cut)), (400, false));
    }
    let whole = server.send(load("a", &["other"])).await;
    assert_eq!((whole.status.as_u16(), is_replayed(&whole)), (200, false));
    // An error that came before the body was read is given to whatever is sent then.
    server.engine.set(Mood::Fails(|| Error::Unavailable {
        step: "x".into(),
        reason: "y".into(),
    }));
    let failed = server.send(load("b", &["one"])).await;
    assert_eq!(failed.status, 503);
    server.engine.set(Mood::Fine);
    let again = server.send(load("b", &["one"])).await;
    assert_eq!((again.status.as_u16(), is_replayed(&again)), (503, true));
}

#[tokio::test]
async fn nobody_waits_for_the_body_of_a_repetition_while_the_first_is_under_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Arc::new(Server::keeping(directory.path()));
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<&str>>(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    let first = {
        let server = Arc::clone(&server);
        let load = loading("a", Body::from_stream(pieces));
        tokio::spawn(async move { server.send(load).await })
    };
    sender.send(Ok("one")).await.expect("it is read");
    sender.send(Ok("two")).await.expect("it is read");
    let never = Body::from_stream(stream::pending::<io::Result<&str>>());
    let refused = server.send(loading("a", never)).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "1");
    drop(sender);
    let first = first.await.expect("no panic");
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(is_replayed(&server.send(load("a", &["onetwo"])).await));
}
