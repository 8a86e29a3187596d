//! `_ping`, `version`, `info`: who answers.

use super::Request;
use crate::fake::answer::Answer;
use http::StatusCode;
use serde_json::json;

pub(super) fn ping(request: &Request) -> Answer {
    Answer::typed(StatusCode::OK, "text/plain; charset=utf-8", "OK")
        .with("libpod-buildah-version", request.core.version.buildah())
        .with("cache-control", "no-cache")
        .with("docker-experimental", "true")
}

pub(super) fn version(request: &Request) -> Answer {
    let version = request.core.version;
    let body = json!({
        "Platform": {"Name": "linux/amd64/debian-12"},
        "Components": [{
            "Name": "Podman Engine",
            "Version": version.as_str(),
            "Details": {
                "APIVersion": version.as_str(),
                "Arch": "amd64",
                "MinAPIVersion": "4.0.0",
                "Os": "linux",
            },
        }],
        "Version": version.as_str(),
        "ApiVersion": version.compat_api(),
        "MinAPIVersion": "1.24",
        "GitCommit": "",
        "Os": "linux",
        "Arch": "amd64",
    });
    Answer::json(StatusCode::OK, &body)
}

/// Every image has one size, every container has written one number of bytes, and volumes hold nothing.
pub(super) fn disk_usage(request: &Request) -> Answer {
    let state = request.core.state();
    let images = state.images.iter().map(|image| {
        let of = state.containers.iter();
        let of = of.filter(|container| container.image_id == image.id);
        json!({"Size": 2_141_255, "UniqueSize": 2_141_255, "Containers": of.count()})
    });
    let containers = state
        .containers
        .iter()
        .map(|container| json!({"Status": container.status.as_str(), "Size": 0, "RWSize": 4096}));
    let volumes = state.volumes.keys().map(|name| {
        let of = state
            .containers
            .iter()
            .flat_map(|container| &container.mounts);
        let of = of.filter(|mount| mount.volume.as_ref() == Some(name));
        json!({"VolumeName": name, "Links": of.count(), "Size": 0})
    });
    let body = json!({
        "Images": images.collect::<Vec<_>>(),
        "Containers": containers.collect::<Vec<_>>(),
        "Volumes": volumes.collect::<Vec<_>>(),
    });
    Answer::json(StatusCode::OK, &body)
}

pub(super) fn info(request: &Request) -> Answer {
    let version = request.core.version;
    let state = request.core.state();
    let running = state
        .containers
        .iter()
        .filter(|container| container.status.is_live());
    let running = running.count();
    let runtime = state.runtime.as_str();
    let body = json!({
        "host": {
            "arch": "amd64",
            "cgroupManager": "cgroupfs",
            "cgroupVersion": "v1",
            "cpus": 2,
            "hostname": "fake",
            "kernel": "6.1.0-fake",
            "logDriver": "k8s-file",
            "memTotal": 4_u64 << 30,
            "memFree": 2_u64 << 30,
            "networkBackend": "netavark",
            "ociRuntime": {
                "name": runtime,
                "path": format!("/usr/bin/{runtime}"),
                "version": format!("{runtime} version 1.1.5\nspec: 1.0.2-dev"),
            },
            "os": "linux",
            "security": {"rootless": false, "seccompEnabled": true, "selinuxEnabled": false},
            "serviceIsRemote": false,
        },
        "store": {
            "containerStore": {
                "number": state.containers.len(),
                "paused": 0,
                "running": running,
                "stopped": state.containers.len() - running,
            },
            "graphDriverName": "overlay",
            "graphRoot": "/nonexistent/podlane-fake/graph",
            "imageStore": {"number": state.images.len()},
            "runRoot": "/nonexistent/podlane-fake/run",
            "volumePath": "/nonexistent/podlane-fake/volumes",
        },
        "version": {
            "APIVersion": version.as_str(),
            "Version": version.as_str(),
            "OsArch": "linux/amd64",
            "Os": "linux",
        },
    });
    Answer::json(StatusCode::OK, &body)
}
