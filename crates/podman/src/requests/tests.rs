use super::*;
use crate::instance::Instance;
use crate::pull::Way;
use podlane_engine::{
    ContainerId, ContainerSpec, HostPort, ImageRef, Init, InnerPath, LogQuery, MountSource,
    NewBuild, RegistryLogin, Source,
};
use podlane_engine::{
    ContainerName, Limits, Membership, Mount, OpenFiles, Protocol, Restart, SecretFile, Settings,
    Tmpfs,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

fn id() -> ContainerId {
    ContainerId::parse(&"a".repeat(64)).expect("valid")
}

fn spec() -> ContainerSpec {
    ContainerSpec {
        image: ImageRef::parse("alpine:latest").expect("valid"),
        name: ContainerName::parse("c1").expect("valid"),
        entrypoint: Vec::new(),
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
        pod: None,
        settings: Settings::default(),
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
            .ends_with("/archive?path=%2Fa+b%2Fc%5C%3Fd%26e%3Df%23g%2500"),
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
    let tail = |tail| LogQuery {
        tail: Some(tail),
        ..LogQuery::default()
    };
    assert!(!logs(&id(), &tail(5), true).path().contains("tail"));
    assert!(logs(&id(), &tail(5), false).path().contains("tail=5"));
    let path = |query| logs(&id(), &query, false).path().to_owned();
    assert!(!path(tail(u64::MAX)).contains("tail"));
}

#[test]
fn a_part_of_a_log_is_not_cut_again_by_podman() {
    let query = LogQuery {
        tail: Some(5),
        since: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)),
        until: SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(9)),
        only: Some(Source::Stderr),
        follow: false,
        times: true,
    };
    let path = logs(&id(), &query, false).path().to_owned();
    assert!(
        path.ends_with(
            "?stdout=false&stderr=true&timestamps=true&since=1.500000000&until=0.000000000"
        ),
        "{path}"
    );
}

#[test]
fn settings_map_field_by_field() {
    let mut spec = spec();
    spec.entrypoint = vec!["sh".into()];
    spec.mounts.clear();
    let place = InnerPath::parse("/scratch").expect("valid");
    let tmpfs = Tmpfs {
        size: Some(4096),
        mode: Some(0o700),
    };
    let membership = Membership {
        ip: Some([10, 0, 0, 5].into()),
        aliases: vec!["db".into()],
    };
    spec.settings = Settings {
        limits: Limits {
            memory: Some(8 << 20),
            milli_cpus: Some(1500),
            pids: Some(9),
            log_bytes: Some(1 << 20),
            open_files: Some(OpenFiles { soft: 1, hard: 2 }),
            memory_swap: None,
        },
        restart: Some(Restart::UnlessStopped),
        tmpfs: BTreeMap::from([(place, tmpfs)]),
        networks: Some(BTreeMap::from([("net".into(), membership)])),
        secrets: vec![SecretFile {
            name: "s".into(),
            file: None,
            uid: 1,
            gid: 2,
            mode: 0o400,
        }],
        lifespan: Some(Duration::from_secs(7)),
        ..Settings::default()
    };
    let limits = Some(ResourceLimits {
        open_files: 20_000,
        processes: 4096,
    });
    let adaptation = Adaptation {
        limits,
        no_init: false,
    };
    let attempt = Instance::here().attempt();
    let body = body(&create_container(&spec, &attempt, adaptation));
    for (field, expected) in [
        ("entrypoint", json!(["sh"])),
        (
            "mounts",
            json!([{"type": "tmpfs", "source": "tmpfs", "destination": "/scratch", "options": ["size=4096", "mode=700"]}]),
        ),
        (
            "resource_limits",
            json!({"memory": {"limit": 8 << 20}, "cpu": {"quota": 150_000, "period": 100_000}, "pids": {"limit": 9}}),
        ),
        (
            "r_limits",
            json!([{"type": "nofile", "soft": 1, "hard": 2}, {"type": "nproc", "soft": 4096, "hard": 4096}]),
        ),
        ("restart_policy", json!("unless-stopped")),
        ("timeout", json!(7)),
        ("netns", json!({"nsmode": "bridge"})),
        (
            "Networks",
            json!({"net": {"static_ips": ["10.0.0.5"], "aliases": ["db"]}}),
        ),
        (
            "secrets",
            json!([{"Source": "s", "Target": "s", "UID": 1, "GID": 2, "Mode": 0o400}]),
        ),
    ] {
        assert_eq!(body[field], expected, "{field}");
    }
}

#[test]
fn pods_map_field_by_field() {
    use podlane_engine::{NewPod, PodName};
    let attempt = Instance::here().attempt();
    let mut new = NewPod {
        name: PodName::parse("shop").expect("valid"),
        labels: BTreeMap::from([("a".into(), "b".into())]),
        ports: spec().ports,
        hostname: Some("front".into()),
        networks: Some(BTreeMap::from([("n".into(), Membership::default())])),
        dns: vec![[9, 9, 9, 9].into()],
        hosts: BTreeMap::from([("db".into(), [10, 0, 0, 5].into())]),
    };
    assert_eq!(
        body(&create_pod(&new, &attempt)),
        json!({
            "name": "shop",
            "labels": {"a": "b", "io.podlane.pod": attempt.as_str()},
            "hostname": "front",
            "portmappings": [{"container_port": 80, "protocol": "tcp"}],
            "netns": {"nsmode": "bridge"},
            "Networks": {"n": {}},
            "dns_server": ["9.9.9.9"],
            "hostadd": ["db:10.0.0.5"],
        })
    );
    new.networks = Some(BTreeMap::new());
    let alone = body(&create_pod(&new, &attempt));
    assert_eq!(alone["netns"], json!({"nsmode": "none"}));
    assert_eq!(alone.get("Networks"), None);
    let id = podlane_engine::PodId::parse(&"b".repeat(64)).expect("valid");
    let path = |request: Request| request.path().replace(id.as_str(), "ID");
    let grace = Some(Duration::from_secs(3));
    assert_eq!(
        path(stop_pod(&id, grace)),
        "/v4.0.0/libpod/pods/ID/stop?t=3"
    );
    assert_eq!(path(remove_pod(&id, false)), "/v4.0.0/libpod/pods/ID");
    assert_eq!(
        path(remove_pod(&id, true)),
        "/v4.0.0/libpod/pods/ID?force=true&timeout=0"
    );
    let mut spec = spec();
    spec.pod = Some(podlane_engine::PodPlace { id, infra: None });
    let joins = body(&create_container(&spec, &attempt, Adaptation::default()));
    assert_eq!(joins["pod"], json!("b".repeat(64)));
}

#[test]
fn who_asks_a_registry_stands_in_a_header_that_is_not_shown() {
    use base64::Engine as _;
    let image = ImageRef::parse("registry.example.org/app").expect("an image");
    let call = Call::new(
        podlane_engine::RequestId::parse("test").expect("valid"),
        Duration::from_secs(1),
    );
    let read = |request: &Request, name: &str| {
        let http = request.to_http(&call);
        assert!(!request.path().contains("hunter2"));
        let value = http.headers().get(name).cloned()?;
        assert!(value.is_sensitive() && !format!("{http:?}").contains("hunter2"));
        let text = base64::engine::general_purpose::URL_SAFE.decode(value.as_bytes());
        serde_json::from_slice::<serde_json::Value>(&text.expect("Base64")).ok()
    };
    let account = RegistryLogin::Password {
        username: "me".into(),
        password: "hunter2".into(),
    };
    let told = json!({ "username": "me", "password": "hunter2" });
    assert_eq!(
        read(
            &pull_image(&image, Some(&account), Way::Counted),
            "x-registry-auth"
        ),
        Some(told.clone())
    );
    for (way, path) in [
        (
            Way::Said,
            "/v4.0.0/libpod/images/pull?reference=app&policy=always",
        ),
        (
            Way::Counted,
            "/v4.0.0/libpod/images/pull?reference=app&policy=always&compatMode=true",
        ),
        (Way::Docker, "/v1.41/images/create?fromImage=app"),
    ] {
        let app = ImageRef::parse("app").expect("a reference");
        assert_eq!(pull_image(&app, Some(&account), way).path(), path);
    }
    let token = RegistryLogin::IdentityToken("hunter2".into());
    assert_eq!(
        read(
            &pull_image(&image, Some(&token), Way::Docker),
            "x-registry-auth"
        ),
        Some(json!({ "identitytoken": "hunter2" }))
    );
    assert_eq!(
        read(&pull_image(&image, None, Way::Said), "x-registry-auth"),
        None
    );
    assert!(!format!("{account:?} {token:?}").contains("hunter2"));
    let host = podlane_engine::RegistryHost::parse("Registry.example.org").expect("a host");
    let build = NewBuild {
        image,
        dockerfile: None,
        target: None,
        arguments: BTreeMap::new(),
        labels: BTreeMap::new(),
        no_cache: false,
        login: Some((host, account)),
    };
    let request = build_image(&build);
    // The other header would be for every registry.
    assert_eq!(read(&request, "x-registry-auth"), None);
    assert_eq!(
        read(&request, "x-registry-config"),
        Some(json!({ "registry.example.org": told }))
    );
}
