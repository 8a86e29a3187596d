use super::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

fn round<T: Serialize + DeserializeOwned>(body: &Value) -> Value {
    let body: T = serde_json::from_value(body.clone()).expect("a body");
    serde_json::to_value(body).expect("JSON")
}

/// What a client of ours writes, the server reads.
#[test]
fn bodies_are_written_as_they_are_read() {
    let create = json!({
        "image": "alpine:latest", "name": "x", "command": ["sleep", "300"],
        "environment": {"A": "b", "N": 1, "F": 1.5, "T": true},
        "ports": {"8080": "80", "0": 81}, "volumes": {"/h": "/c:ro", "v": {"bind": "/d", "mode": "ro"}},
        "user": "root", "workdir": "/", "labels": {"a": "b"}, "init": "auto", "pull": "missing"
    });
    assert_eq!(round::<CreateContainer>(&create), create);
    let create = json!({"image": "a", "name": "x", "init": true, "environment": ["A=b"]});
    assert_eq!(round::<CreateContainer>(&create), create);
    let exec = json!({"command": "id", "stdin": "x", "timeout": 1.5, "encoding": "base64"});
    assert_eq!(round::<ExecCommand>(&exec), exec);
    let user = json!({"username": "a", "password": "b", "shell": "/bin/sh"});
    assert_eq!(round::<AddUser>(&user), user);
    let file = json!({"dest_path": "/a", "content": "b", "mode": "0600", "owner": "0:0"});
    assert_eq!(round::<AddFile>(&file), file);
}

/// A body of a caller that writes every field, also those it has no value for.
#[test]
fn null_is_left_out() {
    let create = json!({"image": "a", "name": "x", "user": null, "ports": null, "init": null});
    assert_eq!(
        round::<CreateContainer>(&create),
        json!({"image": "a", "name": "x"})
    );
}

#[test]
fn constants_are_constant() {
    assert!(serde_json::from_str::<True>("false").is_err());
    assert!(serde_json::from_str::<False>("false").is_ok());
}

#[test]
fn debug_shows_no_secret() {
    fn shown<T: DeserializeOwned + Debug>(body: Value) -> String {
        format!("{:?}", serde_json::from_value::<T>(body).expect("a body"))
    }
    let all = [
        shown::<CreateContainer>(
            json!({"image": "a", "name": "x", "command": "x hunter2", "environment": {"A": "hunter2"}}),
        ),
        shown::<CreateContainer>(
            json!({"image": "a", "name": "x", "command": ["hunter2"], "environment": ["A=hunter2"]}),
        ),
        shown::<ExecCommand>(
            json!({"command": "echo hunter2", "stdin": "hunter2", "environment": {"A": "hunter2"}}),
        ),
        shown::<AddUser>(json!({"username": "a", "password": "hunter2"})),
        shown::<AddFile>(json!({"dest_path": "/a", "content": "hunter2"})),
    ];
    for text in all {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
