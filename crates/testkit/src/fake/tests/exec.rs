//! Exec sessions, attached both ways, and what is left of them.

use super::*;
use crate::fake::FakeRuntime;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const UPGRADE: [(&str, &str); 2] = [("connection", "Upgrade"), ("upgrade", "tcp")];

type Connection = TokioIo<hyper::upgrade::Upgraded>;

async fn attach(fake: &FakePodman, id: &str) -> Connection {
    let path = format!("/exec/{id}/start");
    let response = send(fake, "POST", &path, "{}", &UPGRADE).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "tcp");
    TokioIo::new(hyper::upgrade::on(response).await.unwrap())
}

#[tokio::test]
async fn the_recorded_execs_give_the_recorded_answers() {
    for version in BOTH {
        let fake = fake(version).await;
        run(&fake, "c", &["sleep", "100"], Value::Null).await;
        let frames = |list: &[(u8, &str)]| -> Vec<(u8, String)> {
            list.iter()
                .map(|(stream, text)| (*stream, (*text).to_owned()))
                .collect()
        };
        let script = "echo o; echo e >&2; exit 3";
        let got = exec(&fake, "c", &["sh", "-c", script], Value::Null).await;
        assert_eq!(got, (frames(&[(1, "o\n"), (2, "e\n")]), 3));
        let broken =
            "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n";
        let got = exec(&fake, "c", &["nosuchcmd"], Value::Null).await;
        let text = "Error: runc: exec failed: unable to start container process: exec: \"nosuchcmd\": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found\n";
        assert_eq!(got, (frames(&[(2, text), (2, broken)]), 127));
        let got = exec(&fake, "c", &["id"], json!({"WorkingDir": "/nodir"})).await;
        let text = "Error: runc: exec failed: unable to start container process: chdir to cwd (\"/nodir\") set in config.json failed: no such file or directory: OCI runtime attempted to invoke a command that was not found\n";
        assert_eq!(got, (frames(&[(2, text), (2, broken)]), 127));
        let (_, code) = exec(&fake, "c", &["/etc/passwd"], Value::Null).await;
        assert_eq!(code, 126);
        let id = exec_create(&fake, "c", &["id"], json!({"User": "nouser"})).await;
        let reply = post(&fake, &format!("/exec/{id}/start"), json!({})).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["cause"]),
            (500, &json!("no matching entries in passwd file"))
        );
        assert_eq!(
            get(&fake, &format!("/exec/{id}/json")).await.json()["ExitCode"],
            125
        );
        let reply = post(&fake, &format!("/exec/{id}/start"), json!({})).await;
        assert_eq!(reply.json()["cause"], "exec session state improper");
        let id = exec_create(
            &fake,
            "c",
            &["id"],
            json!({"AttachStdout": false, "AttachStderr": false}),
        )
        .await;
        assert_eq!(
            post(&fake, &format!("/exec/{id}/start"), json!({}))
                .await
                .status,
            500
        );
        let got = exec(&fake, "c", &["id"], json!({"User": "77:88"})).await;
        assert_eq!(got.0, frames(&[(1, "uid=77 gid=88\n")]));
        let reply = post(&fake, "/containers/c/exec", json!({"Cmd": []})).await;
        assert_eq!(reply.status, 500);
        assert_eq!(
            post(&fake, "/containers/nosuch/exec", json!({"Cmd": ["id"]}))
                .await
                .status,
            404
        );
        post(&fake, "/containers/c/pause", Value::Null).await;
        assert_eq!(
            post(&fake, "/containers/c/exec", json!({"Cmd": ["id"]}))
                .await
                .status,
            409
        );
        post(&fake, "/containers/c/unpause", Value::Null).await;
        post(&fake, "/containers/c/stop?timeout=0", Value::Null).await;
        assert_eq!(
            post(&fake, "/containers/c/exec", json!({"Cmd": ["id"]}))
                .await
                .status,
            500
        );
    }
}

#[tokio::test]
async fn an_upgraded_connection_carries_both_directions() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let id = exec_create(&fake, "c", &["cat"], json!({"AttachStdin": true})).await;
    let mut connection = attach(&fake, &id).await;
    connection.write_all(b"hi\n").await.unwrap();
    let mut piece = [0; 11];
    connection.read_exact(&mut piece).await.unwrap();
    assert_eq!(frames(&piece), [(1, "hi\n".to_owned())]);
    assert_eq!(fake.running_execs()[0].argv, ["cat"]);
    connection.shutdown().await.unwrap();
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    let inspect = get(&fake, &format!("/exec/{id}/json")).await.json();
    assert_eq!(
        (&inspect["Running"], &inspect["ExitCode"]),
        (&json!(false), &json!(0))
    );
}

#[tokio::test]
async fn a_client_that_leaves_ends_only_the_input() {
    let fake = fake(FakeVersion::V58).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let cat = exec_create(&fake, "c", &["cat"], json!({"AttachStdin": true})).await;
    let sleep = exec_create(&fake, "c", &["sleep", "100"], Value::Null).await;
    let connections = [attach(&fake, &cat).await, attach(&fake, &sleep).await];
    assert_eq!(fake.running_execs().len(), 2);
    drop(connections);
    soon(|| fake.running_execs().len() == 1).await;
    let path = format!("/exec/{sleep}/remove");
    assert_eq!(
        post(&fake, &path, json!({"Force": false})).await.status,
        500
    );
    assert_eq!(post(&fake, &path, json!({"Force": true})).await.status, 200);
    assert_eq!(get(&fake, &format!("/exec/{sleep}/json")).await.status, 404);
    soon(|| fake.processes().len() == 1).await;
}

#[tokio::test]
async fn the_old_version_removes_no_sessions() {
    let fake = fake(FakeVersion::V43).await;
    let reply = post(&fake, "/exec/abc/remove", json!({"Force": true})).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body[..]),
        (404, &b"Not Found\n"[..])
    );
    assert!(!reply.headers.contains_key("libpod-api-version"));
}

#[tokio::test]
async fn a_detached_exec_dies_with_its_container() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let id = exec_create(&fake, "c", &["sleep", "100"], Value::Null).await;
    let reply = post(&fake, &format!("/exec/{id}/start"), json!({"Detach": true})).await;
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"\n"[..]));
    post(&fake, "/containers/c/kill", Value::Null).await;
    soon(|| fake.processes().is_empty() && fake.running_execs().is_empty()).await;
    let inspect = get(&fake, &format!("/exec/{id}/json")).await.json();
    assert_eq!(inspect["ExitCode"], 137);
    ask(&fake, "DELETE", "/containers/c", "").await;
    assert_eq!(get(&fake, &format!("/exec/{id}/json")).await.status, 404);
}

#[tokio::test]
async fn a_slow_reader_gets_everything_and_a_terminal_no_frames() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let id = exec_create(
        &fake,
        "c",
        &["head", "-c", "3000000", "/dev/zero"],
        Value::Null,
    )
    .await;
    let mut connection = attach(&fake, &id).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut all = Vec::new();
    connection.read_to_end(&mut all).await.unwrap();
    assert_eq!(stream(&frames(&all), 1).len(), 3_000_000);
    let id = exec_create(&fake, "c", &["echo", "o"], json!({"Tty": true})).await;
    let mut all = String::new();
    attach(&fake, &id)
        .await
        .read_to_string(&mut all)
        .await
        .unwrap();
    assert_eq!(all, "o\r\n");
}

#[tokio::test]
async fn a_scratch_image_has_no_shell() {
    let fake = fake(FakeVersion::V58).await;
    let image = json!({"image": "localhost/scratch:1"});
    run(&fake, "c", &["/sleep", "100"], image).await;
    let (frames, code) = exec(&fake, "c", &["/hello"], Value::Null).await;
    assert_eq!(
        (stream(&frames, 1).as_str(), code),
        ("hello from a static program\n", 0)
    );
    assert_eq!(
        exec(&fake, "c", &["sh", "-c", "true"], Value::Null).await.1,
        127
    );
    assert_eq!(exec(&fake, "c", &["/bin/sh"], Value::Null).await.1, 127);
}

#[tokio::test]
async fn a_stream_ends_with_its_process_and_not_with_its_children() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let script = "(sleep 100; echo late) & yes > /dev/null & echo hi";
    let (frames, code) = exec(&fake, "c", &["sh", "-c", script], Value::Null).await;
    assert_eq!((stream(&frames, 1).as_str(), code), ("hi\n", 0));
    let script = "exec > /dev/null 2>&1; sleep 0.05; echo lost; exit 7";
    let (frames, code) = exec(&fake, "c", &["sh", "-c", script], Value::Null).await;
    assert!(frames.is_empty() && code == 7);
    // A client that does not read does not keep a killed process alive.
    let id = exec_create(&fake, "c", &["yes"], Value::Null).await;
    let _unread = attach(&fake, &id).await;
    soon(|| fake.running_execs().len() == 1).await;
    exec(&fake, "c", &["kill", "-9", "-1"], Value::Null).await;
    soon(|| fake.running_execs().is_empty() && fake.processes().len() == 1).await;
}

#[tokio::test]
async fn crun_has_its_own_words() {
    let fake = fake(FakeVersion::V58).await.runtime(FakeRuntime::Crun);
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let missing = "OCI runtime attempted to invoke a command that was not found";
    let cases = [
        (
            "nosuch",
            "/",
            format!(
                "crun: executable file `nosuch` not found in $PATH: No such file or directory: {missing}"
            ),
            127,
        ),
        (
            "/etc/passwd",
            "/",
            "crun: open executable: Permission denied: OCI permission denied".to_owned(),
            126,
        ),
        (
            "id",
            "/nodir",
            format!("crun: chdir `/nodir`: No such file or directory: {missing}"),
            127,
        ),
        (
            "id",
            "/etc/passwd",
            "crun: chdir `/etc/passwd`: Not a directory: OCI runtime error".to_owned(),
            125,
        ),
    ];
    for (program, directory, said, code) in cases {
        let (frames, got) = exec(&fake, "c", &[program], json!({"WorkingDir": directory})).await;
        assert_eq!(
            (frames[0].1.clone(), got),
            (format!("Error: {said}\n"), code)
        );
        let id = exec_create(&fake, "c", &[program], json!({"WorkingDir": directory})).await;
        let reply = post(&fake, &format!("/exec/{id}/start"), json!({"Detach": true})).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["message"]),
            (500, &json!(said))
        );
    }
}

#[tokio::test]
async fn an_exec_has_the_variables_of_its_container_and_its_user() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], json!({"env": {"A": "b"}})).await;
    let (frames, _) = exec(
        &fake,
        "c",
        &["env"],
        json!({"Env": ["X=1"], "User": "12345"}),
    )
    .await;
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let expected = format!("A=b\nHOME=\n{path}\nTERM=xterm\nX=1\ncontainer=podman\n");
    assert_eq!(stream(&frames, 1), expected);
    let (frames, _) = exec(&fake, "c", &["sh", "-c", "echo $HOME"], Value::Null).await;
    assert_eq!(stream(&frames, 1), "/root\n");
}
