use super::openapi_json;
use std::fs;
use std::path::Path;

/// Committed, so that a change of the contract is seen in review and clients can be generated from it.
#[test]
fn openapi_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let current = openapi_json();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, current).expect("openapi.json can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "openapi.json is not current; to write it: UPDATE=1 cargo test -p podlane-server openapi_is_current"
    );
}

#[test]
fn every_operation_says_how_it_fails() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 98, "{:?}", paths.keys());
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let responses = &operation["responses"];
            let upgraded = responses["101"].is_object();
            let answered = responses["200"]["content"].is_object();
            assert!(upgraded || answered, "{method} {path}");
            for status in ["400", "403", "421", "500"] {
                assert!(
                    responses[status]["$ref"].is_string(),
                    "{method} {path} {status}"
                );
            }
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
}

/// Else a wrong answer would pass for a right one.
#[test]
fn no_object_is_open() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        if schema.get("properties").is_some() {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}

/// The examples are what people copy.
#[test]
fn examples_are_valid() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let schemas = &document["components"]["schemas"];
    let mut count = 0;
    for (name, schema) in schemas.as_object().expect("schemas") {
        let Some(example) = schema.get("example") else {
            continue;
        };
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        assert!(validator.is_valid(example), "{name}: {example}");
        count += 1;
    }
    assert!(count >= 5);
}

/// Nothing is forgotten, and nothing stands there twice or for nothing.
#[test]
fn the_policy_has_every_operation() {
    use crate::scopes::POLICY;
    use std::collections::BTreeSet;
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut there = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let open = crate::authenticate::is_open(path);
            assert_eq!(operation["security"].is_array(), !open, "{method} {path}");
            if !open {
                there.insert((method.to_ascii_uppercase(), path.clone()));
            }
        }
    }
    let listed = POLICY
        .iter()
        .map(|row| (row.0.to_owned(), row.1.to_owned()));
    assert_eq!(listed.clone().collect::<BTreeSet<_>>(), there);
    assert_eq!(listed.count(), there.len());
}

/// Whatever makes something takes a key.
#[test]
fn what_makes_something_takes_a_key() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let mut names = parameters.map(|parameter| &parameter["name"]);
            let keyed = names.any(|name| name == "Idempotency-Key");
            let reused = operation["responses"]["422"].is_object();
            assert_eq!(keyed, reused, "{method} {path}");
            let answer = &operation["responses"]["200"]["headers"]["Idempotent-Replayed"];
            assert_eq!(keyed, answer.is_object(), "{method} {path}");
            let changes = ["post", "patch"].contains(&method.as_str());
            assert_eq!(changes, keyed, "{method} {path}");
        }
    }
}

/// What the server sends is in the document, in the form in which it is sent.
#[test]
fn webhooks_are_told_what_the_document_says() {
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let told = document["webhooks"].as_object().expect("webhooks");
    assert_eq!(told.len(), podlane_service::WebhookEvent::ALL.len() + 1);
    let holds = |kind: &str, message: &serde_json::Value| {
        let content = &told[kind]["post"]["requestBody"]["content"]["application/json"];
        let mut schema = content["schema"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.is_valid(message)
    };
    let died = serde_json::json!({
        "id": "msg_1", "type": "container.died", "timestamp": "2026-11-24T10:59:24.514606",
        "data": {
            "container": { "id": "abc123def456", "name": "web", "image": "alpine", "labels": {} },
            "exit_code": 1, "oom": null, "health": null,
        },
    });
    assert!(holds("container.died", &died));
    assert!(!holds("container.start", &died));
    let ping = serde_json::json!({
        "id": "msg_ping_1", "type": "ping", "timestamp": "2026-11-24T10:59:24.514606",
        "data": { "webhook": "9b1f04c2d7aa" },
    });
    assert!(holds("ping", &ping) && !holds("ping", &died));
}
