//! Tenants: what is one's, another does not see.

use crate::container::Container;
use crate::reading::Reading;
use crate::{server, websocket};
use bytes::Bytes;
use http::Method;
use podlane_testkit::{Answer, BUSYBOX, Client, Server, podman, unique};
use serde_json::{Value, json};
use std::time::Duration;

const TENANT: &str = "io.podlane.tenant";

/// A client that acts for a tenant of this test alone.
fn tenant(server: &Server) -> (Client, String) {
    let name = unique("class");
    (server.client().with("x-tenant", &name), name)
}

fn names<'a>(answer: &'a Answer, list: &str) -> Vec<&'a str> {
    let rows = answer.json[list].as_array().expect("a list").iter();
    rows.filter_map(|row| row["name"].as_str()).collect()
}

fn at(container: &Container) -> String {
    format!("/containers/{}", container.name)
}

/// An answer without what differs between any two.
fn without(answer: &Answer, name: &str) -> String {
    let id = answer.json["request_id"].as_str().unwrap_or("?");
    let text = answer.text.replace(name, "NAME").replace(id, "ID");
    text.replace(answer.json["timestamp"].as_str().unwrap_or("?"), "NOW")
}

#[tokio::test]
async fn a_foreign_container_is_as_one_that_is_not_there() {
    let server = server();
    let (one, name) = tenant(&server);
    let (other, _) = tenant(&server);
    let own = Container::sleeping(&one, BUSYBOX).await;
    let seen = one.get(&at(&own)).await.expect(200);
    assert_eq!(seen.json["container"]["labels"][TENANT], json!(name));
    let id = seen.json["container"]["id"]
        .as_str()
        .expect("an ID")
        .to_owned();
    let detached = json!({ "command": "sleep 1000", "detach": true });
    let exec = one.post(&own.path("exec"), detached).await.expect(201);
    let exec = exec.json["exec"]["id"].as_str().expect("an ID").to_owned();

    let upper = own.name.to_uppercase();
    for (as_named, nobody) in [
        (own.name.as_str(), "nobody".to_owned()),
        (&upper, "NOBODY".to_owned()),
        (&id, "f".repeat(64)),
        (&id[..12], "f".repeat(12)),
        (&id[..4], "ffff".to_owned()),
    ] {
        for rest in ["", "/logs", "/stats", "/top", "/users", "/file-list?path=/"] {
            let foreign = other.get(&format!("/containers/{as_named}{rest}")).await;
            let missing = other.get(&format!("/containers/{nobody}{rest}")).await;
            assert_eq!(foreign.status, 404, "{as_named}{rest}: {}", foreign.text);
            assert_eq!(without(&foreign, as_named), without(&missing, &nobody));
        }
        let run = json!({ "command": "id" });
        let path = format!("/containers/{as_named}/exec");
        let _ = other.post(&path, run).await.expect(404);
        let _ = other
            .delete(&format!("/containers/{as_named}?force=true"))
            .await
            .expect(404);
        let _ = other
            .act(&format!("/containers/{as_named}/stop"))
            .await
            .expect(404);
    }
    for path in ["", "/output"] {
        let _ = other.get(&format!("/execs/{exec}{path}")).await.expect(404);
    }
    let _ = other.delete(&format!("/execs/{exec}")).await.expect(404);
    let execs = other.get("/execs").await.expect(200);
    assert_eq!(execs.json["execs"], json!([]));
    let (code, _) = websocket::refused(
        &server,
        &own.path("exec/ws?command=sh"),
        &[("x-tenant", "class-of-nobody")],
    )
    .await;
    assert_eq!(code, 404);
    for list in ["/containers", "/stats"] {
        let answer = other.get(list).await.expect(200);
        assert!(!answer.text.contains(&own.name), "{}", answer.text);
        let answer = one.get(list).await.expect(200);
        assert!(answer.text.contains(&own.name), "{}", answer.text);
    }
    let removal = json!({ "action": "remove", "force": true, "names": [own.name] });
    let rows = other.post("/bulk/containers", removal).await;
    assert!(rows.text.contains("not found"), "{}", rows.text);
    // Whoever is nobody's sees everything, and can ask for one tenant's.
    let all = server.client();
    let path = format!("/containers?label={TENANT}={name}");
    let found = all.get(&path).await.expect(200);
    assert_eq!(names(&found, "containers"), [own.name.as_str()]);
    let still = one.get(&at(&own)).await.expect(200);
    assert_eq!(still.json["container"]["status"], "running");
    let _ = one.delete(&format!("/execs/{exec}")).await.expect(200);
}

#[tokio::test]
async fn a_name_that_is_taken_is_not_taken_over() {
    let server = server();
    let (one, _) = tenant(&server);
    let (other, _) = tenant(&server);
    let own = Container::sleeping(&one, BUSYBOX).await;
    let body = json!({ "image": BUSYBOX, "name": own.name, "replace": true });
    let taken = other.post("/containers", body).await.expect(409);
    assert!(taken.message().contains("in use"), "{}", taken.text);
    let _ = one.get(&at(&own)).await.expect(200);
    let forged = json!({ "image": BUSYBOX, "name": unique("forged"), "labels": { TENANT: "x" } });
    let forged = other.post("/containers", forged).await.expect(400);
    assert_eq!(forged.json["error"]["field"], "labels");
}

#[tokio::test]
async fn what_is_kept_is_its_tenants() {
    let server = server();
    let (one, name) = tenant(&server);
    let (other, _) = tenant(&server);
    for (kind, list, more) in [
        ("volume", "volumes", json!({})),
        ("network", "networks", json!({})),
        ("secret", "secrets", json!({ "value": "x" })),
    ] {
        let thing = unique(kind);
        let mut body = more;
        body["name"] = json!(thing);
        let _ = one.post(&format!("/{list}"), body).await.expect(200);
        let path = format!("/{list}/{thing}");
        let seen = one.get(&path).await.expect(200);
        assert_eq!(seen.json[kind]["labels"][TENANT], json!(name));
        let _ = other.get(&path).await.expect(404);
        let _ = other.delete(&path).await.expect(404);
        let listed = other.get(&format!("/{list}")).await.expect(200);
        assert_eq!(names(&listed, list), Vec::<&str>::new(), "{kind}");
        let listed = one.get(&format!("/{list}")).await.expect(200);
        assert_eq!(names(&listed, list), [thing.as_str()]);
        let uses = match kind {
            "volume" => json!({ "volumes": { &thing: "/x" } }),
            "network" => json!({ "networks": { &thing: {} } }),
            _ => json!({ "secrets": [{ "name": thing }] }),
        };
        let mut body = uses.clone();
        body["image"] = json!(BUSYBOX);
        body["name"] = json!(unique("thief"));
        body["command"] = json!(["sleep", "5000"]);
        let refused = other.post("/containers", body.clone()).await.expect(404);
        assert!(refused.message().contains(kind), "{}", refused.text);
        let there = podman(&[
            "container",
            "exists",
            body["name"].as_str().expect("a name"),
        ]);
        assert!(!there.status.success(), "half made");
        drop(Container::with(&one, body).await);
        if kind != "secret" {
            let cleared = other.act(&format!("/prune/{list}")).await.expect(200);
            assert_eq!(cleared.json["removed"], json!([]));
        }
        let _ = one.delete(&path).await.expect(200);
    }
}

#[tokio::test]
async fn a_volume_that_a_create_brings_is_the_tenants_or_goes_with_it() {
    let server = server();
    let (one, name) = tenant(&server);
    let volume = unique("brought");
    let body = json!({ "image": BUSYBOX, "name": unique("brings"), "volumes": { &volume: "/x" }, "command": ["sleep", "5000"] });
    let mut wrong = body.clone();
    wrong["command"] = json!(["/no/such/program"]);
    assert!(
        one.post("/containers", wrong)
            .await
            .status
            .is_client_error()
    );
    let _ = one.get(&format!("/volumes/{volume}")).await.expect(404);
    let container = Container::with(&one, body).await;
    let seen = one.get(&format!("/volumes/{volume}")).await.expect(200);
    assert_eq!(seen.json["volume"]["labels"][TENANT], json!(name));
    drop(container);
    let _ = one.delete(&format!("/volumes/{volume}")).await.expect(200);
}

#[tokio::test]
async fn images_are_everybodys_until_a_tenant_makes_one() {
    let server = server();
    let (one, name) = tenant(&server);
    let (other, _) = tenant(&server);
    let container = Container::sleeping(&one, BUSYBOX).await;
    let taken = json!({ "image": "localhost/podlane-busybox:1" });
    let refused = one.post(&container.path("commit"), taken).await.expect(400);
    assert_eq!(refused.json["error"]["field"], "image");
    let image = format!("localhost/{name}/base:1");
    let _ = one
        .post(&container.path("commit"), json!({ "image": image }))
        .await
        .expect(200);
    let path = format!("/images/{}", image.replace('/', "%2F"));
    let _ = one.get(&path).await.expect(200);
    let _ = other.get(&path).await.expect(404);
    let body = json!({ "image": image, "name": unique("thief") });
    let _ = other.post("/containers", body).await.expect(404);
    let listed = other.get("/images").await.expect(200);
    assert!(listed.text.contains("podlane-busybox") && !listed.text.contains(&name));
    let shared = other
        .delete("/images/localhost%2Fpodlane-busybox:1")
        .await
        .expect(403);
    assert!(shared.message().contains("share"), "{}", shared.text);
    // A container of whoever sees everything does not become the tenant's by its image's labels.
    let all = server.client();
    let body = json!({ "image": image, "command": ["sleep", "5000"] });
    let of_nobody = Container::with(&all, body).await;
    let _ = one.get(&at(&of_nobody)).await.expect(404);
    drop(of_nobody);
    let _ = one.delete(&path).await.expect(200);
}

#[tokio::test]
async fn events_are_told_to_their_tenant_only() {
    let server = server();
    let (one, name) = tenant(&server);
    let (_, nobody) = tenant(&server);
    let lines = "application/x-ndjson";
    let mut own = Reading::ask(
        &server,
        Method::GET,
        "/events",
        &[("accept", lines), ("x-tenant", &name)],
        Bytes::new(),
    )
    .await
    .expect(200);
    let mut foreign = Reading::ask(
        &server,
        Method::GET,
        "/events",
        &[("accept", lines), ("x-tenant", &nobody)],
        Bytes::new(),
    )
    .await
    .expect(200);
    let container = Container::sleeping(&one, BUSYBOX).await;
    let told: Value = own.line().await.expect("an event");
    assert_eq!(told["name"], json!(container.name), "{told}");
    let waited = tokio::time::timeout(Duration::from_millis(500), foreign.line()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn a_prefix_bounds_names() {
    let state = tempfile::tempdir().expect("a directory");
    let directory = state.path().to_str().expect("text");
    let options = podlane_testkit::ServerOptions::default().env("PODLANE_STATE_DIR", directory);
    let server = crate::server_with(options);
    let prefix = format!("{}-", unique("lab"));
    let made = json!({ "name": "lab", "role": "operator", "name_prefix": prefix });
    let made = server.client().post("/tokens", made).await.expect(200);
    let all = json!({ "name": "all", "role": "operator" });
    // The first token has shut the door.
    let _ = server.client().post("/tokens", all).await.expect(401);
    let secret = made.json["secret"].as_str().expect("a secret");
    let bearer = format!("Bearer {secret}");
    let api = server.client().with("authorization", &bearer);
    let body = |name: &str| json!({ "image": BUSYBOX, "name": name, "command": ["sleep", "5000"] });
    let refused = api.post("/containers", body("elsewhere")).await.expect(400);
    assert!(refused.message().contains(&prefix), "{}", refused.text);
    let name = format!("{prefix}1");
    let _ = api.post("/containers", body(&name)).await.expect(200);
    let foreign = unique("foreign");
    let made = podman(&["run", "-d", "--name", &foreign, BUSYBOX, "sleep", "5000"]);
    let id = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    for name in [&foreign, &id] {
        let _ = api.get(&format!("/containers/{name}")).await.expect(404);
        let run = json!({ "command": "id" });
        let _ = api
            .post(&format!("/containers/{name}/exec"), run)
            .await
            .expect(404);
    }
    let listed = api.get("/containers").await.expect(200);
    assert_eq!(names(&listed, "containers"), [name.as_str()]);
    let away = format!("/containers/{name}/rename?to=elsewhere");
    let _ = api.act(&away).await.expect(400);
    let _ = api
        .delete(&format!("/containers/{name}?force=true"))
        .await
        .expect(200);
    podman(&["rm", "-f", "-t", "0", &foreign]);
}

#[tokio::test]
async fn tenants_do_not_reach_each_others_networks() {
    let server = server();
    let mut made = Vec::new();
    for _ in 0..2 {
        let (api, _) = tenant(&server);
        let network = unique("net");
        let _ = api
            .post("/networks", json!({ "name": network }))
            .await
            .expect(200);
        let body =
            json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "networks": { &network: {} } });
        let container = Container::with(&api, body).await;
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let ip = podman(&["inspect", "--format", format, &container.name]);
        let ip = String::from_utf8_lossy(&ip.stdout).trim().to_owned();
        made.push((api, network, container, ip));
    }
    let ping = |ip: &str| json!({ "command": format!("ping -c 1 -W 2 {ip}") });
    for (from, to) in [(0, 1), (1, 0)] {
        let (api, network, container, own) = &made[from];
        assert_eq!(container.exec(ping(own)).await["exit_code"], 0);
        let mut reached = true;
        for _ in 0..5 {
            // netavark 1.4 takes the rules of all isolated networks away when one is deserted, as those of other
            // tests are, and puts them back when a container comes.
            let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "networks": { network: {} } });
            let newcomer = Container::with(api, body).await;
            reached = newcomer.exec(ping(&made[to].3)).await["exit_code"] == 0;
            if !reached {
                break;
            }
        }
        assert!(!reached, "{from} reaches {to}");
    }
    for (api, network, container, _) in made {
        drop(container);
        let _ = api
            .delete(&format!("/networks/{network}"))
            .await
            .expect(200);
    }
}
