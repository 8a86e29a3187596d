//! Restart, kill, pause, unpause, rename, wait.

use crate::container::{Container, until};
use crate::fixture::Fixture;
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, Server, ServerOptions, podman, unique};
use serde_json::json;

#[tokio::test]
async fn restarted_it_runs_anew() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let before = container.inspect("{{.State.StartedAt}}");
    for _ in 0..2 {
        let answer = api.act(&container.path("restart?timeout=1")).await;
        let changed = &answer.expect(200).json["container"];
        assert_eq!(changed["name"], container.name.as_str());
        assert_eq!(changed["status"], "running");
        assert_eq!(changed["changed"], true);
        podman(&["stop", "-t", "0", &container.name]);
    }
    assert_ne!(container.inspect("{{.State.StartedAt}}"), before);
    api.act(&container.path("restart?timeout=x"))
        .await
        .refused(400, "timeout");
    let _ = api.act("/containers/nobody/restart").await.expect(404);
}

#[tokio::test]
async fn what_goes_with_its_end_is_not_lost_by_a_restart() {
    let server = server();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--rm"]);
    let before = container.inspect("{{.Id}} {{.State.StartedAt}}");
    let refused = api.act(&container.path("restart?timeout=0")).await;
    let refused = refused.expect(409);
    assert!(refused.message().contains("--rm"), "{}", refused.text);
    let after = container.inspect("{{.Id}} {{.State.StartedAt}}");
    assert_eq!(after, before);
}

#[tokio::test]
async fn restarted_by_many_at_once_it_runs() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let path = container.path("restart?timeout=0");
    let (one, two, three, four) = tokio::join!(
        api.act(&path),
        api.act(&path),
        api.act(&path),
        api.act(&path)
    );
    for answer in [one, two, three, four] {
        assert_eq!(answer.expect(200).json["container"]["changed"], true);
    }
    assert_eq!(container.inspect("{{.State.Status}}"), "running");
}

#[tokio::test]
async fn real_time_signals_have_names() {
    let server = server();
    let api = server.client();
    let body =
        json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "stop_signal": "SIGRTMIN+3" });
    let container = Container::with(&api, body).await;
    assert_eq!(container.inspect("{{.Config.StopSignal}}"), "37");
    api.act(&container.path("kill?signal=SIGRTMIN-3"))
        .await
        .refused(400, "signal");
    let _ = api
        .act(&container.path("kill?signal=SIGRTMIN+3"))
        .await
        .expect(200);
    let waited = api.act(&container.path("wait")).await.expect(200);
    assert_eq!(waited.json["container"]["exit_code"], 128 + 37);
}

#[tokio::test]
async fn of_two_who_do_the_same_at_once_one_changes_something() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for _ in 0..5 {
        for verb in ["pause", "unpause"] {
            let path = container.path(verb);
            let (one, other) = tokio::join!(api.act(&path), api.act(&path));
            let changed = [one, other].map(|answer| {
                let answer = answer.expect(200);
                answer.json["container"]["changed"] == true
            });
            assert!(changed[0] != changed[1], "{verb}: {changed:?}");
        }
    }
    let names = json!([container.name, container.name]);
    let body = json!({ "action": "pause", "names": names });
    let report = api.post("/bulk/containers", body).await.expect(200).json;
    assert_eq!(report["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["results"][0]["changed"], true);
}

#[tokio::test]
async fn killed_it_has_ended_when_the_answer_comes() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let killed = api.act(&container.path("kill")).await.expect(200);
    assert_eq!(killed.json["container"]["status"], "exited");
    let waited = api.act(&container.path("wait")).await.expect(200);
    assert_eq!(waited.json["container"]["exit_code"], 137);
    let again = api.act(&container.path("kill")).await.expect(409);
    assert!(again.message().contains("not running"), "{}", again.text);
    for signal in ["", "KLL", "0", "65", "-9", "9x"] {
        let path = container.path(&format!("kill?signal={signal}"));
        api.act(&path).await.refused(400, "signal");
    }
}

#[tokio::test]
async fn a_signal_is_for_the_program() {
    let server = server();
    let api = server.client();
    let script = "trap 'echo heard; exit 3' USR1; echo ready; while :; do sleep 0.05; done";
    let body = json!({ "image": BUSYBOX, "command": ["sh", "-c", script], "init": false });
    let container = Container::with(&api, body).await;
    let ready = || {
        let log = podman(&["logs", &container.name]);
        log.stdout.starts_with(b"ready")
    };
    until("it is ready", ready).await;
    let _ = api
        .act(&container.path("kill?signal=sigusr1"))
        .await
        .expect(200);
    let waited = api.act(&container.path("wait")).await.expect(200);
    assert_eq!(waited.json["container"]["met"], true);
    assert_eq!(waited.json["container"]["exit_code"], 3);
}

#[tokio::test]
async fn paused_it_stands_still() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let _ = container.exec(json!({ "command": "true" })).await;
    for (verb, status, changed) in [
        ("pause", "paused", true),
        ("pause", "paused", false),
        ("unpause", "running", true),
        ("unpause", "running", false),
        ("pause", "paused", true),
    ] {
        let answer = api.act(&container.path(verb)).await.expect(200);
        assert_eq!(answer.json["container"]["status"], status, "{verb}");
        assert_eq!(answer.json["container"]["changed"], changed, "{verb}");
    }
    let refused = api
        .post(&container.path("exec"), json!({ "command": "true" }))
        .await
        .expect(409);
    assert!(refused.message().contains("paused"), "{}", refused.text);
    let limits = json!({ "limits": { "pids": 50 } });
    for refused in [
        api.act(&container.path("restart")).await,
        api.act(&container.path("start")).await,
        api.act(&container.path("stop")).await,
        api.get(&container.path("top")).await,
        api.post(&container.path("update"), limits).await,
    ] {
        let refused = refused.expect(409);
        assert_eq!(
            refused.message(),
            "the container is paused; unpause it first"
        );
    }
    let _ = api.act(&container.path("unpause")).await.expect(200);
    assert_eq!(
        container.exec(json!({ "command": "echo on" })).await["output"],
        "on\n"
    );
    let _ = api.act(&container.path("kill")).await.expect(200);
    for verb in ["pause", "unpause"] {
        let _ = api.act(&container.path(verb)).await.expect(409);
    }
}

#[tokio::test]
async fn renamed_it_answers_to_its_new_name_alone() {
    let server = server();
    let api = server.client();
    let (mut one, two) = (
        Container::sleeping(&api, BUSYBOX).await,
        Fixture::stopped(BUSYBOX),
    );
    let _ = one.exec(json!({ "command": "true" })).await;
    let taken = api
        .act(&one.path(&format!("rename?to={}", two.name)))
        .await
        .expect(409);
    assert!(taken.message().contains(&two.name), "{}", taken.text);
    taken.refused(409, "to");
    for wrong in ["", "-x", "a/b", "a%20b", "%2e%2e"] {
        let path = one.path(&format!("rename?to={wrong}"));
        api.act(&path).await.refused(400, "to");
    }
    api.act(&one.path("rename")).await.refused(400, "to");
    let (old, new) = (one.name.clone(), unique("renamed"));
    let renamed = api.act(&one.path(&format!("rename?to={new}"))).await;
    one.name.clone_from(&new);
    assert_eq!(renamed.expect(200).json["container"]["name"], new.as_str());
    assert_eq!(
        one.exec(json!({ "command": "echo on" })).await["output"],
        "on\n"
    );
    let gone = api
        .post(
            &format!("/containers/{old}/exec"),
            json!({ "command": "true" }),
        )
        .await;
    let _ = gone.expect(404);
    let same = api.act(&one.path(&format!("rename?to={new}"))).await;
    assert_eq!(same.expect(200).json["container"]["changed"], false);
}

/// A server whose log says what it asks the engine.
fn talkative() -> Server {
    server_with(ServerOptions::default().env("DEBUG", "true"))
}

/// How often it has looked at a container by its name: each wait does once.
fn looks(server: &Server, name: &str) -> usize {
    let path = format!("/containers/{name}/json");
    server.log().matches(&path).count()
}

#[tokio::test]
async fn waits_end_when_what_is_waited_for_comes() {
    let server = talkative();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let wait = |query: &str| {
        let (api, path) = (api.clone(), container.path(&format!("wait?{query}")));
        async move { api.act(&path).await }
    };
    let running = wait("condition=running").await.expect(200);
    assert_eq!(running.json["container"]["met"], true);
    let late = wait("timeout=0").await.expect(200);
    assert_eq!(late.json["container"]["met"], false);
    assert_eq!(late.json["container"]["status"], "running");
    let never = wait("condition=healthy").await.expect(409);
    assert!(never.message().contains("health check"), "{}", never.text);
    wait("condition=up").await.refused(400, "condition");
    wait("timeout=86400").await.refused(400, "timeout");

    let before = looks(&server, &container.name);
    let (exited, removed, end) =
        tokio::join!(wait("condition=exited"), wait("condition=removed"), async {
            let begun = || looks(&server, &container.name) >= before + 2;
            until("both wait", begun).await;
            podman(&["kill", &container.name]);
            assert_eq!(wait("").await.expect(200).json["container"]["met"], true);
            podman(&["rm", &container.name])
        });
    assert!(end.status.success(), "{end:?}");
    let exited = exited.expect(200);
    assert_eq!(exited.json["container"]["met"], true);
    assert_eq!(exited.json["container"]["exit_code"], 137);
    let removed = removed.expect(200);
    assert_eq!(removed.json["container"]["met"], true);
    assert_eq!(removed.json["container"]["name"], container.name.as_str());
    let _ = wait("condition=removed").await.expect(404);
}

/// Whatever comes between two looks.
/// What Podman tells again of before is no run.
#[tokio::test]
async fn a_run_that_was_over_before_is_not_waited_for() {
    let server = server();
    let api = server.client();
    let name = unique("over");
    let ran = podman(&["run", "--name", &name, BUSYBOX, "true"]);
    assert!(ran.status.success(), "{ran:?}");
    let path = format!("/containers/{name}/wait?condition=running&timeout=1");
    let waited = api.act(&path).await.expect(200);
    assert_eq!(waited.json["container"]["met"], false, "{}", waited.text);
    podman(&["rm", &name]);
}

#[tokio::test]
async fn a_short_run_is_not_missed_and_a_removal_is_no_missing_container() {
    let server = talkative();
    let api = server.client();
    let made = |flags: &[&str]| {
        let name = unique("short");
        let fixed = ["create", "--name", &name];
        let made = podman(&[&fixed, flags, &[BUSYBOX, "true"]].concat());
        assert!(made.status.success(), "{made:?}");
        name
    };
    let wait = async |name: &str, condition: &str| {
        let path = format!("/containers/{name}/wait?condition={condition}&timeout=20");
        api.act(&path).await
    };
    for flags in [&[][..], &["--rm"]] {
        for _ in 0..3 {
            let name = made(flags);
            let (waited, started) = tokio::join!(wait(&name, "running"), async {
                until("it waits", || looks(&server, &name) > 0).await;
                podman(&["start", &name])
            });
            assert!(started.status.success(), "{started:?}");
            assert_eq!(
                waited.expect(200).json["container"]["met"],
                true,
                "{flags:?}"
            );
            podman(&["rm", "-f", "-i", "-t", "0", &name]);
        }
    }
    for condition in ["running", "exited"] {
        let name = made(&[]);
        let (waited, _) = tokio::join!(wait(&name, condition), async {
            until("it waits", || looks(&server, &name) > 0).await;
            podman(&["rm", "-f", "-t", "0", &name])
        });
        let waited = waited.expect(409);
        assert!(waited.message().contains("removed"), "{}", waited.text);
        let _ = wait(&name, condition).await.expect(404);
    }
}

#[tokio::test]
async fn health_is_told_and_waited_for() {
    let server = server();
    let api = server.client();
    // Checks only when asked to, as there may be no systemd to do it by time.
    let flags = [
        "--health-cmd",
        "test -e /tmp/well",
        "--health-interval",
        "disable",
        "--health-retries",
        "1",
    ];
    let container = Container::by_podman(&api, BUSYBOX, &flags);
    let path = format!("/containers/{}", container.name);
    let health = async || api.get(&path).await.expect(200).json["container"]["health"].take();
    assert_eq!(health().await, "starting");
    podman(&["healthcheck", "run", &container.name]);
    assert_eq!(health().await, "unhealthy");
    let wait = container.path("wait?condition=healthy");
    let (waited, ()) = tokio::join!(api.act(&wait), async {
        podman(&["exec", &container.name, "touch", "/tmp/well"]);
        podman(&["healthcheck", "run", &container.name]);
    });
    let waited = waited.expect(200);
    assert_eq!(waited.json["container"]["health"], "healthy");
    assert_eq!(waited.json["container"]["met"], true);
    podman(&["stop", "-t", "0", &container.name]);
    let ended = api.act(&container.path("wait?condition=healthy")).await;
    assert!(ended.expect(409).message().contains("ended"));
}
