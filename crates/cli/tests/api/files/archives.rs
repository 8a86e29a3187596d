//! Directories up and down, many files at once, and one file of many containers.

use super::ways::{Place, WAYS, Way};
use crate::fixture::Fixture;
use crate::server;
use http::Method;
use podlane_testkit::{Answer, BUSYBOX};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// An entry: its name, what it is, its content or where it leads.
pub(super) type Entry<'a> = (&'a str, tar::EntryType, &'a str);

pub(super) const FILE: tar::EntryType = tar::EntryType::Regular;

/// An archive with names just as they are given.
pub(super) fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o6755);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(1_700_000_000);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let mut content: &[u8] = &[];
        if *kind == FILE {
            content = text.as_bytes();
        } else {
            header.set_link_name_literal(text).expect("it fits");
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).expect("an entry");
    }
    builder.into_inner().expect("an archive")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

pub(super) async fn upload(place: &Place, query: &str, kind: &str, body: Vec<u8>) -> Answer {
    let headers = [("content-type", kind)];
    place
        .ask(
            Method::PUT,
            &format!("/archive?path=/srv/up{query}"),
            &headers,
            body,
        )
        .await
}

/// Names and contents of an archive that was downloaded; its files are text.
pub(super) fn entries(answer: &Answer) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(answer.text.as_bytes());
    let entries = archive.entries().expect("an archive");
    let entries = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        (entry.path().expect("a name").display().to_string(), content)
    });
    entries.collect()
}

#[tokio::test]
async fn trees_go_up_and_down() {
    let long = "deep/".repeat(40) + "end";
    let plain = {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, &long, &b"long"[..])
            .expect("an entry");
        let rest = archive(&[
            ("./", tar::EntryType::Directory, ""),
            ("dir/", tar::EntryType::Directory, ""),
            ("dir/a", FILE, "alpha"),
            ("dir/empty", FILE, ""),
            ("dir/link", tar::EntryType::Symlink, "a"),
            ("dir/hard", tar::EntryType::Link, "dir/a"),
        ]);
        let mut first = builder.into_inner().expect("an archive");
        first.truncate(first.len() - 1024);
        first.extend_from_slice(&rest);
        first
    };
    let zstd = zstd::encode_all(plain.as_slice(), 1).expect("compressed");
    for way in WAYS {
        let place = Place::new(way).await;
        let _ = upload(&place, "", "application/x-tar", plain.clone())
            .await
            .expect(404);
        for (kind, body) in [
            ("application/x-tar", plain.clone()),
            ("application/gzip", gzip(&plain)),
            ("application/zstd", zstd.clone()),
        ] {
            let done = upload(&place, "&mkdirs=true", kind, body).await.expect(200);
            assert_eq!(
                (&done.json["entries"], &done.json["bytes"]),
                (&json!(6), &json!(9)),
                "{way:?} {kind}"
            );
            let info = place.get("/file-info?path=/srv/up/dir/a").await.expect(200);
            assert_eq!(
                info.json["file"]["mode"], "0755",
                "{way:?}: set-user-ID goes"
            );
            assert_eq!(
                place.get("/files/srv/up/dir/link").await.expect(200).text,
                "alpha"
            );
            assert_eq!(
                place.get("/files/srv/up/dir/hard").await.expect(200).text,
                "alpha"
            );
            assert_eq!(
                place
                    .get(&format!("/files/srv/up/{long}"))
                    .await
                    .expect(200)
                    .text,
                "long"
            );
            let _ = place
                .ask(Method::DELETE, "/files/srv/up?recursive=true", &[], "")
                .await
                .expect(200);
        }
        let _ = upload(&place, "&mkdirs=true", "application/x-tar", plain.clone())
            .await
            .expect(200);
        let down = place
            .get("/archive?path=/srv/up/dir&path=/etc/passwd")
            .await
            .expect(200);
        let down = entries(&down);
        assert_eq!(down["dir/a"], "alpha", "{way:?} {down:?}");
        assert!(
            down.contains_key("dir/link") && down["passwd"].starts_with("root:"),
            "{way:?} {down:?}"
        );
        let accept = [("accept", "application/x-tar")];
        let same = place
            .ask(Method::GET, "/files/srv/up/dir", &accept, "")
            .await
            .expect(200);
        assert_eq!(entries(&same)["dir/empty"], "", "{way:?}");
        let _ = place.get("/archive?path=/nosuch").await.expect(404);
        let _ = place.get("/archive?path=/a/x&path=/b/x").await.expect(400);
    }
}

#[tokio::test]
async fn what_no_archive_should_hold_is_refused() {
    for way in [Way::Descriptors, Way::Stopped] {
        let place = Place::new(way).await;
        for (what, entry) in [
            ("absolute", ("/evil", FILE, "x")),
            ("`..`", ("../evil", FILE, "x")),
            ("`..`", ("a/../../evil", FILE, "x")),
            ("device", ("node", tar::EntryType::Char, "")),
            ("named pipe", ("pipe", tar::EntryType::Fifo, "")),
            ("hard link", ("hard", tar::EntryType::Link, "/etc/passwd")),
            (
                "hard link",
                ("hard", tar::EntryType::Link, "../../etc/passwd"),
            ),
            ("hard link", ("hard", tar::EntryType::Link, "nosuch")),
            ("sparse", ("sparse", tar::EntryType::GNUSparse, "")),
        ] {
            let body = archive(&[entry]);
            let answer = upload(&place, "&mkdirs=true", "application/x-tar", body)
                .await
                .expect(400);
            let named = what == "hard link" || answer.message().contains(what);
            assert!(named, "{way:?} {what}: {}", answer.text);
        }
        for (kind, body) in [
            (
                "application/x-tar",
                b"no archive, but long enough to be a header of one".repeat(20),
            ),
            ("application/gzip", b"no gzip".to_vec()),
            (
                "application/gzip",
                gzip(&archive(&[("a", FILE, "x")]))[..60].to_vec(),
            ),
            ("application/zstd", b"no zstd".to_vec()),
        ] {
            let answer = upload(&place, "&mkdirs=true", kind, body).await;
            assert_eq!(answer.status, 400, "{way:?} {kind}: {}", answer.text);
        }
        let _ = upload(&place, "", "text/html", Vec::new())
            .await
            .expect(415);
        // A bomb, and more entries than there may be.
        let bomb = gzip(&archive(&[("zeros", FILE, &"\0".repeat(64 << 20))]));
        let _ = upload(&place, "&mkdirs=true", "application/gzip", bomb)
            .await
            .expect(413);
        let mut many = archive(&[("e", FILE, "")]);
        many.truncate(512);
        let many = many.repeat(1_000_000);
        let _ = upload(&place, "&mkdirs=true", "application/gzip", gzip(&many))
            .await
            .expect(413);
        let _ = place.get("/files/evil").await.expect(404);
        let _ = place.get("/files/srv/evil").await.expect(404);
    }
}

#[tokio::test]
async fn a_link_in_an_archive_leads_nothing_out() {
    let place = Place::new(Way::Descriptors).await;
    let body = archive(&[
        ("out", tar::EntryType::Symlink, "/etc"),
        ("out/podlane-was-here", FILE, "x"),
    ]);
    let answer = upload(&place, "&mkdirs=true", "application/x-tar", body).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let _ = place.get("/files/etc/podlane-was-here").await.expect(404);
}

#[tokio::test]
async fn many_files_in_one_form() {
    for way in WAYS {
        let place = Place::new(way).await;
        // Much is passed over of a file that can't be written.
        let no = "no".repeat(1 << 20);
        let body = format!(
            "--B\r\nContent-Disposition: form-data; name=\"/srv/one\"\r\n\r\nfirst\r\n\
            --B\r\nContent-Disposition: form-data; name=\"x\"; filename=\"/srv/two\"\r\nContent-Type: text/plain\r\n\r\n\r\n\
            --B\r\nContent-Disposition: form-data; name=\"/proc/1/comm\"\r\n\r\n{no}\r\n\
            --B\r\nContent-Disposition: form-data; name=\"/srv/three\"\r\n\r\nthird\r\n--B--\r\n"
        );
        let headers = [("content-type", "multipart/form-data; boundary=B")];
        let answer = place
            .ask(Method::POST, "/files", &headers, body.clone())
            .await
            .expect(200);
        let rows = answer.json["files"].as_array().expect("rows");
        assert_eq!(answer.json["success"], false);
        let sizes: Vec<_> = rows
            .iter()
            .map(|row| row["file"]["size"].as_u64())
            .collect();
        assert_eq!(
            sizes,
            [Some(5), Some(0), None, Some(5)],
            "{way:?} {}",
            answer.text
        );
        assert_eq!(rows[2]["error"]["field"], "dest_path");
        assert_eq!(
            place.get("/files/srv/three").await.expect(200).text,
            "third"
        );
        let cut = place
            .ask(Method::POST, "/files", &headers, body[..100].to_owned())
            .await;
        assert_eq!(cut.status, 400, "{way:?}: {}", cut.text);
        let endless = place
            .ask(Method::POST, "/files", &headers, no)
            .await
            .expect(400);
        assert!(endless.text.contains("262144"), "{way:?}: {}", endless.text);
    }
}

#[tokio::test]
async fn one_file_of_many_containers() {
    let server = server();
    let api = server.client();
    let running = Fixture::create(&api, BUSYBOX, json!({})).await;
    let stopped = Fixture::stopped(BUSYBOX);
    let without = Fixture::create(&api, BUSYBOX, json!({})).await;
    for container in [&running, &stopped] {
        let _ = container
            .write(&api, "/home/report", &container.name)
            .await
            .expect(200);
    }
    let names = [
        running.name.as_str(),
        &stopped.name,
        &without.name,
        "no-such",
    ];
    let query = format!("&container={}", names.join("&container="));
    let answer = api
        .get(&format!("/files?path=/home/report{query}"))
        .await
        .expect(200);
    let entries = entries(&answer);
    for container in [&running, &stopped] {
        assert_eq!(
            entries[&format!("{}/report", container.name)],
            container.name
        );
    }
    assert!(
        entries[&format!("{}.error", without.name)].contains("does not exist"),
        "{entries:?}"
    );
    assert!(
        entries["no-such.error"].contains("not found"),
        "{entries:?}"
    );
    assert_eq!(entries.len(), 4, "{entries:?}");
    api.get("/files?path=/x&container=a&container=a")
        .await
        .refused(400, "container");
}
