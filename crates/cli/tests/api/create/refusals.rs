//! Creates that are refused or fail: they say why, and leave nothing.

use super::exists;
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, SCRATCH, unique};
use serde_json::json;
use std::net::TcpListener;

#[tokio::test]
async fn what_only_the_engine_can_judge_is_named_and_leaves_nothing() {
    let server = server();
    let api = server.client();
    let taken = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let first = Fixture::create(&api, BUSYBOX, json!({ "ports": { "0": 80 } })).await;
    let inspected = api.get(&first.path("")).await.expect(200).json;
    let published = &inspected["container"]["ports"][0]["host_port"];
    for (status, field, more) in [
        (409, "ports", json!({ "ports": { port.to_string(): "80" } })),
        (
            409,
            "ports",
            json!({ "ports": { published.to_string(): "80" } }),
        ),
        (400, "ports", json!({ "ports": { "192.0.2.1:0": "80" } })),
        (
            400,
            "volumes",
            json!({ "volumes": { "/no/such/host/path": "/m" } }),
        ),
        (400, "command", json!({ "command": "no-such-program -x" })),
        (400, "command", json!({ "command": ["/no/such/program"] })),
        (400, "command", json!({ "command": ["/etc"] })),
        (400, "command", json!({ "command": ["/etc/passwd"] })),
        (400, "entrypoint", json!({ "entrypoint": ["/no/such"] })),
        (400, "entrypoint", json!({ "entrypoint": ["/etc"] })),
        (400, "command", json!({ "image": SCRATCH })),
        (400, "user", json!({ "user": "nobody-knows" })),
        (400, "user", json!({ "user": "0:nobody-knows" })),
        (400, "workdir", json!({ "workdir": "/etc/passwd" })),
    ] {
        let name = unique("refused");
        let mut body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000" });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        if more["image"] == SCRATCH {
            fields.remove("command");
        }
        let answer = api.post("/containers", body).await;
        assert!(!exists(&name), "{more} left a container");
        assert_eq!(answer.status, status, "{more}: {}", answer.text);
        let user = more["user"].as_str();
        let named = user.is_none_or(|user| answer.message().contains(user));
        assert!(named, "{more}: {}", answer.text);
        answer.refused(status, field);
    }
    drop(taken);
    // The rules of the failed start are gone with it: the port can be published now.
    let again = Fixture::create(
        &api,
        BUSYBOX,
        json!({ "ports": { port.to_string(): "80" } }),
    )
    .await;
    assert!(exists(&again.name));
}

#[tokio::test]
async fn fields_that_say_two_things_are_refused() {
    let server = server();
    let api = server.client();
    for (field, raw) in [
        ("ports", r#""ports": {"8080": "80", "127.0.0.1:08": "81"}"#),
        ("ports", r#""ports": {"8080": "80", "8080": "81"}"#),
        ("ports", r#""ports": {"70000": "80"}"#),
        ("ports", r#""ports": {"8080": "0"}"#),
        ("volumes", r#""volumes": {"/tmp": "/a", "/var": "/a/"}"#),
        ("volumes", r#""volumes": {"/tmp": "relative"}"#),
        ("environment", r#""environment": ["A=1", "A=2"]"#),
        ("environment", r#""environment": {"A=B": "1"}"#),
        ("labels", r#""labels": {"io.podlane.made-by": "me"}"#),
        ("labels", r#""labels": {"a": "b", "io.podlane.": ""}"#),
        ("labels", r#""labels": {"": "b"}"#),
        ("user", r#""user": "a b""#),
        ("workdir", r#""workdir": "here""#),
        ("command", r#""command": """#),
        ("command", r#""command": []"#),
        ("image", r#""image": "docker-archive:/tmp/x""#),
    ] {
        let name = unique("refused");
        let image = if field == "image" {
            String::new()
        } else {
            format!(r#""image": "{BUSYBOX}","#)
        };
        let body = format!(r#"{{ {image} "name": "{name}", {raw} }}"#);
        let request = api.request("POST".parse().expect("a method"), "/containers", Some(body));
        let answer = api.send(request).await;
        assert_eq!(answer.status, 400, "{raw}: {}", answer.text);
        let named = answer.json["error"]["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "{raw}: {}", answer.text);
        assert!(!exists(&name));
    }
}

#[tokio::test]
async fn names_and_images_that_are_not_free_or_not_there() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let body = json!({ "image": BUSYBOX, "name": container.name, "command": "sleep 1" });
    api.post("/containers", body).await.refused(409, "name");
    assert_eq!(container.sh("echo alive"), "alive");
    for image in [
        "localhost/no-such:1",
        "no-such-image",
        "localhost/no-such@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        let name = unique("refused");
        let body = json!({ "image": image, "name": name });
        let answer = api.post("/containers", body).await.expect(404);
        let hint = answer.json["error"]["hint"].as_str().unwrap_or_default();
        assert!(
            hint.contains("podman pull") && hint.contains(image),
            "{}",
            answer.text
        );
        assert!(!exists(&name));
    }
    // What others keep under our prefix is not shown either.
    let foreign = Fixture::run(BUSYBOX, &["--label", "io.podlane.x=y", "--label", "mine=1"]);
    let labels = api.get(&foreign.path("")).await.expect(200).json["container"]["labels"].take();
    assert_eq!(labels, json!({ "mine": "1" }));
}
