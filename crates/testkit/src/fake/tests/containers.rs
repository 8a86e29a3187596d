//! Create, list, inspect, start, stop, remove, logs, images.

use super::*;
use crate::fake::{Fault, Route, Times};
use std::time::Instant;

#[tokio::test]
async fn the_server_signs_its_answers() {
    for version in BOTH {
        let fake = fake(version).await;
        let reply = send(&fake, "GET", "/_ping", "", &[("x-reference-id", "abc")])
            .await
            .unwrap();
        let headers = reply.headers();
        assert_eq!(headers["libpod-api-version"], version.as_str());
        assert_eq!(
            headers["server"],
            format!("Libpod/{} (linux)", version.as_str())
        );
        assert_eq!(headers["x-reference-id"], "abc");
        assert_eq!(fake.requests()[0].headers["x-reference-id"], "abc");
        let reply = get(&fake, "/nosuch").await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body[..]),
            (404, &b"Not Found\n"[..])
        );
        assert_eq!(
            get(&fake, "/version").await.json()["Version"],
            version.as_str()
        );
    }
}

#[tokio::test]
async fn refusals_are_those_of_each_version() {
    let old = fake(FakeVersion::V43).await;
    let new = fake(FakeVersion::V58).await;
    let unknown = json!({"image": "localhost/nosuch:1", "name": "w9"});
    let reply = post(&old, "/containers/create", unknown.clone()).await;
    assert_eq!(
        reply.json(),
        json!({"cause": "image not known", "message": "localhost/nosuch:1: image not known", "response": 500})
    );
    let reply = post(&new, "/containers/create", unknown).await;
    assert_eq!(
        reply.json()["message"],
        "no such image: localhost/nosuch:1: image not known"
    );
    assert_eq!(reply.status, 404);
    let bare = json!({"image": "localhost/bb:1", "name": "w1"});
    assert_eq!(
        post(&old, "/containers/create", bare.clone()).await.status,
        500
    );
    assert_eq!(
        post(&new, "/containers/create", bare.clone()).await.status,
        201
    );
    let reply = post(&new, "/containers/create", bare).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["cause"], "that name is already in use");
    let reply = ask(&new, "POST", "/containers/create", "{").await;
    assert_eq!(reply.json()["message"], "decode(): unexpected EOF");
    let reply = ask(&new, "DELETE", "/containers/nosuch", "").await;
    assert_eq!(
        reply.json()["message"],
        "no container with ID or name \"nosuch\" found: no such container"
    );
    let reply = ask(
        &new,
        "DELETE",
        "/containers/nosuch?ignore=true&force=true",
        "",
    )
    .await;
    assert_eq!(reply.json(), json!([]));
}

#[tokio::test]
async fn a_container_lives_and_goes() {
    for version in BOTH {
        let fake = fake(version).await;
        let id = run(&fake, "c1", &["sleep", "100"], json!({
            "env": {"A": "b"},
            "labels": {"owner": "x"},
            "portmappings": [{"container_port": 80, "host_port": 8080}, {"container_port": 81}],
            "mounts": [{"type": "bind", "source": "/tmp", "destination": "/ro", "options": ["ro"]}],
            "volumes": [{"Name": "v", "Dest": "/data"}],
        })).await;
        let inspect = get(&fake, "/containers/c1/json").await.json();
        assert_eq!(inspect["Id"], id);
        assert_eq!(inspect["State"]["Status"], "running");
        assert!(inspect["State"]["Pid"].as_u64().unwrap() > 4_194_304);
        assert_eq!(
            (&inspect["Path"], &inspect["Args"]),
            (&json!("sleep"), &json!(["100"]))
        );
        let ports = &inspect["NetworkSettings"]["Ports"];
        assert_eq!(ports["80/tcp"][0]["HostPort"], "8080");
        assert_ne!(ports["81/tcp"][0]["HostPort"], "0");
        assert_eq!(
            ports["80/tcp"][0]["HostIp"],
            if version == FakeVersion::V43 {
                ""
            } else {
                "0.0.0.0"
            }
        );
        assert_eq!(inspect["Mounts"][0]["RW"], false);
        assert!(
            inspect["Config"]["Env"]
                .as_array()
                .unwrap()
                .contains(&json!("A=b"))
        );
        let list = get(
            &fake,
            "/containers/json?filters=%7B%22label%22%3A%5B%22owner%3Dx%22%5D%7D",
        )
        .await
        .json();
        assert_eq!(list[0]["Names"], json!(["c1"]));
        assert_eq!(list[0]["Ports"][0]["host_port"], 8080);
        let path = format!("/containers/{}/start", &id[..12]);
        assert_eq!(post(&fake, &path, Value::Null).await.status, 304);
        assert_eq!(ask(&fake, "DELETE", "/containers/c1", "").await.status, 500);
        // PID 1 ignores SIGTERM, so the grace passes.
        let before = Instant::now();
        assert_eq!(
            post(&fake, "/containers/c1/stop?timeout=1", Value::Null)
                .await
                .status,
            204
        );
        assert!(before.elapsed() >= Duration::from_secs(1));
        assert_eq!(
            post(&fake, "/containers/c1/stop", Value::Null).await.status,
            304
        );
        let state = get(&fake, "/containers/c1/json").await.json()["State"].clone();
        assert_eq!(
            (&state["Status"], &state["ExitCode"]),
            (&json!("exited"), &json!(137))
        );
        assert_eq!(get(&fake, "/containers/json").await.json(), json!([]));
        assert_eq!(
            get(&fake, "/containers/json?all=true").await.json()[0]["State"],
            "exited"
        );
        let reply = ask(
            &fake,
            "DELETE",
            "/containers/c1?force=true&timeout=0&v=true",
            "",
        )
        .await;
        assert_eq!(reply.json()[0]["Id"], id);
        assert_eq!(
            reply.json()[0].get("RawInput").is_some(),
            version == FakeVersion::V43
        );
        assert!(fake.containers().is_empty() && fake.processes().is_empty());
    }
}

#[tokio::test]
async fn an_init_hands_the_signal_on_and_a_trap_takes_it() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "init", &["sleep", "100"], json!({"init": true})).await;
    post(&fake, "/containers/init/stop", Value::Null).await;
    assert_eq!(fake.containers()[0].exit_code, 143);
    let script = "trap 'exit 5' TERM; while :; do sleep 0.02; done";
    run(&fake, "trap", &["sh", "-c", script], Value::Null).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    post(&fake, "/containers/trap/stop", Value::Null).await;
    assert_eq!(fake.containers()[1].exit_code, 5);
}

#[tokio::test]
async fn starts_fail_as_recorded() {
    for version in BOTH {
        let fake = fake(version).await;
        run(
            &fake,
            "a",
            &["sleep", "9"],
            json!({"portmappings": [{"container_port": 80, "host_port": 8080}]}),
        )
        .await;
        let cases = [
            (
                json!({"portmappings": [{"container_port": 80, "host_port": 8080}]}),
                "cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use",
            ),
            (
                json!({"user": "nouser"}),
                "unable to find user nouser: no matching entries in passwd file",
            ),
            (
                json!({"command": ["nosuch"]}),
                "runc: runc create failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found",
            ),
        ];
        for (at, (more, message)) in cases.into_iter().enumerate() {
            let name = format!("c{at}");
            create(&fake, &name, &["sleep", "9"], more).await;
            let reply = post(&fake, &format!("/containers/{name}/start"), Value::Null).await;
            assert_eq!(reply.status, 500);
            assert_eq!(reply.json()["message"], message);
            let state =
                get(&fake, &format!("/containers/{name}/json")).await.json()["State"].clone();
            assert_eq!(state["Status"], "created");
            let kept = if version == FakeVersion::V43 {
                ""
            } else {
                message
            };
            assert_eq!(state["Error"], kept);
        }
        create(&fake, "wd", &["sleep", "9"], json!({"work_dir": "/nodir"})).await;
        let reply = post(&fake, "/containers/wd/start", Value::Null).await;
        assert!(
            reply.json()["message"]
                .as_str()
                .unwrap()
                .starts_with("workdir \"/nodir\" does not exist")
        );
    }
}

#[tokio::test]
async fn logs_are_framed_followed_and_cut() {
    for version in BOTH {
        let fake = fake(version).await;
        let script = "echo out; echo err >&2; sleep 0.1; printf end";
        run(&fake, "c", &["sh", "-c", script], Value::Null).await;
        let all = "/containers/c/logs?stdout=true&stderr=true&follow=true";
        let frames = get(&fake, all).await.frames();
        let text = |stream, text: &str| (stream, text.to_owned());
        assert_eq!(frames, [text(1, "out\n"), text(2, "err\n"), text(1, "end")]);
        let err = get(&fake, "/containers/c/logs?stderr=true&tail=all")
            .await
            .frames();
        assert_eq!(err, [text(2, "err\n")]);
        let none = get(&fake, "/containers/c/logs?stdout=true&tail=0").await;
        assert!(none.body.is_empty());
        assert_eq!(get(&fake, "/containers/c/logs").await.status, 400);
        assert_eq!(
            get(&fake, "/containers/c/logs?stdout=true&tail=abc")
                .await
                .status,
            400
        );
    }
}

#[tokio::test]
async fn images_are_inspected_pulled_and_imported() {
    let fake = FakePodman::start(FakeVersion::V58)
        .await
        .pullable("127.0.0.1:5000/bb:1", ImageKind::Busybox);
    assert_eq!(
        get(&fake, "/images/127.0.0.1:5000%2Fbb%3A1/json")
            .await
            .status,
        404
    );
    let reply = post(
        &fake,
        "/images/pull?reference=127.0.0.1:5000/bb:1",
        Value::Null,
    )
    .await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let image = get(&fake, "/images/127.0.0.1:5000%2Fbb%3A1/json")
        .await
        .json();
    assert_eq!(last["id"], image["Id"]);
    let reply = post(
        &fake,
        "/images/pull?reference=127.0.0.1:5000/nosuch:1",
        Value::Null,
    )
    .await;
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&reply.body).contains("\"error\":\"unable to copy"));
    let path = "/images/import?reference=localhost/x:1&changes=CMD+%5B%22a%22%5D&changes=ENTRYPOINT+%5B%22/hello%22%5D&changes=ENV+A=b&changes=LABEL+x=y&changes=USER+nobody";
    assert_eq!(ask(&fake, "POST", path, vec![0; 1024]).await.status, 200);
    let config = get(&fake, "/images/localhost%2Fx:1/json").await.json()["Config"].clone();
    assert_eq!(
        config,
        json!({"Cmd": ["a"], "Entrypoint": ["/hello"], "Env": ["A=b"], "Labels": {"x": "y"}, "User": "nobody"})
    );
    assert_eq!(fake.images().len(), 2);
}

#[tokio::test]
async fn a_pull_that_nobody_reads_is_cancelled() {
    let fake = FakePodman::start(FakeVersion::V43)
        .await
        .pullable("localhost/slow:1", ImageKind::Scratch);
    let slow = Fault::SlowBody(Duration::from_millis(20));
    fake.fault(Route::ImagePull, slow, Times::Once);
    let response = send(
        &fake,
        "POST",
        "/images/pull?reference=localhost/slow:1",
        "",
        &[],
    )
    .await
    .unwrap();
    drop(response);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(fake.images().is_empty());
}
