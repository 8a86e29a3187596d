//! Locks that nobody lets go, and a user who swaps what is in a home directory.

use super::{add, field};
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, DEBIAN, podman};
use serde_json::json;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx7Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2E=";

#[tokio::test]
async fn a_stale_lock_is_taken_over_and_a_living_one_is_not() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    container.sh(
        "printf '99999\\0' >/etc/passwd.lock; : >/etc/shadow.lock; echo x >/etc/.podlane-passwd",
    );
    let _ = add(&api, &container, json!({ "username": "ann" }))
        .await
        .expect(200);
    container.sh("ls /etc/*.lock && exit 1; id ann");
    container.sh("printf '1\\0' >/etc/group.lock");
    let held = add(&api, &container, json!({ "username": "bob" }))
        .await
        .expect(409);
    assert!(held.message().contains("/etc/group.lock"), "{}", held.text);
    container.sh("rm /etc/group.lock; ls /etc/*.lock && exit 1; useradd bob");
    // One of ours, killed with a container that was started anew: its number is another process's now.
    container.sh("for file in passwd shadow subgid; do printf '1\\0001' >/etc/$file.lock; done");
    let _ = add(&api, &container, json!({ "username": "eve" }))
        .await
        .expect(200);
    container.sh("ls /etc/*.lock && exit 1; id eve");
    container
        .sh("started=$(cut -d' ' -f22 /proc/1/stat); printf '1\\000%s' $started >/etc/passwd.lock");
    let held = add(&api, &container, json!({ "username": "joe" }))
        .await
        .expect(409);
    assert!(held.message().contains("/etc/passwd.lock"), "{}", held.text);
    container.sh("rm /etc/passwd.lock");
    container.assert_clean();
}

#[tokio::test]
async fn keys_go_nowhere_but_into_the_home() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    for name in ["ann", "bob"] {
        let _ = add(&api, &container, json!({ "username": name }))
            .await
            .expect(200);
    }
    let keys = json!({ "ssh_keys": [KEY] });
    let path = container.path("/users/ann");
    let replace = async || {
        let body = Some(keys.to_string());
        api.send(api.request("PATCH".parse().expect("a method"), &path, body))
            .await
    };
    for line in [
        "ln -s /home/bob /home/ann/.ssh",
        "ln -s /root /home/ann/.ssh",
        "mkfifo /home/ann/.ssh",
        "mv /home/ann /home/was; ln -s /home/bob /home/ann",
    ] {
        container.sh(line);
        let answer = replace().await;
        assert!(
            (400..500).contains(&answer.status.as_u16()),
            "{line}: {}",
            answer.text
        );
        assert!(!answer.text.contains("AAAA"));
        assert_eq!(
            container.sh("find / -xdev -name authorized_keys"),
            "",
            "{line}"
        );
        container.sh(
            "rm -f /home/ann/.ssh; [ ! -d /home/was ] || { rm /home/ann; mv /home/was /home/ann; }",
        );
    }
    // What stands in the place of the file makes way for it.
    container.sh("mkdir /home/ann/.ssh; chown 1000:1000 /home/ann/.ssh; ln -s /etc/passwd /home/ann/.ssh/authorized_keys");
    let _ = replace().await.expect(200);
    assert_eq!(field(&container, "passwd", "ann", 2), "1000");
    assert_eq!(container.sh("cat /home/ann/.ssh/authorized_keys"), KEY);
    // Removing a home removes nothing that it leads to.
    container.sh("ln -s /home/bob /home/ann/link; echo x >/home/bob/kept");
    let _ = api
        .delete(&format!("{path}?remove_home=true"))
        .await
        .expect(200);
    assert_eq!(container.sh("ls /home; cat /home/bob/kept"), "bob\nx");
}

#[tokio::test]
async fn a_killed_server_leaves_no_lock_that_blocks() {
    let container = Fixture::run(DEBIAN, &[]);
    for round in 0..5 {
        let server = server();
        let api = server.client();
        let _ = add(
            &api,
            &container,
            json!({ "username": format!("first{round}") }),
        )
        .await
        .expect(200);
        let users: Vec<_> = (0..300)
            .map(|number| json!({ "username": format!("r{round}u{number}") }))
            .collect();
        let path = container.path("/users");
        let adding = tokio::spawn(async move {
            let request = api.request(
                "POST".parse().expect("a method"),
                &path,
                Some(json!({ "users": users }).to_string()),
            );
            let _ = api.send(request).await;
        });
        tokio::time::sleep(std::time::Duration::from_millis(20 + 40 * round)).await;
        server.kill();
        let _ = adding.await;
        container.sh(&format!(
            "useradd after{round} && pwck -r >/dev/null; id first{round}"
        ));
        let whole = container.sh(&format!("grep -c ^r{round}u /etc/passwd || true"));
        assert!(whole == "0" || whole == "300", "{whole} accounts");
    }
    podman(&["stop", "-t", "0", &container.name]);
}
