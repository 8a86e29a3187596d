//! Bodies that two readers could read in two ways, or that are none.

mod fields;
mod size;
mod syntax;

use crate::client::{Server, post, request};
use serde_json::{Value, json};

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
