//! Properties of what goes to libpod and what comes from it, whatever a caller or an engine writes.

use crate::answers::{CountedLine, InspectedContainer, ListedContainer, PathStat, WorkLine};
use crate::failure::Failure;
use crate::pull::Way;
use crate::requests::{self, Request};
use http::StatusCode;
use podlane_engine::{
    Call, ContainerId, ContainerName, ContainerRef, FileStat, ImageRef, InnerPath, RequestId,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use url::form_urlencoded;

fn id() -> ContainerId {
    ContainerId::parse(&"a".repeat(64)).expect("valid")
}

fn call() -> Call {
    Call::new(
        RequestId::parse("r").expect("valid"),
        Duration::from_secs(1),
    )
}

/// The requests whose target holds something of the caller's, where the caller's text allows them.
fn requests(text: &str) -> Vec<Request> {
    let mut made = Vec::new();
    if let Ok(path) = InnerPath::parse(text) {
        made.push(requests::stat(&id(), &path));
        made.push(requests::read_archive(&id(), &path));
    }
    if let Ok(container) = ContainerRef::parse(text) {
        made.push(requests::inspect_container(&container));
    }
    if let Ok(image) = ImageRef::parse(text) {
        made.push(requests::inspect_image(&image));
        for way in [Way::Said, Way::Counted, Way::Docker] {
            made.push(requests::pull_image(&image, None, way));
        }
    }
    made
}

/// JSON of any shape, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "Id",
        "Name",
        "Names",
        "State",
        "Status",
        "Ports",
        "Config",
        "Env",
        "Cmd",
        "Mounts",
        "Labels",
        "NetworkSettings",
        "HostIp",
        "HostPort",
        "host_port",
        "container_port",
        "range",
        "protocol",
        "80/tcp",
        "x/udp",
        "99999/tcp",
        "cause",
        "message",
        "mode",
        "size",
        "linkTarget",
        "HostConfig",
        "error",
        "id",
        "Path",
        "Args",
        "ExitCode",
        "StartedAt",
        "FinishedAt",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..8).prop_map(|map| json!(map)),
        ]
    })
}

fn read_all(body: &[u8]) {
    if let Ok(container) = serde_json::from_slice::<InspectedContainer>(body) {
        let _read = container.container();
    }
    if let Ok(rows) = serde_json::from_slice::<Vec<ListedContainer>>(body) {
        for row in rows {
            let _read = row.summary();
        }
    }
    if let Ok(stat) = serde_json::from_slice::<PathStat>(body) {
        let stat = FileStat::from(stat);
        assert!(stat.mode <= 0o7777);
    }
    let _line = serde_json::from_slice::<WorkLine>(body);
    let line = serde_json::from_slice::<CountedLine>(body);
    let _step = line.map(CountedLine::step);
}

/// Whatever it means, it is said, and no request panics on it.
fn judge(status: u16, body: &[u8]) {
    let path = InnerPath::parse("/p").expect("valid");
    let name = ContainerName::parse("c").expect("valid");
    let requests = [
        requests::stat(&id(), &path),
        requests::read_archive(&id(), &path),
        requests::inspect_container(&ContainerRef::from(&name)),
        requests::start_container(&id()),
        requests::remove_container(&id(), false),
        requests::create_exec(
            &id(),
            &podlane_engine::ExecSpec {
                command: podlane_engine::Command::Argv(vec!["x".into()]),
                user: None,
                workdir: None,
                environment: Vec::new(),
                stdin: false,
                open_ended: false,
                terminal: None,
                agent: false,
            },
            &["x".into()],
            &crate::instance::Instance::here().attempt(),
        ),
    ];
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    for request in requests {
        let error = Failure::parse(status, body).meaning(&call(), &request);
        assert!(!error.to_string().is_empty());
    }
}

proptest! {
    #[test]
    fn nothing_of_the_callers_alters_a_request(text in prop_oneof![
        "/[^\\x00]{0,80}", "/(\\.\\.|[ -~])*", "[a-z0-9:@/._-]{1,40}", ".{0,40}",
    ]) {
        for request in requests(&text) {
            let http = request.to_http(&call());
            let target = http.uri().path_and_query().expect("a target").as_str();
            prop_assert_eq!(target, request.path(), "hyper sends what was meant");
            let known = ["/v4.0.0/libpod/", "/v1.41/images/create?"];
            prop_assert!(known.iter().any(|begin| target.starts_with(begin)));
            prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            prop_assert!(!path.contains("/../") && !path.contains("/./") && !path.contains('#'));
            let wanted = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "path");
            if let Some((_, path)) = wanted {
                let meant = InnerPath::parse(&text).expect("a path");
                // As a pattern that finds nothing else.
                let mut characters = path.chars();
                let mut plain = String::new();
                while let Some(character) = characters.next() {
                    prop_assert!(!matches!(character, '?' | '['));
                    plain.extend(match character {
                        '\\' => characters.next(),
                        character => Some(character),
                    });
                }
                prop_assert_eq!(plain.as_str(), meant.as_str());
                prop_assert_eq!(query.matches('&').count(), 0);
            }
        }
    }

    #[test]
    fn an_answer_of_any_bytes_is_read_or_refused(body: Vec<u8>, status in 0u16..1000) {
        read_all(&body);
        judge(status, &body);
    }

    #[test]
    fn an_answer_of_any_shape_is_read_or_refused(body in any_json(), status in 100u16..600) {
        let body = body.to_string();
        read_all(body.as_bytes());
        judge(status, body.as_bytes());
    }

    #[test]
    fn a_failure_of_any_words_has_a_meaning(cause in ".{0,60}", message in ".{0,60}", status in 400u16..600) {
        let body = json!({ "cause": cause, "message": message, "response": status }).to_string();
        judge(status, body.as_bytes());
    }

    #[test]
    fn a_header_of_any_bytes_is_decoded_or_refused(value: Vec<u8>) {
        if let Some(json) = requests::decode_stat_header(&value) {
            read_all(&json);
        }
    }

    #[test]
    fn a_header_of_either_alphabet_is_decoded(json: Vec<u8>) {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        for text in [STANDARD.encode(&json), URL_SAFE.encode(&json)] {
            let decoded = requests::decode_stat_header(text.as_bytes());
            prop_assert_eq!(decoded.as_deref(), Some(&json[..]));
        }
    }
}
