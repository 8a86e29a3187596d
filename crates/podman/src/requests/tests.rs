use super::*;
use crate::instance::Instance;
use podlane_engine::{
    ContainerId, ContainerSpec, HostPort, ImageRef, Init, InnerPath, LogQuery, MountSource,
};
use podlane_engine::{ContainerName, Mount, Protocol};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

fn id() -> ContainerId {
    ContainerId::parse(&"a".repeat(64)).expect("valid")
}

fn spec() -> ContainerSpec {
    ContainerSpec {
        image: ImageRef::parse("alpine:latest").expect("valid"),
        name: ContainerName::parse("c1").expect("valid"),
        command: vec!["sleep".into(), "300".into()],
        environment: BTreeMap::from([("A".into(), "b".into())]),
        ports: vec![podlane_engine::PortMapping {
            host_ip: None,
            host: HostPort::Free,
            container: 80,
            protocol: Protocol::Tcp,
        }],
        mounts: vec![
            Mount {
                source: MountSource::Host("/srv".into()),
                destination: InnerPath::parse("/data").expect("valid"),
                read_only: true,
            },
            Mount {
                source: MountSource::Volume("v".into()),
                destination: InnerPath::parse("/vol").expect("valid"),
                read_only: false,
            },
        ],
        user: None,
        workdir: None,
        labels: BTreeMap::new(),
        init: Init::Preferred,
        agent: true,
    }
}

fn body(request: &Request) -> serde_json::Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

#[test]
fn create_maps_field_by_field() {
    let attempt = Instance::here().attempt();
    let request = create_container(&spec(), &attempt, Adaptation::default());
    assert_eq!(
        body(&request),
        json!({
            "name": "c1",
            "image": "alpine:latest",
            "command": ["sleep", "300"],
            "env": {"A": "b"},
            "labels": {"io.podlane.made-by": attempt.as_str()},
            "portmappings": [{"container_port": 80, "protocol": "tcp"}],
            "mounts": [{"type": "bind", "source": "/srv", "destination": "/data", "options": ["rbind", "ro"]}],
            "volumes": [{"Name": "v", "Dest": "/vol", "Options": ["rw"]}],
            "init": true,
        })
    );
}

#[test]
fn create_adapts_to_the_host() {
    let limits = Some(ResourceLimits {
        open_files: 20_000,
        processes: 4096,
    });
    let adaptation = Adaptation {
        limits,
        no_init: true,
    };
    let body = body(&create_container(
        &spec(),
        &Instance::here().attempt(),
        adaptation,
    ));
    assert_eq!(body["init"], false);
    assert_eq!(
        body["r_limits"][0],
        json!({"type": "nofile", "soft": 20_000, "hard": 20_000})
    );
}

#[test]
fn paths_and_queries_are_encoded() {
    let path = InnerPath::parse("/a b/c?d&e=f#g%00").expect("valid");
    let request = read_archive(&id(), &path);
    assert!(
        request
            .path()
            .ends_with("/archive?path=%2Fa+b%2Fc%3Fd%26e%3Df%23g%2500"),
        "{}",
        request.path()
    );
    let call = Call::new(
        podlane_engine::RequestId::parse("r1").expect("valid"),
        Duration::from_secs(1),
    );
    let http = request.to_http(&call);
    assert_eq!(
        http.uri()
            .path_and_query()
            .map(http::uri::PathAndQuery::as_str),
        Some(request.path())
    );
    assert_eq!(http.headers()["x-reference-id"], "r1");
}

#[test]
fn logs_are_read_whole_where_tail_leaks() {
    let query = LogQuery { tail: Some(5) };
    assert!(!logs(&id(), &query, true).path().contains("tail"));
    assert!(logs(&id(), &query, false).path().contains("tail=5"));
    assert!(
        !logs(
            &id(),
            &LogQuery {
                tail: Some(u64::MAX)
            },
            false
        )
        .path()
        .contains("tail")
    );
}
