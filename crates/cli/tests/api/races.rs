//! Many at once, and others at the same containers: each answer is one that the document has, none is
//! 500, and what is left makes sense.

use crate::container::{Container, nap, running, until};
use crate::{server, server_with};
use podlane_testkit::{Answer, BUSYBOX, Client, ServerOptions, podman, unique};
use serde_json::json;
use std::time::{Duration, Instant};

async fn all<F: Future<Output = T> + Send + 'static, T: Send + 'static>(
    work: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("no panic"));
    }
    done
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

fn texts(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.text.as_str()).collect()
}

/// What is done to a container.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verb {
    Start,
    Stop,
    Remove,
    Exec,
}

async fn act(api: Client, name: String, verb: Verb) -> Answer {
    let path = format!("/containers/{name}");
    match verb {
        Verb::Start => api.act(&format!("{path}/start")).await,
        Verb::Stop => api.act(&format!("{path}/stop")).await,
        Verb::Remove => api.delete(&format!("{path}?force=true")).await,
        Verb::Exec => {
            let body = json!({ "command": "sleep 0.2; echo done" });
            api.post(&format!("{path}/exec"), body).await
        }
    }
}

#[tokio::test]
async fn one_name_fifty_times() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "90"));
    let api = server.client();
    for _ in 0..2 {
        let name = unique("same");
        let answers = all((0..50).map(|_| {
            let (api, name) = (api.clone(), name.clone());
            let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
            async move { api.post("/containers", body).await }
        }))
        .await;
        let (one, others) = (count(&answers, 200), count(&answers, 409));
        assert_eq!((one, others), (1, 49), "{:?}", texts(&answers));
        let list = api.get("/containers").await.expect(200).json;
        let rows = list["containers"].as_array().expect("a list").iter();
        let same: Vec<_> = rows.filter(|row| row["name"] == name.as_str()).collect();
        assert_eq!((same.len(), &same[0]["status"]), (1, &json!("running")));
        let _ = api
            .delete(&format!("/containers/{name}?force=true"))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn every_pair_at_once() {
    let server = server();
    let api = server.client();
    let verbs = [Verb::Start, Verb::Stop, Verb::Remove, Verb::Exec];
    for one in verbs {
        for other in verbs {
            for stopped in [false, true] {
                let container = Container::sleeping(&api, BUSYBOX).await;
                if stopped {
                    let _ = api.act(&container.path("stop")).await.expect(200);
                }
                let name = &container.name;
                let answers =
                    all([one, other, one, other].map(|verb| act(api.clone(), name.clone(), verb)))
                        .await;
                for answer in &answers {
                    let known = [200, 404, 409].contains(&answer.status.as_u16());
                    assert!(
                        known,
                        "{one:?} and {other:?}, stopped: {stopped}: {:?}",
                        texts(&answers)
                    );
                }
                consistent(&api, name).await;
            }
        }
    }
}

/// It is gone, or it is what it says, and can be started, used, stopped and removed.
async fn consistent(api: &Client, name: &str) {
    let path = format!("/containers/{name}");
    let found = api.get(&path).await;
    if found.status == 404 {
        return;
    }
    let status = found.expect(200).json["container"]["status"].clone();
    assert!(status == "running" || status == "exited", "{status}");
    let _ = api.act(&format!("{path}/start")).await.expect(200);
    assert_eq!(api.exec(name, "echo on").await["output"], "on\n");
    let _ = api.act(&format!("{path}/stop")).await.expect(200);
    let _ = api.delete(&path).await.expect(200);
}

#[tokio::test]
async fn everything_at_once() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "60"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let verbs = [Verb::Start, Verb::Exec, Verb::Stop, Verb::Exec];
    let work = (0..40).map(|turn| act(api.clone(), container.name.clone(), verbs[turn % 4]));
    let answers = all(work).await;
    for answer in &answers {
        assert!(
            [200, 409].contains(&answer.status.as_u16()),
            "{:?}",
            texts(&answers)
        );
    }
    consistent(&api, &container.name).await;
}

/// The container goes away under a command.
#[tokio::test]
async fn what_befalls_the_container_in_mid_exec() {
    let server = server();
    let api = server.client();
    for verb in [
        &["stop", "-t", "1"][..],
        &["kill"],
        &["rm", "-f", "-t", "0"],
        &["restart", "-t", "0"],
        &["rename"],
        &["pause"],
    ] {
        let container = Container::sleeping(&api, BUSYBOX).await;
        let nap = nap();
        let path = container.path("exec");
        let short = matches!(verb[0], "rename" | "pause");
        let rest = if short {
            "sleep 2; echo end"
        } else {
            &format!("sleep {nap}")
        };
        let body = json!({ "command": format!("echo begun; sleep {nap} & {rest}"), "timeout": 25 });
        let waiting = tokio::spawn({
            let api = api.clone();
            async move { api.post(&path, body).await }
        });
        until("the command runs", || !running(&nap).is_empty()).await;
        let mut arguments = [verb, &[container.name.as_str()]].concat();
        let renamed = unique("renamed");
        if verb[0] == "rename" {
            arguments.push(&renamed);
        }
        let asked = Instant::now();
        assert!(podman(&arguments).status.success(), "{verb:?}");
        if verb[0] == "pause" {
            tokio::time::sleep(Duration::from_secs(3)).await;
            podman(&["unpause", &container.name]);
        }
        let answer = waiting.await.expect("an answer");
        assert!(asked.elapsed() < Duration::from_secs(60), "{verb:?}");
        if short {
            let execution = &answer.expect(200).json["execution"];
            assert_eq!(
                (&execution["output"], &execution["exit_code"]),
                (&json!("begun\nend\n"), &json!(0))
            );
        } else if answer.status == 200 {
            assert_eq!(answer.json["execution"]["exit_code"], 137, "{verb:?}");
            assert_eq!(answer.json["execution"]["output"], "begun\n", "{verb:?}");
        } else {
            assert!(
                [404, 409].contains(&answer.status.as_u16()),
                "{verb:?}: {}",
                answer.text
            );
        }
        if !short {
            until("it has ended", || running(&nap).is_empty()).await;
        }
        if verb[0] == "rename" {
            let old = api.get(&format!("/containers/{}", container.name)).await;
            let _ = old.expect(404);
            assert_eq!(api.exec(&renamed, "echo on").await["output"], "on\n");
            podman(&["rm", "-f", "-t", "0", &renamed]);
        }
    }
}

#[tokio::test]
async fn changes_behind_our_back_between_calls() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let path = format!("/containers/{}", container.name);
    podman(&["stop", "-t", "0", &container.name]);
    assert_eq!(
        api.get(&path).await.expect(200).json["container"]["status"],
        "exited"
    );
    let body = json!({ "command": "true" });
    let _ = api
        .post(&container.path("exec"), body.clone())
        .await
        .expect(409);
    podman(&["start", &container.name]);
    api.exec(&container.name, "true").await;
    podman(&["rm", "-f", "-t", "0", &container.name]);
    for answer in [
        api.get(&path).await,
        api.post(&container.path("exec"), body).await,
        api.act(&container.path("start")).await,
        api.act(&container.path("stop")).await,
        api.delete(&format!("{path}?force=true")).await,
    ] {
        let _ = answer.expect(404);
    }
    // The name is another container's now.
    let made = podman(&[
        "run",
        "-d",
        "--name",
        &container.name,
        BUSYBOX,
        "sleep",
        "77",
    ]);
    assert!(made.status.success());
    assert_eq!(
        api.exec(&container.name, "tr '\\0' ' ' </proc/1/cmdline")
            .await["output"],
        "sleep 77 "
    );
}

#[tokio::test]
async fn two_hundred_execs() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "100"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let path = container.path("exec");
    let answers = all((0..200).map(|number| {
        let (api, path) = (api.clone(), path.clone());
        let body = json!({ "command": format!("echo out{number}; echo err{number} >&2; exit {}", number % 100) });
        async move { (number, api.post(&path, body).await) }
    }))
    .await;
    for (number, answer) in answers {
        let execution = &answer.expect(200).json["execution"];
        assert_eq!(execution["stdout"], format!("out{number}\n"));
        assert_eq!(execution["stderr"], format!("err{number}\n"));
        assert_eq!(execution["exit_code"], number % 100);
    }
}

#[tokio::test]
async fn a_storm_of_creates_on_two_workers() {
    let options = ServerOptions::default()
        .env("MAX_WORKERS", "2")
        .env("PODLANE_MAX_QUEUE", "20")
        .env("REQUEST_TIMEOUT", "60");
    let server = server_with(options);
    let api = server.client();
    let names: Vec<String> = (0..30).map(|_| unique("storm")).collect();
    let answers = all(names.clone().into_iter().map(|name| {
        let api = api.clone();
        let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
        async move { api.post("/containers", body).await }
    }))
    .await;
    for (name, answer) in names.iter().zip(&answers) {
        let found = api.get(&format!("/containers/{name}")).await.status;
        if answer.status == 200 {
            assert_eq!(found, 200);
            let path = format!("/containers/{name}?force=true");
            let _ = api.delete(&path).await.expect(200);
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(answer.headers.contains_key("retry-after"));
            assert!(!answer.text.contains("locked"), "{}", answer.text);
            assert_eq!(found, 404);
        }
    }
    assert!(count(&answers, 200) >= 2, "{:?}", texts(&answers));
    assert!(count(&answers, 503) >= 1, "{:?}", texts(&answers));
}
