//! Who hears what.

use super::{made, server};
use crate::container::Container;
use crate::rig::Rig;
use podlane_testkit::fake::FakeVersion;
use podlane_testkit::{BUSYBOX, Message, Receiver, podman, unique};
use serde_json::{Value, json};

fn kinds(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(Message::kind).collect()
}

fn has(kind: &str) -> impl Fn(&[Message]) -> bool {
    move |messages| messages.iter().any(|message| message.kind() == kind)
}

fn only<'a>(messages: &'a [Message], kind: &str) -> &'a Value {
    let mut found = messages.iter().filter(|message| message.kind() == kind);
    let first = found.next().expect("a message");
    assert!(
        found.next().is_none(),
        "{kind} twice: {:?}",
        kinds(messages)
    );
    &first.json["data"]
}

#[tokio::test]
async fn a_life_is_told_once_whoever_leads_it() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let events = ["create", "start", "died", "remove"];
    let _made = made(&api, &receiver, &prefix, &events).await;
    let name = format!("{prefix}-one");
    let label = ["--label", "course=net-101"];
    let run = [
        &["run", "--name", &name],
        &label[..],
        &[BUSYBOX, "sh", "-c", "exit 7"],
    ]
    .concat();
    assert_eq!(podman(&run).status.code(), Some(7));
    let _other = Container::sleeping(&api, BUSYBOX).await;
    let removed = podman(&["rm", "-f", "-t", "0", &name]);
    assert!(removed.status.success(), "{removed:?}");
    let all = |messages: &[Message]| messages.len() >= events.len();
    let messages = receiver.until("the whole life", all).await;
    for kind in events {
        let data = only(&messages, &format!("container.{kind}"));
        assert_eq!(data["container"]["name"], name);
        assert_eq!(data["container"]["labels"], json!({ "course": "net-101" }));
        let image = data["container"]["image"].as_str().expect("an image");
        assert!(image.contains("busybox"), "{image}");
        assert_eq!(data["container"]["id"].as_str().map(str::len), Some(12));
    }
    let died = only(&messages, "container.died");
    assert_eq!(died["exit_code"], 7);
    let mut ids: Vec<&str> = messages.iter().map(Message::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), events.len());
    assert!(!server.log().contains("/hooks"), "{}", server.log());
}

#[tokio::test]
async fn labels_choose_and_a_disabled_one_hears_nothing() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let body = json!({ "url": receiver.url("/"), "events": ["start"], "labels": [format!("for={prefix}"), "also"] });
    let made = api.post("/webhooks", body).await.expect(200).json;
    let path = format!(
        "/webhooks/{}",
        made["webhook"]["id"].as_str().expect("an ID")
    );
    let run = async |labels: Value| {
        let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "labels": labels });
        Container::with(&api, body).await
    };
    let change = async |body: Value| {
        let request = api.request(http::Method::PATCH, &path, Some(body.to_string()));
        api.send(request).await.expect(200).json["webhook"].take()
    };
    let mut all = vec![run(json!({ "for": prefix })).await];
    let wanted = json!({ "for": prefix, "also": "" });
    all.push(run(wanted.clone()).await);
    receiver
        .until("a start", |messages| messages.len() == 1)
        .await;
    assert_eq!(change(json!({ "enabled": false })).await["enabled"], false);
    all.push(run(wanted.clone()).await);
    // What happened while it was disabled, it does not hear later.
    let changed = change(json!({ "enabled": true, "events": ["start", "died"] })).await;
    assert_eq!(changed["events"], json!(["start", "died"]));
    all.push(run(wanted).await);
    receiver
        .until("another start", |messages| messages.len() == 2)
        .await;
    drop(all);
    let names = |messages: &[Message]| messages.len() == 5;
    let messages = receiver.until("the ends of three", names).await;
    let starts = kinds(&messages)
        .iter()
        .filter(|kind| **kind == "container.start")
        .count();
    assert_eq!(starts, 2);
}

#[tokio::test]
async fn a_tenant_hears_of_its_own_containers_only() {
    let (server, everything) = (server(), Receiver::start());
    let all = server.client();
    let (one, other) = (unique("class"), unique("class"));
    let clients = [&one, &other].map(|tenant| server.client().with("x-tenant", tenant));
    let receivers = [Receiver::start(), Receiver::start()];
    let (global, _) = made(&all, &everything, "", &["died"]).await;
    let mut ids = Vec::new();
    for (client, receiver) in clients.iter().zip(&receivers) {
        ids.push(made(client, receiver, "", &["died"]).await.0);
    }
    for (client, own) in clients.iter().zip(&ids) {
        let listed = client.get("/webhooks").await.expect(200);
        let listed = listed.json["webhooks"].as_array().expect("a list").clone();
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!(&listed[0]["id"], own);
        for foreign in ids.iter().filter(|id| *id != own).chain([&global]) {
            let path = format!("/webhooks/{foreign}");
            let _ = client.get(&path).await.expect(404);
            let _ = client.delete(&path).await.expect(404);
            for verb in ["test", "redeliver"] {
                let _ = client.act(&format!("{path}/{verb}")).await.expect(404);
            }
            let _ = client.get(&format!("{path}/deliveries")).await.expect(404);
            let change = client.request(http::Method::PATCH, &path, Some("{}".into()));
            let _ = client.send(change).await.expect(404);
        }
    }
    let mut names = Vec::new();
    for client in &clients {
        let container = Container::sleeping(client, BUSYBOX).await;
        names.push(container.name.clone());
    }
    let of = |messages: &[Message]| -> Vec<String> {
        let names = messages
            .iter()
            .map(|message| &message.json["data"]["container"]["name"]);
        names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    let both = |messages: &[Message]| names.iter().all(|name| of(messages).contains(name));
    everything.until("both deaths", both).await;
    for (receiver, name) in receivers.iter().zip(&names) {
        let messages = receiver
            .until("its own death", |messages| !messages.is_empty())
            .await;
        assert_eq!(of(&messages), std::slice::from_ref(name));
    }
}

#[tokio::test]
async fn a_health_check_is_told_when_it_says_something_else() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let _made = made(&server.client(), &receiver, &prefix, &["health", "died"]).await;
    let name = format!("{prefix}-one");
    // Servers may run it too, here and of other tests.
    let run = [
        "run",
        "-d",
        "--name",
        &name,
        "--health-cmd",
        "test ! -f /bad",
        "--health-interval",
        "1h",
    ];
    let run = [
        &run[..],
        &["--health-retries", "1", BUSYBOX, "sleep", "5000"],
    ]
    .concat();
    let made = podman(&run);
    assert!(made.status.success(), "{made:?}");
    let inside = |command: &str| podman(&["exec", &name, "sh", "-c", command]);
    for (command, health, count) in [
        ("true", "healthy", 1),
        ("touch /bad", "unhealthy", 2),
        ("rm /bad", "healthy", 3),
    ] {
        assert!(inside(command).status.success());
        // Podman 4.3 says with each check what the one before said; what is said again is no news.
        for _ in 0..3 {
            let _failed = podman(&["healthcheck", "run", &name]);
        }
        let messages = receiver
            .until(health, |messages| messages.len() >= count)
            .await;
        let data = &messages[count - 1].json["data"];
        assert_eq!(data["health"], health);
        assert_eq!(data["exit_code"], Value::Null);
    }
    podman(&["rm", "-f", "-t", "0", &name]);
    let messages = receiver.until("the end", has("container.died")).await;
    assert_eq!(messages.len(), 4, "{:?}", kinds(&messages));
    assert_eq!(only(&messages, "container.died")["health"], Value::Null);
}

#[tokio::test]
async fn a_want_of_memory_is_told_where_the_engine_knows() {
    for (version, oom) in [
        (FakeVersion::V58, json!(true)),
        (FakeVersion::V43, json!(null)),
    ] {
        let binary = env!("CARGO_BIN_EXE_podlane");
        let rig = Rig::of(version, binary, super::options()).await;
        let receiver = Receiver::start();
        let mut events = vec!["died", "remove", "health"];
        events.extend((version == FakeVersion::V58).then_some("oom"));
        let _made = made(&rig.api, &receiver, "", &events).await;
        let name = rig.container().await;
        assert!(rig.fake.check_health(&name, "starting"));
        assert!(rig.fake.check_health(&name, "healthy"));
        assert!(rig.fake.check_health(&name, "healthy"));
        assert!(rig.fake.kill_for_memory(&name));
        receiver.until("a death", has("container.died")).await;
        let path = format!("/containers/{name}?force=true");
        let _ = rig.api.delete(&path).await.expect(200);
        let messages = receiver.until("a removal", has("container.remove")).await;
        let died = only(&messages, "container.died");
        assert_eq!((&died["exit_code"], &died["oom"]), (&json!(137), &oom));
        assert_eq!(only(&messages, "container.health")["health"], "healthy");
        let told = kinds(&messages).contains(&"container.oom");
        assert_eq!(told, oom == json!(true), "{:?}", kinds(&messages));
    }
}

/// By Podman 4.3, and why.
#[tokio::test]
async fn what_the_engine_never_tells_is_no_event() {
    let binary = env!("CARGO_BIN_EXE_podlane");
    let (old, new) = (FakeVersion::V43, FakeVersion::V58);
    let (old, new) = (
        Rig::of(old, binary, super::options()).await,
        Rig::of(new, binary, super::options()).await,
    );
    let receiver = Receiver::start();
    let (id, _secret) = made(&old.api, &receiver, "", &["died"]).await;
    let path = format!("/webhooks/{id}");
    for event in ["oom", "stop", "update"] {
        let events = json!(["died", event]);
        let body = json!({ "url": receiver.url("/"), "events": events });
        let refused = old.api.post("/webhooks", body.clone()).await.expect(501);
        assert!(
            refused.message().contains("this Podman"),
            "{}",
            refused.text
        );
        let change = Some(json!({ "events": events }).to_string());
        let change = old.api.request(http::Method::PATCH, &path, change);
        let _refused = old.api.send(change).await.expect(501);
        let _made = new.api.post("/webhooks", body).await.expect(200);
    }
    let shown = old.api.get(&path).await.expect(200).json;
    assert_eq!(shown["webhook"]["events"], json!(["died"]));
    let all = old.api.get("/webhooks").await.expect(200).json;
    assert_eq!(all["webhooks"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_real_want_of_memory_is_never_denied() {
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let _made = made(&server.client(), &receiver, &prefix, &["died"]).await;
    let name = format!("{prefix}-one");
    let run = [
        "run", "--name", &name, "--memory", "16m", BUSYBOX, "sh", "-c",
    ];
    // A shell that holds ever more.
    let run = [&run[..], &["x=x; while :; do x=$x$x; done"]].concat();
    let ended = podman(&run);
    let messages = receiver.until("a death", has("container.died")).await;
    let died = only(&messages, "container.died");
    assert_eq!(
        died["exit_code"].as_i64(),
        ended.status.code().map(i64::from)
    );
    if died["exit_code"] == 137 {
        assert_ne!(died["oom"], json!(false), "{died}");
    }
    podman(&["rm", "-f", &name]);
}
