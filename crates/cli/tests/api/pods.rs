//! Pods.

use crate::{server, server_with};
use podlane_testkit::{Answer, BUSYBOX, Client, Server, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A pod that podman removes when the test ends, with all that is in it.
struct Pod(String);

impl Pod {
    async fn with(api: &Client, mut body: Value) -> Self {
        let pod = Self(unique("pod"));
        body["name"] = json!(pod.0);
        let made = api.post("/pods", body).await.expect(200);
        assert_eq!(made.json["pod"]["name"], json!(pod.0));
        assert_eq!(made.json["pod"]["status"], "created");
        pod
    }

    fn path(&self, rest: &str) -> String {
        format!("/pods/{}{rest}", self.0)
    }

    /// The body of a create of a container in it.
    fn member(&self, name: &str, command: &str) -> Value {
        json!({
            "image": BUSYBOX, "name": format!("{}-{name}", self.0), "pod": self.0, "command": ["sh", "-c", command],
        })
    }

    /// A container in it that runs; answers its name.
    async fn join(&self, api: &Client, name: &str, command: &str) -> String {
        let body = self.member(name, command);
        let made = api.post("/containers", body).await.expect(200);
        assert_eq!(made.json["container"]["status"], "running", "{}", made.text);
        format!("{}-{name}", self.0)
    }

    async fn seen(&self, api: &Client) -> Value {
        api.get(&self.path("")).await.expect(200).json["pod"].take()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        podman(&["pod", "rm", "-f", "-t", "0", &self.0]);
    }
}

fn names(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("a list").iter();
    rows.filter_map(|row| row["name"].as_str()).collect()
}

const SERVES: &str =
    "mkdir -p /www && echo served > /www/index.html && exec httpd -f -p 8080 -h /www";

/// What a server on a port of this machine says, once it is there.
fn fetch(port: u64) -> String {
    let port = u16::try_from(port).expect("a port");
    let begun = Instant::now();
    loop {
        let mut text = String::new();
        let fetched = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
            stream.read_to_string(&mut text)
        });
        if fetched.is_ok() && text.contains("served") {
            return text;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{fetched:?} {text}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn containers_of_a_pod_share_localhost_and_its_port_leads_in() {
    let server = server();
    let api = server.client();
    let course = unique("course");
    let body = json!({
        "hostname": "front", "ports": { "127.0.0.1:0": "8080" }, "labels": { "course": course },
        "extra_hosts": { "db": "192.0.2.5" }, "dns": ["192.0.2.53"],
    });
    let pod = Pod::with(&api, body).await;
    let web = pod.join(&api, "web", SERVES).await;
    let other = pod.join(&api, "other", "exec sleep 5000").await;
    let read = "for i in $(seq 100); do wget -q -O - http://127.0.0.1:8080/ && break; sleep 0.1; done; hostname; cat /etc/hosts /etc/resolv.conf";
    let read = api.exec(&other, read).await;
    let output = read["output"].as_str().expect("text");
    for part in ["served", "front", "192.0.2.5", "192.0.2.53"] {
        assert!(output.contains(part), "{part}: {output}");
    }
    let seen = pod.seen(&api).await;
    assert_eq!(seen["status"], "running");
    assert_eq!(seen["hostname"], "front");
    assert_eq!(seen["labels"], json!({ "course": course }));
    assert_eq!(seen["extra_hosts"], json!({ "db": "192.0.2.5" }));
    assert_eq!(seen["dns"], json!(["192.0.2.53"]));
    assert_eq!(seen["networks"], json!(["podman"]));
    assert_eq!(names(&seen["containers"]), [other.as_str(), web.as_str()]);
    assert!(fetch(seen["ports"][0]["host_port"].as_u64().expect("a port")).contains("served"));

    let id = seen["id"].as_str().expect("an ID").to_owned();
    let found = api.get(&format!("/containers/{web}")).await.expect(200);
    assert_eq!(found.json["container"]["pod"], json!(id));
    assert_eq!(found.json["container"]["infra"], false);
    let by_id = api.get(&format!("/pods/{id}")).await.expect(200);
    assert_eq!(by_id.json["pod"], seen);
    let listed = api.get(&format!("/pods?label=course={course}")).await;
    assert_eq!(names(&listed.expect(200).json["pods"]), [pod.0.as_str()]);
    let rows = api.get("/containers").await.expect(200);
    let rows = rows.json["containers"].as_array().expect("a list").iter();
    let rows: Vec<_> = rows.filter(|row| row["pod"] == json!(id)).collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row["infra"] == true).count(), 1);
}

#[tokio::test]
async fn a_pod_is_stopped_started_and_removed_as_one() {
    let server = server();
    let api = server.client();
    let course = unique("course");
    let pod = Pod::with(&api, json!({ "labels": { "course": course } })).await;
    let empty = api.act(&pod.path("/stop")).await.expect(200);
    assert_eq!(empty.json["changed"], false, "{}", empty.text);
    let _ = api.act(&pod.path("/kill")).await.expect(409);
    let _ = api.act(&pod.path("/pause")).await.expect(409);
    let one = pod.join(&api, "one", "exec sleep 5000").await;
    let two = pod.join(&api, "two", "exec sleep 5000").await;
    let refused = api.delete(&pod.path("")).await.expect(409);
    assert!(refused.message().contains("force"), "{}", refused.text);
    let prune = format!("/prune/pods?label=course={course}");
    let pruned = api.act(&prune).await.expect(200);
    assert_eq!(pruned.json["removed"], json!([]));
    // It was removed whole or not at all.
    assert_eq!(names(&pod.seen(&api).await["containers"]).len(), 2);
    for (verb, status, changed) in [
        ("/start", "running", false),
        ("/pause", "paused", true),
        ("/pause", "paused", false),
        ("/unpause", "running", true),
        ("/unpause", "running", false),
        ("/restart?timeout=0", "running", true),
        ("/stop?timeout=0", "exited", true),
        ("/stop?timeout=0", "exited", false),
        ("/start", "running", true),
    ] {
        let done = api.act(&pod.path(verb)).await.expect(200);
        assert_eq!(done.json["pod"]["status"], status, "{verb}: {}", done.text);
        assert_eq!(done.json["changed"], changed, "{verb}: {}", done.text);
        for container in done.json["pod"]["containers"].as_array().expect("a list") {
            assert_eq!(container["status"], status, "{verb}: {}", done.text);
        }
    }
    let _ = api.act(&pod.path("/pause")).await.expect(200);
    for verb in ["/start", "/stop", "/restart"] {
        let paused = api.act(&pod.path(verb)).await.expect(409);
        assert!(paused.message().contains("unpause"), "{}", paused.text);
    }
    let _ = api.act(&pod.path("/unpause")).await.expect(200);
    api.act(&pod.path("/kill?signal=NOPE"))
        .await
        .refused(400, "signal");
    let _ = api.act(&pod.path("/kill")).await.expect(200);
    for name in [&one, &two] {
        let path = format!("/containers/{name}/wait?condition=exited");
        let _ = api.act(&path).await.expect(200);
    }
    let pruned = api.act(&prune).await.expect(200);
    assert_eq!(pruned.json["removed"], json!([pod.0]));
    let _ = api.get(&format!("/containers/{one}")).await.expect(404);
    for gone in [
        api.get(&pod.path("")).await,
        api.delete(&pod.path("?force=true")).await,
        api.act(&pod.path("/start")).await,
    ] {
        assert_eq!(gone.status, 404, "{}", gone.text);
        assert!(gone.message().contains(&pod.0), "{}", gone.text);
    }

    let pod = Pod::with(&api, json!({})).await;
    let member = pod.join(&api, "one", "exec sleep 5000").await;
    let removed = api.delete(&pod.path("?force=yes")).await.expect(200);
    assert_eq!(removed.json["name"], json!(pod.0));
    let _ = api.get(&format!("/containers/{member}")).await.expect(404);
}

#[tokio::test]
async fn what_is_a_pods_is_not_asked_for_by_its_containers() {
    let server = server();
    let api = server.client();
    let pod = Pod::with(&api, json!({})).await;
    for (field, value) in [
        ("ports", json!({ "0": "80" })),
        ("networks", json!({})),
        ("networks", json!({ "podman": {} })),
        ("hostname", json!("x")),
        ("dns", json!(["192.0.2.53"])),
        ("extra_hosts", json!({ "db": "192.0.2.5" })),
        ("pod", json!("no/pod")),
    ] {
        let mut body = pod.member("x", "exec sleep 5000");
        body[field] = value;
        for path in ["/containers", "/containers?dry_run=true"] {
            api.post(path, body.clone()).await.refused(400, field);
        }
    }
    let mut body = pod.member("x", "exec sleep 5000");
    body["pod"] = json!(unique("nowhere"));
    for path in ["/containers", "/containers?dry_run=true"] {
        let missing = api.post(path, body.clone()).await.expect(404);
        assert!(missing.message().contains("pod"), "{}", missing.text);
    }
    for (field, body) in [
        ("name", json!({ "name": "a/b" })),
        ("name", json!({ "name": "x".repeat(129) })),
        (
            "ports",
            json!({ "name": "x", "ports": { "0": "80" }, "networks": {} }),
        ),
        ("ports", json!({ "name": "x", "ports": { "0": "0" } })),
        ("hostname", json!({ "name": "x", "hostname": "a b" })),
        (
            "networks",
            json!({ "name": "x", "networks": { "a b": {} } }),
        ),
        (
            "networks",
            json!({ "name": unique("pod"), "networks": { "nowhere": {} } }),
        ),
        ("dns", json!({ "name": "x", "dns": ["dns.example"] })),
        (
            "labels",
            json!({ "name": "x", "labels": { "io.podlane.pod": "x" } }),
        ),
        ("privileged", json!({ "name": "x", "privileged": true })),
        ("infra_image", json!({ "name": "x", "infra_image": "x" })),
        ("share", json!({ "name": "x", "share": "host" })),
    ] {
        api.post("/pods", body).await.refused(400, field);
    }
    let again = api
        .post("/pods", json!({ "name": pod.0 }))
        .await
        .expect(409);
    assert_eq!(again.json["error"]["field"], "name", "{}", again.text);
    // A pod made elsewhere may share anything with the machine.
    let foreign = Pod(unique("foreign"));
    let made = podman(&["pod", "create", "--network", "host", "--name", &foreign.0]);
    assert!(made.status.success(), "{made:?}");
    let body = foreign.member("x", "exec sleep 5000");
    api.post("/containers", body).await.refused(400, "pod");
}

#[tokio::test]
async fn what_holds_a_pod_together_is_only_looked_at() {
    let server = server();
    let api = server.client();
    let course = unique("course");
    let pod = Pod::with(&api, json!({ "labels": { "course": course } })).await;
    let member = pod.join(&api, "one", "exec sleep 5000").await;
    let infra = pod.seen(&api).await["infra"].take();
    let at = |rest: &str| format!("/containers/{}{rest}", infra.as_str().expect("an ID"));
    let seen = api.get(&at("")).await.expect(200);
    assert_eq!(seen.json["container"]["infra"], true);
    let command = json!({ "command": "id" });
    let file = json!({ "dest_path": "/x", "content": "x" });
    for answer in [
        api.post(&at("/exec"), command).await,
        api.post(&at("/files"), file).await,
        api.get(&at("/file-list?path=/")).await,
        api.act(&at("/stop?timeout=0")).await,
        api.act(&at("/kill")).await,
        api.act(&at("/rename?to=renamed")).await,
        api.delete(&at("?force=true")).await,
        api.post(&at("/commit"), json!({ "image": "x" })).await,
        api.get(&at("/export")).await,
        api.post("/networks/podman/disconnect", json!({ "container": infra }))
            .await,
    ] {
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.message().contains("use the pod"), "{}", answer.text);
    }
    let own = json!({ "container": member });
    let own = api
        .post("/networks/podman/disconnect", own)
        .await
        .expect(409);
    assert!(own.message().contains("its pod"), "{}", own.text);
    // It has its pod's labels, and is not meant by them.
    let stop = json!({ "action": "kill", "labels": { "course": course } });
    let report = api.post("/bulk/containers", stop).await.expect(200);
    assert_eq!(report.json["results"], json!([]), "{}", report.text);
    assert_eq!(pod.seen(&api).await["containers"][0]["status"], "running");
}

#[tokio::test]
async fn a_taken_port_is_told_and_nothing_stays() {
    let server = server();
    let api = server.client();
    let first = Pod::with(&api, json!({ "ports": { "0": "80" } })).await;
    first.join(&api, "one", "exec sleep 5000").await;
    let port = first.seen(&api).await["ports"][0]["host_port"].to_string();
    let second = Pod::with(&api, json!({ "ports": { port: "80" } })).await;
    let body = second.member("one", "exec sleep 5000");
    api.post("/containers", body).await.refused(409, "ports");
    api.act(&second.path("/start")).await.refused(409, "ports");
    assert_eq!(second.seen(&api).await["containers"], json!([]));
}

fn tenant(server: &Server) -> (Client, String) {
    let name = unique("class");
    (server.client().with("x-tenant", &name), name)
}

#[tokio::test]
async fn a_pod_is_its_tenants() {
    let server = server();
    let (one, name) = tenant(&server);
    let (other, _) = tenant(&server);
    let all = server.client();
    let pod = Pod::with(&one, json!({})).await;
    let member = pod.join(&one, "one", "exec sleep 5000").await;
    let seen = pod.seen(&one).await;
    assert_eq!(seen["labels"]["io.podlane.tenant"], json!(name));
    let same = |foreign: Answer, missing: Answer| {
        assert_eq!(foreign.status, 404, "{}", foreign.text);
        assert_eq!(
            foreign.message().replace(&pod.0, "NAME"),
            missing.message().replace("nobody", "NAME")
        );
    };
    for verb in ["start", "stop", "restart", "kill", "pause", "unpause"] {
        let missing = other.act(&format!("/pods/nobody/{verb}")).await;
        same(other.act(&pod.path(&format!("/{verb}"))).await, missing);
    }
    same(
        other.get(&pod.path("")).await,
        other.get("/pods/nobody").await,
    );
    let missing = other.delete("/pods/nobody?force=true").await;
    same(other.delete(&pod.path("?force=true")).await, missing);
    let mut nowhere = pod.member("two", "exec sleep 5000");
    nowhere["pod"] = json!("nobody");
    let missing = other.post("/containers", nowhere).await;
    let foreign = pod.member("two", "exec sleep 5000");
    same(other.post("/containers", foreign).await, missing);
    let listed = other.get("/pods").await.expect(200);
    assert_eq!(listed.json["pods"], json!([]));
    let _ = other.act("/prune/pods").await.expect(200);
    assert_eq!(pod.seen(&one).await["status"], "running");
    // A foreign network is none for a pod either.
    let network = unique("net");
    let _ = one
        .post("/networks", json!({ "name": network }))
        .await
        .expect(200);
    let body = json!({ "name": unique("pod"), "networks": { &network: {} } });
    let _ = other.post("/pods", body).await.expect(404);
    let _ = one
        .delete(&format!("/networks/{network}"))
        .await
        .expect(200);
    // Whoever sees everything can put a container into it: that one is the tenant's.
    let joined = pod.join(&all, "joined", "exec sleep 5000").await;
    for name in [&member, &joined] {
        let path = format!("/containers/{name}");
        let _ = one.get(&path).await.expect(200);
        let _ = other.get(&path).await.expect(404);
    }
}

const POLICY: &str = r#"
[quota.tenant]
containers = 3
ports = 1
[[rules]]
id = "high-ports"
reason = "low ones are taken"
field = "ports"
allow = ["127.0.0.1:0"]
[[rules]]
id = "no-isolation"
reason = "all are reached"
field = "networks"
deny = ["none"]
"#;

#[tokio::test]
async fn rules_and_quotas_hold_for_pods() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.toml");
    std::fs::write(&file, POLICY).expect("written");
    let options = ServerOptions::default().env("PODLANE_POLICY", file.to_str().expect("text"));
    let server = server_with(options);
    let (api, _) = tenant(&server);
    for (field, body) in [
        (
            "ports",
            json!({ "name": unique("pod"), "ports": { "80": "80" } }),
        ),
        ("networks", json!({ "name": unique("pod"), "networks": {} })),
        (
            "ports",
            json!({ "name": unique("pod"), "ports": { "127.0.0.1:0": "80", "[::1]:0": "81" } }),
        ),
    ] {
        api.post("/pods", body).await.refused(403, field);
    }
    let pod = Pod::with(&api, json!({ "ports": { "127.0.0.1:0": "80" } })).await;
    let more = json!({ "name": unique("pod"), "ports": { "127.0.0.1:0": "80" } });
    api.post("/pods", more).await.refused(403, "ports");
    // What holds it together is one of three, and its port is counted once.
    pod.join(&api, "one", "exec sleep 5000").await;
    pod.join(&api, "two", "exec sleep 5000").await;
    let body = pod.member("three", "exec sleep 5000");
    api.post("/containers", body).await.refused(403, "name");
    let more = json!({ "name": unique("pod") });
    api.post("/pods", more).await.refused(403, "name");
}
