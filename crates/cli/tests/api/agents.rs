//! Agents that die, and containers that change under them: commands go on, or fail clearly, and nothing of
//! them is left.

use crate::container::{Container, nap, running, until};
use crate::recovery::send;
use crate::{server, server_with};
use podlane_testkit::{Answer, BUSYBOX, Client, ServerOptions, podman, unique};
use serde_json::json;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// The agent's processes in a container, as this host sees them: the first one, then its workers.
pub(crate) fn agents(container: &Container) -> Vec<i32> {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(&container.inspect("{{.State.Pid}}"));
    let mut found: Vec<i32> = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let is_agent = line == b"/proc/self/fd/3\0fd\x004\0"
                || line.starts_with(b"/.podlane-agent-") && line.ends_with(b"\0stdio\0");
            is_agent && own.is_some() && namespace(pid) == own
        })
        .filter_map(|pid| pid.parse().ok())
        .collect();
    found.sort_unstable();
    found
}

/// Kills processes. The first one lives until then; those after it may end by themselves when it does.
fn kill(pids: &[i32]) {
    for (position, pid) in pids.iter().enumerate() {
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).output();
        assert!(
            killed.expect("kill").status.success() || position > 0,
            "{pids:?}"
        );
    }
}

pub(crate) async fn hello(api: &Client, container: &Container) -> Answer {
    let body = json!({ "command": "echo hello" });
    let answer = api.post(&container.path("exec"), body).await.expect(200);
    assert_eq!(answer.json["execution"]["output"], "hello\n");
    answer
}

#[tokio::test]
async fn a_user_that_there_is_not_slows_down_nobody_else() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = json!({ "command": "true", "user": "nobody-there" });
    let refused = api.post(&container.path("exec"), body).await;
    refused.refused(400, "user");
    assert_eq!(hello(&api, &container).await.headers["x-exec-path"], "fd");
}

#[tokio::test]
async fn an_idle_agent_is_killed() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for victims in [0..1, 1..2, 0..2] {
        assert_eq!(hello(&api, &container).await.headers["x-exec-path"], "fd");
        let pids = agents(&container);
        assert_eq!(pids.len(), 2, "one and its worker");
        kill(&pids[victims]);
        // At once, and until its end has been seen and there is another one.
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            hello(&api, &container).await;
            if agents(&container).len() == 2 {
                break;
            }
            assert!(Instant::now() < deadline, "no agent comes back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn an_agent_is_killed_while_it_runs_a_command() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    hello(&api, &container).await;
    for worker in [false, true] {
        let nap = nap();
        let body = json!({
            "command": format!("setsid sleep {nap} & until [ -e /tmp/go ]; do sleep 0.05; done; kill $!; echo end")
        });
        let waiting = tokio::spawn({
            let (api, path) = (api.clone(), container.path("exec"));
            async move { api.post(&path, body).await }
        });
        until("it runs", || !running(&nap).is_empty()).await;
        let pids = agents(&container);
        assert_eq!(pids.len(), 2);
        if worker {
            kill(&pids[1..]);
            let answer = waiting.await.expect("an answer").expect(500);
            let message = answer.json["error"]["message"].as_str().expect("text");
            assert!(message.contains("unknown"), "{message}");
            until("nothing of it runs", || running(&nap).is_empty()).await;
        } else {
            // Workers need nobody but the server.
            kill(&pids[..1]);
            podman(&["exec", &container.name, "touch", "/tmp/go"]);
            let answer = waiting.await.expect("an answer").expect(200);
            assert_eq!(answer.json["execution"]["output"], "end\n");
            podman(&["exec", &container.name, "rm", "/tmp/go"]);
        }
        hello(&api, &container).await;
        assert_eq!(container.inspect("{{.State.Status}}"), "running");
    }
}

/// What the engine leaves beside each exec it starts.
#[tokio::test]
async fn the_monitor_of_an_agent_is_killed() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    hello(&api, &container).await;
    let first = agents(&container)[0];
    let stat = fs::read_to_string(format!("/proc/{first}/stat")).expect("it lives");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let monitor: i32 = rest
        .split(' ')
        .nth(1)
        .and_then(|pid| pid.parse().ok())
        .expect("a parent");
    let name = fs::read_to_string(format!("/proc/{monitor}/comm")).expect("it lives");
    assert_eq!(name, "conmon\n");
    kill(&[monitor]);
    assert_eq!(hello(&api, &container).await.headers["x-exec-path"], "fd");
}

#[tokio::test]
async fn a_server_that_is_killed_takes_agents_and_commands_along() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let nap = nap();
    let body =
        json!({ "command": format!("trap '' TERM; (env -i setsid sleep {nap} &); sleep {nap}") });
    let stream = send(&server, &container.path("exec"), &body);
    until("it runs", || running(&nap).len() == 2).await;
    server.kill();
    drop(stream);
    until("nothing of it runs", || running(&nap).is_empty()).await;
    until("no agent is there", || agents(&container).is_empty()).await;
    assert_eq!(container.inspect("{{.State.Status}}"), "running");
}

/// A name means who has it now.
#[tokio::test]
async fn a_name_is_given_to_another_container() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let ask = json!({ "command": "cat /etc/mark" });
    for turn in 0..5 {
        podman(&["exec", &container.name, "sh", "-c", "echo old >/etc/mark"]);
        let asking = tokio::spawn({
            let (api, path, ask) = (api.clone(), container.path("exec"), ask.clone());
            // Keeps the name in use, so that it is remembered.
            async move {
                for _ in 0..40 {
                    let _ = api.post(&path, ask.clone()).await;
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        let renamed = unique("renamed");
        assert!(
            podman(&["rename", &container.name, &renamed])
                .status
                .success()
        );
        let new = ["run", "-d", "--init", "--name", &container.name, BUSYBOX];
        let new = [
            &new[..],
            &["sh", "-c", "echo new >/etc/mark; exec sleep 5000"],
        ]
        .concat();
        assert!(podman(&new).status.success());
        let marked = || podman(&["exec", &container.name, "cat", "/etc/mark"]).stdout == b"new\n";
        until("the new one has its mark", marked).await;
        let answer = api
            .post(&container.path("exec"), ask.clone())
            .await
            .expect(200);
        assert_eq!(answer.json["execution"]["output"], "new\n", "turn {turn}");
        asking.await.expect("asked");
        podman(&["rm", "-f", "-t", "0", &renamed]);
    }
}

#[tokio::test]
async fn a_paused_container_runs_nothing_later() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "8"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    hello(&api, &container).await;
    assert!(podman(&["pause", &container.name]).status.success());
    let body = json!({ "command": "touch /tmp/late" });
    let _ = api.post(&container.path("exec"), body).await.expect(409);
    assert!(podman(&["unpause", &container.name]).status.success());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let body = json!({ "command": "ls /tmp/late" });
    let answer = api.post(&container.path("exec"), body).await.expect(200);
    assert_ne!(answer.json["execution"]["exit_code"], 0, "{}", answer.json);
}

#[tokio::test]
async fn a_container_that_is_restarted_has_another_agent() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for _ in 0..3 {
        assert_eq!(hello(&api, &container).await.headers["x-exec-path"], "fd");
        let before = agents(&container);
        assert!(
            podman(&["restart", "-t", "0", &container.name])
                .status
                .success()
        );
        assert_eq!(hello(&api, &container).await.headers["x-exec-path"], "fd");
        assert!(agents(&container).iter().all(|pid| !before.contains(pid)));
    }
    let _ = api.post(&container.path("stop"), json!({})).await;
    let body = json!({ "command": "true" });
    let _ = api.post(&container.path("exec"), body).await.expect(409);
}
