//! The list of containers while they change, by whoever and however the engine tells of it.

use crate::container::Container;
use crate::recovery::Engine;
use crate::rig::{PATIENCE, Rig};
use crate::{server, server_with};
use podlane_testkit::fake::{Fault, Route, Times};
use podlane_testkit::{BUSYBOX, Client, Server, ServerOptions, podman, unique};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the list says of a container; `None` if it is not there.
async fn status(api: &Client, name: &str) -> Option<String> {
    let listed = api.get("/containers").await.expect(200);
    let rows = listed.json["containers"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["name"] == name)?;
    Some(row["status"].as_str().expect("a word").to_owned())
}

/// Waits until the list says this of a container; answers how long that took.
async fn until(api: &Client, name: &str, wanted: Option<&str>) -> Duration {
    let began = Instant::now();
    loop {
        let status = status(api, name).await;
        if status.as_deref() == wanted {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{name} is {status:?}, not {wanted:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn sleeping(name: &str) -> Value {
    json!({ "image": BUSYBOX, "name": name, "command": ["sleep", "5000"] })
}

/// Each list that is asked for after a change shows it, whoever else changes and lists.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_what_its_reader_has_changed() {
    let server = server();
    let lives = (0..20).map(|_| {
        let api = server.client();
        tokio::spawn(async move {
            let name = unique("listed");
            let path = format!("/containers/{name}");
            let said = async |wanted: Option<&str>, after: &str| {
                let status = status(&api, &name).await;
                assert_eq!(status.as_deref(), wanted, "{name} after its {after}");
            };
            let created = api.post("/containers", sleeping(&name)).await;
            let _ = created.expect(200);
            said(Some("running"), "create").await;
            for (verb, wanted) in [
                ("pause", "paused"),
                ("unpause", "running"),
                ("stop?timeout=0", "exited"),
                ("start", "running"),
                ("restart?timeout=0", "running"),
                ("kill", "exited"),
            ] {
                let _ = api.act(&format!("{path}/{verb}")).await.expect(200);
                said(Some(wanted), verb).await;
            }
            let new = unique("listed");
            let renamed = api.act(&format!("{path}/rename?to={new}")).await;
            let _ = renamed.expect(200);
            said(None, "rename").await;
            assert_eq!(status(&api, &new).await.as_deref(), Some("exited"));
            let _ = api.delete(&format!("/containers/{new}")).await.expect(200);
            assert_eq!(status(&api, &new).await, None);
        })
    });
    for life in lives.collect::<Vec<_>>() {
        life.await.expect("a life");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_what_was_done_to_many() {
    let server = server();
    let api = server.client();
    let label = unique("many");
    let mut names = Vec::new();
    for _ in 0..3 {
        let name = unique("many");
        let mut body = sleeping(&name);
        body["labels"] = json!({ label.as_str(): "" });
        let _ = api.post("/containers", body).await.expect(200);
        names.push(name);
    }
    let body = json!({ "action": "kill", "labels": { label.as_str(): "" } });
    let _ = api.post("/bulk/containers", body).await.expect(200);
    for name in &names {
        assert_eq!(status(&api, name).await.as_deref(), Some("exited"));
    }
    let mut body = sleeping(&names[0]);
    body["replace"] = json!(true);
    let _ = api.post("/containers", body).await.expect(200);
    assert_eq!(status(&api, &names[0]).await.as_deref(), Some("running"));
    let path = format!("/prune/containers?label={label}");
    let _ = api.act(&path).await.expect(200);
    for name in &names[1..] {
        assert_eq!(status(&api, name).await, None);
    }
    podman(&["rm", "-f", "-t", "0", &names[0]]);
    until(&api, &names[0], None).await;
}

/// The podman command is no secret to the list.
#[tokio::test]
async fn a_list_shows_what_the_podman_command_does() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    assert!(status(&api, &container.name).await.is_some());
    let new = unique("renamed");
    let name = container.name.as_str();
    let mut took = Vec::new();
    for (arguments, name, wanted) in [
        (&["pause", name][..], name, Some("paused")),
        (&["unpause", name], name, Some("running")),
        (&["kill", name], name, Some("exited")),
        (&["start", name], name, Some("running")),
        (&["stop", "-t", "0", name], name, Some("exited")),
        (&["rename", name, &new], &new, Some("exited")),
        (&["rm", &new], &new, None),
    ] {
        assert!(podman(arguments).status.success(), "{arguments:?}");
        took.push((arguments[0], until(&api, name, wanted).await));
    }
    // Not only with the next list of all.
    let late = took
        .iter()
        .filter(|(_, took)| *took > Duration::from_secs(5));
    assert_eq!(late.count(), 0, "{took:?}");
}

/// By its own end, too.
#[tokio::test]
async fn a_list_shows_what_ends_by_itself() {
    let server = server();
    let api = server.client();
    let body = json!({ "image": BUSYBOX, "command": ["sh", "-c", "while [ ! -e /end ]; do sleep 0.1; done"] });
    let container = Container::with(&api, body).await;
    let name = &container.name;
    assert_eq!(status(&api, name).await.as_deref(), Some("running"));
    container.exec(json!({ "command": "touch /end" })).await;
    until(&api, name, Some("exited")).await;
}

/// Who was told of something finds it in a list.
#[tokio::test]
async fn a_list_is_not_behind_the_events() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    assert!(status(&api, &container.name).await.is_some());
    let path = format!("/events?type=container&subject={}", container.name);
    let reading = crate::reading::Reading::get(&server, &path, "application/x-ndjson").await;
    let mut reading = reading.expect(200);
    for (verb, wanted) in [
        ("pause", "paused"),
        ("unpause", "running"),
        ("kill", "exited"),
    ] {
        assert!(podman(&[verb, &container.name]).status.success());
        let action = if verb == "kill" { "died" } else { verb };
        while reading.line().await.expect("an event")["action"] != action {}
        let status = status(&api, &container.name).await;
        assert_eq!(status.as_deref(), Some(wanted), "{verb}");
    }
}

#[tokio::test]
async fn a_list_outlives_its_engine() {
    let folder = PathBuf::from(std::env::var_os("PODLANE_TEST_DIR").expect("an isolated Podman"));
    let mut engine = Engine::start(folder.join(format!("{}.sock", unique("engine"))));
    let server = server_with(ServerOptions::default().engine(&engine.socket));
    let api = server.client();
    engine.answers(&api).await;
    let container = Container::sleeping(&api, BUSYBOX).await;
    let name = container.name.as_str();
    for (verb, wanted) in [
        ("pause", "paused"),
        ("unpause", "running"),
        ("kill", "exited"),
    ] {
        assert!(status(&api, name).await.is_some());
        let socket = engine.kill();
        let gone = Instant::now();
        while api.get("/containers").await.status != 503 {
            assert!(gone.elapsed() < PATIENCE, "the engine is gone");
        }
        assert!(podman(&[verb, name]).status.success());
        engine = Engine::start(socket);
        engine.answers(&api).await;
        let status = status(&api, name).await;
        assert_eq!(
            status.as_deref(),
            Some(wanted),
            "the first list after {verb}"
        );
    }
}

fn beside(rig: &Rig) -> (Server, Client) {
    let options = ServerOptions::default().engine(rig.fake.socket());
    let other = server_with(options.env("PODLANE_EXEC_AGENT", "false"));
    let api = other.client();
    (other, api)
}

/// Without events, with broken ones and with none of them told, lists are right.
#[tokio::test(flavor = "multi_thread")]
async fn lists_do_not_need_events() {
    let html = Fault::Status {
        code: 200,
        body: "<html>\n{}\n".into(),
        content_type: "text/html".into(),
    };
    for fault in [
        Fault::Hang,
        Fault::HangBody,
        Fault::DropConnection,
        Fault::DieMidBody,
        Fault::Fails("no events here".into()),
        html,
    ] {
        let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "5")).await;
        rig.fake.fault(Route::Events, fault.clone(), Times::Always);
        let (_other, other) = beside(&rig);
        assert_eq!(status(&rig.api, "none").await, None);
        let name = rig.container().await;
        let path = format!("/containers/{name}");
        for (verb, wanted) in [("stop?timeout=0", "exited"), ("start", "running")] {
            let _ = rig.api.act(&format!("{path}/{verb}")).await.expect(200);
            let status = status(&rig.api, &name).await;
            assert_eq!(status.as_deref(), Some(wanted), "{fault:?}");
        }
        // By somebody else.
        let _ = other.act(&format!("{path}/pause")).await.expect(200);
        if matches!(fault, Fault::HangBody | Fault::DieMidBody) {
            // Nothing but the list of all can tell, or a stream is open for the moment in which it breaks.
            until(&rig.api, &name, Some("paused")).await;
        } else {
            let status = status(&rig.api, &name).await;
            assert_eq!(status.as_deref(), Some("paused"), "{fault:?}");
        }
        rig.fake.clear_faults();
        let _ = other.act(&format!("{path}/unpause")).await.expect(200);
        until(&rig.api, &name, Some("running")).await;
        rig.is_well().await;
    }
}

/// Lists cost the engine nothing while nothing happens; and one that is not told is seen in the end.
#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_left_alone() {
    let rig = Rig::new(ServerOptions::default()).await;
    let names = [rig.container().await, rig.container().await];
    let asked = || {
        let requests = rig.fake.requests();
        let looks = requests
            .iter()
            .filter(|one| one.path_and_query.contains("/json"));
        looks.count()
    };
    rig.until("it is quiet", async || {
        let before = asked();
        for _ in 0..20 {
            assert!(status(&rig.api, &names[0]).await.is_some());
        }
        asked() == before
    })
    .await;
    assert!(rig.fake.remove_container(&names[1]));
    until(&rig.api, &names[1], None).await;
    assert!(status(&rig.api, &names[0]).await.is_some());
}

/// Who has a list is not sent the same again.
#[tokio::test]
async fn a_list_that_is_known_is_not_sent() {
    let rig = Rig::new(ServerOptions::default()).await;
    let ask = async |tag: &str| {
        let mut request = rig.api.request(http::Method::GET, "/containers", None);
        let tag = tag.parse().expect("a header");
        request.headers_mut().insert("if-none-match", tag);
        rig.api.send(request).await
    };
    let name = rig.container().await;
    let first = rig.api.get("/containers").await.expect(200);
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    for known in [tag.as_str(), "*", &format!("\"other\", W/{tag}")] {
        let answer = ask(known).await.expect(304);
        assert_eq!(
            (answer.text.as_str(), &answer.headers["etag"]),
            ("", &first.headers["etag"])
        );
    }
    assert_eq!(ask("\"other\"").await.expect(200).text, first.text);
    let _ = rig
        .api
        .act(&format!("/containers/{name}/pause"))
        .await
        .expect(200);
    let changed = ask(&tag).await.expect(200);
    assert_ne!(changed.headers["etag"], first.headers["etag"]);
}
