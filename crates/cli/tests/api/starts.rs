//! What can't be started is told alike in every form: before anything else where the directory is wrong,
//! as a shell would where the program is.

use crate::container::{Container, nap, running, until};
use crate::reading::{Reading, text};
use crate::websocket::{JSON, Socket, V5, refused};
use crate::{server, server_by_stream};
use podlane_testkit::{BUSYBOX, DEBIAN, SCRATCH, Server};
use serde_json::{Value, json};

const FORMS: [&str; 3] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.docker.multiplexed-stream",
];

/// A server, and what a body has besides: one for each way of starting commands.
fn ways() -> [(Server, Value, &'static str); 3] {
    [
        (server(), json!({}), "fd"),
        (server_by_stream(), json!({}), "stream"),
        (server(), json!({ "agent": false }), "engine"),
    ]
}

fn body(way: &Value, mut fields: Value) -> Value {
    let body = fields.as_object_mut().expect("an object");
    body.extend(way.as_object().expect("an object").clone());
    fields
}

#[tokio::test]
async fn a_missing_directory_is_refused_in_every_form() {
    for (server, way, name) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        let path = container.path("exec");
        for (command, workdir) in [
            (json!("sleep 5"), "/no/such"),
            (json!(["sleep", "5"]), "/etc/passwd"),
        ] {
            let exec = body(&way, json!({ "command": command, "workdir": workdir }));
            let plain = api.post(&path, exec.clone()).await.expect(400);
            let error = plain.json["error"].clone();
            assert_eq!(error["field"], "workdir", "{name}: {error}");
            for form in FORMS {
                let mut answer = Reading::post(&server, &path, form, exec.clone())
                    .await
                    .expect(400);
                let told: Value = serde_json::from_slice(&answer.rest().await).expect("JSON");
                assert_eq!(told["error"], error, "{name}: {form}");
            }
            let detached = body(&exec, json!({ "detach": true }));
            let refused_exec = api.post(&path, detached).await.expect(400);
            assert_eq!(refused_exec.json["error"], error, "{name}");
            let listed = api
                .get(&format!("/execs?container={}", container.name))
                .await;
            assert_eq!(listed.expect(200).json["execs"], json!([]), "{name}");

            for (protocol, tty) in [(None, true), (Some(JSON), false), (Some(V5), true)] {
                let agent = way.get("agent").map_or("", |_| "&agent=false");
                let query = format!("command=sleep&command=5&workdir={workdir}&tty={tty}{agent}");
                let protocol = protocol.map(|protocol| ("sec-websocket-protocol", protocol));
                let path = container.path(&format!("exec/ws?{query}"));
                let (status, told) = refused(&server, &path, protocol.as_slice()).await;
                assert_eq!((status, &told["error"]), (400, &error), "{name}: {query}");
            }
        }
        let query = "exec/ws?command=sleep&command=5&workdir=/no/such&configure=true";
        let mut socket = Socket::open(&server, &container.path(query), Some(JSON)).await;
        socket.say(json!({ "type": "start" })).await;
        let told = socket.json().await;
        assert_eq!(
            (&told["type"], &told["error"]["field"]),
            (&json!("error"), &json!("workdir"))
        );
    }
}

#[tokio::test]
async fn a_missing_program_is_told_as_a_shell_does() {
    for (server, way, name) in ways() {
        let api = server.client();
        for image in [BUSYBOX, SCRATCH] {
            let container = Container::sleeping(&api, image).await;
            let path = container.path("exec");
            let commands = [
                (
                    json!(["podlane-nosuch", "x"]),
                    127,
                    "podlane-nosuch: not found\n",
                ),
                (json!(["/etc"]), 126, "/etc: can't be executed\n"),
            ];
            for (command, code, words) in commands {
                let exec = body(&way, json!({ "command": command }));
                let plain = api.post(&path, exec.clone()).await.expect(200);
                let plain = &plain.json["execution"];
                assert_eq!(
                    (&plain["exit_code"], &plain["stderr"]),
                    (&json!(code), &json!(words)),
                    "{name}"
                );
                let mut lines = Reading::post(&server, &path, FORMS[1], exec.clone())
                    .await
                    .expect(200);
                let events = lines.lines().await;
                assert_eq!(text(&events, "stderr"), words, "{name}: {events:?}");
                assert_eq!(events.last().expect("an end")["exit_code"], code, "{name}");
                let detached = body(&exec, json!({ "detach": true }));
                let detached = api.post(&path, detached).await.expect(201);
                let id = detached.json["exec"]["id"]
                    .as_str()
                    .expect("an ID")
                    .to_owned();
                let ended = api.act(&format!("/execs/{id}/wait")).await.expect(200);
                assert_eq!(ended.json["exec"]["state"], "exited", "{name}");
                assert_eq!(ended.json["exec"]["exit_code"], code, "{name}");
            }
        }
    }
}

/// Whether it runs is known without a word of it, and of one that says something nothing is lost.
#[tokio::test]
async fn what_runs_is_said_to_run() {
    for (server, way, name) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        let path = container.path("exec");
        let nap = nap();
        let silent = body(&way, json!({ "command": ["sleep", nap] }));
        let mut stream = Reading::post(&server, &path, FORMS[1], silent)
            .await
            .expect(200);
        let start = stream.line().await.expect("start");
        assert_eq!(
            (&start["event"], &start["path"]),
            (&json!("start"), &json!(name))
        );
        until("it runs", || running(&nap).len() == 1).await;
        drop(stream);
        until("it is ended", || running(&nap).is_empty()).await;

        // Codes that Podman itself gives, and words like its own.
        for line in [
            "exit 127",
            "sleep 0.2; exit 126",
            "echo 'Error: crun: x' >&2; sleep 0.3; echo more; exit 125",
            "sleep 60 & exit 127",
        ] {
            let exec = body(&way, json!({ "command": ["sh", "-c", line] }));
            let mut stream = Reading::post(&server, &path, FORMS[1], exec.clone())
                .await
                .expect(200);
            let events = stream.lines().await;
            let plain = api.post(&path, exec).await.expect(200);
            let plain = &plain.json["execution"];
            for output in ["stdout", "stderr"] {
                assert_eq!(text(&events, output), plain[output], "{name}: {line}");
            }
            let end = events.last().expect("an end");
            assert_eq!(end["exit_code"], plain["exit_code"], "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn words_are_run_where_there_is_no_shell() {
    for (server, way, name) in ways() {
        let api = server.client();
        let container = Container::sleeping(&api, SCRATCH).await;
        let path = container.path("exec");
        let exec = body(&way, json!({ "command": "/tiny echo a b" }));
        let mut stream = Reading::post(&server, &path, FORMS[1], exec.clone())
            .await
            .expect(200);
        assert_eq!(text(&stream.lines().await, "stdout"), "a b\n", "{name}");
        let wrong = body(&exec, json!({ "workdir": "/no/such" }));
        let refused = api.post(&path, wrong.clone()).await.expect(400);
        let stream = Reading::post(&server, &path, FORMS[1], wrong).await;
        let mut stream = stream.expect(400);
        let told: Value = serde_json::from_slice(&stream.rest().await).expect("JSON");
        assert_eq!(told["error"], refused.json["error"], "{name}");
    }
}

/// A shell of ours between Podman and the command is not to be seen.
#[tokio::test]
async fn the_environment_is_the_same_on_all_ways() {
    for image in [BUSYBOX, DEBIAN] {
        let mut told: Vec<Vec<Value>> = Vec::new();
        for (server, way, name) in ways() {
            let api = server.client();
            let container = Container::sleeping(&api, image).await;
            let mut seen = Vec::new();
            for command in [
                json!("env | sort"),
                json!(["env"]),
                json!(["sh", "-c", "env"]),
            ] {
                for stdin in ["", "x"] {
                    for environment in [json!({}), json!({ "SHLVL": 5, "PWD": "/own", "X": "--" })]
                    {
                        let exec = json!({ "command": command, "stdin": stdin, "environment": environment });
                        let execution = container.exec(body(&way, exec)).await;
                        let mut lines: Vec<&str> = execution["stdout"]
                            .as_str()
                            .expect("text")
                            .lines()
                            .collect();
                        lines.retain(|line| {
                            !line.starts_with("HOSTNAME=") && !line.starts_with("PODLANE_EXEC=")
                        });
                        lines.sort_unstable();
                        seen.push(json!({ "asked": [command, stdin, environment], "env": lines }));
                    }
                }
            }
            if let Some(first) = told.first() {
                for (one, other) in first.iter().zip(&seen) {
                    assert_eq!(one, other, "{image} {name}");
                }
            }
            told.push(seen);
        }
    }
}
