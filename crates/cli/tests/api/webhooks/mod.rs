//! Webhooks: what receivers hear of real containers, and what becomes of messages that they don't take.

mod delivery;
mod example;
mod hearing;
mod refusals;

use podlane_testkit::{Client, Receiver, Server, ServerOptions};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What takes longer than this never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that may send to this machine, and tries again soon.
fn options() -> ServerOptions {
    ServerOptions::default()
        .env("PODLANE_WEBHOOKS_ALLOW", "127.0.0.1")
        .env("PODLANE_WEBHOOKS_RETRIES", "0.1s,0.1s,0.1s")
}

fn server() -> Server {
    crate::server_with(options())
}

/// Makes a webhook of containers whose names begin with a prefix; its ID and its secret.
async fn made(
    api: &Client,
    receiver: &Receiver,
    prefix: &str,
    events: &[&str],
) -> (String, String) {
    let body = json!({ "url": receiver.url("/hooks"), "events": events, "name_prefix": prefix });
    let made = api.post("/webhooks", body).await.expect(200).json;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

async fn deliveries(api: &Client, id: &str, query: &str) -> Vec<Value> {
    let path = format!("/webhooks/{id}/deliveries{query}");
    let listed = api.get(&path).await.expect(200);
    listed.json["deliveries"]
        .as_array()
        .expect("a list")
        .clone()
}

/// Waits until a webhook has so many deliveries in a state.
async fn until(api: &Client, id: &str, state: &str, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let found = deliveries(api, id, &format!("?state={state}&limit=100")).await;
        if found.len() == count {
            return found;
        }
        let all = deliveries(api, id, "").await;
        assert!(began.elapsed() < PATIENCE, "never {count} {state}: {all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
