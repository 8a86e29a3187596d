//! Terminals, on a real Podman.

use crate::container::{Container, nap, running, until};
use crate::websocket::{JSON, Socket, V4, V5, refused};
use crate::{server, server_with};
use http::Method;
use podlane_testkit::{BUSYBOX, DEBIAN, SCRATCH, Server, ServerOptions};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// A command in a container, with the rest of the query, in which a plus is a space.
fn path(container: &Container, query: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=&+.%$;:*-_/".contains(c);
    let encode = |c: char| match c {
        c if plain(c) => c.to_string(),
        c => format!("%{:02X}", u32::from(c)),
    };
    let query: String = query.chars().map(encode).collect();
    container.path(&format!("exec/ws?{query}"))
}

async fn shell(server: &Server, container: &Container) -> Socket {
    let mut socket = Socket::open(server, &path(container, "shell=sh"), Some(JSON)).await;
    // The prompt differs from image to image; this is the same for all, and not its own echo. At it the shell
    // has set up the terminal: what is typed before may be lost.
    socket.type_in("PS1=rea''dy; PS2=\n").await;
    socket.until("ready").await;
    socket
}

#[tokio::test]
async fn a_terminal_is_one_and_has_its_size() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        let query = "command=sh&command=-c&command=tty;stty+size;echo+$TERM&columns=101&rows=37";
        let mut socket = Socket::open(&server, &path(&container, query), Some(JSON)).await;
        let (out, err, last) = socket.end().await;
        assert!(out.starts_with("/dev/pts/"), "{out}");
        assert!(out.ends_with("\r\n37 101\r\nxterm-256color\r\n"), "{out}");
        assert_eq!(err, "");
        assert_eq!(last["type"], "exit", "{last}");
        assert_eq!(
            (&last["exit_code"], &last["success"]),
            (&json!(0), &json!(true))
        );
        assert_eq!(u16::from(socket.close_frame().await.code), 1000);
    }
}

#[tokio::test]
async fn somebody_can_work_in_the_shell() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, DEBIAN).await;
    // No command: the container's own shell.
    let mut socket = Socket::open(&server, &path(&container, ""), Some(JSON)).await;
    socket.type_in("echo $0 $((6*7)) $-\n").await;
    let seen = socket.until("bash 42 h").await;
    assert!(seen.contains("echo $0"), "keystrokes are echoed: {seen}");

    socket
        .say(json!({ "type": "resize", "columns": 132, "rows": 43 }))
        .await;
    socket.type_in("stty size\n").await;
    socket.until("43 132\r\n").await;
    socket
        .type_in("trap 'echo wi''nch $(stty size)' WINCH; echo tra''pped\n")
        .await;
    socket.until("trapped\r\n").await;
    socket
        .say(json!({ "type": "resize", "columns": 90, "rows": 30 }))
        .await;
    socket.type_in("\n").await;
    socket.until("winch 30 90\r\n").await;

    let nap = nap();
    socket.type_in(&format!("sleep {nap}\n")).await;
    until("it sleeps", || !running(&nap).is_empty()).await;
    socket.type_in("\u{3}").await;
    socket.type_in("echo code $?\n").await;
    socket.until("code 130\r\n").await;
    assert_eq!(running(&nap), Vec::<String>::new());

    socket.type_in("exit 3\n").await;
    let (_, _, last) = socket.end().await;
    assert_eq!(
        (&last["type"], &last["exit_code"]),
        (&json!("exit"), &json!(3))
    );
    assert_eq!(last["success"], false);
    assert!(last["duration_ms"].as_u64().expect("a number") > 0);
}

#[tokio::test]
async fn the_end_of_input_is_a_key_on_a_terminal_and_an_end_elsewhere() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let mut socket = shell(&server, &container).await;
    socket.say(json!({ "type": "close_stdin" })).await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 0, "{last}");

    let query = "command=cat&tty=false";
    let mut socket = Socket::open(&server, &path(&container, query), Some(JSON)).await;
    socket.type_in("häl").await;
    socket
        .say(json!({ "type": "stdin", "base64": "bG8=" }))
        .await;
    socket.until("hällo").await;
    socket.say(json!({ "type": "close_stdin" })).await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 0, "{last}");
}

#[tokio::test]
async fn without_a_terminal_the_outputs_are_two() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let line = "shell=echo+out;echo+err+>%262;exit+7&tty=false";
    let mut socket = Socket::open(&server, &path(&container, line), Some(JSON)).await;
    assert_eq!(socket.json().await["type"], "start");
    let (out, err, last) = socket.end().await;
    assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
    assert_eq!(last["exit_code"], 7);
    for (query, wanted) in [
        ("stdout=false", ("", "err\n")),
        ("stderr=false", ("out\n", "")),
    ] {
        let query = format!("{line}&{query}");
        let mut socket = Socket::open(&server, &path(&container, &query), Some(JSON)).await;
        let (out, err, _) = socket.end().await;
        assert_eq!((out.as_str(), err.as_str()), wanted);
    }
}

#[tokio::test]
async fn kubernetes_channels() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let offered = format!("{V5}, {V4}");
    for protocol in [V5, V4] {
        let line = "shell=cat;echo+err+>%262;exit+3&tty=false";
        let mut socket = Socket::open(&server, &path(&container, line), Some(protocol)).await;
        assert_eq!(
            socket.next().await,
            Message::binary(vec![1]),
            "it has begun"
        );
        if protocol == V4 {
            // There, input has no end but the connection's.
            continue;
        }
        socket.bytes(b"\0in").await;
        socket.bytes(b"\0put\n").await;
        socket.bytes(&[255, 0]).await;
        let (out, err, status) = socket.channels().await;
        assert_eq!((out.as_str(), err.as_str()), ("input\n", "err\n"));
        let wanted = json!({
            "metadata": {},
            "status": "Failure",
            "message": "command terminated with non-zero exit code: exit status 3",
            "reason": "NonZeroExitCode",
            "details": { "causes": [{ "reason": "ExitCode", "message": "3" }] },
        });
        assert_eq!(status, wanted);
        assert_eq!(u16::from(socket.close_frame().await.code), 1000);
    }
    let terminal = path(&container, "command=sh&stdin=true&stdout=true&tty=true");
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let request = crate::websocket::handshake(&server, &terminal, &headers);
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .expect("it listens");
    let (_, answer) = tokio_tungstenite::client_async(request, stream)
        .await
        .expect("fine");
    assert_eq!(
        answer.headers()["sec-websocket-protocol"],
        V5,
        "the newest of those offered"
    );
    for protocol in [V5, V4] {
        let mut socket = Socket::open(&server, &terminal, Some(protocol)).await;
        socket.bytes(b"\x04{\"Width\":111,\"Height\":22}").await;
        socket.bytes(b"\0stty size; exit\n").await;
        let (out, _, status) = socket.channels().await;
        assert!(out.contains("22 111\r\n"), "{out}");
        assert_eq!(status, json!({ "metadata": {}, "status": "Success" }));
    }
}

#[tokio::test]
async fn plain_bytes_without_a_subprotocol() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let mut socket = Socket::open(&server, &path(&container, "command=cat&tty=false"), None).await;
    socket.send(Message::text("te")).await;
    socket.bytes(b"xt\xff\0").await;
    let mut seen = Vec::new();
    while seen.len() < 6 {
        seen.extend_from_slice(&socket.next().await.into_data());
    }
    assert_eq!(seen, b"text\xff\0");
    for (code, wanted) in [(0, 1000), (3, 4003), (255, 4255)] {
        let line = format!("shell=exit+{code}");
        let mut socket = Socket::open(&server, &path(&container, &line), None).await;
        let frame = socket.close_frame().await;
        assert_eq!(u16::from(frame.code), wanted);
        assert_eq!(frame.reason.as_str(), format!("exit code {code}"));
    }
}

#[tokio::test]
async fn signals_and_variables() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let query = "shell=trap+'echo+hup'+HUP;echo+$SECRET+$TERM;while+:;do+sleep+0.1;done&tty=false&configure=true";
    let mut socket = Socket::open(&server, &path(&container, query), Some(JSON)).await;
    let environment = json!({ "SECRET": "swordfish", "TERM": "dumb" });
    socket
        .say(json!({ "type": "start", "environment": environment }))
        .await;
    socket.until("swordfish dumb\n").await;
    socket
        .say(json!({ "type": "signal", "signal": "HUP" }))
        .await;
    socket.until("hup\n").await;
    socket
        .say(json!({ "type": "signal", "signal": "SIGKILL" }))
        .await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 137);
    assert!(!server.log().contains("swordfish"));

    let mut socket = Socket::open(&server, &path(&container, query), Some(JSON)).await;
    socket
        .say(json!({ "type": "start", "environment": { "A=B": "x" } }))
        .await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["error"]["field"], "environment", "{last}");
    let mut socket = Socket::open(&server, &path(&container, query), Some(JSON)).await;
    socket.type_in("too early").await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["error"]["code"], 400, "{last}");
    assert_eq!(u16::from(socket.close_frame().await.code), 1002);
}

#[tokio::test]
async fn what_can_not_be_run_says_so() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for tty in ["true", "false"] {
        let query = format!("command=nosuchprogram&tty={tty}");
        let mut socket = Socket::open(&server, &path(&container, &query), Some(JSON)).await;
        let (out, err, last) = socket.end().await;
        assert_eq!(last["exit_code"], 127, "{last}");
        assert_eq!(format!("{out}{err}").trim(), "nosuchprogram: not found");
        let query = format!("command=pwd&workdir=/nosuch&tty={tty}");
        let (status, told) = refused(&server, &path(&container, &query), &[]).await;
        assert_eq!((status, &told["error"]["field"]), (400, &json!("workdir")));
    }
    let scratch = Container::sleeping(&api, SCRATCH).await;
    let mut socket = Socket::open(&server, &path(&scratch, ""), Some(JSON)).await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 127, "no shell: {last}");
}

#[tokio::test]
async fn refusals_are_ordinary_answers() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let at = |query: &str| path(&container, query);
    let field = |body: &Value| body["error"]["field"].as_str().map(str::to_owned);
    for (query, wanted) in [
        ("command=", "command"),
        ("shell=", "shell"),
        ("shell=a&command=b", "shell"),
        ("shell=a&shell=b", "shell"),
        ("tty=maybe", "tty"),
        ("columns=0", "columns"),
        ("rows=65536", "rows"),
        ("rows=24&tty=false", "rows"),
        ("timeout=0", "timeout"),
        ("timeout=NaN", "timeout"),
        ("timeout=1e300", "timeout"),
        ("user=-h", "user"),
        ("user=nosuchuser", "user"),
        ("workdir=tmp", "workdir"),
        ("configure=true", "configure"),
        ("environment=A", "environment"),
    ] {
        let (status, body) = refused(&server, &at(query), &[]).await;
        assert_eq!(
            (status, field(&body)),
            (400, Some(wanted.into())),
            "{query}: {body}"
        );
    }
    let (status, body) = refused(&server, "/containers/nosuch/exec/ws", &[]).await;
    assert_eq!((status, &body["success"]), (404, &json!(false)));
    let stopped = crate::fixture::Fixture::stopped(BUSYBOX);
    let (status, _) = refused(&server, &stopped.path("/exec/ws"), &[]).await;
    assert_eq!(status, 409);
    for (name, value) in [
        ("sec-websocket-protocol", "chat, v3.channel.k8s.io"),
        ("sec-websocket-version", "8"),
        ("content-length", "3"),
    ] {
        let (status, body) = refused(&server, &at(""), &[(name, value)]).await;
        let named = field(&body).unwrap_or_default().to_lowercase();
        assert_eq!((status, named.as_str()), (400, name), "{body}");
    }
    api.get(&at("")).await.refused(400, "Connection");
    let name = format!("/containers/{}/exec/ws", container.name);
    for origin in ["http://evil.example", "null", "https://localhost"] {
        let (status, body) = refused(&server, &name, &[("origin", origin)]).await;
        assert_eq!(
            (status, field(&body)),
            (403, Some("Origin".into())),
            "{origin}"
        );
    }
    let cross = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "websocket"),
    ];
    assert_eq!(refused(&server, &name, &cross).await.0, 403);
    assert_eq!(
        refused(&server, &name, &[("host", "evil.example")]).await.0,
        421
    );
}

#[tokio::test]
async fn pages_of_listed_origins_may_open_terminals() {
    let listed = "https://console.example";
    let server = server_with(ServerOptions::default().env("PODLANE_CORS_ORIGINS", listed));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let own = format!("http://{}", server.address());
    for origin in [listed, &own] {
        let headers = [("origin", origin)];
        let request =
            crate::websocket::handshake(&server, &path(&container, "shell=true"), &headers);
        let stream = tokio::net::TcpStream::connect(server.address())
            .await
            .expect("it listens");
        let opened = tokio_tungstenite::client_async(request, stream).await;
        assert!(opened.is_ok(), "{origin}: {opened:?}");
    }
    let other = [("origin", "https://other.example")];
    assert_eq!(refused(&server, &path(&container, ""), &other).await.0, 403);
}

#[tokio::test]
async fn a_slow_reader_makes_the_command_wait_and_nobody_else() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let line = "shell=head+-c+100000000+/dev/zero|tr+'\\0'+x&tty=false";
    let mut socket = Socket::open(&server, &path(&container, line), None).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(memory(&server) < 150 * 1024, "{} KiB", memory(&server));
    let asked = Instant::now();
    assert_eq!(api.exec(&container.name, "echo on").await["output"], "on\n");
    assert!(asked.elapsed() < Duration::from_secs(5));
    let mut size = 0;
    loop {
        match socket.next().await {
            Message::Binary(bytes) => size += bytes.len(),
            Message::Close(frame) => {
                assert_eq!(u16::from(frame.expect("a frame").code), 1000);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(size, 100_000_000);
    assert!(memory(&server) < 150 * 1024, "{} KiB", memory(&server));
}

/// The server's resident memory in KiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("a running server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("KiB")
}

#[tokio::test]
async fn nothing_outlives_its_terminal() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for (tty, politely) in [(true, false), (true, true), (false, false)] {
        let nap = nap();
        let line = format!("shell=trap+''+HUP+TERM;setsid+sleep+{nap}%26+sleep+{nap}&tty={tty}");
        let mut socket = Socket::open(&server, &path(&container, &line), Some(JSON)).await;
        until("it runs", || running(&nap).len() == 2).await;
        if politely {
            socket.send(Message::Close(None)).await;
        }
        drop(socket);
        until("all is ended", || running(&nap).is_empty()).await;
    }
    // A command that takes no input, and a client that has much of it.
    let nap = nap();
    let line = format!("command=sleep&command={nap}&tty=false");
    let mut socket = Socket::open(&server, &path(&container, &line), None).await;
    until("it runs", || !running(&nap).is_empty()).await;
    let flood = async {
        loop {
            socket.bytes(&vec![b'x'; 100_000]).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), flood).await;
    assert!(memory(&server) < 150 * 1024, "{} KiB", memory(&server));
    drop(socket);
    until("it is ended", || running(&nap).is_empty()).await;
}

#[tokio::test]
async fn limits_of_time_and_number() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_TERMINALS", "1")
        .env("PODLANE_LIMITS_TERMINAL_IDLE", "2");
    let server = server_with(options);
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let nap = nap();
    let line = format!("shell=sleep+{nap}");
    let mut socket = Socket::open(&server, &path(&container, &line), Some(JSON)).await;
    let (status, body) = refused(&server, &path(&container, ""), &[]).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .expect("text")
            .contains("1 terminals already")
    );
    let (_, _, last) = socket.end().await;
    assert_eq!(
        (&last["type"], &last["error"]["code"]),
        (&json!("error"), &json!(408))
    );
    assert_eq!(u16::from(socket.close_frame().await.code), 4408);
    until("it is ended", || running(&nap).is_empty()).await;

    let line = format!("shell=while+:;do+echo+x;sleep+{};done&timeout=1", "0.1");
    let begun = Instant::now();
    let mut socket = Socket::open(&server, &path(&container, &line), Some(JSON)).await;
    let (_, _, last) = socket.end().await;
    assert_eq!(
        (&last["timed_out"], &last["success"]),
        (&json!(true), &json!(false)),
        "{last}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));

    let mut socket = Socket::open(&server, &path(&container, "command=cat"), Some(JSON)).await;
    socket.type_in(&"x".repeat(1_100_000)).await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["error"]["code"], 400, "{last}");
    assert_eq!(u16::from(socket.close_frame().await.code), 1009);
}

#[tokio::test]
async fn a_terminal_outlives_the_time_of_a_request() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "4"));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let mut socket = shell(&server, &container).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    socket
        .say(json!({ "type": "resize", "columns": 99, "rows": 33 }))
        .await;
    socket.type_in("stty size; exit 5\n").await;
    socket.until("33 99\r\n").await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 5, "{last}");
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let mut server = server_with(ServerOptions::default().env("PODLANE_SHUTDOWN_GRACE", "3"));
    let container = Container::sleeping(&server.client(), BUSYBOX).await;
    let mut terminal = shell(&server, &container).await;
    let line = "shell=sleep+1;echo+done&tty=false";
    let mut job = Socket::open(&server, &path(&container, line), Some(JSON)).await;
    let nap = nap();
    let line = format!("shell=sleep+{nap}&tty=false");
    let mut endless = Socket::open(&server, &path(&container, &line), Some(JSON)).await;
    until("it runs", || !running(&nap).is_empty()).await;
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let (_, _, last) = terminal.end().await;
    assert_eq!(
        (&last["type"], &last["error"]["code"]),
        (&json!("error"), &json!(503))
    );
    assert_eq!(u16::from(terminal.close_frame().await.code), 1001);
    let (out, _, last) = job.end().await;
    assert_eq!(
        (out.as_str(), &last["exit_code"]),
        ("done\n", &json!(0)),
        "it has the grace"
    );
    let (_, _, last) = endless.end().await;
    assert_eq!(
        (&last["type"], &last["error"]["code"]),
        (&json!("error"), &json!(503))
    );
    assert_eq!(u16::from(endless.close_frame().await.code), 1001);
    assert_eq!(ended.await.expect("it ends"), Some(0));
    assert_eq!(running(&nap), Vec::<String>::new());
}

#[tokio::test]
async fn an_open_terminal_is_a_connection() {
    let server = server_with(ServerOptions::default().env("PODLANE_LIMITS_CONNECTIONS", "1"));
    // Made by podman: the API's only connection is kept alive.
    let fixture = crate::fixture::Fixture::run(BUSYBOX, &[]);
    let socket = Socket::open(&server, &fixture.path("/exec/ws"), Some(JSON)).await;
    let api = server.client();
    let waits = tokio::time::timeout(Duration::from_secs(1), api.get("/containers")).await;
    assert!(waits.is_err(), "it waits for its place");
    drop(socket);
    let _served = server.client().get("/containers").await.expect(200);
}

#[tokio::test]
async fn what_is_wrong_in_a_message_is_told_and_the_session_goes_on() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let mut socket = shell(&server, &container).await;
    for (message, field) in [
        (
            json!({ "type": "resize", "columns": 0, "rows": 24 }),
            "columns",
        ),
        (
            json!({ "type": "resize", "columns": 80, "rows": "x" }),
            "rows",
        ),
        (json!({ "type": "signal", "signal": "NOSUCH" }), "signal"),
        (json!({ "type": "stdin", "base64": "?" }), "base64"),
        (json!({ "type": "shout" }), "type"),
    ] {
        socket.say(message.clone()).await;
        let told = socket.json().await;
        assert_eq!(told["type"], "error", "{message}: {told}");
        assert_eq!(told["error"]["field"], field, "{message}: {told}");
        assert_eq!(told["error"]["code"], 400, "{message}: {told}");
    }
    // All at once: each is told.
    for _ in 0..20 {
        socket
            .say(json!({ "type": "resize", "columns": 0, "rows": 1 }))
            .await;
    }
    for _ in 0..20 {
        assert_eq!(socket.json().await["error"]["field"], "columns");
    }
    socket.type_in("echo al''ive; stty size; exit 3\n").await;
    socket.until("alive\r\n24 80\r\n").await;
    let (_, _, last) = socket.end().await;
    assert_eq!(last["exit_code"], 3, "{last}");

    let path = path(&container, "command=stty&command=size&configure=true");
    let mut socket = Socket::open(&server, &path, Some(JSON)).await;
    socket.say(json!({ "type": "start", "columns": 0 })).await;
    assert_eq!(socket.json().await["error"]["field"], "columns");
    socket
        .say(json!({ "type": "start", "columns": 90, "rows": 30 }))
        .await;
    let (out, _, _) = socket.end().await;
    assert_eq!(out, "30 90\r\n");
}

#[tokio::test]
async fn terminals_are_counted_and_say_how_they_were_started() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let counted = async || {
        let mut request = api.request(Method::GET, "", None);
        *request.uri_mut() = format!("{}/metrics", api.base()).parse().expect("a URI");
        let metrics = api.send(request).await.expect(200).text;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("podlane_execs_total{path=\"fd\"} "));
        line.map_or(0, |count| count.parse().expect("a number"))
    };
    assert_eq!(counted().await, 0);
    for (query, header) in [
        ("command=true", Some("fd")),
        ("command=true&configure=true", None),
    ] {
        let path = path(&container, query);
        let (mut socket, headers) = Socket::open_with(&server, &path, Some(JSON)).await;
        let told = headers
            .get("x-exec-path")
            .map(|value| value.to_str().expect("text"));
        assert_eq!(told, header, "{query}");
        if header.is_none() {
            socket.say(json!({ "type": "start" })).await;
        }
        let (_, _, last) = socket.end().await;
        assert_eq!(last["exit_code"], 0, "{last}");
    }
    assert_eq!(counted().await, 2);
    let missing = path(&container, "command=true&workdir=/no/such");
    let _ = refused(&server, &missing, &[]).await;
    assert_eq!(counted().await, 2);
}

/// Clients of Kubernetes say which container of a pod they mean.
#[tokio::test]
async fn the_container_may_be_named_as_kubernetes_does() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let other = Container::sleeping(&api, BUSYBOX).await;
    let id = container.inspect("{{.Id}}");
    for said in ["", &container.name, &id[..12], &id] {
        for protocol in [V4, V5] {
            let query = format!("command=echo&command=hi&tty=false&container={said}");
            let mut socket = Socket::open(&server, &path(&container, &query), Some(protocol)).await;
            let (out, _, status) = socket.channels().await;
            assert_eq!(
                (out.as_str(), &status["status"]),
                ("hi\n", &json!("Success")),
                "{said}"
            );
            let attach = container.path(&format!("attach/ws?container={said}"));
            drop(Socket::open(&server, &attach, Some(protocol)).await);
        }
    }
    for (said, protocol) in [
        (other.name.as_str(), V5),
        ("nosuch", V5),
        ("%2F", V4),
        (container.name.as_str(), JSON),
        ("", JSON),
    ] {
        for way in ["exec", "attach"] {
            let asked = container.path(&format!("{way}/ws?container={said}"));
            let headers = [("sec-websocket-protocol", protocol)];
            let (status, told) = refused(&server, &asked, &headers).await;
            assert_eq!(
                (status, &told["error"]["field"]),
                (400, &json!("container")),
                "{said}"
            );
        }
    }
}
