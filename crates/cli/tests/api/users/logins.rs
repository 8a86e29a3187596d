//! Accounts as the programs that log people in have them: `su`, `passwd` and, with its own rules for homes and
//! keys, sshd.

use super::add;
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{DEBIAN, podman};
use serde_json::json;

const SSHD: &str =
    "/usr/sbin/sshd -f /dev/null -h /tmp/host -o ListenAddress=127.0.0.1 -o StrictModes=yes";

/// Who somebody is that logs in by key, at that port; nobody if sshd refuses.
fn login(container: &Fixture, user: &str, port: u16) -> Option<String> {
    let line = format!(
        "ssh -n -p {port} -i /tmp/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         {user}@127.0.0.1 'whoami; pwd; echo $SHELL'"
    );
    let output = podman(&["exec", &container.name, "sh", "-c", &line]);
    let who = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(who)
}

#[tokio::test]
async fn sshd_lets_in_who_has_the_key() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    container.sh("for key in key host; do ssh-keygen -q -t ed25519 -N '' -f /tmp/$key; done; mkdir -p /run/sshd");
    // One as Debian has it, and one that asks nobody else whether an account is locked.
    container.sh(&format!(
        "{SSHD} -p 2222 -o UsePAM=yes; {SSHD} -p 2223 -o UsePAM=no"
    ));
    let key = container.sh("cat /tmp/key.pub");
    for (name, more) in [("ann", json!({})), ("bob", json!({"password": "a word"}))] {
        let mut body = json!({ "username": name, "ssh_keys": [key] });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        let _ = add(&api, &container, body).await.expect(200);
    }
    let _ = add(&api, &container, json!({ "username": "eve" }))
        .await
        .expect(200);
    let modes = "cd /home/ann && stat -c '%a %U:%G' . .ssh .ssh/authorized_keys";
    assert_eq!(container.sh(modes), "755 ann:ann\n700 ann:ann\n600 ann:ann");
    let is = |user: &str| Some(format!("{user}\n/home/{user}\n/bin/bash\n"));
    assert_eq!(login(&container, "ann", 2222), is("ann"));
    assert_eq!(login(&container, "bob", 2222), is("bob"));
    assert_eq!(login(&container, "bob", 2223), is("bob"));
    assert_eq!(login(&container, "ann", 2223), None, "it has no password");
    assert_eq!(login(&container, "eve", 2222), None, "it has no key");
    // The rules are kept to, so what is above proves that we keep them.
    container.sh("chmod o+w /home/ann");
    assert_eq!(login(&container, "ann", 2222), None, "others could write");
}

#[tokio::test]
async fn su_and_passwd_know_an_account() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let ann = json!({ "username": "ann", "password": "a word", "groups": ["staff"] });
    let _ = add(&api, &container, ann).await.expect(200);
    let bob = json!({ "username": "bob", "shell": "/bin/sh" });
    let _ = add(&api, &container, bob).await.expect(200);
    let known = "id -un; id -Gn; pwd; echo $HOME $SHELL";
    assert_eq!(
        container.sh(&format!("su - ann -c '{known}'")),
        "ann\nann staff\n/home/ann\n/home/ann /bin/bash"
    );
    assert_eq!(
        container.sh(&format!("su - bob -c '{known}'")),
        "bob\nbob\n/home/bob\n/home/bob /bin/sh"
    );
    let state = |user: &str| {
        let line = format!("passwd -S {user} | cut -d' ' -f1,2");
        container.sh(&line)
    };
    assert_eq!(
        (state("ann"), state("bob")),
        ("ann P".into(), "bob L".into())
    );
    container.sh("usermod -L ann");
    let seen = api.get(&container.path("/users/ann")).await.expect(200);
    assert_eq!(seen.json["user"]["locked"], true);
    assert_eq!(state("ann"), "ann L");
}
