//! `POST /containers/{name}/users`: accounts that really work, on every kind of image.

mod faults;
mod hostile;
mod logins;
mod manage;
mod owners;
mod rows;
mod secrets;
mod starts;

use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{Answer, BUSYBOX, Client, DEBIAN, SCRATCH, podman};
use serde_json::{Value, json};
use std::process::Command;

const PASSWORDS: [&str; 6] = [
    "testpass",
    "it's \"quoted\" `id`",
    "a:b:c",
    "$6$salt$x $HOME ${A}",
    "  spaces  ",
    "pässwörd 🐎",
];

async fn add(api: &Client, container: &Fixture, body: Value) -> Answer {
    api.post(&container.path("/users"), body).await
}

/// The field of an account's line in one of the account files.
fn field(container: &Fixture, file: &str, user: &str, number: usize) -> String {
    let content = String::from_utf8(container.read(&format!("/etc/{file}"))).expect("text");
    let mut lines = content
        .lines()
        .filter(|line| line.starts_with(&format!("{user}:")));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("{user} is not in {file}:\n{content}"));
    assert_eq!(lines.next(), None, "{user} is in {file} twice");
    line.split(':').nth(number).expect("the field").to_owned()
}

/// Whether a hash of /etc/shadow is the password's, as openssl computes it.
fn assert_password(container: &Fixture, user: &str, password: &str) {
    let hash = field(container, "shadow", user, 1);
    let salt = hash
        .strip_prefix("$6$")
        .and_then(|rest| rest.rsplit_once('$'));
    let (salt, _) = salt.expect("a sha512-crypt hash");
    let output = Command::new("openssl")
        .args(["passwd", "-6", "-salt", salt, "-noverify", password])
        .output()
        .expect("openssl can be run");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        hash,
        "the password {password:?}"
    );
}

#[tokio::test]
async fn accounts_on_debian_work() {
    let server = server();
    let api = server.client();
    let running = Fixture::create(&api, DEBIAN, json!({})).await;
    let stopped = Fixture::stopped(DEBIAN);
    // As on a real Debian; the engine's import of the image does not keep groups.
    for container in [&running, &stopped] {
        podman(&["start", &container.name]);
        container.sh("chgrp 42 /etc/shadow /etc/gshadow; mkdir -p /etc/skel/d; echo skel >/etc/skel/.rc; echo x >/etc/skel/d/f");
    }
    let modes = "stat -c '%a %u:%g' /etc/shadow /etc/gshadow /etc/passwd /etc/group";
    let before = running.sh(modes);
    assert!(before.starts_with("640 0:42"), "{before}");
    podman(&["stop", "-t", "0", &stopped.name]);
    for container in [&running, &stopped] {
        for (number, password) in PASSWORDS.iter().enumerate() {
            let name = format!("user{number}");
            let body = json!({ "username": name, "password": password });
            let user = add(&api, container, body).await.expect(200).json["user"].take();
            assert_eq!(
                user,
                json!({ "username": name, "created": true, "home": format!("/home/{name}"), "shell": "/bin/bash" })
            );
            assert_password(container, &name, password);
        }
        let _ = add(
            &api,
            container,
            json!({ "username": "locked", "shell": "/bin/sh" }),
        )
        .await
        .expect(200);
        assert!(
            field(container, "shadow", "locked", 1).starts_with('!'),
            "no password"
        );
        assert_eq!(field(container, "passwd", "locked", 6), "/bin/sh");
        let again = add(&api, container, json!({ "username": "user0" }))
            .await
            .expect(409);
        assert!(again.message().contains("user0"));
        for taken in ["root", "daemon", "shadow"] {
            let _ = add(&api, container, json!({ "username": taken }))
                .await
                .expect(409);
        }
    }
    podman(&["start", &stopped.name]);
    for container in [&running, &stopped] {
        assert_eq!(container.sh(modes), before, "modes and groups stay");
        assert_eq!(
            container.sh("id -un user1; id -gn user1; getent passwd user1 | cut -d: -f6"),
            "user1\nuser1\n/home/user1"
        );
        let body = json!({ "command": "echo ~; whoami; id -gn; touch ~/mine", "user": "user2" });
        let answer = api.post(&container.path("/exec"), body).await.expect(200);
        let output = &answer.json["execution"]["output"];
        assert_eq!(output, "/home/user2\nuser2\nuser2\n");
        assert_eq!(
            container.sh("stat -c %U:%G /home/user3 /home/user3/.rc /home/user3/d/f | uniq"),
            "user3:user3"
        );
        assert_eq!(
            container.sh("cat /home/user3/.rc; pwck -r >/dev/null; grpck -r && echo sound"),
            "skel\nsound"
        );
        container.assert_clean();
    }
}

#[tokio::test]
async fn accounts_on_images_without_tools() {
    let server = server();
    let api = server.client();
    let containers = [
        (BUSYBOX, Fixture::create(&api, BUSYBOX, json!({})).await),
        (BUSYBOX, Fixture::stopped(BUSYBOX)),
        (SCRATCH, Fixture::create(&api, SCRATCH, json!({})).await),
        (SCRATCH, Fixture::stopped(SCRATCH)),
    ];
    for (image, container) in &containers {
        for (number, password) in PASSWORDS.iter().enumerate().take(3) {
            let name = format!("user{number}");
            let body = json!({ "username": name, "password": password });
            let user = add(&api, container, body).await.expect(200).json["user"].take();
            assert_eq!(user["shell"], "/bin/sh", "the image has no bash");
            assert_password(container, &name, password);
            assert_eq!(
                field(container, "passwd", &name, 2),
                (1000 + number).to_string()
            );
        }
        let _ = add(
            &api,
            container,
            json!({ "username": "user1", "password": "x" }),
        )
        .await
        .expect(409);
        let shell = json!({ "username": "other", "shell": "/bin/zsh" });
        add(&api, container, shell).await.refused(400, "shell");
        container.assert_clean();
        if *image == SCRATCH {
            continue;
        }
        podman(&["start", &container.name]);
        assert_eq!(
            container
                .sh("su user1 -c 'whoami; pwd; touch ~/f && stat -c %U ~/f'")
                .lines()
                .last(),
            Some("user1")
        );
        assert_eq!(
            container.sh("stat -c '%a %U' /home/user1 /etc/shadow"),
            "755 user1\n600 root"
        );
        let body = json!({ "command": "id -u", "user": "user2" });
        let answer = api.post(&container.path("/exec"), body).await.expect(200);
        assert_eq!(answer.json["execution"]["output"], "1002\n");
    }
}

#[tokio::test]
#[ignore = "its image takes a compiler: PODLANE_TEST_ALPINE=1 script/images, then --include-ignored"]
async fn accounts_on_alpine() {
    const ALPINE: &str = "localhost/podlane-alpine:1";
    let server = server();
    let api = server.client();
    let running = Fixture::create(&api, ALPINE, json!({})).await;
    let stopped = Fixture::stopped(ALPINE);
    for container in [&running, &stopped] {
        for (number, password) in PASSWORDS.iter().enumerate() {
            let name = format!("user{number}");
            let body = json!({ "username": name, "password": password });
            let user = add(&api, container, body).await.expect(200).json["user"].take();
            assert_eq!(user["shell"], "/bin/sh");
            assert_password(container, &name, password);
        }
        let _ = add(&api, container, json!({ "username": "user0" }))
            .await
            .expect(409);
        let _ = add(&api, container, json!({ "username": "wheel" }))
            .await
            .expect(409);
        podman(&["start", &container.name]);
        assert_eq!(
            container.sh("su user4 -c 'whoami; touch ~/f'; stat -c %U /home/user4/f"),
            "user4\nuser4"
        );
        container.assert_clean();
    }
}

#[tokio::test]
async fn wrong_fields_are_named_and_nothing_is_made() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    // The file that is locked stays, as after any change of accounts.
    container.sh("touch /etc/.pwd.lock");
    let before = podman(&["diff", &container.name]).stdout;
    for name in [
        "",
        "-h",
        "--help",
        "a:b",
        "a\nb",
        "a b",
        "..",
        "../x",
        "a/b",
        "Upper",
        "é",
        "1abc",
        "a\0",
        "a$",
        "*",
        &"n".repeat(33),
    ] {
        let body = json!({ "username": name, "password": "secret-word" });
        let answer = add(&api, &container, body).await;
        assert!(!answer.text.contains("secret-word"));
        answer.refused(400, "username");
    }
    for password in [
        "",
        "a\nb",
        "\n",
        "a\r",
        "a\0b",
        &"x".repeat(1025),
        &"x".repeat(1 << 20),
    ] {
        let body = json!({ "username": "ann", "password": password });
        add(&api, &container, body).await.refused(400, "password");
    }
    for shell in [
        "",
        "sh",
        "/bin/../bin/sh",
        "/bin/zsh",
        "/bin",
        "/bin/sh\n",
        "/bin/sh:x",
        "/dev/null",
        "/etc/passwd/x",
    ] {
        let body = json!({ "username": "ann", "shell": shell });
        add(&api, &container, body).await.refused(400, "shell");
    }
    assert_eq!(podman(&["diff", &container.name]).stdout, before);
    let longest = "n".repeat(32);
    let _ = add(&api, &container, json!({ "username": longest }))
        .await
        .expect(200);
    assert_eq!(container.sh(&format!("id -un {longest}")), longest);
}
