//! Paths, names and parameters that could mean something else to someone else.

use crate::client::{Server, get, request};
use axum::body::Body;

#[tokio::test]
async fn a_name_in_a_path_is_a_name_or_is_refused() {
    let server = Server::new();
    for name in [
        "%2F",
        "a%2Fb",
        "..%2Fx",
        "%2e%2e",
        "%00",
        "a%00b",
        "a%0Ab",
        "a%20b",
        "a;x",
        "a%3Fb",
        "a%23b",
        "a%25b",
        "a%252Fb",
        "%ff",
        "-a",
        ".a",
        "a'b",
        "a\"b",
        "a+b",
        "a:b",
        "%C3%A9",
        "a%0d%0aX:y",
        &"x".repeat(129),
    ] {
        let name = name.replace('"', "%22");
        for (method, path) in [
            ("GET", format!("/api/v1/containers/{name}")),
            ("DELETE", format!("/api/v1/containers/{name}?force=true")),
            ("POST", format!("/api/v1/containers/{name}/start")),
            ("POST", format!("/api/v1/containers/{name}/stop")),
            ("GET", format!("/api/v1/containers/{name}/logs")),
            ("POST", format!("/api/v1/containers/{name}/exec")),
            ("POST", format!("/api/v1/containers/{name}/users")),
            ("POST", format!("/api/v1/containers/{name}/files")),
        ] {
            let request = request(method, &path)
                .body(Body::empty())
                .expect("a request");
            server.refuses(request, 400, Some("name")).await;
        }
    }
    let none = request("POST", "/api/v1/containers//start").body(Body::empty());
    server
        .refuses(none.expect("a request"), 400, Some("name"))
        .await;
    // One decoding of harmless characters is no other name.
    assert_eq!(server.get("/api/v1/containers/%77eb").await.status, 200);
}

#[tokio::test]
async fn other_paths_are_nothing() {
    let server = Server::new();
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/containers/",
        "//api/v1/containers",
        "/api//v1/containers",
        "/api/v1//containers",
        "/api/v1/containers/web/",
        "/api/v1/containers/web/start/",
        "/API/v1/containers",
        "/api/v1/Containers",
        "/api/v1/containers/web/resurrect",
        "/api/v1/containers;x",
        "/api/v1/./containers",
        "/api/v1/x/../containers",
        "/api/v2/containers",
        "/v4.0.0/libpod/info",
    ] {
        server.refuses(get(path), 404, None).await;
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_are_allowed() {
    let server = Server::new();
    for (method, path, allow) in [
        ("PUT", "/api/v1/containers", "GET,HEAD,POST"),
        ("DELETE", "/api/v1/containers", "GET,HEAD,POST"),
        ("PATCH", "/api/v1/containers/web", "DELETE,GET,HEAD"),
        ("POST", "/api/v1/containers/web", "DELETE,GET,HEAD"),
        ("GET", "/api/v1/containers/web/start", "POST"),
        ("POST", "/api/v1/health", "GET,HEAD"),
        ("OPTIONS", "/api/v1/containers", "GET,HEAD,POST"),
        ("BREW", "/api/v1/containers/web/exec", "POST"),
        ("POST", "/openapi.json", "GET,HEAD"),
    ] {
        let made = || {
            request(method, path)
                .body(Body::empty())
                .expect("a request")
        };
        server.refuses(made(), 405, None).await;
        let reply = server.send(made()).await;
        let mut allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    for path in [
        "/api/v1/containers",
        "/api/v1/containers/web",
        "/nowhere",
        "/",
    ] {
        let request = request("TRACE", path)
            .body(Body::empty())
            .expect("a request");
        server.refuses(request, 405, None).await;
    }
    let connect = request("CONNECT", "localhost:5000")
        .body(Body::empty())
        .expect("a request");
    server.refuses(connect, 405, None).await;
}

#[tokio::test]
async fn a_method_override_is_ignored() {
    let server = Server::new();
    for header in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        let request = request("GET", "/api/v1/containers/web").header(header, "DELETE");
        let reply = server
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["container"]["name"], "web");
    }
    let reply = server.get("/api/v1/containers/web?_method=DELETE").await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn parameters_are_known_and_stand_there_once() {
    let server = Server::new();
    for (method, path, field) in [
        ("DELETE", "/api/v1/containers/web?froce=true", "froce"),
        (
            "DELETE",
            "/api/v1/containers/web?force=true&force=false",
            "force",
        ),
        (
            "DELETE",
            "/api/v1/containers/web?force=true&%66orce=true",
            "force",
        ),
        ("DELETE", "/api/v1/containers/web?force=", "force"),
        ("DELETE", "/api/v1/containers/web?force", "force"),
        ("DELETE", "/api/v1/containers/web?force=2", "force"),
        ("DELETE", "/api/v1/containers/web?force=true%00", "force"),
        ("DELETE", "/api/v1/containers/web?force=true&v=1", "v"),
        ("GET", "/api/v1/containers/web/logs?tail=-1", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=+1", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=%2B1", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=1e3", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=0x10", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=1%260", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=1%0A", "tail"),
        ("GET", "/api/v1/containers/web/logs?tail=1&tail=2", "tail"),
        ("GET", "/api/v1/containers/web/logs?follow=1", "follow"),
        ("POST", "/api/v1/containers/web/stop?timeout=-1", "timeout"),
        ("POST", "/api/v1/containers/web/stop?timeout=1.5", "timeout"),
        ("POST", "/api/v1/containers/web/stop?timeout=3", "timeout"),
        (
            "POST",
            "/api/v1/containers/web/stop?timeout=99999999999999999999",
            "timeout",
        ),
        ("POST", "/api/v1/containers/web/start?x=1", "x"),
        ("GET", "/api/v1/containers?all=1", "all"),
        ("GET", "/api/v1/health?x=1", "x"),
    ] {
        let request = request(method, path)
            .body(Body::empty())
            .expect("a request");
        server.refuses(request, 400, Some(field)).await;
    }
}

#[tokio::test]
async fn every_spelling_of_a_value_is_taken() {
    let server = Server::new();
    for force in [
        "true", "1", "yes", "on", "TRUE", "Yes", "false", "0", "no", "OFF",
    ] {
        let path = format!("/api/v1/containers/web?force={force}");
        let request = request("DELETE", &path)
            .body(Body::empty())
            .expect("a request");
        let reply = server.send(request).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["container"]["removed"]),
            (200, &true.into())
        );
    }
    for tail in [
        "0",
        "20",
        "all",
        "99999999999",
        "99999999999999999999999999",
        "007",
    ] {
        let reply = server
            .get(&format!("/api/v1/containers/web/logs?tail={tail}"))
            .await;
        assert_eq!(reply.status, 200, "{tail}");
    }
    let stop = server
        .post("/api/v1/containers/web/stop?timeout=2", "")
        .await
        .json();
    assert_eq!(stop["container"]["status"], "stopped");
    assert_eq!(stop["container"]["changed"], false);
}
