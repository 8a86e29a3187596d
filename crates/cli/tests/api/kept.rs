//! Volumes, networks and secrets.

use crate::container::Container;
use crate::server;
use podlane_testkit::{BUSYBOX, Client, podman, unique};
use serde_json::{Value, json};

/// Something that podman removes when the test ends.
struct Gone(&'static str, String);

impl Drop for Gone {
    fn drop(&mut self) {
        podman(&[self.0, "rm", "-f", &self.1]);
    }
}

fn names(list: &Value) -> Vec<&str> {
    let rows = list.as_array().expect("a list").iter();
    rows.filter_map(|row| row["name"].as_str()).collect()
}

async fn make(api: &Client, kind: &'static str, mut body: Value) -> Gone {
    let gone = Gone(kind, unique(kind));
    body["name"] = json!(gone.1);
    let made = api.post(&format!("/{kind}s"), body).await.expect(200);
    assert_eq!(made.json[kind]["name"], json!(gone.1), "{}", made.text);
    gone
}

#[tokio::test]
async fn what_a_volume_holds_outlives_containers() {
    let server = server();
    let api = server.client();
    let course = unique("course");
    let volume = make(&api, "volume", json!({ "labels": { "course": course } })).await;
    let other = make(&api, "volume", json!({})).await;
    let path = format!("/volumes/{}", volume.1);
    let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "volumes": { &volume.1: "/kept" } });
    {
        let one = Container::with(&api, body.clone()).await;
        let _ = one
            .exec(json!({ "command": "echo kept > /kept/file" }))
            .await;
        let used = api.delete(&path).await.expect(409);
        assert!(used.message().contains("in use"), "{}", used.text);
        let prune = format!("/prune/volumes?label=course={course}");
        let pruned = api.act(&prune).await.expect(200);
        assert_eq!(pruned.json["removed"], json!([]));
    }
    {
        let two = Container::with(&api, body).await;
        let read = two.exec(json!({ "command": "cat /kept/file" })).await;
        assert_eq!(read["output"], "kept\n");
    }
    let found = api.get(&path).await.expect(200);
    assert_eq!(found.json["volume"]["labels"], json!({ "course": course }));
    assert_eq!(found.json["volume"]["driver"], "local");
    let all = api.get("/volumes").await.expect(200);
    let all = names(&all.json["volumes"]);
    assert!(all.contains(&volume.1.as_str()) && all.contains(&other.1.as_str()));
    assert!(all.is_sorted(), "{all:?}");
    let few = api.get(&format!("/volumes?label=course={course}")).await;
    assert_eq!(names(&few.expect(200).json["volumes"]), [volume.1.as_str()]);
    let again = json!({ "name": volume.1 });
    let again = api.post("/volumes", again).await.expect(409);
    assert_eq!(again.json["error"]["field"], "name", "{}", again.text);
    let prune = format!("/prune/volumes?label=course={course}");
    let pruned = api.act(&prune).await.expect(200);
    assert_eq!(pruned.json["removed"], json!([volume.1]));
    let _ = api.get(&path).await.expect(404);
    let _ = api.delete(&path).await.expect(404);
    let removed = api
        .delete(&format!("/volumes/{}", other.1))
        .await
        .expect(200);
    assert_eq!(removed.json["name"], json!(other.1));
}

#[tokio::test]
async fn an_isolated_network_joins_its_containers_and_nothing_else() {
    let server = server();
    let api = server.client();
    // Of this test alone.
    let third = std::process::id() % 200 + 20;
    let subnet = format!("10.201.{third}.0/24");
    let ip = format!("10.201.{third}.9");
    let body = json!({ "internal": true, "isolated": true, "dns": false, "subnets": [{ "subnet": subnet }] });
    let network = make(&api, "network", body).await;
    let path = format!("/networks/{}", network.1);
    let found = api.get(&path).await.expect(200).json["network"].take();
    assert_eq!(
        (&found["internal"], &found["isolated"], &found["dns"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(
        found["subnets"],
        json!([{ "subnet": subnet, "gateway": null }])
    );
    let listed = api.get("/networks").await.expect(200);
    assert!(names(&listed.json["networks"]).contains(&"podman"));
    let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "networks": { &network.1: { "ip": ip } } });
    let one = Container::with(&api, body).await;
    let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "networks": {} });
    let two = Container::with(&api, body).await;
    let ping = json!({ "command": format!("ping -c 1 -W 2 {ip}") });
    assert_ne!(two.exec(ping.clone()).await["exit_code"], 0);
    drop(two);
    let three = Container::sleeping(&api, BUSYBOX).await;
    let connect = json!({ "container": three.name, "aliases": ["third"] });
    let joined = api.post(&format!("{path}/connect"), connect.clone()).await;
    assert_eq!(joined.expect(200).json["connected"], true);
    assert_eq!(three.exec(ping.clone()).await["exit_code"], 0);
    let twice = api
        .post(&format!("{path}/connect"), connect)
        .await
        .expect(409);
    assert!(twice.message().contains("already"), "{}", twice.text);
    let used = api.delete(&path).await.expect(409);
    assert!(used.message().contains("in use"), "{}", used.text);
    let leave = json!({ "container": three.name });
    for (status, what) in [(200, "leaves"), (409, "is out already")] {
        let left = api.post(&format!("{path}/disconnect"), leave.clone()).await;
        assert_eq!(left.status.as_u16(), status, "{what}: {}", left.text);
    }
    assert_ne!(three.exec(ping).await["exit_code"], 0);
    let wrong = json!({ "container": three.name, "ip": "192.0.2.7" });
    let wrong = api
        .post(&format!("{path}/connect"), wrong)
        .await
        .expect(400);
    assert_eq!(wrong.json["error"]["field"], "ip", "{}", wrong.text);
    drop((one, three));
    let _ = api.delete(&path).await.expect(200);
    let _ = api.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_secret_is_for_containers_alone() {
    let server = server();
    let api = server.client();
    let value = unique("correct-horse");
    let secret = make(
        &api,
        "secret",
        json!({ "value": value, "labels": { "a": "b" } }),
    )
    .await;
    let path = format!("/secrets/{}", secret.1);
    for path in ["/secrets", &path] {
        let told = api.get(path).await.expect(200);
        assert!(!told.text.contains(&value), "{}", told.text);
        assert!(told.text.contains("\"a\":\"b\""), "{}", told.text);
    }
    let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "secrets": [{ "name": secret.1 }] });
    let container = Container::with(&api, body).await;
    let read = json!({ "command": format!("cat /run/secrets/{}", secret.1) });
    assert_eq!(container.exec(read).await["output"], json!(value));
    let again = json!({ "name": secret.1, "value": value });
    let again = api.post("/secrets", again).await.expect(409);
    assert_eq!(again.json["error"]["field"], "name");
    assert!(!again.text.contains(&value) && !server.log().contains(&value));
    let _ = api.delete(&path).await.expect(200);
    let _ = api.get(&path).await.expect(404);
    let binary = json!({ "name": secret.1, "value": "AAECAw==", "encoding": "base64" });
    let _ = api.post("/secrets", binary).await.expect(200);
}

#[tokio::test]
async fn wrong_ones_are_named() {
    let server = server();
    let api = server.client();
    for (path, body, field) in [
        ("/volumes", json!({ "name": "../x" }), "name"),
        (
            "/volumes",
            json!({ "name": "x", "labels": { "io.podlane.x": "y" } }),
            "labels",
        ),
        (
            "/volumes",
            json!({ "name": "x", "labels": { "": "y" } }),
            "labels",
        ),
        ("/networks", json!({ "name": "a b" }), "name"),
        (
            "/networks",
            json!({ "name": "x", "subnets": [{ "subnet": "10.0.0.0" }] }),
            "subnets",
        ),
        (
            "/networks",
            json!({ "name": "x", "subnets": [{ "subnet": "10.0.0.1/24" }] }),
            "subnets",
        ),
        (
            "/networks",
            json!({ "name": "x", "subnets": [{ "subnet": "10.9.0.0/24", "gateway": "x" }] }),
            "subnets",
        ),
        (
            "/networks",
            json!({ "name": "x", "subnets": [{ "subnet": "10.9.0.0/24", "gateway": "10.8.0.1" }] }),
            "subnets",
        ),
        (
            "/networks/x/connect",
            json!({ "container": "a/b" }),
            "container",
        ),
        (
            "/networks/x/connect",
            json!({ "container": "a", "ip": "1.2.3" }),
            "ip",
        ),
        (
            "/networks/x/connect",
            json!({ "container": "a", "aliases": ["-"] }),
            "aliases",
        ),
        ("/secrets", json!({ "name": "x", "value": "" }), "value"),
        (
            "/secrets",
            json!({ "name": "x", "value": "%", "encoding": "base64" }),
            "value",
        ),
        (
            "/secrets",
            json!({ "name": "x", "value": "y".repeat(512_000) }),
            "value",
        ),
        (
            "/secrets",
            json!({ "name": "x".repeat(65), "value": "y" }),
            "name",
        ),
    ] {
        api.post(path, body).await.refused(400, field);
    }
    for path in ["/volumes/a%2Fb", "/networks/a%20b", "/secrets/%00"] {
        let refused = api.get(path).await.expect(400);
        assert!(
            refused.json["error"]["field"].is_string(),
            "{}",
            refused.text
        );
    }
    for path in [
        "/volumes?label=",
        "/networks?label=io.podlane.made-by",
        "/secrets?label==x",
    ] {
        let refused = api.get(path).await.expect(400);
        assert_eq!(refused.json["error"]["field"], "label", "{}", refused.text);
    }
    let refused = api.delete("/networks/podman").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let gone = json!({ "container": "nobody" });
    let gone = api.post("/networks/podman/connect", gone).await.expect(404);
    assert!(gone.message().contains("nobody"), "{}", gone.text);
}
