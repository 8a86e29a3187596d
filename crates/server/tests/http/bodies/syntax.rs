//! Bodies that are no JSON, or don't say that they are.

use super::CREATE;
use crate::client::{Server, post, request, settings};

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
        (r"{'image':'a','name':'x'}".into(), None),
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
    let large = settings();
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
