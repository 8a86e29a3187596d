//! The contract's workflow, from its first call to its last.

use crate::server;
use podlane_testkit::{BUSYBOX, Client, DEBIAN, unique};
use serde_json::json;

#[tokio::test]
async fn the_complete_workflow() {
    for image in [BUSYBOX, DEBIAN] {
        workflow(image).await;
    }
}

async fn workflow(image: &str) {
    let server = server();
    let api = server.client();
    let name = unique("workflow");

    let health = api.get("/health").await.expect(200).json;
    assert_eq!(
        (&health["status"], &health["podman"]),
        (&json!("healthy"), &json!("connected"))
    );

    let body = json!({ "image": image, "name": name, "command": "sleep 300" });
    let created = api.post("/containers", body).await.expect(200).json;
    assert_eq!(created["success"], true);
    assert_eq!(created["container"]["name"], name.as_str());
    assert_eq!(created["container"]["status"], "running");
    let id = created["container"]["id"].as_str().expect("an ID");
    assert!(
        id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );

    let list = api.get("/containers").await.expect(200).json;
    let row = list["containers"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|row| row["name"] == name.as_str());
    let row = row.expect("the new container is listed");
    assert_eq!(
        (&row["id"], &row["status"], &row["image"]),
        (&json!(id), &json!("running"), &json!(image))
    );

    inside(&api, &name).await;
    end(&api, &name).await;
    idle(&api).await;
}

/// A user, a file, a command and the log of a running container.
async fn inside(api: &Client, name: &str) {
    let body = json!({ "username": "testuser", "password": "testpass", "shell": "/bin/sh" });
    let user = api
        .post(&format!("/containers/{name}/users"), body)
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&user["user"]["username"], &user["user"]["created"]),
        (&json!("testuser"), &json!(true))
    );

    let body = json!({ "dest_path": "/tmp/demo.txt", "content": "Hello from the API!" });
    let file = api
        .post(&format!("/containers/{name}/files"), body)
        .await
        .expect(200)
        .json;
    assert_eq!(
        (&file["file"]["dest_path"], &file["file"]["size"]),
        (&json!("/tmp/demo.txt"), &json!(19))
    );

    let execution = api.exec(name, "cat /tmp/demo.txt").await;
    assert_eq!(execution["output"], "Hello from the API!");
    assert_eq!(
        (&execution["exit_code"], &execution["success"]),
        (&json!(0), &json!(true))
    );

    let logs = api
        .get(&format!("/containers/{name}/logs?tail=20"))
        .await
        .expect(200)
        .json;
    assert_eq!(logs["container"]["logs"], "");
}

/// Stop, start and remove.
async fn end(api: &Client, name: &str) {
    let stopped = api
        .act(&format!("/containers/{name}/stop"))
        .await
        .expect(200)
        .json;
    assert_eq!(
        (
            &stopped["container"]["name"],
            &stopped["container"]["status"]
        ),
        (&json!(name), &json!("stopped"))
    );

    let started = api
        .act(&format!("/containers/{name}/start"))
        .await
        .expect(200)
        .json;
    assert_eq!(
        (
            &started["container"]["name"],
            &started["container"]["status"]
        ),
        (&json!(name), &json!("started"))
    );

    let removed = api
        .delete(&format!("/containers/{name}?force=true"))
        .await
        .expect(200)
        .json;
    assert_eq!(
        (
            &removed["container"]["name"],
            &removed["container"]["removed"]
        ),
        (&json!(name), &json!(true))
    );
    assert!(
        api.get(&format!("/containers/{name}"))
            .await
            .expect(404)
            .message()
            .contains(name)
    );
}

/// Nothing is under way any more.
async fn idle(api: &Client) {
    let metrics = api.get("/metrics").await.expect(200).json;
    assert_eq!(
        (&metrics["active_threads"], &metrics["max_workers"]),
        (&json!(0), &json!(10))
    );
}
