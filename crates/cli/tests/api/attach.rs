//! The main processes of containers, joined over a WebSocket, on a real Podman.

use crate::server;
use crate::websocket::{JSON, Socket, V5, refused};
use podlane_testkit::{BUSYBOX, Server, podman, unique};
use serde_json::json;

/// A container whose main process is a shell line, made by the podman command line.
pub(crate) struct Main(pub(crate) String);

impl Main {
    pub(crate) fn run(flags: &[&str], line: &str) -> Self {
        let this = Self(unique("attach"));
        let name = ["run", "-d", "--name", &this.0];
        let made = podman(&[&name, flags, &[BUSYBOX, "sh", "-c", line]].concat());
        assert!(made.status.success(), "{made:?}");
        this
    }

    fn path(&self, query: &str) -> String {
        format!("/containers/{}/attach/ws?{query}", self.0)
    }

    async fn attach(&self, server: &Server, query: &str) -> Socket {
        let mut socket = Socket::open(server, &self.path(query), Some(JSON)).await;
        let started = json!({ "type": "start", "path": "engine" });
        assert_eq!(socket.json().await, started);
        socket
    }

    fn status(&self) -> String {
        let format = "{{.State.Status}}";
        let answer = podman(&["container", "inspect", "--format", format, &self.0]);
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }
}

impl Drop for Main {
    fn drop(&mut self) {
        podman(&["rm", "-f", "-t", "0", "-i", &self.0]);
    }
}

#[tokio::test]
async fn what_comes_after_arrives_and_the_end_is_the_containers() {
    let server = server();
    let line = "echo early; trap 'echo hup; echo err >&2; exit 7' HUP; while :; do sleep 0.1; done";
    let container = Main::run(&[], line);
    let mut one = container.attach(&server, "").await;
    let mut other = container.attach(&server, "stdout=false").await;
    one.say(json!({ "type": "signal", "signal": "HUP" })).await;
    let (out, err, last) = one.end().await;
    assert_eq!((out.as_str(), err.as_str()), ("hup\n", "err\n"));
    assert_eq!(
        (&last["type"], &last["exit_code"]),
        (&json!("exit"), &json!(7))
    );
    assert_eq!(u16::from(one.close_frame().await.code), 1000);
    let (out, err, last) = other.end().await;
    assert_eq!((out.as_str(), err.as_str()), ("", "err\n"));
    assert_eq!(last["exit_code"], 7);

    let (status, body) = refused(&server, &container.path(""), &[]).await;
    assert_eq!(status, 409, "{body}");
    let status = container.status();
    // Podman's words for before and after it has cleared up.
    let ended = ["stopped", "exited"].contains(&status.as_str());
    assert!(ended, "{status}: it was made ready again");
    let (status, body) = refused(&server, &container.path("rows=0"), &[]).await;
    assert_eq!((status, &body["error"]["field"]), (400, &json!("rows")));
    let nobody = refused(&server, "/containers/nosuch/attach/ws", &[]).await;
    assert_eq!(nobody.0, 404);
}

#[tokio::test]
async fn a_terminal_can_be_worked_in_and_left() {
    let server = server();
    for flags in [["-t"].as_slice(), &["-t", "-i"]] {
        let container = Main::run(flags, "while read line; do eval \"$line\"; done; exit 3");
        let mut socket = container.attach(&server, "columns=101&rows=37").await;
        socket.type_in("stty size\n").await;
        socket.until("37 101\r\n").await;
        socket
            .say(json!({ "type": "resize", "columns": 90, "rows": 30 }))
            .await;
        socket.type_in("stty size\n").await;
        socket.until("30 90\r\n").await;
        // Podman would leave at these keys.
        socket.type_in("\u{10}\u{11}\n").await;
        socket.type_in("echo st''ill\n").await;
        socket.until("still\r\n").await;
        drop(socket);
        let mut again = container.attach(&server, "").await;
        again.type_in("stty size\n").await;
        again.until("30 90\r\n").await;
        again.say(json!({ "type": "close_stdin" })).await;
        let (_, _, last) = again.end().await;
        assert_eq!(last["exit_code"], 3, "{last}");
    }
}

#[tokio::test]
async fn input_without_a_terminal() {
    let server = server();
    let container = Main::run(&["-i"], "cat; echo end; sleep 1000");
    // Who only looks does not end the input.
    drop(container.attach(&server, "").await);
    let path = container.path("stdin=true");
    let mut socket = Socket::open(&server, &path, Some(V5)).await;
    socket.bytes(b"\0hello\n").await;
    let mut seen = Vec::new();
    while !seen.ends_with(b"hello\n") {
        seen.extend_from_slice(&socket.next().await.into_data()[1..]);
    }
    socket.bytes(&[255, 0]).await;
    while !seen.ends_with(b"end\n") {
        seen.extend_from_slice(&socket.next().await.into_data()[1..]);
    }
    assert_eq!(seen, b"hello\nend\n");
    drop(socket);
    let mut socket = container.attach(&server, "").await;
    assert_eq!(container.status(), "running");
    let stop = format!("/containers/{}/stop?timeout=0", container.0);
    let _stopped = server.client().act(&stop).await.expect(200);
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 137, "{last}");
}

#[tokio::test]
async fn neither_the_servers_end_nor_closed_outputs_end_it() {
    let mut server = server();
    let container = Main::run(&[], "exec >&- 2>&-; sleep 1000");
    let mut socket = container.attach(&server, "").await;
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let (_, _, last) = socket.end().await;
    assert_eq!(last["error"]["code"], 503, "{last}");
    assert_eq!(u16::from(socket.close_frame().await.code), 1001);
    assert_eq!(ended.await.expect("it ends"), Some(0));
    assert_eq!(container.status(), "running");
}
