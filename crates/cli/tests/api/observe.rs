//! Top, changes, stats, export, update; bulk forms and prune.

use crate::container::{Container, nap, until};
use crate::fixture::Fixture;
use crate::reading::Reading;
use crate::rig::Rig;
use crate::server;
use podlane_testkit::fake::FakeVersion;
use podlane_testkit::{BUSYBOX, DEBIAN, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Command;

#[tokio::test]
async fn processes_are_listed() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let _ = container
        .exec(json!({ "command": ["sh", "-c", format!("sleep {nap} >/dev/null 2>&1 &")], "agent": false }))
        .await;
    let listed = api.get(&container.path("top")).await.expect(200);
    let processes = listed.json["processes"].as_array().expect("a list");
    let of = |words: &str| {
        let mut found = processes.iter();
        found.find(|process| {
            process["command"]
                .as_str()
                .is_some_and(|c| c.ends_with(words))
        })
    };
    let main = of("sleep 5000").expect("the main process");
    assert_eq!(
        (&main["user"], &main["tty"]),
        (&json!("root"), &Value::Null)
    );
    assert!(main["memory_bytes"].as_u64().expect("bytes") > 4096);
    assert!(main["elapsed_seconds"].as_f64().expect("seconds") < 600.0);
    let _ = api.act(&container.path("kill")).await.expect(200);
    let refused = api.get(&container.path("top")).await.expect(409);
    assert!(
        refused.message().contains("not running"),
        "{}",
        refused.text
    );
    let _ = api.get("/containers/nobody/top").await.expect(404);
}

#[tokio::test]
async fn changes_and_the_whole_file_system() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let script = "mkdir /added; echo new > /added/file; rm /etc/group";
    let _ = container.exec(json!({ "command": script })).await;
    let listed = api.get(&container.path("changes")).await.expect(200);
    let changes = listed.json["changes"].as_array().expect("a list");
    let kind = |path: &str| {
        let found = changes.iter().find(|change| change["path"] == path);
        found.map_or("", |change| change["kind"].as_str().expect("a word"))
    };
    for (path, expected) in [
        ("/added", "added"),
        ("/added/file", "added"),
        ("/etc", "modified"),
        ("/etc/group", "deleted"),
        ("/bin", ""),
    ] {
        assert_eq!(kind(path), expected, "{path}: {}", listed.text);
    }
    // Not text: as people take it.
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("{}/api/v1{}", api.base(), container.path("export"));
    let taken = Command::new("curl")
        .args(["-sSf", "-OJ", "--output-dir"])
        .args([directory.path().as_os_str(), url.as_ref()])
        .status();
    assert!(taken.expect("curl").success());
    let mut files = std::fs::read_dir(directory.path()).expect("a directory");
    let file = files.next().expect("a file").expect("a file").path();
    let mut archive = tar::Archive::new(std::fs::File::open(&file).expect("the export"));
    let paths: Vec<String> = archive
        .entries()
        .expect("entries")
        .flatten()
        .map(|entry| String::from_utf8_lossy(&entry.path_bytes()).into_owned())
        .collect();
    assert!(paths.iter().any(|path| path == "added/file"), "{paths:?}");
    assert!(!paths.iter().any(|path| path == "etc/group"));
    let _ = api.get("/containers/nobody/export").await.expect(404);
}

/// With a megabyte that goes out, and little that comes in.
#[tokio::test]
async fn what_goes_out_is_not_told_as_what_comes_in() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, DEBIAN).await;
    let gateway = container.inspect("{{.NetworkSettings.Gateway}}");
    let listener = TcpListener::bind((gateway.trim(), 0)).expect("an address");
    let port = listener.local_addr().expect("an address").port();
    let taken = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        std::io::copy(&mut stream, &mut std::io::sink()).expect("bytes")
    });
    let script = format!(
        "head -c 1048576 /dev/zero > /dev/tcp/{}/{port}",
        gateway.trim()
    );
    let sent = container
        .exec(json!({ "command": ["bash", "-c", script] }))
        .await;
    assert_eq!(sent["exit_code"], 0, "{sent}");
    assert_eq!(taken.join().expect("an end"), 1 << 20);
    let stats = api.get(&container.path("stats")).await.expect(200).json["stats"].take();
    let bytes = |name: &str| stats[name].as_u64().expect("bytes");
    assert!(bytes("network_sent_bytes") > 1 << 20, "{stats}");
    assert!(bytes("network_received_bytes") < 1 << 20, "{stats}");
}

#[tokio::test]
async fn every_podman_tells_what_comes_in_as_that() {
    for version in [FakeVersion::V43, FakeVersion::V58] {
        let binary = env!("CARGO_BIN_EXE_podlane");
        let rig = Rig::of(version, binary, ServerOptions::default()).await;
        let name = rig.container().await;
        let path = format!("/containers/{name}/stats");
        let stats = rig.api.get(&path).await.expect(200).json["stats"].take();
        assert_eq!(stats["network_received_bytes"], 516, "{version:?} {stats}");
        assert_eq!(stats["network_sent_bytes"], 1110, "{version:?} {stats}");
    }
}

#[tokio::test]
async fn use_is_measured_and_bounded() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let stats = api.get(&container.path("stats")).await.expect(200).json["stats"].take();
    assert_eq!(stats["name"], container.name.as_str());
    assert!(stats["pids"].as_u64().expect("a number") >= 1, "{stats}");
    assert!(
        stats["memory_bytes"].as_u64().expect("a number") > 0,
        "{stats}"
    );
    let all = api.get("/stats").await.expect(200);
    let all = all.json["stats"].as_array().expect("a list").clone();
    assert!(all.iter().any(|row| row["name"] == container.name.as_str()));
    let limits = json!({ "limits": { "pids": 77, "memory": "96m", "cpus": 0.5 } });
    let updated = api.post(&container.path("update"), limits.clone()).await;
    assert_eq!(updated.expect(200).json["container"]["changed"], true);
    let read = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null";
    let read = container
        .exec(json!({ "command": ["sh", "-c", read] }))
        .await;
    assert_eq!(read["stdout"], "77\n", "{read}");
    let told = async || {
        let path = format!("/containers/{}", container.name);
        let told = api.get(&path).await.expect(200).json;
        told["container"]["settings"]["limits"].clone()
    };
    let limits_now = told().await;
    assert_eq!(
        (
            &limits_now["memory"],
            &limits_now["cpus"],
            &limits_now["pids"]
        ),
        (&json!(96 << 20), &json!(0.5), &json!(77)),
        "{limits_now}"
    );
    // What is not given stays, and the last one counts.
    let more = json!({ "limits": { "pids": 99 } });
    let _ = api.post(&container.path("update"), more).await.expect(200);
    let limits_now = told().await;
    assert_eq!(
        (
            &limits_now["memory"],
            &limits_now["cpus"],
            &limits_now["pids"]
        ),
        (&json!(96 << 20), &json!(0.5), &json!(99)),
        "{limits_now}"
    );
    for (body, field) in [
        (json!({ "limits": {} }), "limits"),
        (
            json!({ "limits": { "nofile": { "soft": 10, "hard": 10 } } }),
            "limits.nofile",
        ),
        (json!({ "limits": { "pids": 0 } }), "limits.pids"),
    ] {
        api.post(&container.path("update"), body)
            .await
            .refused(400, field);
    }
    let _ = api.act(&container.path("kill")).await.expect(200);
    let refused = api
        .post(&container.path("update"), limits)
        .await
        .expect(409);
    assert!(
        refused.message().contains("not running"),
        "{}",
        refused.text
    );
    let stats = api.get(&container.path("stats")).await.expect(200);
    assert_eq!(stats.json["stats"]["pids"], 0, "{}", stats.text);
}

#[tokio::test]
async fn one_verb_for_many() {
    let server = server();
    let api = server.client();
    let course = unique("course");
    let body =
        json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "labels": { "course": course } });
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(Container::with(&api, body.clone()).await);
    }
    let other = Container::sleeping(&api, BUSYBOX).await;
    let by_label = |action: &str| json!({ "action": action, "labels": { "course": course } });
    let mut names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    let mut stop = by_label("stop");
    stop["timeout"] = json!(0);
    for changed in [true, false] {
        let report = api
            .post("/bulk/containers", stop.clone())
            .await
            .expect(200)
            .json;
        assert_eq!(
            (&report["done"], &report["failed"]),
            (&json!(3), &json!(0)),
            "{report}"
        );
        let rows = report["results"].as_array().expect("rows");
        let told: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        assert_eq!(told, names);
        assert!(
            rows.iter()
                .all(|row| row["changed"] == changed && row["error"].is_null())
        );
    }
    assert_eq!(other.inspect("{{.State.Status}}"), "running");
    let some = json!({ "action": "start", "names": [names[2], "nobody", names[0]] });
    let report = api.post("/bulk/containers", some).await.expect(200).json;
    assert_eq!(
        (&report["done"], &report["failed"]),
        (&json!(2), &json!(1)),
        "{report}"
    );
    assert_eq!(report["results"][1]["error"]["code"], 404, "{report}");
    assert_eq!(report["results"][2]["name"], names[0]);
    let kept = by_label("remove");
    let report = api.post("/bulk/containers", kept).await.expect(200).json;
    assert_eq!(
        (&report["done"], &report["failed"]),
        (&json!(1), &json!(2)),
        "{report}"
    );
    let mut killed = by_label("kill");
    killed["signal"] = json!("KILL");
    let report = api.post("/bulk/containers", killed).await.expect(200).json;
    assert_eq!(report["done"], 2, "{report}");
    let pruned = api
        .act(&format!("/prune/containers?label=course={course}"))
        .await;
    assert_eq!(
        pruned.expect(200).json["removed"]
            .as_array()
            .expect("names")
            .len(),
        2
    );
    let left = podman(&[
        "ps",
        "-a",
        "-q",
        "--filter",
        &format!("label=course={course}"),
    ]);
    assert!(left.stdout.is_empty(), "{left:?}");
    let report = api
        .post("/bulk/containers", by_label("start"))
        .await
        .expect(200)
        .json;
    assert_eq!(report["results"], json!([]));
}

#[tokio::test]
async fn a_wrong_verb_does_nothing() {
    let server = server();
    let api = server.client();
    for (body, field) in [
        (json!({ "action": "start" }), "names"),
        (json!({ "action": "start", "names": [] }), "names"),
        (json!({ "action": "start", "labels": {} }), "names"),
        (
            json!({ "action": "start", "names": ["a"], "labels": { "a": "b" } }),
            "names",
        ),
        (
            json!({ "action": "start", "names": ["a", "b/c"] }),
            "names[1]",
        ),
        (
            json!({ "action": "start", "names": ["a"], "force": true }),
            "force",
        ),
        (
            json!({ "action": "remove", "names": ["a"], "timeout": 3 }),
            "timeout",
        ),
        (
            json!({ "action": "kill", "names": ["a"], "signal": "X" }),
            "signal",
        ),
        (json!({ "action": "explode", "names": ["a"] }), "action"),
    ] {
        api.post("/bulk/containers", body).await.refused(400, field);
    }
}

#[tokio::test]
async fn only_what_has_ended_is_pruned() {
    let server = server();
    let api = server.client();
    let label = unique("prune");
    let body =
        |command: &str| json!({ "image": BUSYBOX, "command": command, "labels": { &label: "" } });
    let ended = Container::with(&api, body("sleep 1")).await;
    let running = Container::with(&api, body("sleep 5000")).await;
    until("it has ended", || {
        ended.inspect("{{.State.Status}}") == "exited"
    })
    .await;
    let other = Fixture::stopped(BUSYBOX);
    let pruned = api.act(&format!("/prune/containers?label={label}")).await;
    assert_eq!(pruned.expect(200).json["removed"], json!([ended.name]));
    let _ = api
        .get(&format!("/containers/{}", running.name))
        .await
        .expect(200);
    let _ = api
        .get(&format!("/containers/{}", other.name))
        .await
        .expect(200);
}

#[tokio::test]
async fn what_lies_on_the_disk() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let write = json!({ "command": "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null" });
    let _ = container.exec(write).await;
    let usage = api.get("/disk-usage").await.expect(200).json;
    let number = |kind: &str, what: &str| usage[kind][what].as_u64().expect("a number");
    assert!(
        number("images", "count") >= 4 && number("images", "active") >= 1,
        "{usage}"
    );
    assert!(number("containers", "active") >= 1, "{usage}");
    assert!(number("containers", "size_bytes") >= 8 << 20, "{usage}");
    assert!(
        number("volumes", "reclaimable_bytes") <= number("volumes", "size_bytes"),
        "{usage}"
    );
}

#[tokio::test]
async fn a_stream_tells_the_load_of_the_moment() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let busy = "i=0; while [ $i -lt 2000000 ]; do i=$((i+1)); done";
    let path = container.path("exec");
    let busy = json!({ "command": ["sh", "-c", busy] });
    assert_eq!(api.post(&path, busy).await.status, 200);
    let lines = "application/x-ndjson";
    let reading = Reading::get(&server, &container.path("stats"), lines).await;
    let mut reading = reading.expect(200);
    // The first one may be of all the time since the start, when it was busy.
    let mut load = Vec::new();
    while load.len() < 4 {
        let event = reading.line().await.expect("an event");
        if event["event"] == "stats" {
            load.push(event["stats"][0]["cpu_percent"].as_f64().expect("a number"));
        }
    }
    let now = api.get(&container.path("stats")).await.expect(200).json;
    let whole = now["stats"]["cpu_percent"].as_f64().expect("a number");
    assert!(load[3] < whole / 2.0, "{load:?}, since its start {whole}");
}

#[tokio::test]
async fn what_is_used_is_told_again_and_again() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let lines = "application/x-ndjson";
    let mut readers = Vec::new();
    for _ in 0..10 {
        readers.push(
            Reading::get(&server, &container.path("stats"), lines)
                .await
                .expect(200),
        );
    }
    let mut all = Reading::get(&server, "/stats", lines).await.expect(200);
    for reading in &mut readers {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let event = reading.line().await.expect("an event");
            if event["event"] == "stats" {
                assert_eq!(event["stats"][0]["name"], json!(container.name), "{event}");
                seen.push(event["time"].clone());
            }
        }
        assert_ne!(seen[0], seen[1]);
    }
    let event = all.line().await.expect("an event");
    let named = |event: &Value| {
        event["stats"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["name"] == json!(container.name)))
    };
    assert!(named(&event), "{event}");
    let stopped = api.act(&container.path("stop?timeout=0")).await;
    assert_eq!(stopped.status, 200, "{}", stopped.text);
    for reading in &mut readers {
        loop {
            let event = reading.line().await.expect("an event");
            if event["event"] == "end" {
                break;
            }
        }
        assert!(reading.line().await.is_none(), "it goes on");
    }
    let refused = Reading::get(&server, &container.path("stats"), lines).await;
    assert_eq!(refused.response.status(), 409);
}
