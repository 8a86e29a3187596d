//! The audit: what it says, whether it can be trusted, and what happens when it can't be written.

use crate::container::Container;
use crate::server_with;
use podlane_testkit::{BUSYBOX, Client, ServerOptions, unique};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn options(directory: &Path) -> ServerOptions {
    ServerOptions::default()
        .env("PODLANE_AUDIT", "true")
        .env("PODLANE_STATE_DIR", &directory.display().to_string())
}

/// The command line on a server's files.
fn podlane(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_podlane"))
        .args(arguments)
        .env("PODLANE_STATE_DIR", directory)
        .output()
        .expect("it ends")
}

async fn entries(api: &Client) -> Vec<Value> {
    let listed = api.get("/audit?limit=1000").await.expect(200);
    listed.json["entries"].as_array().expect("entries").clone()
}

/// Actions and outcomes; all are those of somebody who need not say who they are.
fn told(entries: &[Value]) -> Vec<(&str, &str)> {
    assert!(entries.iter().all(|entry| entry["caller"] == "anonymous"));
    entries
        .iter()
        .map(|entry| {
            let action = entry["action"].as_str().expect("text");
            (action, entry["outcome"].as_str().expect("text"))
        })
        .collect()
}

#[tokio::test]
async fn what_is_changed_is_written_down_before_and_after() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let api = server.client();
    let password = unique("secret");
    {
        let container = Container::sleeping(&api, BUSYBOX).await;
        let _ = container.exec(json!({ "command": "exit 3" })).await;
        let user = json!({ "username": "bob", "password": password });
        let _ = api.post(&container.path("users"), user).await.expect(200);
        let _ = api.get(&container.path("logs")).await.expect(200);
        let _ = api.act("/containers/nobody/start").await.expect(404);
    }
    let mut all = entries(&api).await;
    // It is written when the command has ended, whoever is answered when.
    let end = all
        .iter()
        .position(|entry| entry["action"] == "end of a command");
    let end = all.remove(end.expect("an end"));
    assert_eq!(
        (&end["outcome"], &end["detail"]),
        (&json!("exit 3"), &json!("exit 3"))
    );
    assert!(end["duration_ms"].is_number(), "{end}");
    assert_eq!(
        told(&all),
        [
            ("POST /api/v1/containers", "begun"),
            ("POST /api/v1/containers", "200"),
            ("POST /api/v1/containers/{name}/exec", "begun"),
            ("POST /api/v1/containers/{name}/exec", "200"),
            ("POST /api/v1/containers/{name}/users", "begun"),
            ("POST /api/v1/containers/{name}/users", "200"),
            ("POST /api/v1/containers/{name}/start", "begun"),
            ("POST /api/v1/containers/{name}/start", "404"),
        ]
    );
    assert_eq!(all[3]["detail"], "exit 3");
    assert_eq!(all[5]["detail"], "bob");
    assert!(all[5]["duration_ms"].is_number() && all[4]["duration_ms"].is_null());
    assert_eq!(all[6]["target"], "/api/v1/containers/nobody/start");
    assert_eq!(all[6]["request_id"], all[7]["request_id"]);
    let begun = all[6]["number"].as_i64().expect("a number");
    let part = api
        .get(&format!("/audit?after={}&limit=1", begun - 1))
        .await
        .expect(200);
    assert_eq!(part.json["entries"], json!([all[6]]));
    let id = all[6]["request_id"].as_str().expect("text");
    for filter in [
        format!("request_id={id}"),
        "target=nobody".into(),
        "action=start".into(),
    ] {
        let part = api.get(&format!("/audit?{filter}")).await.expect(200);
        assert_eq!(part.json["entries"], json!([all[6], all[7]]), "{filter}");
    }
    let part = api.get("/audit?caller=somebody").await.expect(200);
    assert_eq!(part.json["entries"], json!([]));
    let verified = api.get("/audit/verify").await.expect(200).json;
    assert_eq!(
        (&verified["holds"], &verified["entries"]),
        (&json!(true), &json!(9))
    );
    let exported = podlane(directory.path(), &["audit", "export"]);
    let text = String::from_utf8(exported.stdout).expect("text");
    assert_eq!(text.lines().count(), 9);
    assert!(!text.contains(&password), "{text}");
    let good = podlane(directory.path(), &["audit", "verify"]);
    assert!(good.status.success(), "{good:?}");
    for query in ["limit=0", "limit=x", "after=-1"] {
        let _ = api.get(&format!("/audit?{query}")).await.expect(400);
    }
}

#[tokio::test]
async fn a_change_of_the_audit_shows() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = server_with(options(directory.path()));
    let api = server.client();
    for _ in 0..3 {
        let _ = api.act("/containers/nobody/start").await.expect(404);
    }
    let python = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE audit SET target='/elsewhere' WHERE number=3\"); c.commit()";
    let changed = Command::new("python3")
        .args(["-c", python])
        .arg(directory.path().join("audit.db"))
        .status();
    assert!(changed.expect("python3").success());
    let verified = api.get("/audit/verify").await.expect(200).json;
    assert_eq!(
        (&verified["holds"], &verified["broken_at"]),
        (&json!(false), &json!(3))
    );
    let broken = podlane(directory.path(), &["audit", "verify"]);
    assert_eq!(broken.status.code(), Some(1));
    let text = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(text.contains("entry 3"), "{text}");
}

#[tokio::test]
async fn what_can_not_be_written_down_is_not_done() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("audit.db"), "no database at all").expect("written");
    let server = server_with(options(directory.path()));
    let api = server.client();
    let name = unique("unaudited");
    let body = json!({ "image": BUSYBOX, "name": name, "command": "sleep 5000" });
    let refused = api.post("/containers", body).await.expect(503);
    assert!(refused.message().contains("audit"), "{}", refused.text);
    let _ = api.get(&format!("/containers/{name}")).await.expect(404);
    let _ = api.get("/containers").await.expect(200);
    std::fs::remove_file(directory.path().join("audit.db")).expect("removed");
    let _ = api.act("/containers/nobody/start").await.expect(404);
    assert_eq!(entries(&api).await.len(), 2);
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_a_whole_chain() {
    let directory = tempfile::tempdir().expect("a directory");
    for _ in 0..3 {
        let server = server_with(options(directory.path()));
        let before = entries_by_hand(directory.path());
        let api = server.client();
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let api = api.clone();
                tokio::spawn(async move {
                    loop {
                        let _ = api.act("/containers/nobody/start").await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        server.kill();
        asking.iter().for_each(tokio::task::JoinHandle::abort);
        let good = podlane(directory.path(), &["audit", "verify"]);
        assert!(good.status.success(), "{good:?}");
        assert!(
            entries_by_hand(directory.path()) > before,
            "nothing was written"
        );
    }
}

fn entries_by_hand(directory: &Path) -> usize {
    let exported = podlane(directory, &["audit", "export"]);
    String::from_utf8_lossy(&exported.stdout).lines().count()
}
