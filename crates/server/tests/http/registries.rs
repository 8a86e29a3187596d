//! Registries as they are made and changed; nothing is fetched here.

use crate::client::{Server, post, request};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn wanted(more: &Value) -> String {
    let mut body = json!({
        "name": "team", "host": "Registry.Example.org:5000", "username": "me", "password": "hunter2",
    });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    body.to_string()
}

fn change(name: &str, body: &Value) -> Request<Body> {
    request("PATCH", &format!("/api/v1/registries/{name}"))
        .header("Content-Type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

fn has(directory: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").path())
        .any(|path| {
            let bytes = std::fs::read(path).expect("a file");
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
}

#[tokio::test]
async fn a_registry_from_its_making_to_its_removal() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let empty = server.get("/api/v1/registries").await.json();
    assert_eq!(empty["registries"], json!([]));
    assert!(!directory.path().join("registries.db").exists());
    assert!(
        !directory.path().join("secret.key").exists(),
        "nothing is kept before there is one"
    );
    let made = server.post("/api/v1/registries", wanted(&json!({}))).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let registry = made.json()["registry"].clone();
    assert_eq!(registry["host"], "registry.example.org:5000");
    assert_eq!(
        (&registry["username"], &registry["tenant"]),
        (&json!("me"), &Value::Null)
    );
    let path = "/api/v1/registries/team";
    assert_eq!(server.get(path).await.json()["registry"], registry);
    let again = server.post("/api/v1/registries", wanted(&json!({}))).await;
    assert_eq!(again.status, 409, "{}", again.text);

    let changed = server
        .send(change("team", &json!({ "password": "hunter3" })))
        .await;
    assert_eq!(
        changed.json()["registry"]["username"],
        "me",
        "{}",
        changed.text
    );
    let token = json!({ "identity_token": "hunter4" });
    let changed = server.send(change("team", &token)).await.json();
    assert_eq!(changed["registry"]["username"], Value::Null);
    let only = change("team", &json!({ "password": "hunter5" }));
    server.refuses(only, 400, Some("username")).await;
    let account = json!({ "username": "you", "password": "hunter6" });
    let changed = server.send(change("team", &account)).await.json();
    assert_eq!(changed["registry"]["username"], "you");
    let other = json!({ "name": "hub", "host": "index.docker.io", "username": null, "password": null, "identity_token": "hunter7" });
    let hub = server.post("/api/v1/registries", wanted(&other)).await;
    assert_eq!(hub.json()["registry"]["host"], "docker.io", "{}", hub.text);
    let listed = server.get("/api/v1/registries").await;
    let names: Vec<_> = listed.json()["registries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["name"].clone())
        .collect();
    assert_eq!(names, ["hub", "team"]);
    assert!(!listed.text.contains("hunter"), "{}", listed.text);
    assert!(has(directory.path(), "registry.example.org") && !has(directory.path(), "hunter"));
    for entry in std::fs::read_dir(directory.path()).expect("a directory") {
        let entry = entry.expect("an entry");
        let rights = entry.metadata().expect("there").permissions().mode();
        assert_eq!(rights & 0o077, 0, "{entry:?}");
    }
    let removal = || {
        request("DELETE", path)
            .body(Body::empty())
            .expect("a request")
    };
    assert_eq!(server.send(removal()).await.json()["name"], "team");
    assert_eq!(server.send(removal()).await.status, 404);
    assert_eq!(server.get(path).await.status, 404);
}

/// What is wrong with a registry to be made, and the field that says so.
fn wrong() -> Vec<(&'static str, Value)> {
    let long = "x".repeat(1500);
    vec![
        ("name", json!({ "name": "" })),
        ("name", json!({ "name": "a/b" })),
        ("name", json!({ "name": "..\n" })),
        ("host", json!({ "host": "" })),
        ("host", json!({ "host": "registry" })),
        ("host", json!({ "host": "https://registry.example.org" })),
        ("host", json!({ "host": "registry.example.org/team" })),
        ("host", json!({ "host": "me:hunter2@registry.example.org" })),
        ("host", json!({ "host": "registry.example.org:" })),
        ("host", json!({ "host": "registry.example.org:0" })),
        ("host", json!({ "host": "registry.example.org:05000" })),
        ("host", json!({ "host": "registry.example.org:+500" })),
        ("host", json!({ "host": "registry.example.org:65536" })),
        ("host", json!({ "host": "registry..example.org" })),
        ("host", json!({ "host": "registry.example.org." })),
        ("host", json!({ "host": "registry.example.org\r\nX-A: b" })),
        ("host", json!({ "host": "*.example.org" })),
        ("host", json!({ "host": "re\u{0261}istry.example.org" })),
        ("host", json!({ "host": long })),
        ("username", json!({ "username": "" })),
        ("username", json!({ "username": "a:b" })),
        ("username", json!({ "username": "a\nb" })),
        ("password", json!({ "password": "" })),
        ("password", json!({ "password": "hunter2\n" })),
        ("password", json!({ "password": null })),
        ("password", json!({ "username": null })),
        ("password", json!({ "username": null, "password": null })),
        ("identity_token", json!({ "identity_token": "hunter2" })),
        (
            "identity_token",
            json!({ "identity_token": "", "username": null, "password": null }),
        ),
        ("email", json!({ "email": "me@example.org" })),
    ]
}

#[tokio::test]
async fn what_is_no_registry_is_refused_by_its_field() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    for (field, more) in wrong() {
        let asked = post("/api/v1/registries", wanted(&more));
        let body = server.refuses(asked, 400, Some(field)).await;
        let said = body["error"]["message"].as_str().expect("a message");
        assert!(field == "host" || !said.contains("hunter2"), "{said}");
    }
    assert_eq!(
        server.get("/api/v1/registries").await.json()["registries"],
        json!([])
    );
    server.post("/api/v1/registries", wanted(&json!({}))).await;
    for (field, body) in [
        ("password", json!({})),
        ("password", json!({ "username": "you" })),
        ("password", json!({ "password": "" })),
        (
            "identity_token",
            json!({ "identity_token": "x", "password": "y" }),
        ),
        (
            "host",
            json!({ "host": "evil.example.org", "password": "y" }),
        ),
        ("name", json!({ "name": "other" })),
    ] {
        server
            .refuses(change("team", &body), 400, Some(field))
            .await;
    }
}

#[tokio::test]
async fn a_password_is_not_for_images_of_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    server.post("/api/v1/registries", wanted(&json!({}))).await;
    let image = "registry.example.org:5000/app";
    for (path, field, body) in [
        (
            "pull",
            "registry",
            json!({ "image": image, "registry": "a/b" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": image, "registry": "" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": "alpine", "registry": "team" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": "registry.example.org/app", "registry": "team" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": "registry.example.org:443/app", "registry": "team" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": "xregistry.example.org:5000/app", "registry": "team" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": "registry.example.org:5000.evil.org/app", "registry": "team" }),
        ),
        (
            "pull",
            "registry",
            json!({ "image": image, "registry": "team", "login": { "username": "a", "password": "b" } }),
        ),
        (
            "containers",
            "registry",
            json!({ "image": image, "name": "web", "registry": "-" }),
        ),
    ] {
        let asked = post(&format!("/api/v1/{path}"), body.to_string());
        let body = server.send(asked).await.json();
        let found = &body["error"]["field"];
        assert!(
            found == field || (found == "image" && body.to_string().contains("evil")),
            "{body}"
        );
        assert_eq!(body["error"]["code"], 400, "{body}");
    }
    let unknown = server.post(
        "/api/v1/pull",
        json!({ "image": image, "registry": "none" }).to_string(),
    );
    assert_eq!(unknown.await.status, 404);
}

#[tokio::test]
async fn a_repeated_create_keeps_no_password() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let create = || {
        let mut asked = post("/api/v1/registries", wanted(&json!({})));
        let key = axum::http::HeaderValue::from_static("once");
        asked.headers_mut().insert("idempotency-key", key);
        asked
    };
    let first = server.send(create()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = server.send(create()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json()["registry"], first.json()["registry"]);
    assert!(directory.path().join("idempotency.db").exists());
    assert!(!has(directory.path(), "hunter2"));
}

#[tokio::test]
async fn without_a_place_none_is_made() {
    let server = Server::new();
    let made = server.post("/api/v1/registries", wanted(&json!({}))).await;
    assert_eq!(made.status, 503, "{}", made.text);
    assert!(!made.text.contains("hunter2"), "{}", made.text);
    let listed = server.get("/api/v1/registries").await;
    assert_eq!(listed.json()["registries"], json!([]));
}
