//! Health: of the server, and of containers whose checks nobody else runs.

use crate::container::Container;
use crate::rig::Rig;
use crate::server;
use podlane_testkit::fake::{FakeVersion, Fault, Route, Times};
use podlane_testkit::{BUSYBOX, Client, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

async fn checked(api: &Client, command: &str) -> Container {
    let check = json!({ "command": command, "interval": 1, "timeout": 20, "retries": 2 });
    let body = json!({ "image": BUSYBOX, "command": "sleep 5000", "healthcheck": check });
    Container::with(api, body).await
}

async fn health(api: &Client, container: &Container) -> Value {
    let path = format!("/containers/{}", container.name);
    let answer = api.get(&path).await.expect(200);
    answer.json["container"]["health"].clone()
}

async fn becomes(api: &Client, container: &Container, wanted: &str) {
    let seen = async || health(api, container).await == wanted;
    for _ in 0..600 {
        if seen().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never {wanted}: {}", health(api, container).await);
}

/// There is no systemd beside the tests' Podman.
#[tokio::test]
async fn a_container_is_healthy_then_not_then_again() {
    let server = server();
    let api = server.client();
    let told = api.get("/capabilities").await.expect(200).json;
    let rows = told["capabilities"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["name"] == "healthchecks");
    let reason = row.expect("the row")["reason"].as_str().expect("by whom");
    assert!(reason.starts_with("Podlane runs them"), "{reason}");
    let container = checked(&api, "test ! -e /ill").await;
    let wait = container.path("wait?condition=healthy&timeout=30");
    let waited = api.act(&wait).await.expect(200).json;
    assert_eq!(waited["container"]["met"], true, "{waited}");
    let touched = podman(&["exec", &container.name, "touch", "/ill"]);
    assert!(touched.status.success(), "{touched:?}");
    becomes(&api, &container, "unhealthy").await;
    podman(&["exec", &container.name, "rm", "/ill"]);
    becomes(&api, &container, "healthy").await;
    // Stopped and started anew it is checked again.
    let _stopped = api.act(&container.path("stop?timeout=0")).await.expect(200);
    let _started = api.act(&container.path("start")).await.expect(200);
    becomes(&api, &container, "healthy").await;
}

/// Whoever made it, and when: before this server too.
#[tokio::test]
async fn containers_of_others_are_checked_too() {
    let first = server();
    let flags = [
        "--health-cmd",
        "true",
        "--health-interval",
        "1s",
        "--health-retries",
        "1",
    ];
    let early = Container::by_podman(&first.client(), BUSYBOX, &flags);
    becomes(&first.client(), &early, "healthy").await;
    drop(first);
    let second = server();
    let flags = [
        "--health-cmd",
        "false",
        "--health-interval",
        "1s",
        "--health-retries",
        "1",
    ];
    let late = Container::by_podman(&second.client(), BUSYBOX, &flags);
    becomes(&second.client(), &late, "unhealthy").await;
    becomes(&second.client(), &early, "healthy").await;
    let never = ["--health-cmd", "true", "--health-interval", "disable"];
    let never = Container::by_podman(&second.client(), BUSYBOX, &never);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(health(&second.client(), &never).await, "starting");
}

/// A check that hangs is alone, and holds up neither other checks nor the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_hangs_holds_up_nobody() {
    let mut rig = Rig::new(ServerOptions::default()).await;
    let mut made = Vec::new();
    for command in ["sleep 600", "true"] {
        let name = unique("checked");
        let check = json!({ "command": command, "interval": 1, "timeout": 1 });
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000", "healthcheck": check });
        let created = rig.api.post("/containers", body).await.expect(200);
        let id = created.json["container"]["id"].as_str().expect("an ID");
        made.push((name, id.to_owned()));
    }
    let (_, stuck) = &made[0];
    let (well, other) = &made[1];
    let runs = |id: &str| {
        let asked = rig.fake.requests();
        let of = asked.iter().filter(|one| one.path_and_query.contains(id));
        of.filter(|one| one.path_and_query.ends_with("/healthcheck"))
            .count()
    };
    rig.until("one is checked again and again", async || runs(other) >= 3)
        .await;
    assert_eq!(runs(stuck), 1);
    let path = format!("/containers/{well}");
    let told = rig.api.get(&path).await.expect(200);
    assert_eq!(told.json["container"]["health"], "healthy");
    // One that is stopped is checked no more.
    let _stopped = rig
        .api
        .act(&format!("{path}/stop?timeout=0"))
        .await
        .expect(200);
    let before = runs(other);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(runs(other) <= before + 1);
    assert_eq!(rig.server.terminate(), Some(0));
}

#[tokio::test]
async fn the_versions_are_told() {
    let server = server();
    let api = server.client();
    let told = api.get("/version").await.expect(200).json;
    let podman = podman(&["version", "--format", "{{.Server.Version}}"]).stdout;
    let podman = String::from_utf8_lossy(&podman).trim().to_owned();
    let engine = &told["engine"];
    assert_eq!(
        (&engine["name"], &engine["version"]),
        (&json!("podman"), &json!(podman))
    );
    for field in ["storage_driver", "network_backend", "os", "arch", "kernel"] {
        assert_ne!(engine[field], "", "{told}");
    }
    assert_ne!(engine["runtime"]["version"], "");
    let health = api.get("/health").await.expect(200).json;
    let checks = health["checks"].as_array().expect("checks");
    let named = |name: &str| checks.iter().find(|check| check["name"] == name);
    assert_eq!(named("engine").expect("it")["ok"], true, "{health}");
    assert!(
        named("queue").is_some() && named("engine_disk").is_some(),
        "{health}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_gone_is_the_reason() {
    let rig = Rig::of(
        FakeVersion::V43,
        env!("CARGO_BIN_EXE_podlane"),
        ServerOptions::default(),
    )
    .await;
    rig.fake.stop_listening();
    let told = rig.api.get("/health").await.expect(503).json;
    assert_eq!(told["reason"], "nothing answers at Podman's socket");
    let socket = rig.fake.socket().display().to_string();
    let engine = &told["checks"][0];
    assert_eq!(
        (&engine["name"], &engine["ok"]),
        (&json!("engine"), &json!(false))
    );
    assert!(
        engine["detail"].as_str().expect("text").contains(&socket),
        "{told}"
    );
    let probed = rig.get("/readyz").await.expect(503);
    assert_eq!(probed.json["reason"], told["reason"]);
    assert!(
        !probed.text.contains(&socket) && probed.json["checks"].is_null(),
        "{}",
        probed.text
    );
    rig.fake.resume().await.expect("it listens");
    rig.is_well().await;
}

/// The engine answers, and tells nothing: all is well but for that.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_tells_nothing_is_said() {
    let rig = Rig::new(ServerOptions::default()).await;
    let events = async || {
        let told = rig.api.get("/health").await.expect(200).json;
        assert_eq!(told["status"], "healthy");
        let checks = told["checks"].as_array().expect("checks").clone();
        let check = checks.into_iter().find(|check| check["name"] == "events");
        check.expect("the check")
    };
    // Who lists containers wants to know of changes.
    let _listed = rig.call("list", "").await.expect(200);
    rig.until("it tells", async || {
        let check = events().await;
        check["ok"] == true && check["detail"] == "the engine tells what happens"
    })
    .await;
    let refused = Fault::Fails("no journal".into());
    rig.fake.fault(Route::Events, refused, Times::Always);
    // That cuts connections.
    rig.fake.resume().await.expect("it listens");
    rig.until("it tells nothing", async || {
        let check = events().await;
        let detail = check["detail"].as_str().expect("text");
        check["ok"] == false && detail.contains("no journal")
    })
    .await;
    let check = events().await;
    let detail = check["detail"].as_str().expect("text");
    let (since, _) = detail.split_once("Z: ").expect(detail);
    let since = since.rsplit(' ').next().expect("a time").to_owned() + "Z";
    let since = OffsetDateTime::parse(&since, &Rfc3339).expect(detail);
    let age = (OffsetDateTime::now_utc() - since).whole_seconds();
    assert!((0..60).contains(&age), "{detail}");
    // Lists are true all the same.
    let name = rig.container().await;
    let listed = rig.call("list", "").await.expect(200);
    assert!(listed.text.contains(&name), "{}", listed.text);
    assert_eq!(rig.get("/readyz").await.status, 200);
    rig.fake.clear_faults();
    rig.until("it tells again", async || events().await["ok"] == true)
        .await;
    rig.is_well().await;
}
