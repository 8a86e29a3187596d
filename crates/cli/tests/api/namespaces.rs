//! Containers with a user namespace of their own: owners are the numbers inside, on every way.

use crate::fixture::Fixture;
use crate::{server, server_by_stream, server_with};
use http::Method;
use http_body_util::Full;
use podlane_testkit::{Answer, BUSYBOX, Client, ServerOptions, podman};
use serde_json::json;

/// Numbers from here on, so many of them, are what the container has.
const MAP: &str = "0:1000:30000";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx7Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2E= ann@home";

async fn put(api: &Client, container: &Fixture, rest: &str, body: Vec<u8>) -> Answer {
    let mut request = api.request(Method::PUT, &container.path(rest), None);
    *request.body_mut() = Full::new(body.into());
    let kind = if rest.starts_with("/archive") {
        "application/x-tar"
    } else {
        "application/octet-stream"
    };
    request
        .headers_mut()
        .insert("content-type", kind.parse().expect("a value"));
    api.send(request).await
}

fn archive(owner: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o640);
    header.set_uid(owner);
    header.set_gid(owner + 1);
    let mut archive = tar::Builder::new(Vec::new());
    let added = archive.append_data(&mut header, "file", &b"x"[..]);
    added.expect("written");
    archive.into_inner().expect("written")
}

#[tokio::test]
async fn owners_are_those_inside() {
    let without = ServerOptions::default().env("PODLANE_EXEC_AGENT", "false");
    for (server, way) in [
        (server(), "fd"),
        (server_by_stream(), "stream"),
        (server_with(without), "engine"),
    ] {
        let api = server.client();
        let maps = ["--uidmap", MAP, "--gidmap", MAP];
        let container = Fixture::run(BUSYBOX, &maps);
        container.sh("mkdir -p /srv");
        let map = json!({ "command": "cat /proc/self/uid_map" });
        let answer = api.post(&container.path("/exec"), map).await.expect(200);
        assert_eq!(answer.headers["x-exec-path"], way);
        let map = answer.json["execution"]["output"].as_str().expect("text");
        assert!(map.trim_end().ends_with("30000"), "{map}");
        let body = || b"x".to_vec();
        let _ = put(&api, &container, "/files/srv/roots", body())
            .await
            .expect(200);
        let _ = put(&api, &container, "/files/srv/anns?owner=1000:1001", body())
            .await
            .expect(200);
        let kept = "/archive?path=/srv&keep_owners=true";
        let _ = put(&api, &container, kept, archive(1234)).await.expect(200);
        let ann = json!({ "username": "ann", "uid": 1000, "ssh_keys": [KEY] });
        let added = api.post(&container.path("/users"), ann).await;
        let _ = added.expect(200);
        assert_eq!(
            container.sh("cd /srv && stat -c '%u:%g %n' roots anns file"),
            "0:0 roots\n1000:1001 anns\n1234:1235 file"
        );
        assert_eq!(
            container
                .sh("cd /home/ann && stat -c '%u:%g %a' . .ssh .ssh/authorized_keys /etc/shadow"),
            "1000:1000 755\n1000:1000 700\n1000:1000 600\n0:0 600"
        );
        let own =
            "su ann -c 'cat ~/.ssh/authorized_keys >/dev/null && echo more >>/srv/anns && id -u'";
        assert_eq!(container.sh(own), "1000");
        // Nobody has these numbers there.
        let nobodys = put(
            &api,
            &container,
            "/files/srv/nobodys?owner=40000:40000",
            body(),
        )
        .await;
        assert_eq!(nobodys.status, 400, "{way}: {}", nobodys.text);
        let nobodys = put(&api, &container, kept, archive(40000)).await;
        assert_eq!(nobodys.status, 400, "{way}: {}", nobodys.text);
        assert_eq!(container.sh("ls /srv"), "anns\nfile\nroots");
        assert_eq!(container.sh("stat -c %u /srv/file"), "1234");
        container.assert_clean();
        let owner = json!({ "command": "stat -c %u /srv/anns" });
        podman(&["stop", "-t", "0", &container.name]);
        let _ = put(&api, &container, "/files/srv/anns?owner=1002:1002", body())
            .await
            .expect(200);
        podman(&["start", &container.name]);
        let answer = api.post(&container.path("/exec"), owner).await.expect(200);
        assert_eq!(answer.json["execution"]["output"], "1002\n", "{way}");
    }
}
