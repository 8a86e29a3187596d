//! What belongs to others: it stays as it is, whichever way accounts are changed.

use super::{add, field};
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, DEBIAN, podman};
use serde_json::{Value, json};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx7Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2E=";

#[tokio::test]
async fn a_directory_of_somebody_else_is_nobodys_home_to_remove() {
    let server = server();
    let api = server.client();
    let off = ["--label=io.podlane.agent=off"];
    let ways = [
        ("running", Fixture::create(&api, DEBIAN, json!({})).await),
        ("stopped", Fixture::create(&api, DEBIAN, json!({})).await),
        ("off", Fixture::run(DEBIAN, &off)),
        (
            "mounted",
            Fixture::run(DEBIAN, &[&off[..], &["-v", "/home"]].concat()),
        ),
    ];
    for (way, container) in &ways {
        container.sh("mkdir -p /data/shared; touch /data/shared/kept");
        for body in [
            json!({ "username": "bob", "home": "/data/shared" }),
            json!({ "username": "ann" }),
        ] {
            let _ = add(&api, container, body).await.expect(200);
        }
        if *way == "stopped" {
            podman(&["stop", "-t", "0", &container.name]);
        }
        for (name, home) in [("daemon", "/usr/sbin"), ("bob", "/data/shared")] {
            let path = container.path(&format!("/users/{name}"));
            let removal = format!("{path}?remove_home=true");
            let answer = api.delete(&removal).await.expect(409);
            assert!(answer.message().contains(home), "{way}: {}", answer.text);
            let _ = api.get(&path).await.expect(200);
            assert_eq!(field(container, "passwd", name, 5), home);
        }
        let path = container.path("/users/ann?remove_home=true");
        let own = api.delete(&path).await;
        podman(&["start", &container.name]);
        container.sh("ls /usr/sbin/useradd /data/shared/kept");
        if *way == "mounted" {
            let _ = own.expect(409);
            container.sh("id ann; ls -d /home/ann");
        } else {
            let _ = own.expect(200);
            container.sh("! id ann && [ ! -e /home/ann ]");
        }
    }
}

#[tokio::test]
async fn the_group_of_shadow_stays_or_nothing_is_changed() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let seen = "stat -c '%a %u:%g %n' /etc/passwd /etc/group /etc/shadow /etc/gshadow";
    container.sh("chgrp 0 /etc/shadow; chgrp 7 /etc/gshadow; chmod 640 /etc/*shadow");
    let before = container.sh(seen);
    podman(&["stop", "-t", "0", &container.name]);
    let _ = add(
        &api,
        &container,
        json!({ "username": "ann", "password": "x" }),
    )
    .await
    .expect(200);
    podman(&["start", &container.name]);
    assert_eq!(container.sh(seen), before);
    container.sh("id ann");

    let mounted = Fixture::run(DEBIAN, &["-v", "/etc"]);
    mounted.sh("chmod 640 /etc/shadow");
    let before = mounted.sh("cat /etc/passwd /etc/shadow; ls -l /etc/*shadow /etc/passwd");
    podman(&["stop", "-t", "0", &mounted.name]);
    let answer = add(&api, &mounted, json!({ "username": "ann" }))
        .await
        .expect(409);
    assert!(answer.message().contains("/etc/shadow"), "{}", answer.text);
    podman(&["start", &mounted.name]);
    assert_eq!(
        mounted.sh("cat /etc/passwd /etc/shadow; ls -l /etc/*shadow /etc/passwd"),
        before
    );
}

#[tokio::test]
async fn keys_that_are_there_stay_if_another_row_fails() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    container.sh("mkdir -p /home/pre/.ssh /home/empty /home/other; echo OLDKEY >/home/pre/.ssh/authorized_keys; chown 33 /home/other; touch /etc/.pwd.lock");
    let look = "cat /etc/passwd; ls -lAR /home; cat /home/pre/.ssh/authorized_keys";
    let before = container.sh(look);
    let user =
        |name: &str, home: &str| json!({ "username": name, "home": home, "ssh_keys": [KEY] });
    let mut users: Vec<Value> = vec![
        user("pre", "/home/pre"),
        user("fresh", "/home/fresh"),
        user("empty", "/home/empty"),
        user("oth", "/home/other"),
    ];
    let answer = add(&api, &container, json!({ "users": users }))
        .await
        .expect(409);
    assert_eq!(answer.json["error"]["field"], "users[3].ssh_keys");
    assert!(answer.message().contains("/home/other"), "{}", answer.text);
    assert_eq!(container.sh(look), before, "nothing was changed");
    container.assert_clean();
    users.pop();
    let _ = add(&api, &container, json!({ "users": users }))
        .await
        .expect(200);
    let keys = container.sh("cat /home/*/.ssh/authorized_keys");
    assert_eq!(keys, [KEY; 3].join("\n"));
    container.assert_clean();
}
