//! Limits, networks, capabilities and the rest: each takes effect inside, and is shown again.

use super::exists;
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, Client, podman, unique};
use serde_json::{Value, json};

async fn settings(api: &Client, container: &Fixture) -> Value {
    let answer = api.get(&container.path("")).await.expect(200);
    answer.json["container"]["settings"].clone()
}

/// The first of the files that is there: of the first or the second version of control groups.
fn cgroup(container: &Fixture, old: &str, new: &str) -> String {
    let root = "/sys/fs/cgroup";
    container.sh(&format!("cat {root}/{old} 2>/dev/null || cat {root}/{new}"))
}

#[tokio::test]
async fn limits_hold_inside() {
    let server = server();
    let api = server.client();
    let limits = json!({
        "memory": "64m", "memory_swap": 134_217_728, "cpus": 0.5, "pids": 55,
        "nofile": { "soft": 100, "hard": 200 },
    });
    let container = Fixture::create(&api, BUSYBOX, json!({ "limits": limits })).await;
    let memory = cgroup(&container, "memory/memory.limit_in_bytes", "memory.max");
    assert_eq!(memory, (64 << 20).to_string());
    let pids = cgroup(&container, "pids/pids.max", "pids.max");
    assert_eq!(pids, "55");
    let quota = cgroup(&container, "cpu/cpu.cfs_quota_us", "cpu.max");
    assert!(quota.starts_with("50000"), "{quota}");
    let files = container.sh("grep 'open files' /proc/1/limits");
    let files: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(files[3..5], ["100", "200"]);
    assert_eq!(
        settings(&api, &container).await["limits"],
        json!({
            "memory": 64 << 20, "memory_swap": 128 << 20, "cpus": 0.5, "pids": 55,
            "nofile": { "soft": 100, "hard": 200 },
        })
    );
    // Of what is refused nothing is remembered: the next container has its usual limits.
    let name = unique("refused");
    let nofile = json!({ "soft": 1 << 30, "hard": 1 << 30 });
    let body = json!({ "image": BUSYBOX, "name": name, "limits": { "nofile": nofile } });
    api.post("/containers", body)
        .await
        .refused(400, "limits.nofile");
    assert!(!exists(&name));
    let next = Fixture::create(&api, BUSYBOX, json!({})).await;
    assert_eq!(next.sh("echo alive"), "alive");
}

#[tokio::test]
async fn file_systems_capabilities_devices_and_secrets() {
    let server = server();
    let api = server.client();
    let secret = unique("secret");
    let dir = std::env::var("PODLANE_TEST_DIR").expect("a folder of this run");
    let file = format!("{dir}/{secret}");
    std::fs::write(&file, "hidden words").expect("written");
    let made = podman(&["secret", "create", &secret, &file]);
    assert!(made.status.success(), "{made:?}");
    let more = json!({
        "entrypoint": ["sh", "-c"],
        "command": ["exec sleep 1000"],
        "hostname": "kept.example",
        "read_only": true,
        "tmpfs": { "/scratch": { "size": "1m", "mode": "1770" } },
        "capabilities": { "add": ["net_admin"], "drop": ["CAP_CHOWN"] },
        "devices": ["/dev/null:/dev/mine:rw"],
        "secrets": [{ "name": secret, "file": "inside", "uid": 12, "gid": 34, "mode": "0400" }],
        "tty": true,
        "stdin": true,
        "agent": false,
    });
    let container = Fixture::create(&api, BUSYBOX, more).await;
    assert_eq!(container.sh("hostname"), "kept.example");
    assert_eq!(
        container.sh("touch /x 2>/dev/null || echo ro; touch /scratch/x && echo rw"),
        "ro\nrw"
    );
    let scratch = container.sh("df -k /scratch | tail -1; stat -c %a /scratch");
    assert!(
        scratch.contains(" 1024 ") && scratch.ends_with("1770"),
        "{scratch}"
    );
    let bound = container.sh("grep CapBnd /proc/1/status");
    let bound = u64::from_str_radix(bound.rsplit('\t').next().unwrap_or(""), 16).expect("a set");
    assert_eq!((bound >> 12 & 1, bound & 1), (1, 0), "NET_ADMIN, CHOWN");
    assert_eq!(
        container.sh("echo gone >/dev/mine; stat -c %t:%T /dev/mine"),
        "1:3"
    );
    assert_eq!(
        container.sh("cat /run/secrets/inside; stat -c ' %u %g %a' /run/secrets/inside"),
        "hidden words 12 34 400"
    );
    assert!(
        container
            .sh("readlink /proc/1/fd/0")
            .starts_with("/dev/pts/")
    );
    let answer = api.get(&container.path("")).await.expect(200);
    assert!(!answer.text.contains("hidden words"));
    let kept = &answer.json["container"]["settings"];
    assert_eq!(
        (
            &kept["hostname"],
            &kept["read_only"],
            &kept["tty"],
            &kept["stdin"]
        ),
        (
            &json!("kept.example"),
            &json!(true),
            &json!(true),
            &json!(true)
        )
    );
    assert_eq!(
        kept["tmpfs"],
        json!({ "/scratch": { "size": 1 << 20, "mode": "1770" } })
    );
    assert_eq!(
        kept["capabilities"],
        json!({ "add": ["CAP_NET_ADMIN"], "drop": ["CAP_CHOWN"] })
    );
    assert_eq!(kept["secrets"][0]["name"], secret);
    drop(container);
    podman(&["secret", "rm", &secret]);
}

#[tokio::test]
async fn networks_names_and_addresses() {
    let server = server();
    let api = server.client();
    let network = unique("network");
    let made = podman(&["network", "create", "--subnet", "10.97.3.0/24", &network]);
    assert!(made.status.success(), "{made:?}");
    let more = json!({
        "networks": { network.clone(): { "ip": "10.97.3.9", "aliases": ["db"] } },
        "dns": ["192.0.2.53"],
        "extra_hosts": { "elsewhere": "192.0.2.7" },
    });
    let container = Fixture::create(&api, BUSYBOX, more).await;
    assert!(container.sh("ip -4 addr").contains("10.97.3.9/24"));
    assert!(container.sh("cat /etc/resolv.conf").contains("192.0.2.53"));
    assert_eq!(
        container.sh("grep -c '192.0.2.7.*elsewhere' /etc/hosts"),
        "1"
    );
    let kept = settings(&api, &container).await;
    let place = &kept["networks"][&network];
    assert_eq!(*place, json!({ "ip": "10.97.3.9", "aliases": ["db"] }));
    assert_eq!(kept["dns"], json!(["192.0.2.53"]));
    assert_eq!(kept["extra_hosts"], json!({ "elsewhere": "192.0.2.7" }));
    let alone = Fixture::create(&api, BUSYBOX, json!({ "networks": {} })).await;
    assert!(!alone.sh("ip -4 addr").contains("eth0"));
    assert_eq!(settings(&api, &alone).await["networks"], json!({}));
    let missing = unique("missing");
    for (status, networks) in [
        (409, json!({ network.clone(): { "ip": "10.97.3.9" } })),
        (400, json!({ network.clone(): { "ip": "10.98.0.1" } })),
        (400, json!({ missing: {} })),
    ] {
        let name = unique("refused");
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000", "networks": networks });
        api.post("/containers", body)
            .await
            .refused(status, "networks");
        assert!(!exists(&name));
    }
    drop(container);
    podman(&["network", "rm", "-f", &network]);
}

#[tokio::test]
async fn how_it_ends_and_whether_it_is_well() {
    let server = server();
    let api = server.client();
    let more = json!({
        "command": ["sh", "-c", "trap 'echo asked; exit 7' INT; while :; do sleep 0.05; done"],
        "init": false,
        "stop_signal": "SIGINT",
        "stop_timeout": 20,
        "restart": { "policy": "on-failure", "retries": 2 },
        "healthcheck": { "command": "test -e /well", "interval": 60, "retries": 1 },
    });
    let container = Fixture::create(&api, BUSYBOX, more).await;
    let kept = settings(&api, &container).await;
    assert_eq!(
        kept["restart"],
        json!({ "policy": "on-failure", "retries": 2 })
    );
    assert_eq!(
        kept["healthcheck"],
        json!({ "command": "test -e /well", "interval": 60, "timeout": 30, "start_period": 0, "retries": 1 })
    );
    assert_eq!(
        (&kept["stop_signal"], &kept["stop_timeout"]),
        (&json!(2), &json!(20))
    );
    let check = || {
        podman(&["healthcheck", "run", &container.name])
            .status
            .success()
    };
    assert!(!check());
    container.sh("touch /well");
    assert!(check());
    let _ = api.act(&container.path("/stop")).await.expect(200);
    let ended = api.get(&container.path("")).await.expect(200);
    assert_eq!(ended.json["container"]["exit_code"], 7, "not killed");
}

#[tokio::test]
async fn replace_takes_the_place_of_the_one_of_that_name() {
    let server = server();
    let api = server.client();
    let first = Fixture::create(&api, BUSYBOX, json!({ "labels": { "n": "1" } })).await;
    let id = api.get(&first.path("")).await.expect(200).json["container"]["id"].take();
    let mut body = json!({ "image": BUSYBOX, "name": first.name, "command": "sleep 1000", "labels": { "n": "2" } });
    api.post("/containers", body.clone())
        .await
        .refused(409, "name");
    body["replace"] = json!(true);
    // An image that is not there costs nobody the container.
    let mut other = body.clone();
    other["image"] = json!("localhost/no-such:1");
    let _ = api.post("/containers", other).await.expect(404);
    assert_eq!(
        api.get(&first.path("")).await.expect(200).json["container"]["id"],
        id
    );
    let _ = api.post("/containers", body.clone()).await.expect(200);
    let now = api.get(&first.path("")).await.expect(200).json;
    assert_ne!(now["container"]["id"], id);
    assert_eq!(now["container"]["labels"]["n"], "2");
    // The beginning of an ID is no name.
    let short = now["container"]["id"].as_str().expect("an ID").to_owned();
    body["name"] = json!(short);
    let second = Fixture::named_in(&body);
    let _ = api.post("/containers", body).await.expect(200);
    assert!(exists(&first.name) && exists(&second.name));
}

#[tokio::test]
async fn settings_that_can_not_be_are_named() {
    let server = server();
    let api = server.client();
    for (field, more) in [
        ("limits.memory", json!({ "limits": { "memory": "lots" } })),
        ("limits.cpus", json!({ "limits": { "cpus": 0 } })),
        ("hostname", json!({ "hostname": "a b" })),
        ("entrypoint", json!({ "entrypoint": [] })),
        (
            "restart.retries",
            json!({ "restart": { "policy": "always", "retries": 1 } }),
        ),
        ("tmpfs", json!({ "tmpfs": { "scratch": {} } })),
        (
            "tmpfs",
            json!({ "tmpfs": { "/m": {} }, "volumes": { "v": "/m" } }),
        ),
        (
            "capabilities.add",
            json!({ "capabilities": { "add": ["ROOT"] } }),
        ),
        ("ports", json!({ "networks": {}, "ports": { "0": 80 } })),
        ("dns", json!({ "dns": ["nowhere"] })),
        ("extra_hosts", json!({ "extra_hosts": { "a": "b" } })),
        (
            "healthcheck.command",
            json!({ "healthcheck": { "command": "" } }),
        ),
        (
            "healthcheck.interval",
            json!({ "healthcheck": { "command": "true", "interval": 0 } }),
        ),
        ("stop_signal", json!({ "stop_signal": "NOPE" })),
        ("stop_timeout", json!({ "stop_timeout": 100_000 })),
        (
            "secrets",
            json!({ "secrets": [{ "name": "podlane-no-such-secret" }] }),
        ),
        (
            "secrets",
            json!({ "secrets": [{ "name": "a", "mode": "rw" }] }),
        ),
        ("devices", json!({ "devices": ["/etc/passwd"] })),
        ("devices", json!({ "devices": ["/dev/podlane-no-such"] })),
    ] {
        let name = unique("refused");
        let mut body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 1000" });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        let answer = api.post("/containers", body).await;
        assert!(!exists(&name), "{more} left a container");
        assert_eq!(answer.status, 400, "{more}: {}", answer.text);
        answer.refused(400, field);
    }
}

/// Nobody has described this one, if any.
#[tokio::test]
async fn a_device_that_is_described_nowhere_is_no_fault_of_the_caller() {
    let server = server();
    let api = server.client();
    let told = api.get("/capabilities").await.expect(200).json;
    let mut rows = told["capabilities"].as_array().expect("rows").iter();
    let row = rows.find(|row| row["name"] == "devices.cdi").expect("it");
    let name = unique("refused");
    let body = json!({ "image": BUSYBOX, "name": name, "devices": ["podlane.example/none=all"] });
    let answer = api.post("/containers", body).await;
    assert!(!exists(&name));
    if row["supported"] == true {
        answer.refused(400, "devices");
    } else {
        let answer = answer.expect(501);
        let reason = row["reason"].as_str().expect("a reason");
        assert!(answer.message().contains(reason), "{}", answer.text);
    }
}
