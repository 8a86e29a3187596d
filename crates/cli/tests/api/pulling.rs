//! Pulls: how they are asked for, what they tell, how they end.

use crate::container::until;
use crate::reading::Reading;
use crate::registries::Source;
use crate::rig::Rig;
use crate::server;
use podlane_testkit::fake::{FakeVersion, Fault, ImageKind, Route, Times};
use podlane_testkit::{Client, Server, ServerOptions, Visit, unique};
use serde_json::{Value, json};
use std::time::Duration;

/// Follows a pull by its login.
async fn follow(server: &Server, source: &Source, image: &str) -> Reading {
    let login = json!({ "username": "me", "password": source.password });
    let body = json!({ "image": image, "login": login });
    let reading = Reading::post(server, "/pull", "application/x-ndjson", body).await;
    reading.expect(200)
}

#[tokio::test]
async fn a_pull_tells_how_far_it_is_with_each_layer() {
    let server = server();
    let api = server.client();
    let source = Source::slow(Duration::from_millis(100));
    let image = source.registry.image();
    let told = follow(&server, &source, &image).await.lines().await;
    let done = told.last().expect("an end");
    assert_eq!(
        (&done["event"], &done["name"]),
        (&json!("done"), &json!(image)),
        "{told:?}"
    );
    let path = format!("/images/{image}");
    let found = api.get(&path).await.expect(200).json["image"].take();
    assert_eq!(done["id"], found["id"], "{found}");
    let counted: Vec<_> = told
        .iter()
        .filter(|event| event["current_bytes"].is_u64())
        .collect();
    assert!(!counted.is_empty(), "{told:?}");
    let number = |event: &Value, field: &str| event[field].as_u64().expect("a number");
    for event in &counted {
        let (current, total) = (number(event, "current_bytes"), number(event, "total_bytes"));
        assert!(0 < current && current <= total, "{event}");
        assert_eq!(event["layer"].as_str().map(str::len), Some(12), "{event}");
    }
    let ordered = counted
        .windows(2)
        .all(|two| number(two[0], "current_bytes") < number(two[1], "current_bytes"));
    assert!(ordered, "{told:?}");
    assert!(!format!("{told:?}").contains(&source.password));
    // What is there already is told to be, and the image is the same.
    let again = follow(&server, &source, &image).await.lines().await;
    assert_eq!(again.last(), Some(done), "{again:?}");
}

#[tokio::test]
async fn a_pull_that_nobody_reads_is_given_up() {
    let server = server();
    let api = server.client();
    let source = Source::slow(Duration::from_secs(1));
    let image = source.registry.image();
    let mut reading = follow(&server, &source, &image).await;
    let blob = |visit: &Visit| visit.request.contains("/blobs/");
    until("a layer is asked for", || {
        source.registry.visits().iter().any(blob)
    })
    .await;
    let first = reading.line().await.expect("an event");
    assert_eq!(first["event"], "progress", "{first}");
    drop(reading);
    until("it is given up", || source.registry.left() > 0).await;
    let _ = api.get(&format!("/images/{image}")).await.expect(404);
}

#[tokio::test]
async fn what_a_registry_has_not_or_will_not_give_is_said() {
    let server = server();
    let api = server.client();
    let source = Source::new();
    let image = source.registry.image();
    let missing = image.replace("/app:1", "/none:1");
    let login = |password: &str| json!({ "username": "me", "password": password });
    let body = json!({ "image": missing, "login": login(&source.password) });
    let refused = api.post("/pull", body.clone()).await.expect(404);
    assert!(refused.message().contains(&missing), "{}", refused.text);
    let told = Reading::post(&server, "/pull", "application/x-ndjson", body).await;
    let told = told.expect(200).lines().await;
    let error = told.last().expect("an error");
    assert_eq!(
        (&error["event"], &error["error"]["code"]),
        (&json!("error"), &json!(404)),
        "{told:?}"
    );
    let body = json!({ "image": image, "login": login("wrong") });
    let refused = api.post("/pull", body).await.expect(502);
    assert!(
        refused.message().contains(&image) || refused.message().contains("unauthorized"),
        "{}",
        refused.text
    );
    let short = json!({ "image": unique("nowhere") });
    api.post("/pull", short).await.refused(400, "image");
    // Nobody listens there.
    let nowhere = json!({ "image": "127.0.0.1:1/app:1" });
    let refused = api.post("/pull", nowhere).await.expect(502);
    assert!(
        refused.message().contains("127.0.0.1:1")
            && refused.message().contains("connection refused"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn an_image_is_fetched_as_who_one_says() {
    for (version, path, image) in [
        (
            FakeVersion::V43,
            "/images/create?",
            "registry.example.org/app:1",
        ),
        // Docker's way would look for it elsewhere.
        (FakeVersion::V43, "/libpod/images/pull?", "app:1"),
        (
            FakeVersion::V58,
            "/libpod/images/pull?",
            "registry.example.org/app:1",
        ),
        (FakeVersion::V58, "/libpod/images/pull?", "app:1"),
    ] {
        let binary = env!("CARGO_BIN_EXE_podlane");
        let Rig { fake, server, api } = Rig::of(version, binary, ServerOptions::default()).await;
        let fake = fake.pullable(image, ImageKind::Busybox);
        let password = unique("pass");
        let login = json!({ "username": "me", "password": password });
        let body = json!({ "image": image, "login": login });
        let mut request = api.request(http::Method::POST, "/pull", Some(body.to_string()));
        let accept = http::HeaderValue::from_static("application/x-ndjson");
        request.headers_mut().insert("accept", accept);
        let pulled = api.send(request).await.expect(200);
        let events: Vec<Value> = pulled
            .text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let of_layers: Vec<_> = events
            .iter()
            .filter(|event| event["layer"].is_string())
            .collect();
        let counted = of_layers
            .iter()
            .filter(|event| event["current_bytes"] == 1024 && event["total_bytes"] == 2048);
        let expected = if image == "app:1" && version == FakeVersion::V43 {
            (1, 0)
        } else {
            (5, 1)
        };
        assert_eq!(
            (of_layers.len(), counted.count()),
            expected,
            "{}",
            pulled.text
        );
        let done = events.last().expect("an end");
        let id = fake_id(&api, image).await;
        assert_eq!((&done["event"], &done["id"]), (&json!("done"), &json!(id)));
        let asked = fake.requests();
        let pull = asked
            .iter()
            .find(|request| request.path_and_query.contains(path));
        let pull = pull.expect("a pull");
        let header = &pull.headers["x-registry-auth"];
        assert_eq!(base64_json(header.as_bytes()), login);
        assert!(!server.log().contains(&password) && !pulled.text.contains(&password));
        let made = api.post("/pull", body).await.expect(200);
        assert_eq!(made.json["image"]["name"], image);
        let missing = json!({ "image": image.replace("app", "none") });
        let missing = api.post("/pull", missing).await.expect(404);
        assert!(missing.message().contains("none"), "{}", missing.text);
        // One that comes to no end has fetched nothing.
        let cut = Fault::Status {
            code: 200,
            body: "{\"status\":\"Pulling fs layer\",\"id\":\"0123456789ab\"}\n".into(),
            content_type: "application/json".into(),
        };
        fake.fault(Route::ImagePull, cut, Times::Once);
        let _ = api
            .post("/pull", json!({ "image": image }))
            .await
            .expect(502);
        fake.stop_listening();
        let _ = api
            .post("/pull", json!({ "image": image }))
            .await
            .expect(503);
    }
}

async fn fake_id(api: &Client, image: &str) -> String {
    let found = api.get(&format!("/images/{image}")).await.expect(200);
    let id = found.json["image"]["id"].as_str();
    id.expect("an ID").to_owned()
}

fn base64_json(text: &[u8]) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE.decode(text);
    serde_json::from_slice(&bytes.expect("Base64")).expect("JSON")
}
