//! What becomes of messages that are not taken at once.

use super::{deliveries, made, options, server, until};
use crate::server_with;
use podlane_testkit::{BUSYBOX, Message, Receiver, Reply, podman, unique};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Something happens to containers of a prefix: one lives and is removed.
fn live(prefix: &str) {
    let name = unique(prefix);
    let ran = podman(&["run", "--rm", "--name", &name, BUSYBOX, "true"]);
    assert!(ran.status.success(), "{ran:?}");
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(Message::id).collect()
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_under_the_same_id() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let (id, secret) = made(&api, &receiver, &prefix, &["died"]).await;
    receiver.next([
        Reply::Status(500, ""),
        Reply::Status(302, "location: /elsewhere\r\n"),
        Reply::Status(503, "retry-after: 2\r\n"),
    ]);
    let began = Instant::now();
    live(&prefix);
    let messages = receiver.until("four attempts", |all| all.len() == 4).await;
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "Retry-After was not kept to"
    );
    for message in &messages {
        assert_eq!(message.id(), messages[0].id());
        assert_eq!(message.body, messages[0].body);
        assert_eq!(message.headers["request"], "POST /hooks HTTP/1.1");
    }
    let delivered = until(&api, &id, "delivered", 1).await;
    assert_eq!(delivered[0]["attempts"], 4);
    assert_eq!(delivered[0]["status"], 204);
    assert_eq!(delivered[0]["payload"], messages[0].json);
    assert_eq!(delivered[0]["error"], Value::Null);
    let metrics = api.request(http::Method::GET, "", None);
    let (mut head, body) = metrics.into_parts();
    head.uri = format!("{}/metrics", api.base()).parse().expect("a URI");
    let text = api.send(http::Request::from_parts(head, body)).await.text;
    for line in [
        "podlane_webhook_attempts_total{outcome=\"retried\"} 3",
        "podlane_webhook_attempts_total{outcome=\"delivered\"} 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let shown = api.get(&format!("/webhooks/{id}")).await.expect(200);
    assert!(!shown.text.contains("whsec_") && !server.log().contains(&secret));
}

#[tokio::test]
async fn a_dead_letter_can_be_sent_again() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let (id, _) = made(&api, &receiver, &prefix, &["died", "remove"]).await;
    receiver.usually(Reply::Status(500, ""));
    live(&prefix);
    let dead = until(&api, &id, "dead", 2).await;
    for letter in &dead {
        assert_eq!(
            (&letter["attempts"], &letter["status"]),
            (&json!(4), &json!(500))
        );
        assert_eq!(letter["error"], "it answered 500");
        assert_eq!(letter["next_attempt"], Value::Null);
    }
    let shown = api.get(&format!("/webhooks/{id}")).await.expect(200).json;
    assert_eq!(shown["webhook"]["dead"], 2);
    let number = dead[0]["number"].as_i64().expect("a number");
    let behind = deliveries(&api, &id, &format!("?before={number}&limit=1")).await;
    assert_eq!(behind[0]["id"], dead[1]["id"]);

    receiver.usually(Reply::Status(200, ""));
    let one = dead[0]["id"].as_str().expect("an ID");
    let path = format!("/webhooks/{id}/deliveries/{one}/redeliver");
    assert_eq!(api.act(&path).await.expect(200).json["redelivered"], 1);
    let delivered = until(&api, &id, "delivered", 1).await;
    assert_eq!(delivered[0]["id"], one);
    let _ = api
        .act(&format!("/webhooks/{id}/deliveries/msg_none/redeliver"))
        .await
        .expect(404);
    let rest = api.act(&format!("/webhooks/{id}/redeliver")).await;
    assert_eq!(rest.expect(200).json["redelivered"], 1);
    until(&api, &id, "delivered", 2).await;
    let _ = api.delete(&format!("/webhooks/{id}")).await.expect(200);
    let _ = api
        .get(&format!("/webhooks/{id}/deliveries"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let (id, _) = made(&api, &receiver, &prefix, &["died"]).await;
    receiver.next([Reply::Status(410, "")]);
    live(&prefix);
    until(&api, &id, "dead", 1).await;
    let path = format!("/webhooks/{id}");
    let began = Instant::now();
    loop {
        let shown = api.get(&path).await.expect(200).json["webhook"].take();
        if shown["enabled"] == false {
            assert_eq!(shown["disabled"], "the receiver answered 410 Gone");
            break;
        }
        assert!(began.elapsed() < super::PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    live(&prefix);
    let change = json!({ "enabled": true }).to_string();
    let change = api.request(http::Method::PATCH, &path, Some(change));
    let enabled = api.send(change).await.expect(200);
    assert_eq!(enabled.json["webhook"]["disabled"], Value::Null);
    live(&prefix);
    let messages = receiver.until("the last death", |all| all.len() == 2).await;
    assert_ne!(messages[0].id(), messages[1].id());
}

#[tokio::test]
async fn who_hangs_holds_up_nobody_else() {
    let server = server();
    let api = server.client();
    let prefix = unique("hook");
    let (silent, endless, good) = (Receiver::start(), Receiver::start(), Receiver::start());
    silent.usually(Reply::Silence);
    endless.usually(Reply::Endless);
    let (hanging, _) = made(
        &api,
        &silent,
        &prefix,
        &["died", "remove", "start", "create"],
    )
    .await;
    let (streaming, _) = made(&api, &endless, &prefix, &["died"]).await;
    let _good = made(&api, &good, &prefix, &["died"]).await;
    live(&prefix);
    good.until("a death", |all| all.len() == 1).await;
    // Of an endless answer the head is enough.
    until(&api, &streaming, "delivered", 1).await;
    silent.until("two at once", |all| all.len() == 2).await;
    assert_eq!(deliveries(&api, &hanging, "?state=waiting").await.len(), 4);
    let pinged = api
        .act(&format!("/webhooks/{hanging}/test"))
        .await
        .expect(200);
    assert_eq!(pinged.json["delivered"], false);
    assert_eq!(pinged.json["error"], "it did not answer in time");
}

#[tokio::test]
async fn a_server_that_is_killed_loses_nothing() {
    let state = tempfile::tempdir().expect("a directory");
    let state = state.path().to_str().expect("UTF-8");
    let options = options().env("PODLANE_STATE_DIR", state);
    let (receiver, prefix) = (Receiver::start(), unique("hook"));
    receiver.usually(Reply::Status(500, ""));
    let first = {
        let server = server_with(
            options
                .clone()
                .env("PODLANE_WEBHOOKS_RETRIES", "3s,3s,3s,3s"),
        );
        let api = server.client();
        made(&api, &receiver, &prefix, &["died"]).await;
        live(&prefix);
        let messages = receiver.until("an attempt", |all| !all.is_empty()).await;
        server.kill();
        messages[0].id().to_owned()
    };
    // Nobody listens.
    live(&prefix);
    live(&prefix);
    receiver.usually(Reply::Status(204, ""));
    let before = receiver.messages().len();
    let server = server_with(options);
    let api = server.client();
    let listed = api.get("/webhooks").await.expect(200);
    let id = listed.json["webhooks"][0]["id"]
        .as_str()
        .expect("an ID")
        .to_owned();
    until(&api, &id, "delivered", 3).await;
    live(&prefix);
    until(&api, &id, "delivered", 4).await;
    let messages = receiver.messages();
    let mut told = ids(&messages[before..]);
    assert!(told.contains(&first.as_str()), "{told:?}");
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 4, "{:?}", ids(&messages));
    // Two servers of one directory would send everything twice.
    let other = server_with(super::options().env("PODLANE_STATE_DIR", state));
    let _ = other.client().get("/webhooks").await.expect(503);
}
