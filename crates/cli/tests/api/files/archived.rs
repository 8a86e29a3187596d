//! Files without an agent, where links, mounts and what runs inside are in the way. Nothing is lost, and
//! nothing done elsewhere.

use super::archives::{FILE, archive, entries, upload};
use super::ways::{Place, WAYS, Way};
use crate::container::until;
use crate::fixture::Fixture;
use crate::server;
use http::Method;
use podlane_testkit::{BUSYBOX, podman};
use serde_json::json;

/// The ways without an agent.
const BOTH: [Way; 2] = [Way::Engine, Way::Stopped];

impl Place {
    /// Runs a script in the container, which does not run afterwards if it did not before.
    fn sh(&self, way: Way, script: &str) -> String {
        if way == Way::Stopped {
            podman(&["start", &self.container.name]);
        }
        let said = self.container.sh(script);
        if way == Way::Stopped {
            podman(&["stop", "-t", "0", &self.container.name]);
        }
        said
    }
}

#[tokio::test]
async fn a_move_onto_itself_or_into_itself_loses_nothing() {
    for way in [Way::Descriptors, Way::Engine, Way::Stopped] {
        let place = Place::new(way).await;
        place.sh(
            way,
            "mkdir -p /srv/d/sub; echo precious >/srv/f; echo inner >/srv/d/g; ln -s /srv/d /srv/l; ln -s /srv /other",
        );
        for (operation, path, to, status) in [
            ("move", "/srv/f", "/srv/f", 409),
            ("copy", "/srv/f", "/srv/f", 409),
            ("move", "/srv/f", "/other/f", 409),
            ("move", "/other/f", "/srv/f", 409),
            ("copy", "/other/f", "/srv/f", 409),
            ("move", "/srv/d", "/srv/l/x", 400),
            ("move", "/srv/d", "/srv/d/x", 400),
            ("copy", "/srv/d", "/srv/l/x", 400),
            ("move", "/other/d", "/srv/d/sub/x", 400),
            ("move", "/srv/d", "/other/d", 409),
        ] {
            for owner in [Some("0:0"), None] {
                let mut body =
                    json!({ "operation": operation, "path": path, "to": to, "replace": true });
                if let Some(owner) = owner {
                    body["owner"] = owner.into();
                }
                if operation == "copy" {
                    body["recursive"] = true.into();
                }
                let answer = place.operate(body.clone()).await;
                assert_eq!(answer.status, status, "{way:?} {body}: {}", answer.text);
            }
        }
        let left = place.sh(way, "cat /srv/f /srv/d/g; ls /srv /srv/d /srv/d/sub");
        let expected = "precious\ninner\n/srv:\nd\nf\nl\n\n/srv/d:\ng\nsub\n\n/srv/d/sub:";
        assert_eq!(left, expected, "{way:?}");
    }
}

/// The same volume in two places: only what is in it tells.
#[tokio::test]
async fn what_is_mounted_twice_is_moved_nowhere() {
    let server = server();
    let api = server.client();
    let volume = podlane_testkit::unique("twice");
    let (one, two) = (format!("{volume}:/one"), format!("{volume}:/two"));
    let container = Fixture::run(BUSYBOX, &["-v", &one, "-v", &two]);
    container.sh("mkdir -p /one/d/e; echo precious >/one/f; echo inner >/one/d/g; ln -s d /one/l");
    podman(&["stop", "-t", "0", &container.name]);
    let place = Place {
        api,
        container,
        server,
    };
    for (path, to, status) in [
        ("/one/f", "/two/f", 409),
        ("/one/d", "/two/d/e/x", 400),
        ("/one/d", "/one/l/x", 400),
    ] {
        let body =
            json!({ "operation": "move", "path": path, "to": to, "replace": true, "owner": "0:0" });
        let answer = place.operate(body).await;
        assert_eq!(answer.status, status, "{path} {to}: {}", answer.text);
    }
    let left = place.sh(
        Way::Stopped,
        "cat /one/f /one/d/g; ls -A /one /one/d /one/d/e",
    );
    assert_eq!(
        left,
        "precious\ninner\n/one:\nd\nf\nl\n\n/one/d:\ne\ng\n\n/one/d/e:"
    );
    drop(place);
    podman(&["volume", "rm", "-f", &volume]);
}

/// Podman leaves out what comes behind a file that grows, and says nothing of it.
#[tokio::test]
async fn what_podman_leaves_out_is_no_success() {
    let place = Place::new(Way::Engine).await;
    place
        .container
        .sh("mkdir -p /srv/log; cd /srv/log; for f in a b y z; do echo $f >$f; done; dd if=/dev/zero of=grow bs=1M count=60 2>/dev/null");
    let grow = "while :; do echo >>/srv/log/grow; done";
    podman(&["exec", "-d", &place.container.name, "sh", "-c", grow]);
    until("it grows", || {
        place.container.sh("stat -c %s /srv/log/grow") != "62914560"
    })
    .await;
    let moved =
        json!({ "operation": "move", "path": "/srv/log", "to": "/srv/moved", "owner": "0:0" });
    let copied =
        json!({ "operation": "copy", "path": "/srv/log", "to": "/srv/copied", "recursive": true });
    for body in [moved, copied] {
        let answer = place.operate(body.clone()).await.expect(409);
        assert!(
            answer.message().contains("/srv/log/grow"),
            "{}",
            answer.text
        );
        let to = body["to"].as_str().expect("a path");
        let _ = place
            .get(&format!("/file-info?path={to}"))
            .await
            .expect(404);
    }
    let list = place.get("/file-list?path=/srv/log").await.expect(409);
    assert!(list.message().contains("/srv/log/grow"), "{}", list.text);
    assert_eq!(
        place.container.sh("cd /srv/log; cat a b y z; ls -A"),
        "a\nb\ny\nz\na\nb\ngrow\ny\nz"
    );
}

#[tokio::test]
async fn an_upload_without_an_end_is_no_success() {
    for way in WAYS {
        let place = Place::new(way).await;
        let whole = archive(&[
            ("a", FILE, "alpha"),
            ("b", FILE, "beta"),
            ("c", FILE, "gamma"),
        ]);
        for cut in [0, 1024, 2048, 2500, 3072] {
            let answer = upload(
                &place,
                "&mkdirs=true",
                "application/x-tar",
                whole[..cut].to_vec(),
            )
            .await;
            assert_eq!(answer.status, 400, "{way:?} {cut}: {}", answer.text);
            assert!(answer.message().contains("breaks off"), "{}", answer.text);
        }
        // One block of zeros is an end.
        let answer = upload(
            &place,
            "&mkdirs=true",
            "application/x-tar",
            whole[..3584].to_vec(),
        )
        .await;
        assert_eq!(answer.expect(200).json["entries"], 3, "{way:?}");
    }
}

#[tokio::test]
async fn nothing_is_done_behind_a_paused_containers_mounts() {
    let server = server();
    let api = server.client();
    let container = Fixture::run(BUSYBOX, &["--tmpfs", "/t"]);
    podman(&["pause", &container.name]);
    let place = Place {
        api,
        container,
        server,
    };
    let kind = [("content-type", "application/x-tar")];
    let tar = archive(&[("a", FILE, "x")]);
    for answer in [
        place.put("/files/t/new", "x").await,
        place.container.write(&place.api, "/t/new", "x").await,
        place.get("/files/etc/hosts").await,
        place.get("/file-list?path=/t").await,
        place.get("/archive?path=/etc").await,
        place.ask(Method::PUT, "/archive?path=/t", &kind, tar).await,
        place
            .operate(json!({ "operation": "mkdir", "path": "/t/d" }))
            .await,
        place.ask(Method::DELETE, "/files/etc/hosts", &[], "").await,
    ] {
        assert!(answer.expect(409).message().contains("paused"));
    }
    podman(&["unpause", &place.container.name]);
    assert_eq!(place.container.sh("ls -A /t"), "");
    let _ = place.put("/files/t/new", "x").await.expect(200);
    place.container.assert_clean();
}

#[tokio::test]
async fn the_kernels_files_are_reached_through_no_link() {
    for way in BOTH {
        let place = Place::new(way).await;
        place.sh(
            way,
            "mkdir -p /srv; ln -s /sys /tmp/sy; ln -s /proc /tmp/pr; ln -s ../dev /srv/dl; ln -s /tmp/pr /srv/far; ln -s /dev/shm /tmp/shm",
        );
        for path in [
            "/tmp/sy/kernel/notes",
            "/tmp/pr/1/environ",
            "/srv/far/version",
            "/tmp/sy",
        ] {
            let _ = place.get(&format!("/files{path}")).await.expect(400);
            let _ = place
                .get(&format!("/archive?path={path}"))
                .await
                .expect(400);
            let _ = place
                .get(&format!("/file-list?path={path}"))
                .await
                .expect(400);
            let copy =
                json!({ "operation": "copy", "path": path, "to": "/srv/copy", "recursive": true });
            if path != "/tmp/sy" {
                let _ = place.operate(copy).await.expect(400);
                let _ = place
                    .get(&format!("/file-info?path={path}"))
                    .await
                    .expect(400);
            }
        }
        let _ = place.put("/files/srv/dl/evil", "x").await.expect(400);
        let _ = place
            .ask(Method::DELETE, "/files/srv/dl/null", &[], "")
            .await
            .expect(400);
        for body in [
            json!({ "operation": "mkdir", "path": "/srv/far/x", "parents": true }),
            json!({ "operation": "symlink", "path": "/srv/dl/x", "target": "y" }),
            json!({ "operation": "move", "path": "/etc/passwd", "to": "/srv/dl/x", "owner": "0:0" }),
            json!({ "operation": "change", "path": "/srv/dl/null", "owner": "0:0" }),
        ] {
            let _ = place.operate(body).await.expect(400);
        }
        let tar = archive(&[("a", FILE, "x")]);
        let kind = [("content-type", "application/x-tar")];
        let path = "/archive?path=/srv/dl/x&mkdirs=true";
        let _ = place.ask(Method::PUT, path, &kind, tar).await.expect(400);
        assert_eq!(
            place.sh(way, "ls /srv; ls /dev/evil /dev/x 2>/dev/null; echo"),
            "dl\nfar"
        );
    }
}

#[tokio::test]
async fn unpacking_goes_below_no_link() {
    for way in [Way::Descriptors, Way::Engine, Way::Stopped] {
        let place = Place::new(way).await;
        place.sh(
            way,
            "mkdir -p /srv/up/real /srv/out; ln -s /srv/out /srv/up/there; ln -s /srv/out/f /srv/up/real/file; echo own >/srv/out/f; chmod 750 /srv/out",
        );
        let link = tar::EntryType::Symlink;
        let directory = tar::EntryType::Directory;
        for (what, these) in [
            (
                "its own link",
                vec![("l2", link, "/srv/out"), ("l2/evil", FILE, "x")],
            ),
            ("a link that is there", vec![("there/evil", FILE, "x")]),
            ("deeper", vec![("there/a/b/evil", FILE, "x")]),
            ("a directory for a link", vec![("there", directory, "")]),
            (
                "a link made anew",
                vec![
                    ("real", directory, ""),
                    ("real/n", link, "/srv/out"),
                    ("real/n/evil", FILE, "x"),
                ],
            ),
            ("a link for a directory", vec![("real", link, "/srv/out")]),
            ("a file for a directory", vec![("real", FILE, "x")]),
        ] {
            let answer = upload(&place, "", "application/x-tar", archive(&these)).await;
            assert_eq!(answer.status, 409, "{way:?} {what}: {}", answer.text);
        }
        // In the place of a link itself, a file is fine.
        let file = archive(&[
            ("real/file", FILE, "new"),
            ("new/d", directory, ""),
            ("new/d/f", FILE, "y"),
        ]);
        let _ = upload(&place, "", "application/x-tar", file)
            .await
            .expect(200);
        let left = "ls -A /srv/out; cat /srv/out/f; stat -c %a /srv/out; test -L /srv/up/there && cat /srv/up/real/file /srv/up/new/d/f";
        assert_eq!(place.sh(way, left), "f\nown\n750\nnewy", "{way:?}");
    }
}

#[tokio::test]
async fn a_pipe_is_in_the_way_of_an_archive() {
    for way in WAYS {
        let place = Place::new(way).await;
        place.sh(
            way,
            "mkdir -p /srv; mkfifo /srv/ff; ln -s ff /srv/l; mkdir /srv/d; mkfifo /srv/d/ff; echo x >/srv/d/x",
        );
        for path in ["/srv/ff", "/srv/l"] {
            let _ = place
                .get(&format!("/archive?path={path}"))
                .await
                .expect(409);
        }
        // Among others it is left out.
        let down = place.get("/archive?path=/srv/d").await.expect(200);
        let down = entries(&down).into_keys();
        let down: Vec<_> = down
            .map(|name| name.trim_end_matches('/').to_owned())
            .collect();
        assert_eq!(down, ["d", "d/x"], "{way:?}");
        let _ = place
            .ask(Method::DELETE, "/files/srv/d/x", &[], "")
            .await
            .expect(200);
        let _ = place
            .ask(Method::DELETE, "/files/srv/d", &[], "")
            .await
            .expect(409);
    }
}

/// To Podman these are patterns.
#[tokio::test]
async fn a_name_finds_nothing_else() {
    for way in WAYS {
        let place = Place::new(way).await;
        let _ = place
            .put("/files/srv/axb?mkdirs=true", "other")
            .await
            .expect(200);
        for name in ["a%3Fb", "%5Bid%5D.tsx", "c%5Cd"] {
            let at = format!("/files/srv/{name}");
            let _ = place.get(&at).await.expect(404);
            let _ = place.put(&at, "own").await.expect(200);
            assert_eq!(
                place.get(&at).await.expect(200).text,
                "own",
                "{way:?} {name}"
            );
            let down = place
                .get(&format!("/archive?path=/srv/{name}"))
                .await
                .expect(200);
            assert_eq!(entries(&down).len(), 1, "{way:?} {name}");
        }
        assert_eq!(place.get("/files/srv/axb").await.expect(200).text, "other");
    }
    let place = Place::new(Way::Stopped).await;
    let answer = place.put("/files/tmp/a*b", "x").await.expect(400);
    assert!(answer.message().contains("star"), "{}", answer.text);
}
