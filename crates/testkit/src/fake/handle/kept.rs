//! What inspect tells of how a container is kept, from the body that it was created with.

use crate::fake::state::Container;
use serde_json::{Map, Value, json};

/// libpod's own limit where none is given.
const PIDS: u64 = 2048;

/// Adds it to inspect's `Config`, `HostConfig` and `NetworkSettings`.
pub(super) fn add(container: &Container, body: &mut Value) {
    let spec = &container.spec;
    let config = &mut body["Config"];
    config["Hostname"] = spec["hostname"]
        .as_str()
        .unwrap_or(&container.id[..12])
        .into();
    config["Tty"] = json!(spec["terminal"] == true);
    config["OpenStdin"] = json!(spec["stdin"] == true);
    config["StopSignal"] = or(&spec["stop_signal"], json!(15));
    config["Timeout"] = or(&spec["timeout"], json!(0));
    if spec["healthconfig"].is_object() {
        config["Healthcheck"] = spec["healthconfig"].clone();
    }
    let secrets = list(&spec["secrets"]).map(|secret| {
        json!({
            "Name": secret["Source"],
            "ID": "fba38032e2f79f2db2816bec4",
            "UID": secret["UID"],
            "GID": secret["GID"],
            "Mode": secret["Mode"],
        })
    });
    config["Secrets"] = secrets.collect();
    if let (Some(host), Value::Object(more)) = (body["HostConfig"].as_object_mut(), host(spec)) {
        host.extend(more);
    }
    body["NetworkSettings"]["Networks"] = networks(container);
}

fn host(spec: &Value) -> Value {
    let limits = &spec["resource_limits"];
    let cpu = &limits["cpu"];
    let nano = cpu["quota"].as_u64().unwrap_or_default() * 1_000_000_000
        / cpu["period"].as_u64().unwrap_or(1);
    let ulimits = list(&spec["r_limits"]).map(|limit| {
        let name = limit["type"].as_str().unwrap_or_default().to_uppercase();
        json!({"Name": format!("RLIMIT_{name}"), "Soft": limit["soft"], "Hard": limit["hard"]})
    });
    let tmpfs = list(&spec["mounts"])
        .filter(|mount| mount["type"] == "tmpfs")
        .map(|mount| {
            let given: Vec<&str> = list(&mount["options"]).filter_map(Value::as_str).collect();
            let own = ["rw", "rprivate", "nosuid", "nodev", "tmpcopyup"];
            let place = mount["destination"].as_str().unwrap_or_default();
            (
                place.to_owned(),
                json!([given, own.to_vec()].concat().join(",")),
            )
        });
    let devices = list(&spec["devices"]).map(|device| {
        let mut parts = device["path"].as_str().unwrap_or_default().split(':');
        let host = parts.next().unwrap_or_default();
        json!({
            "PathOnHost": host,
            "PathInContainer": parts.next().unwrap_or(host),
            "CgroupPermissions": parts.next().unwrap_or_default(),
        })
    });
    json!({
        "Memory": or(&limits["memory"]["limit"], json!(0)),
        "MemorySwap": or(&limits["memory"]["swap"], json!(0)),
        "NanoCpus": nano,
        "PidsLimit": or(&limits["pids"]["limit"], json!(PIDS)),
        "Ulimits": ulimits.collect::<Value>(),
        "RestartPolicy": {
            "Name": or(&spec["restart_policy"], json!("no")),
            "MaximumRetryCount": or(&spec["restart_tries"], json!(0)),
        },
        "ReadonlyRootfs": spec["read_only_filesystem"] == true,
        "Tmpfs": tmpfs.collect::<Map<_, _>>(),
        "CapAdd": or(&spec["cap_add"], json!([])),
        "CapDrop": or(&spec["cap_drop"], json!([])),
        "SecurityOpt": if spec["no_new_privileges"] == true {
            json!(["no-new-privileges"])
        } else {
            json!([])
        },
        "Dns": or(&spec["dns_server"], json!([])),
        "ExtraHosts": or(&spec["hostadd"], json!([])),
        "Devices": devices.collect::<Value>(),
    })
}

fn networks(container: &Container) -> Value {
    let spec = &container.spec;
    if spec["netns"]["nsmode"] == "none" {
        return json!({});
    }
    let Some(given) = spec["Networks"].as_object() else {
        return json!({"podman": {"NetworkID": "podman", "IPAddress": ""}});
    };
    let short = &container.id[..12];
    let networks = given.iter().map(|(name, place)| {
        let mut aliases: Vec<Value> = list(&place["aliases"]).cloned().collect();
        aliases.push(json!(short));
        let ip = or(&place["static_ips"][0], json!(""));
        let network = json!({"NetworkID": name, "IPAddress": ip, "Aliases": aliases});
        (name.clone(), network)
    });
    networks.collect::<Map<_, _>>().into()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn or(value: &Value, other: Value) -> Value {
    if value.is_null() {
        other
    } else {
        value.clone()
    }
}
