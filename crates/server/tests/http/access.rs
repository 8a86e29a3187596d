//! Who may do what: every operation with every role, with each scope alone, and without.

use crate::client::{Reply, Server};
use axum::body::Body;
use axum::http::{Method, Request};
use podlane_server::OPENAPI_JSON;
use podlane_service::{Auth, Bounds, Caller, NamePrefix, NewToken, Role, Scope, Tenant, Tokens};
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
        ("post", "/api/v1/containers/{name}/extend") => json(json!({})),
        ("post", "/api/v1/bulk/containers") => json(json!({ "action": "pause", "names": ["web"] })),
        ("post", "/api/v1/webhooks") => {
            json(json!({ "url": "https://example.org/", "events": ["died"] }))
        }
        ("patch", "/api/v1/webhooks/{id}") => json(json!({ "enabled": false })),
        ("post", "/api/v1/pull") => json(json!({ "image": "alpine" })),
        ("post", "/api/v1/containers/{name}/tickets") => json(json!({ "action": "exec" })),
        ("post", "/api/v1/tag") => json(json!({ "image": "alpine", "name": "base" })),
        ("post", "/api/v1/containers/{name}/commit") => json(json!({ "image": "base" })),
        ("post", "/api/v1/build") => ("?image=base", "application/x-tar", "x".into()),
        ("post", "/api/v1/load") => ("", "application/x-tar", "x".into()),
        ("get", "/api/v1/save") => ("?image=alpine", "", String::new()),
        ("post", "/api/v1/volumes" | "/api/v1/networks" | "/api/v1/pods") => {
            json(json!({ "name": "x" }))
        }
        ("post", "/api/v1/kube/up" | "/api/v1/kube/down") => ("", "application/yaml", KUBE.into()),
        ("get", "/api/v1/kube/generate") => ("?name=shop", "", String::new()),
        ("post", "/api/v1/registries") => json(json!({
            "name": "x", "host": "registry.example.org", "username": "me", "password": "y"
        })),
        ("patch", "/api/v1/registries/{registry}") => json(json!({ "password": "y" })),
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

const KUBE: &str = "{apiVersion: v1, kind: Pod, metadata: {name: shop}, spec: {containers: [{name: web, image: alpine}]}}";

/// Operations that take the scopes of all that they are about.
const SEVERAL: [&str; 4] = [
    "/api/v1/tokens",
    "/api/v1/kube/up",
    "/api/v1/kube/down",
    "/api/v1/kube/generate",
];

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
        .replace("{registry}", "team")
        .replace("{pod}", "shop")
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
    let document: Value = serde_json::from_str(OPENAPI_JSON).expect("JSON");
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

pub(crate) fn token(directory: &Path, role: Option<Role>, scopes: &[Scope]) -> String {
    bounded(directory, role, scopes, Bounds::default())
}

fn bounded(directory: &Path, role: Option<Role>, scopes: &[Scope], bounds: Bounds) -> String {
    let new = NewToken {
        name: "test".into(),
        role,
        scopes: scopes.to_vec(),
        networks: Vec::new(),
        certificate: None,
        bounds,
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
            !matches!(reply.status.as_u16(), 401 | 403) || SEVERAL.contains(&path.as_str()),
            "{method} {path}: {}",
            reply.text
        );
    }
}

/// What tenants may not do at all, because it is about the whole machine.
const WHOLE: [&str; 6] = [
    "/api/v1/build",
    "/api/v1/disk-usage",
    "/api/v1/audit",
    "/api/v1/audit/verify",
    "/api/v1/load",
    "/api/v1/prune/images",
];

#[tokio::test]
async fn what_is_somebody_elses_is_not_there_for_any_operation() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let foreign = bounded(
        directory.path(),
        Some(Role::Admin),
        &[],
        Bounds {
            tenant: Tenant::parse("class-7"),
            ..Bounds::default()
        },
    );
    let elsewhere = bounded(
        directory.path(),
        Some(Role::Admin),
        &[],
        Bounds {
            prefix: NamePrefix::parse("lab-"),
            ..Bounds::default()
        },
    );
    let (mut hidden, mut refused) = (0, 0);
    for (method, path, _) in operations() {
        let of_tenant = [
            "{name}",
            "{volume}",
            "{network}",
            "{secret}",
            "{registry}",
            "{pod}",
            "{id}",
        ];
        if of_tenant.iter().any(|part| path.contains(part)) {
            let reply = server.send(request(&method, &path, Some(&foreign))).await;
            // What a tenant may call an image is known before anybody is asked.
            let named = path.ends_with("/commit") && reply.json()["error"]["field"] == "image";
            assert!(
                named || reply.status == 404,
                "{method} {path}: {}",
                reply.text
            );
            hidden += 1;
        }
        if path.contains("{name}") || path.contains("{pod}") {
            let reply = server.send(request(&method, &path, Some(&elsewhere))).await;
            let wrong = reply.status == 400 && reply.json()["error"]["field"] == "name";
            assert!(
                wrong || reply.status == 404,
                "{method} {path}: {}",
                reply.text
            );
        }
        if WHOLE.contains(&path.as_str()) {
            let reply = ask(&server, &method, &path, Some(&foreign)).await;
            assert_eq!(reply.status, 403, "{method} {path}: {}", reply.text);
            refused += 1;
        }
    }
    assert_eq!(refused, WHOLE.len());
    assert!(hidden > 50, "{hidden}");
}

#[tokio::test]
async fn tenants_make_tokens_for_themselves_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::keeping(directory.path());
    let all = token(directory.path(), Some(Role::Admin), &[]);
    let bounds = Bounds {
        tenant: Tenant::parse("class-7"),
        prefix: NamePrefix::parse("lab-"),
        container: None,
    };
    let own = bounded(directory.path(), Some(Role::Admin), &[], bounds);
    let send = |method: &str, path: &str, token: &str, body: Value| {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/tokens{path}"))
            .header("host", "localhost:5000")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        server.send(request.body(body).expect("a request"))
    };
    let viewer = |more: Value| {
        let mut body = json!({ "name": "x", "role": "viewer" });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        body
    };
    let made = send("POST", "", &own, viewer(json!({}))).await.json();
    assert_eq!(made["token"]["tenant"], "class-7");
    assert_eq!(made["token"]["name_prefix"], "lab-");
    let narrower = viewer(json!({ "name_prefix": "lab-3-" }));
    assert_eq!(send("POST", "", &own, narrower).await.status, 200);
    for more in [
        json!({ "tenant": "class-8" }),
        json!({ "name_prefix": "la" }),
        json!({ "name_prefix": "x" }),
    ] {
        let refused = send("POST", "", &own, viewer(more)).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    let count = |list: Value| list["tokens"].as_array().map(Vec::len);
    assert_eq!(
        count(send("GET", "", &own, Value::Null).await.json()),
        Some(3)
    );
    assert_eq!(
        count(send("GET", "", &all, Value::Null).await.json()),
        Some(4)
    );
    for (method, rest) in [("DELETE", ""), ("POST", "/rotate")] {
        let path = format!("/{}{rest}", &all[4..16]);
        assert_eq!(send(method, &path, &own, Value::Null).await.status, 404);
    }
    let mut other = request("get", "/api/v1/containers", Some(&own));
    other
        .headers_mut()
        .insert("x-tenant", "class-8".parse().expect("a value"));
    assert_eq!(server.send(other).await.status, 403);
    let mut wrong = request("get", "/api/v1/containers", Some(&all));
    wrong
        .headers_mut()
        .insert("x-tenant", "A B".parse().expect("a value"));
    let wrong = server.send(wrong).await;
    assert_eq!(wrong.json()["error"]["field"], "X-Tenant", "{}", wrong.text);
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
            json!({ "name": "x", "role": "viewer", "tenant": "Y" }),
        ),
        (
            "name_prefix",
            json!({ "name": "x", "role": "viewer", "name_prefix": "-a" }),
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
