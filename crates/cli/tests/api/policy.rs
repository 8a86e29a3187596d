//! What may be created, with a policy.

use crate::container::Container;
use crate::fixture::Fixture;
use crate::server_with;
use podlane_testkit::{Answer, BUSYBOX, Client, Server, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// A server with a policy, and its directory.
fn under(text: &str) -> (Server, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.toml");
    fs::write(&file, text).expect("written");
    let options = ServerOptions::default()
        .env("PODLANE_POLICY", file.to_str().expect("text"))
        .env(
            "PODLANE_STATE_DIR",
            directory.path().to_str().expect("text"),
        )
        .env("PODLANE_AUDIT", "true");
    (server_with(options), directory)
}

fn body(mut more: Value) -> Value {
    let fields = more.as_object_mut().expect("an object");
    fields.entry("image").or_insert(json!(BUSYBOX));
    fields.insert("name".into(), json!(unique("ruled")));
    fields.insert("command".into(), json!(["sleep", "5000"]));
    more
}

/// Insists that a create is refused by a rule, and nothing is there.
async fn refused(api: &Client, more: Value, field: &str, rule: &str) -> Answer {
    let body = body(more);
    let answer = api.post("/containers", body.clone()).await.expect(403);
    assert_eq!(answer.json["error"]["field"], field, "{}", answer.text);
    assert!(answer.message().contains(rule), "{}", answer.text);
    let name = body["name"].as_str().expect("a name");
    assert!(!podman(&["container", "exists", name]).status.success());
    answer
}

const RULES: &str = r#"
[limits.maximum]
memory = "64m"
[[rules]]
id = "known-images"
reason = "we have looked through them"
field = "image"
allow = ["localhost/podlane-*"]
[[rules]]
id = "shared-directories"
reason = "they are for all"
field = "mounts"
allow = ["/DIRECTORY/shared{,/**}:ro"]
[[rules]]
id = "own-volumes"
reason = "others are not ours"
field = "volumes"
allow = ["ours-*"]
[[rules]]
id = "high-ports"
reason = "low ones are taken"
field = "ports"
allow = ["127.0.0.1:0"]
[[rules]]
id = "few-capabilities"
reason = "no more are needed"
field = "capabilities"
allow = ["NET_RAW"]
[[rules]]
id = "no-devices"
reason = "they are the machine's"
field = "devices"
allow = []
[[rules]]
id = "isolated"
reason = "nothing may be reached"
field = "networks"
allow = ["default", "none"]
"#;

#[tokio::test]
async fn what_no_rule_allows_is_not_made() {
    let shared = tempfile::tempdir().expect("a directory");
    let root = shared.path().canonicalize().expect("there");
    let at = |rest: &str| format!("{}/{rest}", root.display());
    fs::create_dir_all(root.join("shared/a")).expect("made");
    fs::create_dir(root.join("secret")).expect("made");
    std::os::unix::fs::symlink(root.join("secret"), root.join("shared/link")).expect("made");
    let rules = RULES.replace("/DIRECTORY", root.to_str().expect("text"));
    let (server, _kept) = under(&rules);
    let api = server.client();

    let answer = refused(
        &api,
        json!({ "image": "docker.io/library/alpine" }),
        "image",
        "known-images",
    )
    .await;
    assert!(
        answer.message().contains("localhost/podlane-*"),
        "{}",
        answer.text
    );
    let pull = json!({ "image": "docker.io/library/alpine" });
    let _ = api.post("/pull", pull).await.expect(403);
    let tag = json!({ "image": "docker.io/library/alpine", "name": "localhost/podlane-alias:1" });
    let _ = api.post("/tag", tag).await.expect(403);
    for path in [
        at("secret"),
        at("shared/link"),
        at("/shared//link/."),
        "/".into(),
        "/proc".into(),
        "//etc".into(),
    ] {
        let volumes = json!({ "volumes": { path: "/x:ro" } });
        refused(&api, volumes, "volumes", "shared-directories").await;
    }
    let up = body(json!({ "volumes": { at("shared/../secret"): "/x:ro" } }));
    let _ = api.post("/containers", up).await.expect(400);
    let writable = json!({ "volumes": { at("shared"): "/x" } });
    refused(&api, writable, "volumes", "shared-directories").await;
    let foreign = json!({ "volumes": { "theirs": "/x" } });
    refused(&api, foreign, "volumes", "own-volumes").await;
    for port in ["80", "127.0.0.1:8080", "0"] {
        refused(
            &api,
            json!({ "ports": { port: "80" } }),
            "ports",
            "high-ports",
        )
        .await;
    }
    for capability in ["SYS_ADMIN", "sys_admin", "CAP_sys_ADMIN", "all", "ALL"] {
        let more = json!({ "capabilities": { "add": ["NET_RAW", capability] } });
        refused(&api, more, "capabilities.add", "few-capabilities").await;
    }
    for device in ["/dev/kmsg", "/dev/null:/dev/x:r", "vendor.com/class=all"] {
        refused(
            &api,
            json!({ "devices": [device] }),
            "devices",
            "no-devices",
        )
        .await;
    }
    refused(
        &api,
        json!({ "networks": { "podman": {} } }),
        "networks",
        "isolated",
    )
    .await;
    let high = json!({ "limits": { "memory": "65m" } });
    refused(&api, high, "limits.memory", "limits.maximum").await;
    let good = json!({
        "volumes": { at("shared"): "/x:ro" }, "ports": { "127.0.0.1:0": "80" }, "capabilities": { "add": ["NET_RAW"] },
    });
    let container = Container::with(&api, body(good)).await;
    let path = format!("/containers/{}", container.name);
    let seen = api.get(&path).await.expect(200);
    let limits = &seen.json["container"]["settings"]["limits"];
    assert_eq!(
        limits["memory"],
        json!(64 << 20),
        "the highest is what it gets"
    );
    let more = json!({ "limits": { "memory": "65m" } });
    let _ = api.post(&format!("{path}/update"), more).await.expect(403);
    let audit = api.get("/audit?limit=1000").await.expect(200);
    assert!(
        audit.text.contains("\"403 by high-ports\""),
        "{}",
        audit.text
    );
}

#[tokio::test]
async fn what_there_is_no_word_for_can_not_be_asked_for() {
    let (server, _kept) = under(RULES);
    let api = server.client();
    for (field, value) in [
        ("privileged", json!(true)),
        ("security_opt", json!(["seccomp=unconfined"])),
        ("pid", json!("host")),
        ("ipcns", json!({ "nsmode": "host" })),
        ("sysctl", json!({ "kernel.msgmax": "1" })),
        ("cgroup_parent", json!("/")),
        ("rootfs", json!("/")),
        ("oci_runtime", json!("runc")),
        ("annotations", json!({})),
    ] {
        let mut body = body(json!({}));
        body[field] = value;
        let answer = api.post("/containers", body).await.expect(400);
        assert_eq!(answer.json["error"]["field"], field, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_hardened_container_lacks_rights() {
    let (server, _kept) = under("profile = \"hardened\"");
    let api = server.client();
    let container = Container::with(&api, body(json!({}))).await;
    let seen = api
        .get(&format!("/containers/{}", container.name))
        .await
        .expect(200);
    let settings = &seen.json["container"]["settings"];
    assert_eq!(settings["no_new_privileges"], true, "{settings}");
    assert_eq!(settings["limits"]["pids"], 512, "{settings}");
    let status = podman(&["exec", &container.name, "cat", "/proc/1/status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:\t"));
    let capabilities = u64::from_str_radix(capabilities.expect("a line"), 16).expect("hexadecimal");
    for (number, name) in [
        (8, "SETPCAP"),
        (13, "NET_RAW"),
        (18, "SYS_CHROOT"),
        (27, "MKNOD"),
        (31, "SETFCAP"),
    ] {
        assert_eq!(capabilities >> number & 1, 0, "{name}: {status}");
    }
    for line in [
        "mount -t tmpfs none /mnt",
        "echo 1 > /proc/sys/kernel/domainname",
        "mknod /tmp/disk b 8 0",
        "chroot / true",
        "test -S /run/podman/podman.sock",
    ] {
        let ran = container
            .exec(json!({ "command": line, "user": "root" }))
            .await;
        assert_ne!(ran["exit_code"], 0, "{line}");
    }
    let port = server
        .address()
        .rsplit_once(':')
        .expect("a port")
        .1
        .to_owned();
    let line = format!(
        "wget -q -T 2 -O - http://$(ip route | awk '/^default/ {{ print $3 }}'):{port}/livez"
    );
    let ran = container.exec(json!({ "command": line })).await;
    assert_ne!(ran["exit_code"], 0, "it reaches the server: {ran}");
    let processes = container
        .exec(json!({ "command": "ls /proc | grep -c '^[0-9]'" }))
        .await;
    let count: u32 = processes["output"]
        .as_str()
        .and_then(|text| text.trim().parse().ok())
        .expect("a number");
    assert!(count < 20, "it sees the host's processes");
}

#[tokio::test]
async fn a_dry_run_explains_and_makes_nothing() {
    let (server, _kept) = under(RULES);
    let api = server.client();
    let wrong = body(json!({ "capabilities": { "add": ["SYS_ADMIN"] }, "devices": ["/dev/kmsg"] }));
    let told = api
        .post("/containers?dry_run=true", wrong)
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&told["dry_run"], &told["allowed"]),
        (&json!(true), &json!(false))
    );
    let rules: Vec<_> = told["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["rule"])
        .collect();
    assert_eq!(rules, ["few-capabilities", "no-devices"], "{told}");
    let good = body(json!({}));
    let told = api
        .post("/containers?dry_run=true", good.clone())
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&told["allowed"], &told["image_present"]),
        (&json!(true), &json!(true)),
        "{told}"
    );
    assert_eq!(told["limits"]["memory"], json!(64 << 20));
    let name = good["name"].as_str().expect("a name");
    assert!(!podman(&["container", "exists", name]).status.success());
}

#[tokio::test]
async fn a_policy_that_warns_is_learned_from() {
    let (server, _kept) = under(&format!("mode = \"warn\"\n{RULES}"));
    let api = server.client();
    let container = Container::with(
        &api,
        body(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })),
    )
    .await;
    let log = server.log();
    assert!(log.contains("few-capabilities"), "{log}");
    drop(container);
}

#[tokio::test]
async fn quotas_hold_whoever_comes_at_once() {
    let tenant = unique("class");
    let policy = format!(
        "[quota.token]\ncontainers = 1\n[tenants.{tenant}.quota]\ncontainers = 3\nmemory = \"90m\"\nexecs = 2\n"
    );
    let (server, _kept) = under(&policy);
    let api = server.client().with("x-tenant", &tenant);
    let small = || body(json!({ "limits": { "memory": "20m" } }));
    let bodies: Vec<Value> = (0..8).map(|_| small()).collect();
    let fixtures: Vec<Fixture> = bodies.iter().map(Fixture::named_in).collect();
    let made = bodies
        .iter()
        .map(|body| api.post("/containers", body.clone()));
    let made = futures_util::future::join_all(made).await;
    let good: Vec<usize> = (0..8).filter(|at| made[*at].status == 200).collect();
    assert_eq!(
        good.len(),
        3,
        "{:?}",
        made.iter().map(|one| &one.text).collect::<Vec<_>>()
    );
    let refused = made.iter().find(|one| one.status != 200).expect("five");
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.message().contains("quota"), "{}", refused.text);

    let first = &fixtures[good[0]];
    let more = json!({ "limits": { "memory": "80m" } });
    let _ = api.post(&first.path("/update"), more).await.expect(403);
    // What was changed counts as it is now, also where Podman goes on telling what it was.
    let more = json!({ "limits": { "memory": "38m" } });
    let _ = api.post(&first.path("/update"), more).await.expect(200);
    let more = json!({ "limits": { "memory": "35m" } });
    let other = fixtures[good[1]].path("/update");
    let _ = api.post(&other, more).await.expect(403);
    // And what it was, where it may be that again: what is lowered makes no room.
    let less = json!({ "limits": { "memory": "8m" } });
    let _ = api.post(&first.path("/update"), less).await.expect(200);
    let capabilities = api.get("/capabilities").await.expect(200).json;
    let mut rows = capabilities["capabilities"]
        .as_array()
        .into_iter()
        .flatten();
    let row = rows.find(|row| row["name"] == "limits.lasting_updates");
    let lasts = row.expect("a row")["supported"] == true;
    let more = json!({ "limits": { "memory": "55m" } });
    let answer = api.post(&other, more).await;
    assert_eq!(answer.status == 403, !lasts, "{}", answer.text);
    let _ = api.delete(&first.path("?force=true")).await.expect(200);
    let large = body(json!({ "limits": { "memory": "60m" } }));
    let too_large = api.post("/containers", large).await.expect(403);
    assert_eq!(too_large.json["error"]["field"], "limits.memory");
    let unlimited = api.post("/containers", body(json!({}))).await.expect(403);
    assert_eq!(unlimited.json["error"]["field"], "limits.memory");

    let second = &fixtures[good[1]];
    let long = json!({ "command": "sleep 1000", "detach": true });
    let path = second.path("/exec");
    let one = api.post(&path, long.clone()).await.expect(201);
    let _ = api.post(&path, long.clone()).await.expect(201);
    let third = api.post(&path, long).await.expect(429);
    assert!(third.headers.contains_key("retry-after"), "{}", third.text);
    let id = one.json["exec"]["id"].as_str().expect("an ID");
    let _ = api.delete(&format!("/execs/{id}")).await.expect(200);
    let short = json!({ "command": "true" });
    let _ = api.post(&path, short).await.expect(200);
    // Others have no quota, but for what is made with a token.
    let other = Container::with(&server.client(), body(json!({}))).await;
    drop(other);
    let made = json!({ "name": "ci", "role": "operator" });
    let made = server.client().post("/tokens", made).await.expect(200);
    let bearer = format!("Bearer {}", made.json["secret"].as_str().expect("a secret"));
    let api = server.client().with("authorization", &bearer);
    let first = Container::with(&api, body(json!({}))).await;
    let second = api.post("/containers", body(json!({}))).await.expect(403);
    assert!(second.message().contains("the token"), "{}", second.text);
    drop(first);
}

#[tokio::test]
async fn a_log_is_bounded() {
    let (server, _kept) = under("[limits.default]\nlog_size = \"64k\"");
    let api = server.client();
    let mut loud = body(json!({}));
    loud["command"] = json!(["sh", "-c", "seq 1 300000; sleep 5000"]);
    let container = Container::with(&api, loud).await;
    let last = async || {
        let logs = api.get(&container.path("logs?tail=1")).await.expect(200);
        logs.json["container"]["logs"]
            .as_str()
            .expect("text")
            .trim()
            .to_owned()
    };
    while last().await != "300000" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let path = podman(&[
        "inspect",
        "--format",
        "{{.HostConfig.LogConfig.Path}}",
        &container.name,
    ]);
    let path = String::from_utf8_lossy(&path.stdout).trim().to_owned();
    let kept = fs::metadata(&path).expect("a log").len();
    assert!(kept <= 128 << 10, "{kept}");
}

#[test]
fn a_policy_with_a_mistake_is_told_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.toml");
    fs::write(
        &file,
        "[[rules]]\nid = \"a\"\nreason = \"b\"\nfield = \"imagse\"\nallow = []\n",
    )
    .expect("written");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_podlane"))
        .args(["serve", "--policy", file.to_str().expect("text")])
        .output()
        .expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("imagse") && said.contains("image, mounts"),
        "{said}"
    );
}
