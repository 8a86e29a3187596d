//! Bodies that two readers could read in two ways, or that are none.

use crate::client::{Server, post, request};
use axum::body::Body;
use serde_json::{Value, json};
use std::time::Duration;

const CREATE: &str = "/api/v1/containers";
const EXEC: &str = "/api/v1/containers/web/exec";
const USERS: &str = "/api/v1/containers/web/users";
const FILES: &str = "/api/v1/containers/web/files";

async fn refused(path: &str, body: &str, field: Option<&str>) -> Value {
    let server = Server::new();
    server
        .refuses(post(path, body.to_owned()), 400, field)
        .await
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().expect("text")
}

#[tokio::test]
async fn a_valid_create_passes() {
    let server = Server::new();
    let body = json!({
        "image": "alpine:latest", "name": "my-container", "command": "sleep 300",
        "environment": {"ENV_VAR": "value"}, "ports": {"8080": "80"},
        "volumes": {"/host/path": "/container/path"}, "user": "root"
    });
    let reply = server.post(CREATE, body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["container"]["id"], "abc123def456");
    assert_eq!(reply.json()["container"]["status"], "running");
    for (media, body) in [
        (
            "application/json;charset=UTF-8",
            r#" {"image":"a","name":"b","user":null} "#,
        ),
        (
            "application/x+json",
            r#"{"image":"a","name":"b","environment":["A=1"],"init":"auto","pull":"never"}"#,
        ),
    ] {
        let request = request("POST", CREATE).header("Content-Type", media);
        let reply = server
            .send(request.body(body.into()).expect("a request"))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_key_that_stands_there_twice_is_refused() {
    for (path, body, field) in [
        (CREATE, r#"{"image":"a","image":"b","name":"x"}"#, "image"),
        (CREATE, r#"{"image":"b","name":"x","image":"a"}"#, "image"),
        (
            CREATE,
            r#"{"image":"a","im\u0061ge":"b","name":"x"}"#,
            "image",
        ),
        (
            CREATE,
            r#"{"name":"x","n\u0061me":"y","image":"a"}"#,
            "name",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":{"A":1,"A":2}}"#,
            "environment",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":{"A":1,"\u0041":2}}"#,
            "environment",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":["A=1","A=2"]}"#,
            "environment",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","ports":{"80":1,"80":2}}"#,
            "ports",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","volumes":{"/h":"/a","/h":"/b"}}"#,
            "volumes",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","volumes":{"/h":{"bind":"/a","bind":"/b"}}}"#,
            "volumes",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","labels":{"l":"1","l":"2"}}"#,
            "labels",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","labels":{},"labels":{}}"#,
            "labels",
        ),
        (EXEC, r#"{"command":"id","command":"ls"}"#, "command"),
        (
            EXEC,
            r#"{"command":"id","environment":{"A":"1","A":"2"}}"#,
            "environment",
        ),
        (USERS, r#"{"username":"a","username":"root"}"#, "username"),
        (
            USERS,
            r#"{"username":"a","password":"x","password":"y"}"#,
            "password",
        ),
        (
            FILES,
            r#"{"dest_path":"/a","content":"","dest_path":"/b"}"#,
            "dest_path",
        ),
    ] {
        let body = refused(path, body, Some(field)).await;
        assert!(message(&body).contains("twice"), "{body}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_named_with_the_nearest_known_one() {
    for (path, body, field, hint) in [
        (
            CREATE,
            r#"{"imgae":"a","name":"x"}"#,
            "imgae",
            "did you mean `image`?",
        ),
        (
            CREATE,
            r#"{"Image":"a","name":"x"}"#,
            "Image",
            "did you mean `image`?",
        ),
        (
            CREATE,
            r#"{"IMAGE":"a","name":"x","image":"a"}"#,
            "IMAGE",
            "did you mean `image`?",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","port":{}}"#,
            "port",
            "did you mean `ports`?",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","privileged":true}"#,
            "privileged",
            "the known fields are",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","\u0042inds":[]}"#,
            "Binds",
            "the known fields are",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","rootfs":"/"}"#,
            "rootfs",
            "the known fields are",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","oci_runtime":"/x"}"#,
            "oci_runtime",
            "the known",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","conmon_pid_file":"/x"}"#,
            "conmon_pid_file",
            "",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","":1}"#,
            "",
            "the known fields are",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","`, expected `image`":1}"#,
            "`, expected `image`",
            "",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","volumes":{"/h":{"bind":"/c","mod":"ro"}}}"#,
            "volumes",
            "did you mean `mode`?",
        ),
        (EXEC, r#"{"command":"id","cmd":"x"}"#, "cmd", ""),
        (
            EXEC,
            r#"{"command":"id","privileged":true}"#,
            "privileged",
            "",
        ),
        (
            USERS,
            r#"{"username":"a","passwd":"x"}"#,
            "passwd",
            "did you mean `password`?",
        ),
        (
            FILES,
            r#"{"dest_path":"/a","contents":""}"#,
            "contents",
            "did you mean `content`?",
        ),
    ] {
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

#[tokio::test]
async fn a_value_of_another_type_is_named_and_not_repeated() {
    for (path, body, field, part) in [
        (
            CREATE,
            r#"{"image":5,"name":"x"}"#,
            "image",
            "`image` must be a string, not an integer",
        ),
        (
            CREATE,
            r#"{"image":null,"name":"x"}"#,
            "image",
            "must be a string, not null",
        ),
        (
            CREATE,
            r#"{"image":["a"],"name":"x"}"#,
            "image",
            "not an array",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","command":7}"#,
            "command",
            "must be a string or an array of strings",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","command":["a",7]}"#,
            "command",
            "`command[1]` must be a string",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":"A=1"}"#,
            "environment",
            "must be an object or an array",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":{"A":{}}}"#,
            "environment",
            "`environment[\"A\"]` must be a string, a number or a boolean",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":{"A":null}}"#,
            "environment",
            "environment[\"A\"]",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","environment":{"A":12345678901234567890123}}"#,
            "environment",
            "as a string",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","ports":["80"]}"#,
            "ports",
            "must be an object, not an array",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","ports":{"80":8.5}}"#,
            "ports",
            "`ports[\"80\"]` must be a container port",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","ports":{"80":-1}}"#,
            "ports",
            "ports[\"80\"]",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","ports":{"8080":"0"}}"#,
            "ports",
            "ports[\"8080\"]",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","volumes":{"/h":5}}"#,
            "volumes",
            "volumes[\"/h\"]",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","init":"yes"}"#,
            "init",
            "must be \"auto\", true or false",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","pull":"Always"}"#,
            "pull",
            "must be one of",
        ),
        (
            CREATE,
            r#"{"image":"a","name":"x","labels":{"l":5}}"#,
            "labels",
            "labels[\"l\"]",
        ),
        (
            EXEC,
            r#"{"command":"id","timeout":"5"}"#,
            "timeout",
            "must be a number",
        ),
        (
            EXEC,
            r#"{"command":"id","stdin":12345678}"#,
            "stdin",
            "must be a string, not an integer",
        ),
        (
            EXEC,
            r#"{"command":"id","encoding":"hex"}"#,
            "encoding",
            "must be `text` or `base64`",
        ),
        (
            USERS,
            r#"{"username":"a","password":12345678}"#,
            "password",
            "must be a string, not an integer",
        ),
        (
            FILES,
            r#"{"dest_path":"/a","content":12345678}"#,
            "content",
            "must be a string, not an integer",
        ),
    ] {
        let body = refused(path, body, Some(field)).await;
        let text = message(&body).replace('`', "\"");
        assert!(text.contains(&part.replace('`', "\"")), "{body}");
        assert!(!body.to_string().contains("12345678"), "{body}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let deep = |open: &str| open.repeat(10_000);
    for (body, field) in [
        (String::new(), None),
        (" \n".into(), None),
        ("null".into(), None),
        ("5".into(), None),
        (r#""image""#.into(), None),
        (r#"["alpine","x"]"#.into(), None),
        ("image=a&name=x".into(), None),
        ("{".into(), None),
        (r#"{"image":"a","name":"x"}{}"#.into(), None),
        (r#"{"image":"a","name":"x"} x"#.into(), None),
        (r#"{"image":"a","name":"x",}"#.into(), None),
        (r#"{'image':'a','name':'x'}"#.into(), None),
        (r#"{"image":"a","name":"x"/**/}"#.into(), None),
        ("\u{feff}{\"image\":\"a\",\"name\":\"x\"}".into(), None),
        ("{\0\"\0i\0".into(), None),
        (r#"{"image":"\ud800","name":"x"}"#.into(), Some("image")),
        (
            r#"{"image":"a","name":"\udc00\ud800"}"#.into(),
            Some("name"),
        ),
        (
            r#"{"image":"a","name":"x","environment":{"A":1e400}}"#.into(),
            Some("environment"),
        ),
        (
            r#"{"image":"a","name":"x","environment":{"A":NaN}}"#.into(),
            Some("environment"),
        ),
        ("{\"image\":\"a\nb\",\"name\":\"x\"}".into(), Some("image")),
    ] {
        let server = Server::new();
        let request = post(CREATE, body.clone());
        let reply = server.send(request).await;
        assert_eq!(reply.status, 400, "{body:?}");
        assert_eq!(server.engine.calls(), 0);
        let answer = reply.json();
        if field.is_some() {
            assert_eq!(
                answer["error"]["field"].as_str(),
                field,
                "{body:?} {answer}"
            );
        }
    }
    let large = crate::client::settings();
    let server = Server::with(podlane_server::Settings {
        body_bytes: 1 << 20,
        ..large
    });
    for body in [
        deep("["),
        format!("{{\"image\":{}", deep("[")),
        format!("{{\"environment\":{}", deep("{\"a\":")),
        format!("{{\"x\":{}", deep("[")),
        format!("{{\"command\":{}", deep("[")),
    ] {
        let reply = server.post(CREATE, body).await;
        assert_eq!(reply.status, 400);
    }
    for bytes in [
        &b"\xff\xfe{\0}\0"[..],
        b"\xfe\xff\0{\0}",
        b"{\"image\":\"\xff\"}",
        b"{\"\xc0\x80\":1}",
    ] {
        server
            .refuses(post(CREATE, bytes.to_vec()), 400, None)
            .await;
    }
    assert_eq!(server.engine.calls(), 0);
}

#[tokio::test]
async fn a_body_must_say_that_it_is_plain_json() {
    let server = Server::new();
    let body = r#"{"image":"a","name":"x"}"#;
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin1",
        "json",
        "",
    ] {
        let request = request("POST", CREATE).header("Content-Type", media);
        let request = request.body(body.into()).expect("a request");
        server.refuses(request, 415, Some("Content-Type")).await;
    }
    let none = request("POST", CREATE)
        .body(body.into())
        .expect("a request");
    server.refuses(none, 415, Some("Content-Type")).await;
    let two = request("POST", CREATE)
        .header("Content-Type", "application/json")
        .header("Content-Type", "text/plain");
    server
        .refuses(
            two.body(body.into()).expect("a request"),
            415,
            Some("Content-Type"),
        )
        .await;
    for coding in ["gzip", "deflate", "br", "identity, gzip", "x", ""] {
        let mut request = post(CREATE, body);
        request
            .headers_mut()
            .insert("Content-Encoding", coding.parse().expect("a value"));
        server.refuses(request, 415, Some("Content-Encoding")).await;
    }
    let mut plain = post(CREATE, body);
    plain
        .headers_mut()
        .insert("Content-Encoding", "identity".parse().expect("a value"));
    assert_eq!(server.send(plain).await.status, 200);
}

#[tokio::test]
async fn a_body_is_taken_whole_or_not_at_all() {
    let server = Server::new();
    let padded = |length: usize| {
        let body = r#"{"image":"a","name":"x"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    for length in [1999, 2000] {
        let reply = server.post(CREATE, padded(length)).await;
        assert_eq!(reply.status, 200, "{length}");
    }
    // What is beyond the limit is white space: a truncated body would be a valid one.
    for length in [2001, 100_000] {
        server
            .refuses(post(CREATE, padded(length)), 413, None)
            .await;
        let pieces = padded(length).into_bytes();
        let pieces: Vec<_> = pieces
            .chunks(700)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        let stream = Body::from_stream(futures_util::stream::iter(pieces));
        server.refuses(post(CREATE, stream), 413, None).await;
    }
    let mut announced = post(CREATE, padded(50));
    announced
        .headers_mut()
        .insert("Content-Length", "99999999999".parse().expect("a value"));
    server.refuses(announced, 413, None).await;
}

#[tokio::test]
async fn a_silent_or_broken_body_ends_the_request() {
    let server = Server::new();
    let silent = Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    server.refuses(post(CREATE, silent), 408, None).await;
    let broken = Err::<Vec<u8>, _>(std::io::Error::other("cut"));
    let broken = Body::from_stream(futures_util::stream::iter([Ok(b"{".to_vec()), broken]));
    server.refuses(post(CREATE, broken), 400, None).await;
    // Never silent for long, and never done: the request's own bound ends it.
    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(vec![b' ']), ()))
    });
    server
        .refuses(post(CREATE, Body::from_stream(drip)), 408, None)
        .await;
}

#[tokio::test]
async fn fields_are_checked_before_the_engine_is_asked() {
    for (path, body, field) in [
        (CREATE, json!({"image": "dir:/etc", "name": "x"}), "image"),
        (
            CREATE,
            json!({"image": "docker-archive:/x", "name": "x"}),
            "image",
        ),
        (CREATE, json!({"image": "a", "name": "a/b"}), "name"),
        (CREATE, json!({"image": "a", "name": "a%2Fb"}), "name"),
        (CREATE, json!({"image": "a", "name": "../x"}), "name"),
        (CREATE, json!({"image": "a", "name": "a\n"}), "name"),
        (
            CREATE,
            json!({"image": "a", "name": "x".repeat(300)}),
            "name",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "ports": {"70000": "80"}}),
            "ports",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "volumes": {"/a/../b": "/c"}}),
            "volumes",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "user": "a b"}),
            "user",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "workdir": "x"}),
            "workdir",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "command": "'"}),
            "command",
        ),
        (
            CREATE,
            json!({"image": "a", "name": "x", "labels": {"": "x"}}),
            "labels",
        ),
        (EXEC, json!({"command": ""}), "command"),
        (EXEC, json!({"command": "id", "timeout": 2.5}), "timeout"),
        (USERS, json!({"username": "-h"}), "username"),
        (USERS, json!({"username": "a", "password": ""}), "password"),
        (
            USERS,
            json!({"username": "a", "password": "a\nroot::0:0"}),
            "password",
        ),
        (USERS, json!({"username": "a", "shell": "bash"}), "shell"),
        (
            FILES,
            json!({"dest_path": "/a", "content": "", "mode": "9"}),
            "mode",
        ),
        (
            FILES,
            json!({"dest_path": "/a", "content": "", "owner": "root"}),
            "owner",
        ),
        (
            FILES,
            json!({"dest_path": "/a", "content": "!", "encoding": "base64"}),
            "content",
        ),
    ] {
        refused(path, &body.to_string(), Some(field)).await;
    }
}

#[tokio::test]
async fn actions_take_no_body_or_an_empty_object() {
    let server = Server::new();
    for path in [
        "/api/v1/containers/web/start",
        "/api/v1/containers/web/stop",
    ] {
        for body in ["", "{}", " { } "] {
            assert_eq!(server.post(path, body).await.status, 200, "{body}");
        }
        let bare = request("POST", path)
            .body(Body::empty())
            .expect("a request");
        assert_eq!(server.send(bare).await.status, 200);
        server
            .refuses(post(path, r#"{"timeout":5}"#), 400, Some("timeout"))
            .await;
        server.refuses(post(path, "[]"), 400, None).await;
        let form = request("POST", path).header("Content-Type", "text/plain");
        let form = form.body("x".into()).expect("a request");
        server.refuses(form, 415, Some("Content-Type")).await;
    }
}
