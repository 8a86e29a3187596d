//! Containers that come to an end by themselves.

use crate::container::{Container, until};
use crate::fixture::Fixture;
use crate::reading::Reading;
use crate::rig::Rig;
use crate::{server, server_with};
use futures_util::future::join_all;
use podlane_testkit::fake::{Fault, Route, Times};
use podlane_testkit::{Answer, BUSYBOX, Client, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// More than any end takes here.
const PATIENCE: Duration = Duration::from_secs(90);

fn keeping(state: &Path) -> ServerOptions {
    let state = state.to_str().expect("text");
    ServerOptions::default().env("PODLANE_STATE_DIR", state)
}

/// A container with an end.
async fn mortal(api: &Client, mut more: Value) -> Container {
    more["image"] = json!(BUSYBOX);
    if more["command"].is_null() {
        more["command"] = json!(["sleep", "5000"]);
    }
    Container::with(api, more).await
}

fn state(name: &str) -> Option<String> {
    let format = ["container", "inspect", "--format", "{{.State.Status}}"];
    let found = podman(&[&format[..], &[name]].concat());
    let state = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    found.status.success().then_some(state)
}

async fn gone(name: &str) {
    until(&format!("{name} is gone"), || state(name).is_none()).await;
}

async fn inspected(api: &Client, name: &str) -> Value {
    let answer = api.get(&format!("/containers/{name}")).await.expect(200);
    answer.json["container"].clone()
}

async fn extend(api: &Client, container: &Container, body: Value) -> Answer {
    api.post(&container.path("extend"), body).await
}

#[tokio::test]
async fn a_container_is_removed_when_its_time_is_up() {
    let options = ServerOptions::default().env("PODLANE_AUDIT", "true");
    let server = server_with(options);
    let api = server.client();
    let lines = "application/x-ndjson";
    let path = "/events?type=container&action=expired";
    let mut events = Reading::get(&server, path, lines).await.expect(200);

    let container = mortal(&api, json!({ "ttl": 3, "labels": { "team": "docs" } })).await;
    let seen = inspected(&api, &container.name).await;
    assert!(seen["expires_at"].is_string(), "{seen}");
    assert_eq!(seen["expires_at"], seen["lifetime"]["max_expires_at"]);
    assert_eq!(seen["lifetime"]["on_expiry"], "remove");
    assert_eq!(seen["labels"], json!({ "team": "docs" }));
    let list = format!("/containers?name={}", container.name);
    let list = api.get(&list).await.expect(200);
    let row = &list.json["containers"][0];
    assert_eq!(row["expires_at"], seen["expires_at"]);
    assert_eq!(row["lifetime"], seen["lifetime"]);

    gone(&container.name).await;
    let event = events.line().await.expect("an event");
    assert_eq!(event["name"], json!(container.name));
    assert_eq!(event["attributes"]["reason"], "ttl");
    assert_eq!(event["attributes"]["on_expiry"], "remove");
    assert_eq!(event["attributes"]["team"], "docs");
    assert!(!event.to_string().contains("io.podlane."), "{event}");
    // It is remembered for who was away.
    drop(events);
    let path = format!(
        "/events?subject={}&since=2026-01-01T00:00:00Z",
        container.name
    );
    let mut events = Reading::get(&server, &path, lines).await.expect(200);
    let mut actions = Vec::new();
    while !actions.iter().any(|action| action == "remove") {
        let event = events.line().await.expect("an event");
        actions.push(event["action"].as_str().expect("an action").to_owned());
    }
    let place = |wanted: &str| actions.iter().position(|action| action == wanted);
    assert!(
        place("start").is_some() && place("start") < place("expired"),
        "{actions:?}"
    );
    let missing = format!("/containers/{}/extend", container.name);
    let _ = api.post(&missing, json!({ "ttl": 5 })).await.expect(404);

    let audit = format!("/audit?target={}&action=expiry", container.name);
    let began = Instant::now();
    loop {
        let audit = api.get(&audit).await.expect(200);
        let entries = audit.json["entries"].as_array().expect("a list").clone();
        if entries.len() == 2 {
            for (entry, outcome) in entries.iter().zip(["begun", "done"]) {
                assert_eq!(entry["caller"], "server");
                assert_eq!(entry["action"], "remove at expiry");
                assert_eq!(entry["outcome"], outcome);
            }
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{entries:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_container_is_stopped_when_its_time_is_up() {
    let server = server();
    let api = server.client();
    let wish = json!({ "ttl": 2, "max_ttl": 1000, "on_expiry": "stop" });
    let container = mortal(&api, wish).await;
    let frozen = mortal(&api, json!({ "ttl": 2, "on_expiry": "stop" })).await;
    let _ = api.act(&frozen.path("pause")).await.expect(200);
    for name in [&container.name, &frozen.name] {
        let what = format!("{name} has ended");
        until(&what, || state(name).as_deref() == Some("exited")).await;
    }
    for verb in ["start", "restart"] {
        let refused = api.act(&container.path(verb)).await.expect(409);
        assert!(refused.message().contains("/extend"), "{}", refused.text);
    }
    let refused = api.act(&frozen.path("start")).await.expect(409);
    assert!(refused.message().contains("max_ttl"), "{}", refused.text);
    assert_eq!(state(&container.name).as_deref(), Some("exited"));
    let _ = extend(&api, &container, json!({ "ttl": 500 }))
        .await
        .expect(200);
    let _ = api.act(&container.path("start")).await.expect(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&container.name).as_deref(), Some("running"));
    // It was to live no longer.
    let _ = extend(&api, &frozen, json!({ "ttl": 5 })).await.expect(409);
}

#[tokio::test]
async fn an_extension_keeps_it_and_has_bounds() {
    let server = server();
    let api = server.client();
    let container = mortal(&api, json!({ "ttl": 4, "max_ttl": 600 })).await;
    let before = inspected(&api, &container.name).await;
    let longer = extend(&api, &container, json!({ "ttl": 500 }))
        .await
        .expect(200);
    let longer = &longer.json["container"];
    assert!(longer["expires_at"].as_str() > before["expires_at"].as_str());
    assert!(longer["expires_at"].as_str() < longer["lifetime"]["max_expires_at"].as_str());
    let past = extend(&api, &container, json!({ "ttl": 601 }))
        .await
        .expect(409);
    assert!(past.message().contains("max_ttl"), "{}", past.text);
    for (wrong, field) in [
        (json!({ "ttl": 0 }), "ttl"),
        (json!({ "ttl": 31_536_001 }), "ttl"),
        (json!({ "ttl": -1 }), "ttl"),
        (json!({ "tll": 1 }), "tll"),
    ] {
        extend(&api, &container, wrong).await.refused(400, field);
    }
    let other = api.clone().with("x-tenant", &unique("class"));
    let _ = extend(&other, &container, json!({ "ttl": 1 }))
        .await
        .expect(404);
    let eternal = Container::sleeping(&api, BUSYBOX).await;
    let _ = extend(&api, &eternal, json!({})).await.expect(409);
    let eternal = inspected(&api, &eternal.name).await;
    assert!(eternal.get("expires_at").is_none() && eternal.get("lifetime").is_none());
    let idle = mortal(&api, json!({ "idle_timeout": 1000 })).await;
    let _ = extend(&api, &idle, json!({ "ttl": 5 })).await.expect(409);
    let touched = extend(&api, &idle, json!({})).await.expect(200);
    assert!(touched.json["container"]["lifetime"]["idle_expires_at"].is_string());
    // It is another one that has its name after it.
    let _ = api
        .delete(&format!("/containers/{}?force=true", container.name))
        .await;
    let again = json!({ "image": BUSYBOX, "name": container.name, "command": "sleep 5000" });
    let _ = api.post("/containers", again).await.expect(200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(state(&container.name).as_deref(), Some("running"));
    // Less time is fine, too.
    let shorter = mortal(&api, json!({ "ttl": 600 })).await;
    let _ = extend(&api, &shorter, json!({ "ttl": 1 }))
        .await
        .expect(200);
    gone(&shorter.name).await;
}

#[tokio::test]
async fn what_can_not_be_wished_for() {
    let server = server();
    let api = server.client();
    for (wish, field) in [
        (json!({ "ttl": 0 }), "ttl"),
        (json!({ "ttl": 31_536_001 }), "ttl"),
        (json!({ "idle_timeout": 0 }), "idle_timeout"),
        (json!({ "max_ttl": 5 }), "max_ttl"),
        (json!({ "ttl": 6, "max_ttl": 5 }), "max_ttl"),
        (json!({ "on_expiry": "stop" }), "on_expiry"),
        (json!({ "ttl": 5, "on_expiry": "explode" }), "on_expiry"),
        (
            json!({ "ttl": 5, "restart": { "policy": "always" } }),
            "restart",
        ),
        (json!({ "labels": { "io.podlane.life": "x" } }), "labels"),
    ] {
        let mut body = wish.clone();
        body["image"] = json!(BUSYBOX);
        body["name"] = json!(unique("wish"));
        let _never = Fixture::named_in(&body);
        let name = body["name"].as_str().expect("a name").to_owned();
        api.post("/containers", body).await.refused(400, field);
        assert_eq!(state(&name), None, "{wish}");
    }
}

#[tokio::test]
async fn a_policy_bounds_every_life() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.toml");
    let policy =
        "[lifetime.default]\nttl = 100\n[lifetime.maximum]\nttl = 200\nidle_timeout = 50\n";
    fs::write(&file, policy).expect("written");
    let options = keeping(directory.path()).env("PODLANE_POLICY", file.to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let plain = mortal(&api, json!({})).await;
    let seen = inspected(&api, &plain.name).await;
    assert!(seen["expires_at"].is_string(), "{seen}");
    assert_eq!(seen["lifetime"]["idle_timeout"], 50);
    for (more, field) in [
        (json!({ "ttl": 201 }), "ttl"),
        (json!({ "ttl": 5, "max_ttl": 201 }), "max_ttl"),
        (json!({ "idle_timeout": 51 }), "idle_timeout"),
    ] {
        let mut body = more;
        body["image"] = json!(BUSYBOX);
        body["name"] = json!(unique("long"));
        let refused = api.post("/containers", body.clone()).await.expect(403);
        assert_eq!(refused.json["error"]["field"], field, "{}", refused.text);
        let dry = api.post("/containers?dry_run=true", body).await.expect(200);
        assert_eq!(dry.json["findings"][0]["rule"], "lifetime.maximum");
    }
    let dry = json!({ "image": BUSYBOX, "name": "dry" });
    let dry = api.post("/containers?dry_run=true", dry).await.expect(200);
    assert_eq!(
        (&dry.json["ttl"], &dry.json["idle_timeout"]),
        (&json!(100), &json!(50))
    );
    let past = extend(&api, &plain, json!({ "ttl": 150 }))
        .await
        .expect(409);
    assert!(past.message().contains("max_ttl"), "{}", past.text);
}

#[tokio::test]
async fn the_engine_keeps_to_it_while_no_server_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = server_with(keeping(directory.path()));
    let api = first.client();
    let abandoned = mortal(&api, json!({ "ttl": 1 })).await;
    let stays = mortal(&api, json!({ "ttl": 1, "on_expiry": "stop" })).await;
    let expired = mortal(&api, json!({ "ttl": 4, "max_ttl": 1000 })).await;
    let extended = mortal(&api, json!({ "ttl": 4, "max_ttl": 1000 })).await;
    let _ = extend(&api, &extended, json!({ "ttl": 900 }))
        .await
        .expect(200);
    let told = inspected(&api, &extended.name).await;
    first.kill();

    // One that keeps nobody's time ends what can't be extended any more, and no other.
    let stranger = server();
    let ended = || state(&stays.name).as_deref() == Some("exited");
    until("the engine or a stranger ends it", ended).await;
    gone(&abandoned.name).await;
    assert_eq!(state(&expired.name).as_deref(), Some("running"));
    let path = format!("/containers/{}/extend", expired.name);
    let refused = stranger
        .client()
        .post(&path, json!({ "ttl": 1 }))
        .await
        .expect(409);
    assert!(
        refused.message().contains("another server"),
        "{}",
        refused.text
    );
    drop(stranger);

    let second = server_with(keeping(directory.path()));
    gone(&expired.name).await;
    let api = second.client();
    assert_eq!(
        inspected(&api, &extended.name).await["expires_at"],
        told["expires_at"]
    );
    assert_eq!(state(&extended.name).as_deref(), Some("running"));
    assert_eq!(state(&stays.name).as_deref(), Some("exited"));
    let _ = extend(&api, &extended, json!({ "ttl": 1 }))
        .await
        .expect(200);
    gone(&extended.name).await;
}

#[tokio::test]
async fn the_engine_alone_ends_it() {
    let server = server();
    let api = server.client();
    let container = mortal(&api, json!({ "ttl": 1 })).await;
    // A stop takes ten seconds, and whoever can do that gets five more.
    assert_eq!(container.inspect("{{.Config.Timeout}}"), "16");
    server.kill();
    // Or a server of another test, if that is quicker.
    let ended = || state(&container.name).as_deref() != Some("running");
    until("the engine ends it", ended).await;
}

#[tokio::test]
async fn only_idle_containers_end_for_that() {
    let server = server();
    let api = server.client();
    let busy = mortal(
        &api,
        json!({ "idle_timeout": 2, "command": ["sh", "-c", "while :; do :; done"] }),
    )
    .await;
    let used = mortal(&api, json!({ "idle_timeout": 2 })).await;
    let run = json!({ "command": "sleep 5000", "detach": true });
    let exec = api.post(&used.path("exec"), run).await.expect(201);
    let exec = exec.json["exec"]["id"].as_str().expect("an ID").to_owned();
    let quiet = mortal(&api, json!({ "idle_timeout": 2 })).await;
    let frozen = mortal(&api, json!({ "idle_timeout": 2, "on_expiry": "stop" })).await;
    let seen = inspected(&api, &quiet.name).await;
    assert!(seen["lifetime"]["idle_expires_at"].is_string(), "{seen}");
    assert!(seen.get("expires_at").is_none());
    // Looking is no use.
    until("the quiet one is gone", || state(&quiet.name).is_none()).await;
    let stopped = || state(&frozen.name).as_deref() == Some("exited");
    until("the quiet one is stopped", stopped).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(state(&busy.name).as_deref(), Some("running"));
    assert_eq!(state(&used.name).as_deref(), Some("running"));
    let _ = api.act(&frozen.path("start")).await.expect(200);
    until("it is stopped again", stopped).await;
    let _ = api.delete(&format!("/execs/{exec}")).await.expect(200);
    gone(&used.name).await;
}

#[tokio::test]
async fn many_come_to_their_end_at_once() {
    let server = server();
    let api = server.client();
    let made = (0..50).map(|_| mortal(&api, json!({ "ttl": 15, "networks": {} })));
    let made = join_all(made).await;
    let began = Instant::now();
    let list = format!("/containers?name={}", "exec-");
    loop {
        let list = api.get(&list).await.expect(200);
        let here = |one: &&Container| list.text.contains(&one.name);
        let left = made.iter().filter(here).count();
        if left == 0 {
            break;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{left} are left: {}",
            server.log()
        );
        // Whoever asks is not kept waiting for all of them.
        let _ = api.get("/health").await.expect(200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_label_that_is_the_images_is_nobodys() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = server_with(keeping(directory.path()));
    let api = first.client();
    let origin = mortal(&api, json!({ "ttl": 8 })).await;
    let image = format!("localhost/{}:1", unique("copy"));
    let commit = json!({ "image": image });
    let _ = api.post(&origin.path("commit"), commit).await.expect(200);
    let heir = Container::by_podman(&api, &image, &[]);
    let label = "{{index .Config.Labels \"io.podlane.life\"}}";
    assert_eq!(heir.inspect(label), origin.inspect(label));
    let own = Container::with(
        &api,
        json!({ "image": image, "command": ["sleep", "5000"] }),
    )
    .await;
    gone(&origin.name).await;
    drop(first);
    let second = server_with(keeping(directory.path()));
    let api = second.client();
    for container in [&heir, &own] {
        let seen = inspected(&api, &container.name).await;
        assert!(seen.get("expires_at").is_none(), "{seen}");
    }
    let _ = extend(&api, &heir, json!({ "ttl": 1 })).await.expect(409);
    tokio::time::sleep(Duration::from_secs(2)).await;
    for container in [&heir, &own] {
        assert_eq!(state(&container.name).as_deref(), Some("running"));
    }
    drop((heir, own));
    podman(&["rmi", "-f", &image]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_at_first_is_done_later() {
    let options = ServerOptions::default().env("REQUEST_TIMEOUT", "3");
    let rig = Rig::new(options).await;
    let make = async || {
        let name = unique("mortal");
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000", "ttl": 1 });
        let _ = rig.api.post("/containers", body).await.expect(200);
        name
    };
    let gone = async |name: &str| {
        let path = format!("/containers/{name}");
        let gone = async || rig.api.get(&path).await.status == 404;
        rig.until("it is gone", gone).await;
    };
    for fault in [
        Fault::Fails("not now".into()),
        Fault::Hang,
        Fault::DropConnection,
        Fault::LoseAnswer,
    ] {
        rig.fake
            .fault(Route::ContainerRemove, fault, Times::Count(2));
        gone(&make().await).await;
        rig.fake.clear_faults();
    }
    let name = make().await;
    rig.fake.stop_listening();
    tokio::time::sleep(Duration::from_secs(2)).await;
    rig.fake.resume().await.expect("it comes back");
    gone(&name).await;
    assert!(rig.server.log().contains("could not be ended yet"));
    rig.is_well().await;
}

#[tokio::test]
async fn a_command_ends_with_its_container() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "100"));
    let api = server.client();
    let container = mortal(&api, json!({ "ttl": 3 })).await;
    let path = container.path("exec");
    let run = |agent: bool| {
        let run = json!({ "command": "sleep 5000", "agent": agent });
        api.post(&path, run)
    };
    let (by_agent, by_engine) = tokio::join!(run(true), run(false));
    for answer in [by_agent, by_engine] {
        // Whether its end is seen or only that of the container, it is answered.
        assert_ne!(answer.status, 408, "{}", answer.text);
    }
    gone(&container.name).await;
}
