//! Who may do what: every operation with every role, with each scope alone, and without.

use crate::client::{Reply, Server};
use axum::body::Body;
use axum::http::{Method, Request};
use podlane_server::openapi_json;
use podlane_service::{Auth, Caller, NewToken, Role, Scope, Tokens};
use serde_json::{Value, json};
use std::path::Path;

/// What an operation is asked with, so that only its caller can be wrong: query, content type, body.
fn sample(method: &str, path: &str) -> (&'static str, &'static str, String) {
    let json = |value: Value| ("", "application/json", value.to_string());
    match (method, path) {
        ("post", "/api/v1/containers") => json(json!({ "image": "alpine", "name": "web" })),
        ("post", "/api/v1/containers/{name}/exec") => json(json!({ "command": "id" })),
        ("post", "/api/v1/containers/{name}/users") => json(json!({ "username": "bob" })),
        ("patch", "/api/v1/containers/{name}/users/{username}") => json(json!({ "locked": true })),
        ("post", "/api/v1/containers/{name}/files") => {
            json(json!({ "dest_path": "/tmp/x", "content": "x" }))
        }
        ("post", "/api/v1/containers/{name}/file-operations") => {
            json(json!({ "operation": "mkdir", "path": "/tmp/x" }))
        }
        ("post", "/api/v1/tokens") => json(json!({ "name": "x", "scopes": ["containers:read"] })),
        ("post", "/api/v1/containers/{name}/update") => json(json!({ "limits": { "pids": 100 } })),
        ("post", "/api/v1/bulk/containers") => json(json!({ "action": "pause", "names": ["web"] })),
        ("post", "/api/v1/pull") => json(json!({ "image": "alpine" })),
        ("post", "/api/v1/tag") => json(json!({ "image": "alpine", "name": "base" })),
        ("post", "/api/v1/containers/{name}/commit") => json(json!({ "image": "base" })),
        ("post", "/api/v1/build") => ("?image=base", "application/x-tar", "x".into()),
        ("post", "/api/v1/load") => ("", "application/x-tar", "x".into()),
        ("get", "/api/v1/save") => ("?image=alpine", "", String::new()),
        ("post", "/api/v1/volumes" | "/api/v1/networks") => json(json!({ "name": "x" })),
        ("post", "/api/v1/secrets") => json(json!({ "name": "x", "value": "y" })),
        (
            "post",
            "/api/v1/networks/{network}/connect" | "/api/v1/networks/{network}/disconnect",
        ) => json(json!({ "container": "web" })),
        ("post", "/api/v1/execs/{id}/signal") => json(json!({ "signal": "TERM" })),
        ("post", "/api/v1/execs/{id}/resize") => json(json!({ "columns": 80, "rows": 24 })),
        ("post", "/api/v1/containers/{name}/rename") => ("?to=other", "", String::new()),
        ("get", "/api/v1/containers/{name}/file-search") => {
            ("?path=/tmp&text=x", "", String::new())
        }
        ("get", "/api/v1/files") => ("?path=/tmp&container=web", "", String::new()),
        ("put", "/api/v1/containers/{name}/archive") => {
            ("?path=/tmp", "application/x-tar", String::new())
        }
        ("post", "/api/v1/execs/{id}/stdin") | ("put", _) => {
            ("", "application/octet-stream", "x".into())
        }
        ("get", path) if path.contains("/file-") || path.ends_with("/archive") => {
            ("?path=/tmp", "", String::new())
        }
        _ => ("", "", String::new()),
    }
}

fn request(method: &str, path: &str, token: Option<&str>) -> Request<Body> {
    let (query, kind, body) = sample(method, path);
    let id = if path.contains("/tokens/") {
        "0123456789ab"
    } else {
        "0123456789abcdef0123456789abcdef"
    };
    let path = path
        .replace("{name}", "web")
        .replace("{username}", "bob")
        .replace("{image}", "alpine")
        .replace("{volume}", "data")
        .replace("{network}", "lab")
        .replace("{secret}", "flag")
        .replace("{path}", "tmp/x")
        .replace("{id}", id);
    let method: Method = method.to_ascii_uppercase().parse().expect("a method");
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{path}{query}"))
        .header("host", "localhost:5000");
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::from(body)).expect("a request")
}

/// Every operation that wants to know who asks, with its scope. What upgrades its connection needs a real one.
fn operations() -> Vec<(String, String, Option<Scope>)> {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(security) = operation["security"].as_array() else {
                continue;
            };
            let scope = security[0]["token"][0].as_str().and_then(Scope::parse);
            if !path.ends_with("/ws") {
                all.push((method.clone(), path.clone(), scope));
            }
        }
    }
    assert!(all.len() > 75, "{}", all.len());
    all
}

fn token(directory: &Path, role: Option<Role>, scopes: &[Scope]) -> String {
    let new = NewToken {
        name: "test".into(),
        role,
        scopes: scopes.to_vec(),
        networks: Vec::new(),
        life: None,
    };
    let tokens = Tokens::new(Auth::Auto, Some(directory.to_owned()));
    let (_, text) = tokens.create(&Caller::server(), &new).expect("made");
    text.reveal().to_owned()
}

/// Asks, and insists that a denial reaches nobody else.
async fn ask(server: &Server, method: &str, path: &str, token: Option<&str>) -> Reply {
    let before = server.engine.calls();
    let reply = server.send(request(method, path, token)).await;
    if matches!(reply.status.as_u16(), 401 | 403) {
        assert_eq!(server.engine.calls(), before, "{method} {path}");
    }
    reply
}

#[tokio::test]
async fn every_operation_takes_its_scope_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let roles = Role::ALL.map(|role| (role, token(directory.path(), Some(role), &[])));
    for (method, path, scope) in operations() {
        for wrong in [None, Some("pdl_wrong")] {
            let reply = ask(&server, &method, &path, wrong).await;
            assert_eq!(reply.status, 401, "{method} {path}: {}", reply.text);
            assert_eq!(
                reply.headers["www-authenticate"],
                "Bearer realm=\"podlane\""
            );
        }
        for (role, token) in &roles {
            let reply = ask(&server, &method, &path, Some(token)).await;
            let permitted = scope.is_none_or(|scope| role.scopes().contains(scope));
            let let_in = !matches!(reply.status.as_u16(), 401 | 403);
            assert_eq!(
                let_in, permitted,
                "{role:?} {method} {path}: {}",
                reply.text
            );
        }
        let Some(scope) = scope else { continue };
        let others: Vec<Scope> = Scope::ALL
            .iter()
            .copied()
            // Who may write may read.
            .filter(|other| {
                let set: podlane_service::Scopes = [*other].into_iter().collect();
                !set.contains(scope)
            })
            .collect();
        let without = token(directory.path(), None, &others);
        let reply = ask(&server, &method, &path, Some(&without)).await;
        assert_eq!(reply.status, 403, "{method} {path}: {}", reply.text);
        assert!(reply.text.contains(scope.as_str()), "{}", reply.text);
        let with = token(directory.path(), None, &[scope]);
        let reply = ask(&server, &method, &path, Some(&with)).await;
        assert!(
            !matches!(reply.status.as_u16(), 401 | 403) || path == "/api/v1/tokens",
            "{method} {path}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_token_stands_in_one_header_and_not_in_the_address() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let token = token(directory.path(), Some(Role::Admin), &[]);
    let list = |headers: &[(&str, String)]| {
        let mut request = request("get", "/api/v1/containers", None);
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().expect("a name");
            let value = value.parse().expect("a value");
            request.headers_mut().append(name, value);
        }
        server.send(request)
    };
    for headers in [
        vec![("authorization", format!("Bearer {token}"))],
        vec![("authorization", format!("bearer  {token}"))],
        vec![("x-api-key", token.clone())],
    ] {
        assert_eq!(list(&headers).await.status, 200, "{headers:?}");
    }
    for headers in [
        vec![("authorization", token.clone())],
        vec![("authorization", format!("Basic {token}"))],
        vec![("authorization", format!("Bearer{token}"))],
        vec![("authorization", format!("Bearer {token}x"))],
        vec![("authorization", format!("Bearer {}", token.to_uppercase()))],
        vec![("authorization", "Bearer".into())],
        vec![("x-api-key", format!("Bearer {token}"))],
        vec![("x-api-key", "x".repeat(8000))],
        vec![
            ("authorization", format!("Bearer {token}")),
            ("authorization", format!("Bearer {token}")),
        ],
        vec![
            ("authorization", format!("Bearer {token}")),
            ("x-api-key", token.clone()),
        ],
    ] {
        let reply = list(&headers).await;
        assert_eq!(reply.status, 401, "{headers:?}");
        assert!(!reply.text.contains(&token[20..]), "{}", reply.text);
    }
    let path = format!("/api/v1/containers?token={token}");
    let reply = server.get(&path).await;
    assert_eq!(reply.status, 401);
    for open in ["/livez", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(server.get(open).await.status, 200, "{open}");
    }
    for nothing in ["/", "/api", "/api/v1/nothing", "/docsx", "/livez/"] {
        assert_eq!(server.get(nothing).await.status, 401, "{nothing}");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let admin = token(directory.path(), Some(Role::Admin), &[]);
    let maker = token(
        directory.path(),
        None,
        &[Scope::TokensWrite, Scope::FilesRead],
    );
    let send = |token: &str, method: &str, path: &str, body: Value| {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/tokens{path}"))
            .header("host", "localhost:5000")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        server.send(request.body(body).expect("a request"))
    };
    let own = json!({ "name": "x", "scopes": ["files:read"], "networks": ["::1", "10.0.0.0/8"], "expires_in": 60 });
    let made = send(&maker, "POST", "", own).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(made["token"]["scopes"], json!(["files:read"]));
    assert_eq!(made["token"]["networks"], json!(["::1/128", "10.0.0.0/8"]));
    let more = json!({ "name": "x", "scopes": ["exec:run"] });
    assert_eq!(send(&maker, "POST", "", more).await.status, 403);
    let id = &admin[4..16];
    let path = format!("/{id}/rotate");
    let stolen = send(&maker, "POST", &path, Value::Null).await;
    assert_eq!(stolen.status, 403, "{}", stolen.text);

    for (field, body) in [
        ("role", json!({ "name": "x" })),
        ("role", json!({ "name": "x", "role": "root" })),
        (
            "scopes",
            json!({ "name": "x", "role": "viewer", "scopes": ["files:read"] }),
        ),
        (
            "scopes[1]",
            json!({ "name": "x", "scopes": ["files:read", "files:*"] }),
        ),
        (
            "networks[0]",
            json!({ "name": "x", "role": "viewer", "networks": ["10.0.0.0/33"] }),
        ),
        (
            "expires_in",
            json!({ "name": "x", "role": "viewer", "expires_in": 0 }),
        ),
        (
            "expires_in",
            json!({ "name": "x", "role": "viewer", "expires_in": u64::MAX }),
        ),
        ("name", json!({ "name": "", "role": "viewer" })),
        ("name", json!({ "name": "a\nb", "role": "viewer" })),
        (
            "tenant",
            json!({ "name": "x", "role": "viewer", "tenant": "y" }),
        ),
    ] {
        let reply = send(&admin, "POST", "", body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.json()["error"]["field"], field, "{}", reply.text);
    }

    let renewed = send(&admin, "POST", &path, Value::Null).await.json();
    let new = renewed["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(send(&admin, "GET", "", Value::Null).await.status, 401);
    let revoked = send(&new, "DELETE", &format!("/{id}"), Value::Null).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(send(&new, "GET", "", Value::Null).await.status, 401);
}
