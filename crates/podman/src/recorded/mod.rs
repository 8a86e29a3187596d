//! Tests on answers recorded from real Podman services: every version gives the same nouns, and every
//! failure the same meaning.

mod failures;
mod pods;

use crate::answers::{
    Created, InspectedContainer, InspectedExec, InspectedImage, ListedContainer, PathStat,
};
use crate::frames::Decoder;
use crate::requests;
use base64::Engine as _;
use bytes::Bytes;
use http::StatusCode;
use podlane_engine::{Container, FileKind, FileStat, Protocol, PublishedPort, Source, Status};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const VERSIONS: [&str; 3] = ["4.3.1", "5.4.2", "5.8.6"];

/// An answer: status, headers, body.
struct Recorded(Value);

fn recorded(version: &str, name: &str) -> Recorded {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let path = data.join(version).join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).expect("a recorded answer");
    Recorded(serde_json::from_str(&text).expect("JSON"))
}

impl Recorded {
    fn status(&self) -> StatusCode {
        let status = self.0["status"].as_u64().expect("a number");
        StatusCode::from_u16(u16::try_from(status).expect("small")).expect("a status")
    }

    fn body(&self) -> Bytes {
        if let Some(text) = self.0["base64"].as_str() {
            let engine = base64::engine::general_purpose::STANDARD;
            return engine.decode(text).expect("base64").into();
        }
        match &self.0["body"] {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> T {
        assert!(self.status().is_success());
        serde_json::from_slice(&self.body()).expect("the noun")
    }
}

fn container(version: &str, name: &str) -> Container {
    let inspected: InspectedContainer = recorded(version, name).parse();
    inspected.container().expect("a container")
}

#[test]
fn a_running_container_is_the_same_in_all_versions() {
    for version in VERSIONS {
        let container = container(version, "inspect_running");
        assert_eq!(
            (container.name.as_str(), container.status),
            ("w1", Status::Running)
        );
        assert_eq!(container.image, "localhost/bb:1");
        assert_eq!(container.image_id.len(), 64);
        assert_eq!(container.command[..2], ["sh", "-c"]);
        assert_eq!(container.command.len(), 3);
        assert!(container.environment.contains(&("A".into(), "b".into())));
        assert_eq!(
            container.labels,
            BTreeMap::from([("owner".into(), "x".into())])
        );
        assert_eq!(
            (container.user.as_str(), container.workdir.as_str()),
            ("", "/tmp")
        );
        assert_eq!((container.init, container.error), (false, None));
        assert_eq!((container.exit_code, container.finished), (None, None));
        assert!(container.started.is_some());
        assert_eq!(
            container.mounts,
            [
                ("vol1".into(), "/data".into(), false),
                ("/srv/source".into(), "/ro".into(), true)
            ]
        );
        let ports: Vec<_> = container
            .ports
            .iter()
            .map(|port| (port.container, port.host_ip.map(|ip| ip.to_string())))
            .collect();
        assert_eq!(
            ports,
            [(80, Some("127.0.0.1".into())), (81, None)],
            "{version}"
        );
        assert_eq!(container.ports, listed(version), "list and inspect agree");
    }
}

fn listed(version: &str) -> Vec<PublishedPort> {
    let mut rows: Vec<ListedContainer> = recorded(version, "list").parse();
    let row = rows.pop().expect("a row").summary().expect("a summary");
    assert_eq!((row.name.as_str(), row.status), ("w1", Status::Running));
    assert_eq!(
        (row.image.as_str(), row.labels.len()),
        ("localhost/bb:1", 1)
    );
    assert!(row.created.starts_with("2026-") && row.created.ends_with('Z'));
    assert!(row.ports.iter().all(|port| port.protocol == Protocol::Tcp));
    row.ports
}

#[test]
fn a_container_that_does_not_run_is_the_same_in_all_versions() {
    for version in VERSIONS {
        let created = container(version, "inspect_created");
        assert_eq!((created.status, created.exit_code), (Status::Created, None));
        assert_eq!((created.started, created.finished), (None, None));
        let exited = container(version, "inspect_exited");
        assert_eq!((exited.status, exited.exit_code), (Status::Exited, Some(5)));
        assert!(exited.started.is_some() && exited.finished.is_some());
        // 5.x notes a start of what ran already as if it had failed.
        assert_eq!(exited.error, None, "{version}");
        let failed = container(version, "inspect_after_failed_start");
        assert_eq!((failed.status, failed.exit_code), (Status::Created, None));
        let told = failed
            .error
            .is_some_and(|error| error.contains("address already in use"));
        assert_eq!(told, version != "4.3.1");
    }
}

#[test]
fn other_nouns_are_the_same_in_all_versions() {
    for version in VERSIONS {
        let image: InspectedImage = recorded(version, "image_inspect").parse();
        let image = podlane_engine::Image::from(image);
        assert_eq!((image.id.len(), image.entrypoint.len()), (64, 0));
        let created: Created = recorded(version, "create").parse();
        assert!(created.container().is_ok());
        let running: InspectedExec = recorded(version, "exec_inspect_running").parse();
        assert!(running.running);
        let ended: InspectedExec = recorded(version, "exec_inspect_after_basic").parse();
        assert_eq!((ended.running, ended.exit_code), (false, 3));
        let answer = recorded(version, "archive_head_file");
        let header = answer.0["headers"]["X-Docker-Container-Path-Stat"].as_str();
        let json = requests::decode_stat_header(header.expect("a header").as_bytes());
        let stat: PathStat = serde_json::from_slice(&json.expect("base64")).expect("a stat");
        let stat = FileStat::from(stat);
        let wanted = FileStat {
            modified: stat.modified,
            kind: FileKind::Regular,
            size: 5,
            mode: 0o640,
            target: None,
        };
        assert_eq!(stat, wanted);
    }
}

#[test]
fn streams_are_the_same_in_all_versions() {
    for version in VERSIONS {
        for (name, stdout, stderr) in [
            ("exec_start_basic", "o\n", "e\n"),
            ("logs_plain", "out\nnonl", "err\n"),
        ] {
            let mut bytes = recorded(version, name).body();
            let mut decoder = Decoder::default();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            while let Some(chunk) = decoder.next(&mut bytes).expect("frames") {
                match chunk.source {
                    Source::Stdout => out.extend_from_slice(&chunk.data),
                    Source::Stderr => err.extend_from_slice(&chunk.data),
                }
            }
            decoder.finish().expect("a whole stream");
            assert_eq!(
                (&out[..], &err[..]),
                (stdout.as_bytes(), stderr.as_bytes()),
                "{version} {name}"
            );
        }
    }
}
