//! Fields: twice, unknown, missing, of another type, with a value that can't be.

use super::{CREATE, EXEC, FILES, USERS, message, refused};
use serde_json::json;

#[rustfmt::skip]
const TWICE: &[(&str, &str, &str)] = &[
    (CREATE, r#"{"image":"a","image":"b","name":"x"}"#, "image"),
    (CREATE, r#"{"image":"b","name":"x","image":"a"}"#, "image"),
    (CREATE, r#"{"image":"a","im\u0061ge":"b","name":"x"}"#, "image"),
    (CREATE, r#"{"name":"x","n\u0061me":"y","image":"a"}"#, "name"),
    (CREATE, r#"{"image":"a","name":"x","environment":{"A":1,"A":2}}"#, "environment"),
    (CREATE, r#"{"image":"a","name":"x","environment":{"A":1,"\u0041":2}}"#, "environment"),
    (CREATE, r#"{"image":"a","name":"x","environment":["A=1","A=2"]}"#, "environment"),
    (CREATE, r#"{"image":"a","name":"x","ports":{"80":1,"80":2}}"#, "ports"),
    (CREATE, r#"{"image":"a","name":"x","volumes":{"/h":"/a","/h":"/b"}}"#, "volumes"),
    (CREATE, r#"{"image":"a","name":"x","volumes":{"/h":{"bind":"/a","bind":"/b"}}}"#, "volumes"),
    (CREATE, r#"{"image":"a","name":"x","labels":{"l":"1","l":"2"}}"#, "labels"),
    (CREATE, r#"{"image":"a","name":"x","labels":{},"labels":{}}"#, "labels"),
    (EXEC, r#"{"command":"id","command":"ls"}"#, "command"),
    (EXEC, r#"{"command":"id","environment":{"A":"1","A":"2"}}"#, "environment"),
    (USERS, r#"{"username":"a","username":"root"}"#, "username"),
    (USERS, r#"{"username":"a","password":"x","password":"y"}"#, "password"),
    (FILES, r#"{"dest_path":"/a","content":"","dest_path":"/b"}"#, "dest_path"),
];

#[tokio::test]
async fn a_key_that_stands_there_twice_is_refused() {
    for &(path, body, field) in TWICE {
        let body = refused(path, body, Some(field)).await;
        assert!(message(&body).contains("twice"), "{body}");
    }
}

#[rustfmt::skip]
const UNKNOWN: &[(&str, &str, &str, &str)] = &[
    (CREATE, r#"{"imgae":"a","name":"x"}"#, "imgae", "did you mean `image`?"),
    (CREATE, r#"{"Image":"a","name":"x"}"#, "Image", "did you mean `image`?"),
    (CREATE, r#"{"IMAGE":"a","name":"x","image":"a"}"#, "IMAGE", "did you mean `image`?"),
    (CREATE, r#"{"image":"a","name":"x","port":{}}"#, "port", "did you mean `ports`?"),
    (CREATE, r#"{"image":"a","name":"x","tll":5}"#, "tll", "did you mean `ttl`?"),
    (CREATE, r#"{"image":"a","name":"x","privileged":true}"#, "privileged", "the known fields are"),
    (CREATE, r#"{"image":"a","name":"x","\u0042inds":[]}"#, "Binds", "the known fields are"),
    (CREATE, r#"{"image":"a","name":"x","rootfs":"/"}"#, "rootfs", "the known fields are"),
    (CREATE, r#"{"image":"a","name":"x","oci_runtime":"/x"}"#, "oci_runtime", "the known"),
    (CREATE, r#"{"image":"a","name":"x","conmon_pid_file":"/x"}"#, "conmon_pid_file", ""),
    (CREATE, r#"{"image":"a","name":"x","":1}"#, "", "the known fields are"),
    (CREATE, r#"{"image":"a","name":"x","`, expected `image`":1}"#, "`, expected `image`", ""),
    (CREATE, r#"{"image":"a","name":"x","volumes":{"/h":{"bind":"/c","mod":"ro"}}}"#, "volumes", "did you mean `mode`?"),
    (EXEC, r#"{"command":"a","terminal":{"column":1,"rows":1}}"#, "terminal.column", "did you mean `columns`?"),
    ("/api/v1/containers/c/kill", r#"{"signal":"TERM"}"#, "signal", "this endpoint takes no body: `signal` is a query parameter, as in ?signal="),
    ("/api/v1/containers/c/kill", r#"{"grace":1}"#, "grace", "no fields are known here"),
    ("/api/v1/containers/c/stop", r#"{"timeout":1}"#, "timeout", "this endpoint takes no body: `timeout` is a query"),
    (CREATE, r#"{"image":"a","name":"x","a at line 1":1}"#, "a at line 1", ""),
    (CREATE, r#"{"image":"a","name":"x","limits":{"cpu":1}}"#, "limits.cpu", "did you mean `cpus`?"),
    (CREATE, r#"{"image":"a","name":"x","limits":{"limits.cpu":1}}"#, "limits.limits.cpu", ""),
    (EXEC, r#"{"command":"id","cmd":"x"}"#, "cmd", ""),
    (EXEC, r#"{"command":"id","privileged":true}"#, "privileged", ""),
    (USERS, r#"{"username":"a","passwd":"x"}"#, "passwd", "did you mean `password`?"),
    (FILES, r#"{"dest_path":"/a","contents":""}"#, "contents", "did you mean `content`?"),
];

#[tokio::test]
async fn an_unknown_field_is_named_with_the_nearest_known_one() {
    for &(path, body, field, hint) in UNKNOWN {
        let body = refused(path, body, Some(field)).await;
        assert!(message(&body).starts_with("unknown field"), "{body}");
        let shown = body["error"]["hint"].as_str().expect("a hint");
        assert!(shown.starts_with(hint), "{body}");
    }
}

#[tokio::test]
async fn a_missing_field_is_named() {
    for (path, body, field) in [
        (CREATE, "{}", "image"),
        (CREATE, r#"{"image":"a"}"#, "name"),
        (EXEC, "{}", "command"),
        (USERS, r#"{"password":"x"}"#, "username"),
        (FILES, r#"{"content":"x"}"#, "dest_path"),
        (FILES, r#"{"dest_path":"/x"}"#, "content"),
        (
            CREATE,
            r#"{"image":"a","name":"x","volumes":{"/h":{"mode":"ro"}}}"#,
            "volumes",
        ),
    ] {
        let body = refused(path, body, Some(field)).await;
        assert!(message(&body).ends_with("is required"), "{body}");
    }
}

#[rustfmt::skip]
const OTHER_TYPES: &[(&str, &str, &str, &str)] = &[
    (CREATE, r#"{"image":5,"name":"x"}"#, "image", "`image` must be a string, not an integer"),
    (CREATE, r#"{"image":null,"name":"x"}"#, "image", "must be a string, not null"),
    (CREATE, r#"{"image":["a"],"name":"x"}"#, "image", "not an array"),
    (CREATE, r#"{"image":"a","name":"x","command":7}"#, "command", "must be a string or an array of strings"),
    (CREATE, r#"{"image":"a","name":"x","command":["a",7]}"#, "command", "`command[1]` must be a string"),
    (CREATE, r#"{"image":"a","name":"x","environment":"A=1"}"#, "environment", "must be an object or an array"),
    (CREATE, r#"{"image":"a","name":"x","environment":{"A":{}}}"#, "environment", "`environment[\"A\"]` must be a string, a number or a boolean"),
    (CREATE, r#"{"image":"a","name":"x","environment":{"A":null}}"#, "environment", "environment[\"A\"]"),
    (CREATE, r#"{"image":"a","name":"x","environment":{"A":12345678901234567890123}}"#, "environment", "as a string"),
    (CREATE, r#"{"image":"a","name":"x","ports":["80"]}"#, "ports", "must be an object, not an array"),
    (CREATE, r#"{"image":"a","name":"x","ports":{"80":8.5}}"#, "ports", "`ports[\"80\"]` must be a container port"),
    (CREATE, r#"{"image":"a","name":"x","ports":{"80":-1}}"#, "ports", "ports[\"80\"]"),
    (CREATE, r#"{"image":"a","name":"x","ports":{"8080":"0"}}"#, "ports", "ports[\"8080\"]"),
    (CREATE, r#"{"image":"a","name":"x","volumes":{"/h":5}}"#, "volumes", "volumes[\"/h\"]"),
    (CREATE, r#"{"image":"a","name":"x","init":"yes"}"#, "init", "must be \"auto\", true or false"),
    (CREATE, r#"{"image":"a","name":"x","pull":"Always"}"#, "pull", "must be one of"),
    (CREATE, r#"{"image":"a","name":"x","labels":{"l":5}}"#, "labels", "labels[\"l\"]"),
    (CREATE, r#"{"image":"a","name":"x","ttl":"1h"}"#, "ttl", "`ttl` must be a whole number, not that string"),
    (CREATE, r#"{"image":"a","name":"x","dns":"1.1.1.1"}"#, "dns", "must be an array, not that string"),
    (CREATE, r#"{"image":"a","name":"x","limits":{"cpus":"two"}}"#, "limits.cpus", "`limits.cpus` must be a number, not that string"),
    (CREATE, r#"{"image":"a","name":"x","limits":{"pids":"9"}}"#, "limits.pids", "`limits.pids` must be a whole number"),
    (CREATE, r#"{"image":"a","name":"x","healthcheck":{"command":"x","retries":"9"}}"#, "healthcheck.retries", "must be a whole number"),
    (USERS, r#"{"username":"a","uid":"9"}"#, "uid", "must be a whole number, not that string"),
    (EXEC, r#"{"command":"id","timeout":"5"}"#, "timeout", "must be a number"),
    (EXEC, r#"{"command":"id","stdin":12345678}"#, "stdin", "must be a string, not an integer"),
    (EXEC, r#"{"command":"id","detach":true,"terminal":{"columns":"80","rows":24}}"#, "terminal.columns", "`terminal.columns` must be a whole number"),
    (EXEC, r#"{"command":"id","encoding":"hex"}"#, "encoding", "must be `text` or `base64`"),
    (USERS, r#"{"username":"a","password":12345678}"#, "password", "must be a string, not an integer"),
    (FILES, r#"{"dest_path":"/a","content":12345678}"#, "content", "must be a string, not an integer"),
];

#[tokio::test]
async fn a_value_of_another_type_is_named_and_not_repeated() {
    for &(path, body, field, part) in OTHER_TYPES {
        let body = refused(path, body, Some(field)).await;
        let text = message(&body).replace('`', "\"");
        assert!(text.contains(&part.replace('`', "\"")), "{body}");
        assert!(!body.to_string().contains("12345678"), "{body}");
    }
}

#[tokio::test]
async fn fields_are_checked_before_the_engine_is_asked() {
    #[rustfmt::skip]
    let cases = [
        (CREATE, json!({"image": "dir:/etc", "name": "x"}), "image"),
        (CREATE, json!({"image": "docker-archive:/x", "name": "x"}), "image"),
        (CREATE, json!({"image": "a", "name": "a/b"}), "name"),
        (CREATE, json!({"image": "a", "name": "a%2Fb"}), "name"),
        (CREATE, json!({"image": "a", "name": "../x"}), "name"),
        (CREATE, json!({"image": "a", "name": "a\n"}), "name"),
        (CREATE, json!({"image": "a", "name": "x".repeat(300)}), "name"),
        (CREATE, json!({"image": "a", "name": "x", "ports": {"70000": "80"}}), "ports"),
        (CREATE, json!({"image": "a", "name": "x", "volumes": {"/a/../b": "/c"}}), "volumes"),
        (CREATE, json!({"image": "a", "name": "x", "user": "a b"}), "user"),
        (CREATE, json!({"image": "a", "name": "x", "workdir": "x"}), "workdir"),
        (CREATE, json!({"image": "a", "name": "x", "command": "'"}), "command"),
        (CREATE, json!({"image": "a", "name": "x", "labels": {"": "x"}}), "labels"),
        (EXEC, json!({"command": ""}), "command"),
        (EXEC, json!({"command": "id", "timeout": 2.5}), "timeout"),
        (USERS, json!({"username": "-h"}), "username"),
        (USERS, json!({"username": "a", "password": ""}), "password"),
        (USERS, json!({"username": "a", "password": "a\nroot::0:0"}), "password"),
        (USERS, json!({"username": "a", "shell": "bash"}), "shell"),
        (FILES, json!({"dest_path": "/a", "content": "", "mode": "9"}), "mode"),
        (FILES, json!({"dest_path": "/a", "content": "", "owner": "root"}), "owner"),
        (FILES, json!({"dest_path": "/a", "content": "!", "encoding": "base64"}), "content"),
    ];
    for (path, body, field) in cases {
        refused(path, &body.to_string(), Some(field)).await;
    }
}
