//! kube-rs, the Kubernetes client for Rust programs, executing commands and attaching.

use crate::attach::Main;
use crate::container::{Container, nap, running, until};
use crate::{server, server_by_stream, server_with, tokens};
use http::Request;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams, AttachedProcess, TerminalSize};
use kube::client::{Body, ClientBuilder, UpgradeConnectionError};
use kube::{Config, Error};
use podlane_testkit::{BUSYBOX, Server, ServerOptions};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower::util::MapRequestLayer;

/// No test waits longer for what a process says.
const PATIENCE: Duration = Duration::from_secs(60);

/// The containers of a server, as pods of one container each.
fn pods(server: &Server) -> Api<Pod> {
    pods_with(server, &json!({}))
}

/// The same for a user of a kubeconfig.
fn pods_with(server: &Server, user: &serde_json::Value) -> Api<Pod> {
    let base = format!("http://{}/api/v1", server.address());
    let mut config = Config::new(base.parse().expect("a URI"));
    config.auth_info = serde_json::from_value(user.clone()).expect("a user");
    let client = ClientBuilder::try_from(config).expect("no TLS");
    let client = client.with_layer(&MapRequestLayer::new(translated)).build();
    Api::default_namespaced(client)
}

/// All that differs from Kubernetes: the path, and that a switch which is left out means true.
fn translated(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri();
    let mut path = uri.path().rsplit('/');
    let (action, name) = (path.next().expect("a verb"), path.next().expect("a pod"));
    let switches: &[&str] = match action {
        "exec" => &["stdin", "stdout", "stderr", "tty"],
        _ => &["stdin", "stdout", "stderr"],
    };
    let known = |pair: &&str| pair.starts_with("command=") || switches.contains(&key(pair));
    let query = uri.query().unwrap_or_default();
    let mut pairs: Vec<String> = query.split('&').filter(known).map(Into::into).collect();
    for switch in switches {
        if !pairs.iter().any(|pair| key(pair) == *switch) {
            pairs.push(format!("{switch}=false"));
        }
    }
    let ours = format!("/containers/{name}/{action}/ws?{}", pairs.join("&"));
    *request.uri_mut() = ours.parse().expect("a URI");
    request
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

async fn sh(pods: &Api<Pod>, name: &str, line: &str, streams: &AttachParams) -> AttachedProcess {
    let started = pods.exec(name, ["sh", "-c", line], streams).await;
    started.expect("it is upgraded")
}

/// Both outputs to their ends, and how it ended. Input that was not taken stays open.
async fn ended(mut process: AttachedProcess) -> (String, String, Status) {
    let (out, err) = (process.stdout(), process.stderr());
    let status = process.take_status().expect("nobody has it");
    let all = async { tokio::join!(text(out), text(err), status) };
    let (out, err, status) = tokio::time::timeout(PATIENCE, all).await.expect("an end");
    process.join().await.expect("no error of the client's");
    (out, err, status.expect("a status"))
}

async fn text(output: Option<impl AsyncRead + Unpin>) -> String {
    let mut text = String::new();
    if let Some(mut output) = output {
        output.read_to_string(&mut text).await.expect("text");
    }
    text
}

/// Reads until `needle` has come.
async fn seen(output: &mut (impl AsyncRead + Unpin), needle: &str) {
    let mut seen = Vec::new();
    let reading = async {
        while !seen.ends_with(needle.as_bytes()) {
            seen.push(output.read_u8().await.expect("more output"));
        }
    };
    let found = tokio::time::timeout(PATIENCE, reading).await;
    let seen = String::from_utf8_lossy(&seen);
    found.unwrap_or_else(|_| panic!("no {needle:?} in {seen:?}"));
}

async fn say(input: &mut (impl AsyncWrite + Unpin), text: &str) {
    input.write_all(text.as_bytes()).await.expect("it is open");
}

fn assert_success(status: &Status) {
    assert_eq!(status.status.as_deref(), Some("Success"), "{status:?}");
}

/// The exit code, where a Kubernetes client looks for it.
fn exit_code(status: &Status) -> Option<&str> {
    assert_eq!(status.status.as_deref(), Some("Failure"), "{status:?}");
    let reason = status.reason.as_deref();
    assert_eq!(reason, Some("NonZeroExitCode"), "{status:?}");
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let mut causes = causes.iter();
    let cause = causes.find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    cause?.message.as_deref()
}

#[tokio::test]
async fn outputs_input_and_exit_code_whatever_runs_the_command() {
    let engine = ServerOptions::default().env("PODLANE_EXEC_AGENT", "false");
    for server in [server(), server_by_stream(), server_with(engine)] {
        let container = Container::sleeping(&server.client(), BUSYBOX).await;
        let (pods, name) = (pods(&server), &container.name);
        let streams = AttachParams::default().stdin(true);
        let line = "read first; echo \"<$first>\"; cat; echo err >&2; exit 7";
        let mut process = sh(&pods, name, line, &streams).await;
        let mut input = process.stdin().expect("wanted");
        let mut output = process.stdout().expect("wanted");
        say(&mut input, "one\n").await;
        // While its input is open.
        seen(&mut output, "<one>\n").await;
        say(&mut input, "in").await;
        say(&mut input, "put\n").await;
        drop(input);
        seen(&mut output, "input\n").await;
        let (_, err, status) = ended(process).await;
        assert_eq!(text(Some(output)).await, "");
        assert_eq!(err, "err\n");
        assert_eq!(exit_code(&status), Some("7"));

        // Without input, nothing waits for it.
        let streams = AttachParams::default();
        let process = sh(&pods, name, "cat; echo out; echo err >&2", &streams).await;
        let (out, err, status) = ended(process).await;
        assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
        assert_success(&status);
        let streams = AttachParams::default().stderr(false);
        let process = sh(&pods, name, "echo err >&2; echo out", &streams).await;
        assert_eq!(ended(process).await.0, "out\n");
    }
}

#[tokio::test]
async fn a_terminal_has_its_size_and_its_keys() {
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let (pods, name) = (pods(&server), &container.name);
    let streams = AttachParams::interactive_tty();
    // The client sends sizes and keys in any order: the program waits for the size.
    let line = "stty size; while [ \"$(stty size)\" != '22 111' ]; do sleep 0.1; done; stty size; exec cat";
    let mut process = sh(&pods, name, line, &streams).await;
    let mut input = process.stdin().expect("wanted");
    let mut output = process.stdout().expect("wanted");
    seen(&mut output, "24 80\r\n").await;
    let mut sizes = process.terminal_size().expect("it is a terminal");
    let size = TerminalSize {
        width: 111,
        height: 22,
    };
    sizes.try_send(size).expect("there is room");
    seen(&mut output, "22 111\r\n").await;
    say(&mut input, "hello\n").await;
    // The keystrokes, and what cat makes of them.
    seen(&mut output, "hello\r\nhello\r\n").await;
    drop(input);
    let (_, _, status) = ended(process).await;
    assert_success(&status);

    let nap = nap();
    let line = format!("trap 'exit 3' INT; echo ready; sleep {nap}");
    let mut process = sh(&pods, name, &line, &streams).await;
    let mut input = process.stdin().expect("wanted");
    let mut output = process.stdout().expect("wanted");
    seen(&mut output, "ready\r\n").await;
    until("it sleeps", || !running(&nap).is_empty()).await;
    say(&mut input, "\u{3}").await;
    let (_, _, status) = ended(process).await;
    assert_eq!(exit_code(&status), Some("3"));
    assert_eq!(running(&nap), Vec::<String>::new());
}

#[tokio::test]
async fn many_bytes_are_complete_both_ways() {
    const MANY: usize = 5_000_000;
    let server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let (pods, name) = (pods(&server), &container.name);
    let line = format!("seq 1000000 9999999 | head -c {MANY}; seq 5 >&2");
    let process = sh(&pods, name, &line, &AttachParams::default()).await;
    let (out, err, status) = ended(process).await;
    let numbers: Vec<String> = (1_000_000..1_625_000).map(|n| n.to_string()).collect();
    let wanted = numbers.join("\n") + "\n";
    assert!(out == wanted, "{} bytes of {MANY}", out.len());
    assert_eq!(err, "1\n2\n3\n4\n5\n");
    assert_success(&status);

    let streams = AttachParams::default().stdin(true);
    let streams = streams.max_stdin_buf_size(64 << 10);
    let mut process = sh(
        &pods,
        name,
        "cat > /tmp/sent; tail -c 8 /tmp/sent",
        &streams,
    )
    .await;
    let mut input = process.stdin().expect("wanted");
    let sent = wanted.clone();
    let sending = tokio::spawn(async move { say(&mut input, &sent).await });
    let (out, _, status) = ended(process).await;
    sending.await.expect("all is taken");
    assert_eq!(out, "1624999\n");
    assert_success(&status);
    let line = "seq 1000000 1624999 | cmp - /tmp/sent";
    let process = sh(&pods, name, line, &AttachParams::default()).await;
    let (out, err, status) = ended(process).await;
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    assert_success(&status);
}

#[tokio::test]
async fn what_can_not_be_run_and_what_is_refused() {
    let state = tempfile::tempdir().expect("a directory");
    let server = tokens::keeping(&state);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let name = &container.name;
    let streams = AttachParams::default();
    let process = pods(&server).exec(name, ["nosuchprogram"], &streams).await;
    let (_, err, status) = ended(process.expect("it is upgraded")).await;
    assert_eq!(err.trim(), "nosuchprogram: not found");
    assert_eq!(exit_code(&status), Some("127"));
    let nowhere = pods(&server).exec("nosuch", ["true"], &streams).await;
    assert_eq!(refused(nowhere), 404);

    let token = tokens::create(state.path(), "kube-rs", "operator");
    assert_eq!(
        refused(pods(&server).exec(name, ["true"], &streams).await),
        401
    );
    let user = pods_with(&server, &json!({ "token": token }));
    let (_, _, status) = ended(sh(&user, name, "true", &streams).await).await;
    assert_success(&status);
}

/// The status of a handshake that is refused.
fn refused(answer: kube::Result<AttachedProcess>) -> u16 {
    match answer.err() {
        Some(Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status))) => {
            status.as_u16()
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_client_that_goes_and_a_server_that_goes() {
    let mut server = server();
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let (pods, name) = (pods(&server), &container.name);
    let nap = nap();
    let line = format!("setsid sleep {nap} & sleep {nap}");
    let process = sh(&pods, name, &line, &AttachParams::default()).await;
    until("it runs", || running(&nap).len() == 2).await;
    process.abort();
    until("all is ended", || running(&nap).is_empty()).await;

    let process = sh(&pods, name, "cat", &AttachParams::interactive_tty()).await;
    let stopped = tokio::task::spawn_blocking(move || server.terminate());
    let (_, _, status) = ended(process).await;
    assert_eq!(status.status.as_deref(), Some("Failure"));
    assert_eq!(status.reason.as_deref(), Some("InternalError"));
    assert_eq!(status.code, Some(500));
    let message = status.message.unwrap_or_default();
    assert!(message.ends_with("the server is stopping"), "{message}");
    assert_eq!(stopped.await.expect("it ends"), Some(0));
}

#[tokio::test]
async fn main_processes_can_be_attached_to() {
    let server = server();
    let pods = pods(&server);
    let line = "read go; echo \"<$go>\"; cat; echo err >&2; exit 7";
    let container = Main::run(&["-i"], line);
    let looks = pods.attach(&container.0, &AttachParams::default()).await;
    let looks = looks.expect("it is upgraded");
    let streams = AttachParams::default().stdin(true);
    let writes = pods.attach(&container.0, &streams).await;
    let mut writes = writes.expect("it is upgraded");
    let mut input = writes.stdin().expect("wanted");
    say(&mut input, "go\nin").await;
    say(&mut input, "put\n").await;
    drop(input);
    for process in [writes, looks] {
        let (out, err, status) = ended(process).await;
        assert_eq!((out.as_str(), err.as_str()), ("<go>\ninput\n", "err\n"));
        assert_eq!(exit_code(&status), Some("7"));
    }
    let late = pods.attach(&container.0, &AttachParams::default()).await;
    assert_eq!(refused(late), 409);

    let container = Main::run(&["-t", "-i"], "while read line; do eval \"$line\"; done");
    let streams = AttachParams::interactive_tty();
    let process = pods.attach(&container.0, &streams).await;
    let mut process = process.expect("it is upgraded");
    let mut input = process.stdin().expect("wanted");
    let mut output = process.stdout().expect("wanted");
    let mut sizes = process.terminal_size().expect("it is a terminal");
    let size = TerminalSize {
        width: 90,
        height: 30,
    };
    sizes.try_send(size).expect("there is room");
    let line = "until stty size | grep -x '30 90'; do sleep 0.1; done\n";
    say(&mut input, line).await;
    seen(&mut output, "\n30 90\r\n").await;
    // The end of input is a key here, and the end of the loop.
    drop(input);
    assert_success(&ended(process).await.2);
}
