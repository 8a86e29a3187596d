//! Accounts listed, changed, locked and removed, and many made at once: alike on every way into a container.

use super::{add, field};
use crate::fixture::Fixture;
use crate::{server, server_by_stream};
use podlane_testkit::{Answer, BUSYBOX, Client, DEBIAN, podman};
use serde_json::{Value, json};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx7Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2E= ann@home";

async fn patch(api: &Client, container: &Fixture, user: &str, body: Value) -> Answer {
    let path = container.path(&format!("/users/{user}"));
    api.send(api.request(
        "PATCH".parse().expect("a method"),
        &path,
        Some(body.to_string()),
    ))
    .await
}

/// Everything that can be done with an account, one after the other.
async fn a_life(api: &Client, container: &Fixture) {
    let body = json!({
        "username": "ann", "password_hash": "$6$saltsalt$aaaaaaaaaaaaaaaaaaaaaaaa", "uid": 1234, "comment": "Ann",
        "groups": ["root"], "expires": "2030-01-31", "ssh_keys": [KEY], "sudo": "nopasswd", "shell": "/bin/sh"
    });
    let _ = add(api, container, body).await.expect(200);
    let path = container.path("/users/ann");
    let user = api.get(&path).await.expect(200).json["user"].take();
    let wanted = json!({
        "username": "ann", "uid": 1234, "gid": 1234, "groups": ["root"], "comment": "Ann",
        "home": "/home/ann", "shell": "/bin/sh", "has_password": true, "locked": false,
        "expires": "2030-01-31", "sudo": "nopasswd"
    });
    assert_eq!(user, wanted);
    let keys = container.read("/home/ann/.ssh/authorized_keys");
    assert_eq!(keys, format!("{KEY}\n").into_bytes());
    let rule = container.read("/etc/sudoers.d/podlane-ann");
    assert_eq!(rule, b"ann ALL=(ALL:ALL) NOPASSWD: ALL\n");

    let locked = patch(api, container, "ann", json!({ "locked": true })).await;
    assert_eq!(locked.expect(200).json["user"]["locked"], true);
    assert!(field(container, "shadow", "ann", 1).starts_with("!$6$"));
    let body =
        json!({ "locked": false, "groups": [], "comment": "", "expires": "", "sudo": "none" });
    let after = patch(api, container, "ann", body).await.expect(200);
    let user = &after.json["user"];
    assert_eq!(user["groups"], json!([]));
    assert_eq!(user["sudo"], "none");
    assert_eq!(user.get("expires"), None);
    assert!(field(container, "shadow", "ann", 1).starts_with("$6$"));
    let wrong = patch(api, container, "ann", json!({ "groups": ["nosuch"] })).await;
    wrong.refused(400, "groups");
    let _ = patch(api, container, "nosuch", json!({ "locked": true }))
        .await
        .expect(404);

    let removed = api
        .delete(&format!("{path}?remove_home=true"))
        .await
        .expect(200);
    assert_eq!(
        removed.json["user"],
        json!({ "username": "ann", "removed": true })
    );
    let _ = api.get(&path).await.expect(404);
    let list = api.get(&container.path("/users")).await.expect(200);
    assert!(!list.text.contains("ann") && list.text.contains("root"));
    let _ = api.delete(&container.path("/users/root")).await.expect(409);
    let gone = podman(&["cp", &format!("{}:/home/ann", container.name), "-"]);
    assert!(!gone.status.success(), "the home directory is still there");
}

#[tokio::test]
async fn an_account_lives_alike_on_every_way() {
    let (server, streaming) = (server(), server_by_stream());
    let (api, by_stream) = (server.client(), streaming.client());
    for image in [DEBIAN, BUSYBOX] {
        let running = Fixture::create(&api, image, json!({})).await;
        let before = running.sh("cat /etc/passwd /etc/group /etc/shadow");
        a_life(&api, &running).await;
        a_life(&by_stream, &running).await;
        assert_eq!(
            running.sh("cat /etc/passwd /etc/group /etc/shadow"),
            before,
            "what was added and removed leaves nothing"
        );
        running.assert_clean();
    }
    let off = Fixture::run(BUSYBOX, &["--label=io.podlane.agent=off"]);
    a_life(&api, &off).await;
    a_life(&api, &Fixture::stopped(BUSYBOX)).await;
}

#[tokio::test]
async fn a_thousand_in_one_call_or_none() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let before = container.sh("cat /etc/passwd /etc/shadow /etc/group; ls /home");
    let mut users: Vec<Value> = (0..1000)
        .map(|number| json!({ "username": format!("user{number}"), "ssh_keys": [KEY] }))
        .collect();
    let good = users.clone();
    users[3]["shell"] = json!("/bin/nosuch");
    users[500]["shell"] = json!("/bin/none");
    let refused = add(&api, &container, json!({ "users": users })).await;
    assert!(
        refused.message().contains("users[500].shell"),
        "{}",
        refused.text
    );
    refused.refused(400, "users[3].shell");
    users = good;
    users[7]["username"] = json!("root");
    let taken = add(&api, &container, json!({ "users": users }))
        .await
        .expect(409);
    assert_eq!(taken.json["error"]["field"], "users[7].username");
    assert_eq!(
        container.sh("cat /etc/passwd /etc/shadow /etc/group; ls /home"),
        before
    );
    users[7]["username"] = json!("user7");
    let added = add(&api, &container, json!({ "users": users }))
        .await
        .expect(200);
    assert_eq!(added.json["users"].as_array().map(Vec::len), Some(1000));
    assert_eq!(
        container.sh("pwck -r >/dev/null; grpck -r && echo sound"),
        "sound"
    );
    assert_eq!(
        container.sh("stat -c '%a %U:%G' /home/user999/.ssh /home/user999/.ssh/authorized_keys"),
        "700 user999:user999\n600 user999:user999"
    );
    container.sh("ls /etc/*.lock && exit 1; useradd later && passwd -S user5");
    container.assert_clean();
}
