//! What could be lost: by two at once, by a disk that is full, by a change that is not whole.

use super::archives::{FILE, archive, upload};
use super::ways::{Place, WAYS, Way};
use crate::fixture::Fixture;
use crate::server;
use futures_util::future::join_all;
use http::Method;
use podlane_testkit::{BUSYBOX, podman};
use serde_json::json;
use std::io::Write;

fn tag(answer: &podlane_testkit::Answer) -> String {
    answer.headers["etag"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn of_many_who_replace_one_version_one_does() {
    for way in WAYS {
        let place = Place::new(way).await;
        for round in 0..4 {
            let made = place.put("/files/tmp/f", "0").await;
            let (tag, new) = (tag(&made), format!("/files/tmp/new{round}"));
            for (header, value, path, fine, refused) in [
                ("if-match", tag.as_str(), "/files/tmp/f", 200, 412),
                ("if-none-match", "*", new.as_str(), 201, 409),
            ] {
                let headers = [(header, value)];
                let writers = (0..8).map(|writer| {
                    place.ask(Method::PUT, path, &headers, format!("of writer {writer}"))
                });
                let answers = join_all(writers).await;
                let count = |status: u16| answers.iter().filter(|one| one.status == status).count();
                let told: Vec<_> = answers.iter().map(|one| one.status).collect();
                assert_eq!((count(fine), count(refused)), (1, 7), "{way:?} {told:?}");
            }
        }
    }
}

/// Whole seconds do not tell versions apart.
#[tokio::test]
async fn a_version_of_the_same_second_is_another_one() {
    for way in WAYS {
        let place = Place::new(way).await;
        let one = place.put("/files/tmp/f", "aaaa").await.expect(200);
        let two = place.put("/files/tmp/f", "bbbb").await.expect(200);
        assert_ne!(tag(&one), tag(&two), "{way:?}");
        assert_eq!(tag(&place.get("/files/tmp/f").await.expect(200)), tag(&two));
        let first = tag(&one);
        let condition = [("if-match", first.as_str())];
        let late = place.ask(Method::PUT, "/files/tmp/f", &condition, "cccc");
        let _ = late.await.expect(412);
        assert_eq!(place.get("/files/tmp/f").await.expect(200).text, "bbbb");
    }
}

#[tokio::test]
async fn a_copy_for_which_there_is_no_room_leaves_what_was_there() {
    let server = server();
    let api = server.client();
    for agent in [true, false] {
        let mut options = vec!["--tmpfs", "/t:size=1m"];
        if !agent {
            options.extend(["--label", "io.podlane.agent=off"]);
        }
        let container = Fixture::run(BUSYBOX, &options);
        container.sh("mkdir -p /srv/tree; head -c 3000000 /dev/zero >/srv/big; cp /srv/big /srv/tree/; echo precious >/t/dst; chown 7:7 /srv/big; chmod 644 /t/dst");
        let operate = async |body| api.post(&container.path("/file-operations"), body).await;
        let full = [
            json!({ "operation": "copy", "path": "/srv/big", "to": "/t/dst", "replace": true }),
            json!({ "operation": "copy", "path": "/srv/tree", "to": "/t/tree", "recursive": true }),
            json!({ "operation": "move", "path": "/srv/big", "to": "/t/dst", "replace": true, "owner": "9:9" }),
        ];
        for body in full {
            let answer = operate(body.clone()).await.expect(507);
            assert!(
                !answer.message().contains("/srv/"),
                "{agent} {}",
                answer.text
            );
        }
        let left =
            container.sh("stat -c '%a %s' /t/dst; cat /t/dst; ls -A /t; stat -c %u:%g /srv/big");
        assert_eq!(left, "644 9\nprecious\ndst\n7:7", "agent {agent}");
        container.assert_clean();
    }
}

#[tokio::test]
async fn a_move_that_is_refused_changes_no_owner() {
    for way in WAYS {
        let place = Place::new(way).await;
        podman(&["start", &place.container.name]);
        place
            .container
            .sh("mkdir -p /srv/from /srv/full; echo x >/srv/full/x; chown 7:7 /srv/from");
        if way == Way::Stopped {
            podman(&["stop", "-t", "0", &place.container.name]);
        }
        for operation in ["move", "copy"] {
            let mut body = json!({ "operation": operation, "path": "/srv/from", "to": "/srv/full", "owner": "9:9", "replace": true });
            if operation == "copy" {
                body["recursive"] = true.into();
            }
            let _ = place.operate(body).await.expect(409);
        }
        podman(&["start", &place.container.name]);
        let left = place
            .container
            .sh("stat -c %u:%g /srv/from; ls -A /srv/full");
        assert_eq!(left, "7:7\nx", "{way:?}");
    }
}

#[tokio::test]
async fn what_is_mounted_is_not_removed() {
    for way in [Way::Descriptors, Way::Engine] {
        let place = Place::new(way).await;
        let _ = place
            .ask(Method::DELETE, "/files/etc/hosts", &[], "")
            .await
            .expect(409);
        assert!(!place.container.sh("cat /etc/hosts").is_empty());
    }
}

#[tokio::test]
async fn zstd_comes_in_frames_and_holds_little() {
    for way in [Way::Descriptors, Way::Stopped] {
        let place = Place::new(way).await;
        let plain = archive(&[("a", FILE, "alpha"), ("b", FILE, "beta")]);
        let half = plain.len() / 2;
        let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("compressed");
        let frames = [frame(&plain[..half]), frame(&plain[half..])].concat();
        let done = upload(&place, "&mkdirs=true", "application/zstd", frames)
            .await
            .expect(200);
        assert_eq!(done.json["entries"], 2, "{way:?}");

        let mut far = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
        far.long_distance_matching(true).expect("set");
        far.window_log(27).expect("set");
        far.write_all(&archive(&[("far", FILE, &"0".repeat(9 << 20))]))
            .expect("into memory");
        let far = far.finish().expect("into memory");
        let refused = upload(&place, "", "application/zstd", far)
            .await
            .expect(400);
        assert!(
            refused.message().contains("8 MiB"),
            "{way:?} {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn times_are_kept_or_refused() {
    for way in WAYS {
        let place = Place::new(way).await;
        let _ = place.put("/files/tmp/f", "x").await.expect(200);
        let change = async |modified: &str| {
            place.operate(json!({ "operation": "change", "path": "/tmp/f", "owner": "0:0", "modified": modified })).await
        };
        for wrong in ["2300-01-01T00:00:00Z", "9999-01-01T00:00:00Z"] {
            change(wrong).await.refused(400, "modified");
        }
        // Of one before 1970 Podman loses a microsecond.
        for (right, told) in [
            ("2024-02-29T01:02:03.000005Z", "2024-02-29T01:02:03.000005Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59"),
        ] {
            let _ = change(right).await.expect(200);
            let info = place.get("/file-info?path=/tmp/f").await.expect(200);
            let modified = info.json["file"]["modified"].as_str();
            assert!(
                modified.is_some_and(|modified| modified.starts_with(told)),
                "{way:?} {}",
                info.text
            );
        }
    }
}
