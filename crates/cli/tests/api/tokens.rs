//! Tokens, with the server running and the command line beside it.

use crate::container::Container;
use crate::fixture::Fixture;
use crate::{server_with, websocket};
use http::Method;
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;

fn command(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podlane"));
    command
        .arg("token")
        .args(arguments)
        .env("PODLANE_STATE_DIR", state)
        .stdin(Stdio::null());
    command
}

fn podlane(state: &Path, arguments: &[&str]) -> Output {
    command(state, arguments).output().expect("it can be run")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn create(state: &Path, name: &str, role: &str) -> String {
    let made = podlane(state, &["create", "--name", name, "--role", role]);
    assert!(String::from_utf8_lossy(&made.stderr).contains("only now"));
    printed(&made)
}

pub(crate) fn keeping(state: &TempDir) -> Server {
    let directory = state.path().to_str().expect("text");
    server_with(ServerOptions::default().env("PODLANE_STATE_DIR", directory))
}

async fn status(server: &Server, token: Option<&str>, path: &str) -> (u16, Value) {
    let api = server.client();
    let mut request = api.request(Method::GET, path, None);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().expect("a value");
        request.headers_mut().insert("authorization", value);
    }
    let answer = api.send(request).await;
    (answer.status.as_u16(), answer.json)
}

#[tokio::test]
async fn what_the_command_line_does_holds_with_the_next_request() {
    let state = tempfile::tempdir().expect("a directory");
    let server = keeping(&state);
    let container = Fixture::create(&server.client(), BUSYBOX, json!({})).await;
    let list = "/containers";
    assert_eq!(status(&server, None, list).await.0, 200);

    let token = create(state.path(), "me", "operator");
    assert!(token.starts_with("pdl_"), "{token}");
    let (code, refused) = status(&server, None, list).await;
    assert_eq!(
        (code, &refused["error"]["field"]),
        (401, &json!("Authorization"))
    );
    assert_eq!(status(&server, Some(&token), list).await.0, 200);
    assert_eq!(status(&server, Some(&token), "/tokens").await.0, 403);

    let renewed = printed(&podlane(state.path(), &["rotate", &token[4..16]]));
    assert_eq!(status(&server, Some(&token), list).await.0, 401);
    assert_eq!(status(&server, Some(&renewed), list).await.0, 200);

    let shown = printed(&podlane(state.path(), &["list"]));
    assert!(shown.contains(&token[4..16]) && shown.contains("operator"));
    assert!(!shown.contains(&renewed[17..]) && !shown.contains(&token[17..]));

    let _ = printed(&podlane(state.path(), &["revoke", &token[4..16]]));
    let (code, refused) = status(&server, Some(&renewed), list).await;
    assert_eq!(code, 401);
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("revoked"), "{message}");
    // It was the last one, and the door stays shut.
    assert_eq!(status(&server, None, list).await.0, 401);
    assert!(
        !podlane(state.path(), &["revoke", "0123456789ab"])
            .status
            .success()
    );

    let log = server.log();
    assert!(!log.contains(&token[17..]) && !log.contains(&renewed[17..]));
    drop(container);
}

#[tokio::test]
async fn a_terminal_takes_a_token_that_may_run_commands() {
    let state = tempfile::tempdir().expect("a directory");
    let server = keeping(&state);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let (viewer, operator) = (
        create(state.path(), "v", "viewer"),
        create(state.path(), "o", "operator"),
    );
    for path in ["exec/ws?command=sh", "attach/ws"] {
        let path = container.path(path);
        let (code, _) = websocket::refused(&server, &path, &[]).await;
        assert_eq!(code, 401, "{path}");
        let bearer = format!("Bearer {viewer}");
        let headers = [("authorization", bearer.as_str())];
        let (code, refused) = websocket::refused(&server, &path, &headers).await;
        assert_eq!(code, 403, "{path}: {refused}");
    }
    let bearer = format!("Bearer {operator}");
    let path = container.path("exec/ws?command=echo&command=on");
    let headers = [("authorization", bearer.as_str())];
    let request = websocket::handshake(&server, &path, &headers);
    let stream = TcpStream::connect(server.address())
        .await
        .expect("it listens");
    let (_, answer) = client_async(request, stream).await.expect("a WebSocket");
    assert_eq!(answer.status(), 101);
}

#[tokio::test]
async fn a_ticket_opens_one_websocket_once() {
    let state = tempfile::tempdir().expect("a directory");
    let server = keeping(&state);
    let (viewer, operator) = (
        create(state.path(), "v", "viewer"),
        create(state.path(), "o", "operator"),
    );
    let bearer = |token: &str| {
        server
            .client()
            .with("authorization", &format!("Bearer {token}"))
    };
    let api = bearer(&operator);
    let container = Container::sleeping(&api, BUSYBOX).await;
    let other = Container::sleeping(&api, BUSYBOX).await;
    let ticket = async |api: &Client, action: &str| {
        let made = api
            .post(&container.path("tickets"), json!({ "action": action }))
            .await
            .expect(200);
        assert_eq!(made.json["expires_in"], 30);
        let text = made.json["ticket"].as_str().expect("a ticket").to_owned();
        format!("podlane.v1.json, podlane.ticket.{text}")
    };
    let refused = bearer(&viewer)
        .post(&container.path("tickets"), json!({ "action": "exec" }))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let run = "exec/ws?command=echo&command=on";
    let open = async |path: &str, protocols: &str| {
        let headers = [("sec-websocket-protocol", protocols)];
        let request = websocket::handshake(&server, path, &headers);
        let stream = TcpStream::connect(server.address())
            .await
            .expect("it listens");
        match client_async(request, stream).await {
            Ok((_, answer)) => answer.status().as_u16(),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    };
    let good = ticket(&api, "exec").await;
    assert_eq!(open(&container.path(run), &good).await, 101);
    assert_eq!(open(&container.path(run), &good).await, 401, "twice");
    let attach = ticket(&api, "attach").await;
    assert_eq!(
        open(&container.path(run), &attach).await,
        401,
        "another action"
    );
    let elsewhere = ticket(&api, "exec").await;
    assert_eq!(
        open(&other.path(run), &elsewhere).await,
        404,
        "another container"
    );
    let listing = ticket(&api, "exec").await;
    let mut request = api.request(Method::GET, "/containers", None);
    request.headers_mut().remove("authorization");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", listing.parse().expect("a value"));
    assert_eq!(api.send(request).await.status, 401, "another operation");
    let made_up = format!("podlane.v1.json, podlane.ticket.{}", "0".repeat(40));
    assert_eq!(open(&container.path(run), &made_up).await, 401);
    let late = ticket(&api, "exec").await;
    let _ = printed(&podlane(state.path(), &["revoke", &operator[4..16]]));
    assert_eq!(
        open(&container.path(run), &late).await,
        401,
        "revoked meanwhile"
    );
    let log = server.log();
    assert!(!log.contains(&late[late.len() - 40..]), "{log}");
    assert!(
        log.contains(&format!("token {}", &operator[4..16])),
        "{log}"
    );
}

#[tokio::test]
async fn a_token_of_a_network_is_good_there_alone() {
    let state = tempfile::tempdir().expect("a directory");
    let server = keeping(&state);
    let of = |network: &str| {
        let flags = ["create", "--name", "x", "--scope", "containers:read"];
        let flags = [&flags[..], &["--network", network, "--expires-in", "1h"]].concat();
        printed(&podlane(state.path(), &flags))
    };
    let (here, elsewhere) = (of("127.0.0.0/8"), of("192.0.2.0/24"));
    assert_eq!(status(&server, Some(&here), "/containers").await.0, 200);
    let (code, refused) = status(&server, Some(&elsewhere), "/containers").await;
    assert_eq!(code, 401, "{refused}");
}

#[test]
fn other_machines_are_let_in_only_with_tokens() {
    let state = tempfile::tempdir().expect("a directory");
    let serve = || {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_podlane"));
        serve
            .args(["serve", "--listen", "0.0.0.0:0"])
            .env("PODLANE_STATE_DIR", state.path())
            .stdin(Stdio::null());
        serve
    };
    let refused = |mut serve: Command| {
        let said = serve.output().expect("it can be run");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            !said.status.success() && text.contains("podlane token create"),
            "{text}"
        );
    };
    refused(serve());
    let token = create(state.path(), "me", "admin");
    let _ = printed(&podlane(state.path(), &["revoke", &token[4..16]]));
    refused(serve());

    let _ = create(state.path(), "me", "admin");
    let mut server = serve()
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let lines = BufReader::new(server.stderr.take().expect("piped")).lines();
    let address = lines.map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("listening on http://")?;
        Some(rest.split(';').next()?.to_owned())
    });
    let address = address.expect("it listens");
    let port = address.rsplit(':').next().expect("a port");
    let curl = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}"])
        .arg(format!("http://127.0.0.1:{port}/api/v1/containers"))
        .output()
        .expect("curl");
    server.kill().expect("killed");
    server.wait().expect("it has ended");
    assert_eq!(curl.stdout, b"401");
}

/// What was printed was kept, and what was kept half is not there.
#[test]
fn a_command_line_that_is_killed_leaves_whole_tokens() {
    let state = tempfile::tempdir().expect("a directory");
    let first = create(state.path(), "first", "admin");
    let mut whole = vec![first[4..16].to_owned()];
    for round in 0..40_u64 {
        let mut child = command(state.path(), &["create", "--name", "x", "--role", "viewer"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be run");
        std::thread::sleep(Duration::from_micros(700 * round));
        child.kill().expect("killed");
        let output = child.wait_with_output().expect("it has ended");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.ends_with('\n') {
            whole.push(text[4..16].to_owned());
        }
    }
    let list = printed(&podlane(state.path(), &["list"]));
    for id in &whole {
        assert!(list.contains(id), "{id} was lost: {list}");
    }
    let made = create(state.path(), "another", "viewer");
    let list = printed(&podlane(state.path(), &["list"]));
    assert!(list.contains(&made[4..16]), "{list}");
}
