//! What web pages can make a browser send.

use crate::client::{Server, get, post, request, settings};
use axum::body::Body;
use axum::http::Request;
use podlane_server::{HostRule, Origin, Settings};
use std::net::SocketAddr;

fn asked_as(host: &str) -> Request<Body> {
    Request::builder()
        .uri("/api/v1/containers")
        .header("Host", host)
        .body(Body::empty())
        .expect("a request")
}

fn from(method: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut made = request(method, "/api/v1/containers/web/stop");
    for (name, value) in headers {
        made = made.header(*name, *value);
    }
    made.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn a_rebound_name_is_not_ours() {
    let server = Server::new();
    for host in [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example:5000",
        "127.0.0.1.nip.io",
        "10.0.0.5:5000",
        "[fd00::1]:5000",
        "0.0.0.0:5000",
    ] {
        let body = server.refuses(asked_as(host), 421, Some("Host")).await;
        assert!(
            body["error"]["hint"]
                .as_str()
                .expect("a hint")
                .contains("allowed_hosts")
        );
    }
    for host in [
        "",
        ":5000",
        "a b",
        "localhost:x",
        "user@localhost",
        "localhost/x",
        "127.1",
        "[::1",
    ] {
        server.refuses(asked_as(host), 400, Some("Host")).await;
    }
    for host in [
        "localhost",
        "LocalHost:5000",
        "127.0.0.1:5000",
        "127.8.9.1",
        "[::1]:5000",
        "a.localhost:1",
    ] {
        assert_eq!(server.send(asked_as(host)).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn there_is_one_host() {
    let server = Server::new();
    let none = Request::builder()
        .uri("/api/v1/containers")
        .body(Body::empty())
        .expect("a request");
    server.refuses(none, 400, Some("Host")).await;
    for second in ["localhost:5000", "evil.example"] {
        let two = request("GET", "/api/v1/containers").header("Host", second);
        server
            .refuses(
                two.body(Body::empty()).expect("a request"),
                400,
                Some("Host"),
            )
            .await;
    }
    for (target, status) in [
        ("http://localhost:5000/api/v1/containers", 200),
        ("http://evil.example/api/v1/containers", 400),
        ("http://localhost:5001/api/v1/containers", 400),
        ("http://user@localhost:5000/api/v1/containers", 400),
    ] {
        let reply = server.send(get(target)).await;
        assert_eq!(reply.status, status, "{target}: {}", reply.text);
    }
}

#[tokio::test]
async fn beyond_loopback_addresses_are_fine_and_names_must_be_listed() {
    let server = Server::with(Settings {
        listen: vec![SocketAddr::from(([0, 0, 0, 0], 5000))],
        allowed_hosts: vec![HostRule::parse("box.example").expect("a host")],
        ..settings()
    });
    for host in [
        "10.0.0.5:5000",
        "[fd00::1]:5000",
        "box.example:9",
        "BOX.example",
        "localhost",
    ] {
        assert_eq!(server.send(asked_as(host)).await.status, 200, "{host}");
    }
    for host in ["evil.example", "a.box.example", "box.example.evil"] {
        server.refuses(asked_as(host), 421, Some("Host")).await;
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_also_without_a_body() {
    let server = Server::new();
    for origin in [
        "http://evil.example",
        "https://localhost:5001",
        "http://localhost:3000",
        "http://127.0.0.1:5000",
        "null",
        "",
        "file://",
        "http://localhost:5000.evil.example",
        "http://localhost:5000/",
        "localhost:5000",
        "http://evil@localhost:5000",
        "moz-extension://x",
    ] {
        for method in ["POST", "OPTIONS", "GET"] {
            server
                .refuses(from(method, &[("Origin", origin)]), 403, Some("Origin"))
                .await;
        }
    }
    let two = from(
        "POST",
        &[
            ("Origin", "http://localhost:5000"),
            ("Origin", "http://evil.example"),
        ],
    );
    server.refuses(two, 403, Some("Origin")).await;
    let own = from(
        "POST",
        &[
            ("Origin", "http://localhost:5000"),
            ("Sec-Fetch-Site", "same-origin"),
        ],
    );
    assert_eq!(server.send(own).await.status, 200);
}

#[tokio::test]
async fn what_a_browser_calls_foreign_is_refused() {
    let server = Server::new();
    for site in ["cross-site", "same-site", "Cross-Site", "x", ""] {
        server
            .refuses(
                from("POST", &[("Sec-Fetch-Site", site)]),
                403,
                Some("Sec-Fetch-Site"),
            )
            .await;
    }
    let navigated = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
    ];
    server
        .refuses(from("POST", &navigated), 403, Some("Sec-Fetch-Site"))
        .await;
    let reply = server
        .send(from("POST", &[("Sec-Fetch-Site", "none")]))
        .await;
    assert_eq!(reply.status, 200);
    let link = |path: &str, mode: &str| {
        request("GET", path)
            .header("Sec-Fetch-Site", "cross-site")
            .header("Sec-Fetch-Mode", mode)
            .body(Body::empty())
            .expect("a request")
    };
    assert_eq!(server.send(link("/docs/", "navigate")).await.status, 200);
    for (path, mode) in [
        ("/docs/", "no-cors"),
        ("/api/v1/containers", "navigate"),
        ("/docsx", "navigate"),
    ] {
        server
            .refuses(link(path, mode), 403, Some("Sec-Fetch-Site"))
            .await;
    }
}

#[tokio::test]
async fn cors_is_closed_unless_an_origin_is_listed() {
    let listed = "https://console.example";
    let server = Server::with(Settings {
        cors_origins: vec![Origin::parse(listed).expect("an origin")],
        ..settings()
    });
    let call = [("Origin", listed), ("Sec-Fetch-Site", "cross-site")];
    let reply = server.send(from("POST", &call)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), listed);
    assert!(reply.header("vary").to_lowercase().contains("origin"));

    let preflight = [
        ("Origin", listed),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let reply = server.send(from("OPTIONS", &preflight)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), listed);
    assert!(
        reply
            .header("access-control-allow-methods")
            .contains("DELETE")
    );
    assert_eq!(reply.header("access-control-allow-credentials"), "");

    for origin in [
        "http://console.example",
        "https://console.example:444",
        "https://x.console.example",
        "null",
    ] {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
        ];
        server
            .refuses(from("OPTIONS", &headers), 403, Some("Origin"))
            .await;
    }
    // An error is readable for the listed page, too.
    let mut bad = post("/api/v1/containers", "{}");
    bad.headers_mut()
        .insert("Origin", listed.parse().expect("a value"));
    let reply = server.send(bad).await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.header("access-control-allow-origin")
        ),
        (400, listed)
    );

    let closed = Server::new();
    assert_eq!(
        closed
            .get("/api/v1/containers")
            .await
            .header("access-control-allow-origin"),
        ""
    );
}

#[tokio::test]
async fn the_documentation_needs_nobody_else() {
    let server = Server::new();
    let reply = server.get("/docs").await;
    assert!(reply.status.is_redirection());
    assert_eq!(reply.header("location"), "/docs/");
    let page = server.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'; "), "{policy}");
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("<script>"),
        "no script is inline, so the policy lets all run"
    );
    let start = page.text.find("<script src=\"").is_some();
    assert!(start);
    for asset in [
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-initializer.js",
        "swagger-ui.css",
        "index.css",
    ] {
        let reply = server.get(&format!("/docs/{asset}")).await;
        assert_eq!(reply.status, 200, "{asset}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    let start = server.get("/docs/swagger-initializer.js").await.text;
    assert!(
        start.contains("/openapi.json") && !start.contains("petstore"),
        "{start}"
    );
    let document = server.get("/openapi.json").await;
    assert_eq!(document.header("content-type"), "application/json");
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert_eq!(server.get("/docs/nothing.js").await.status, 404);
    assert_eq!(server.engine.calls(), 0);
}
