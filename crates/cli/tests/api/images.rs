//! Images: list, look, tag, remove; commit, build, save, load.

use crate::container::Container;
use crate::server;
use podlane_testkit::{BUSYBOX, Client, ENTRYPOINT, Server, podman, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Command;

/// An image that podman removes when the test ends.
struct Gone(String);

impl Gone {
    fn new() -> Self {
        Self(format!("localhost/{}:1", unique("image")))
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        podman(&["rmi", "-f", "-i", &self.0]);
    }
}

fn context(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, content.as_bytes())
            .expect("an entry");
    }
    builder.into_inner().expect("an archive")
}

/// A request with a tar archive, as curl sends it; status and body.
fn send(server: &Server, api: &Client, path: &str, accept: &str, body: &[u8]) -> (u16, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("body");
    std::fs::write(&file, body).expect("written");
    let sent = Command::new("curl")
        .args(["-sS", "-N", "-X", "POST", "-w", "\n%{http_code}"])
        .args(["-H", "Content-Type: application/x-tar"])
        .args(["-H", &format!("Accept: {accept}")])
        .args(["--data-binary", &format!("@{}", file.display())])
        .arg(format!("{}/api/v1{path}", api.base()))
        .output()
        .expect("curl");
    let text = String::from_utf8(sent.stdout).expect("text");
    let (body, status) = text.rsplit_once('\n').unwrap_or_default();
    let status = status.parse().unwrap_or_default();
    assert!(status != 0, "{}", server.log());
    (status, body.to_owned())
}

fn events(lines: &str) -> Vec<Value> {
    let lines = lines.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

#[tokio::test]
async fn an_image_is_listed_named_and_removed() {
    let server = server();
    let api = server.client();
    let listed = api.get("/images").await.expect(200);
    let images = listed.json["images"].as_array().expect("a list");
    let has = |image: &Value, name: &str| {
        let names = image["names"].as_array().expect("names");
        names.iter().any(|known| known == name)
    };
    let row = images.iter().find(|row| has(row, ENTRYPOINT)).expect("it");
    assert!(row["size_bytes"].as_u64().expect("bytes") > 1000);
    let image = api
        .get(&format!("/images/{ENTRYPOINT}"))
        .await
        .expect(200)
        .json["image"]
        .take();
    assert_eq!(image["id"], row["id"]);
    assert_eq!(image["entrypoint"], json!(["/bin/sh", "-c"]));
    assert_eq!(image["os"], "linux");
    assert!(!image["layers"].as_array().expect("layers").is_empty());
    let encoded = ENTRYPOINT.replace('/', "%2F").replace(':', "%3A");
    for way in [encoded.as_str(), image["full_id"].as_str().expect("an ID")] {
        let same = api.get(&format!("/images/{way}")).await.expect(200);
        assert_eq!(same.json["image"]["id"], image["id"]);
    }
    let name = Gone::new();
    let tag = json!({ "image": ENTRYPOINT, "name": name.0 });
    let tagged = api.post("/tag", tag).await.expect(200);
    assert!(has(&tagged.json["image"], &name.0), "{}", tagged.text);
    let path = format!("/images/{}", name.0);
    let removed = api.delete(&path).await.expect(200);
    assert_eq!(removed.json["untagged"], json!([name.0]));
    assert_eq!(removed.json["deleted"], json!([]));
    let _ = api.delete(&path).await.expect(404);
    let _ = api.get(&path).await.expect(404);
    let container = Container::sleeping(&api, BUSYBOX).await;
    let used = api
        .delete(&format!("/images/{}", container.inspect("{{.Image}}")))
        .await;
    assert_eq!(used.status, 409, "{}", used.text);
    for (path, body, field) in [
        (
            "/tag",
            json!({ "image": BUSYBOX, "name": format!("x@sha256:{}", "0".repeat(64)) }),
            "name",
        ),
        ("/tag", json!({ "image": "A B", "name": "x" }), "image"),
        ("/pull", json!({ "image": "dir:/etc" }), "image"),
        (
            "/pull",
            json!({ "image": "a", "login": { "username": "", "password": "x" } }),
            "login",
        ),
    ] {
        api.post(path, body).await.refused(400, field);
    }
    for path in [
        "/images/docker-archive:x",
        "/images/..%2Fx",
        "/save",
        "/save?image=A",
    ] {
        let refused = api.get(path).await.expect(400);
        assert_eq!(
            refused.json["error"]["field"], "image",
            "{path}: {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn a_container_becomes_an_image() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let _ = container
        .exec(json!({ "command": "echo kept > /kept" }))
        .await;
    let name = Gone::new();
    let body = json!({
        "image": name.0, "author": "me", "comment": "as it was",
        "changes": ["CMD [\"sleep\", \"5000\"]", "ENV COURSE=net-101", "LABEL team=blue"],
    });
    let made = api.post(&container.path("commit"), body).await.expect(200);
    let image = &made.json["image"];
    assert_eq!(image["command"], json!(["sleep", "5000"]), "{}", made.text);
    assert_eq!(image["environment"]["COURSE"], "net-101");
    assert_eq!(
        (&image["labels"]["team"], &image["author"]),
        (&json!("blue"), &json!("me"))
    );
    {
        let again = Container::with(&api, json!({ "image": name.0 })).await;
        let read = again.exec(json!({ "command": "cat /kept" })).await;
        assert_eq!(read["output"], "kept\n");
    }
    let wrong = json!({ "image": name.0, "changes": ["FLY away"] });
    api.post(&container.path("commit"), wrong)
        .await
        .refused(400, "changes");
    let _ = api
        .post("/containers/nobody/commit", json!({ "image": "x" }))
        .await
        .expect(404);
}

#[tokio::test]
async fn an_image_is_built_with_its_output_on_the_way() {
    let server = server();
    let api = server.client();
    let (one, two) = (Gone::new(), Gone::new());
    let label = unique("built");
    let file = format!(
        "FROM {BUSYBOX}\nARG WORD=none\nCOPY greeting /greeting\nRUN echo \"said $WORD\" && echo $WORD >> /greeting\n"
    );
    let tar = context(&[("Containerfile", &file), ("greeting", "hello\n")]);
    let path = format!("/build?image={}&arg=WORD=world&label={label}=1", one.0);
    let (status, lines) = send(&server, &api, &path, "application/x-ndjson", &tar);
    assert_eq!(status, 200, "{lines}");
    let events = events(&lines);
    assert!(lines.contains("said world"), "{lines}");
    let last = events.last().expect("an end");
    assert_eq!(
        (&last["event"], &last["name"]),
        (&json!("done"), &json!(one.0)),
        "{lines}"
    );
    let built = api.get(&format!("/images/{}", one.0)).await.expect(200);
    assert_eq!(built.json["image"]["id"], last["id"]);
    {
        let container =
            Container::with(&api, json!({ "image": one.0, "command": "sleep 5000" })).await;
        let read = container.exec(json!({ "command": "cat /greeting" })).await;
        assert_eq!(read["output"], "hello\nworld\n");
    }
    let pruned = api
        .act(&format!("/prune/images?all=true&label={label}"))
        .await
        .expect(200);
    assert_eq!(
        pruned.json["removed"].as_array().expect("IDs").len(),
        1,
        "{}",
        pruned.text
    );

    let bad = context(&[(
        "Containerfile",
        &format!("FROM {BUSYBOX}\nRUN echo so far; exit 3\n"),
    )]);
    let path = format!("/build?image={}", two.0);
    let (status, text) = send(&server, &api, &path, "text/event-stream", &bad);
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains("so far") && text.contains("event: error\n"),
        "{text}"
    );
    let (status, text) = send(&server, &api, &path, "application/json", &bad);
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("exit status 3"), "{text}");
    for (tar, what) in [
        (context(&[("readme", "x")]), "no instructions"),
        (b"garbage".to_vec(), "no tar"),
    ] {
        let (status, text) = send(&server, &api, &path, "application/json", &tar);
        assert!(
            (400..=500).contains(&status) && status != 404,
            "{what}: {status} {text}"
        );
    }
    let _ = api.get(&format!("/images/{}", two.0)).await.expect(404);
    for query in [
        "",
        "?image=A",
        "?image=a&dockerfile=../x",
        "?image=a&arg=x",
        "?image=a&arg=x=1&arg=x=2",
    ] {
        let (status, text) = send(&server, &api, &format!("/build{query}"), "*/*", &tar);
        assert_eq!(status, 400, "{query}: {text}");
    }
}

#[tokio::test]
async fn images_travel_as_an_archive() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let name = Gone::new();
    let _ = api
        .post(&container.path("commit"), json!({ "image": name.0 }))
        .await
        .expect(200);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("images.tar");
    let saved = Command::new("curl")
        .args(["-sSf", "-o"])
        .arg(&file)
        .arg(format!("{}/api/v1/save?image={}", api.base(), name.0))
        .status();
    assert!(saved.expect("curl").success());
    let removed = api.delete(&format!("/images/{}", name.0)).await.expect(200);
    assert_eq!(removed.json["deleted"].as_array().expect("IDs").len(), 1);
    let archive = std::fs::read(&file).expect("the archive");
    let (status, text) = send(&server, &api, "/load", "*/*", &archive);
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["names"], json!([name.0]));
    let _ = api.get(&format!("/images/{}", name.0)).await.expect(200);
    let half = archive.len() / 2;
    for wrong in [&b"garbage"[..], b"", &archive[..1000], &archive[..half]] {
        let (status, text) = send(&server, &api, "/load", "*/*", wrong);
        assert_eq!(status, 400, "{text}");
        assert!(!text.contains("/tmp"), "{text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(answer["error"]["field"], "body", "{text}");
    }
    let missing = api.get("/save?image=localhost/nothing:1").await.expect(404);
    assert!(
        missing.message().contains("localhost/nothing:1"),
        "{}",
        missing.text
    );
}

/// A file among the blobs of an OCI archive; its digest.
fn blob(files: &mut BTreeMap<String, Vec<u8>>, content: &Value) -> Value {
    let content = content.to_string().into_bytes();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&content).expect("written");
    let sum = Command::new("sha256sum").arg(file.path()).output();
    let digest = String::from_utf8(sum.expect("a sum").stdout).expect("text");
    let digest = digest.split(' ').next().expect("a digest").to_owned();
    let told = json!({ "digest": format!("sha256:{digest}"), "size": content.len() });
    files.insert(format!("blobs/sha256/{digest}"), content);
    told
}

/// An image as an OCI archive, without the times that its configuration need not have.
fn undated(image: &str, name: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("oci.tar");
    let path = file.to_str().expect("a path");
    let saved = podman(&["save", "--format", "oci-archive", "-o", path, image]);
    assert!(saved.status.success(), "{saved:?}");
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(std::fs::File::open(&file).expect("the archive"));
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("read");
        if entry.header().entry_type().is_file() {
            files.insert(path, content);
        }
    }
    let read = |files: &BTreeMap<String, Vec<u8>>, path: &str| -> Value {
        serde_json::from_slice(&files[path]).expect("JSON")
    };
    let at = |told: &Value| {
        let digest = told["digest"].as_str().expect("a digest");
        digest.replace("sha256:", "blobs/sha256/")
    };
    let mut index = read(&files, "index.json");
    let mut manifest = read(&files, &at(&index["manifests"][0]));
    let mut config = read(&files, &at(&manifest["config"]));
    config.as_object_mut().expect("an object").remove("created");
    for step in config["history"].as_array_mut().into_iter().flatten() {
        step.as_object_mut().expect("an object").remove("created");
    }
    let told = blob(&mut files, &config);
    manifest["config"]["digest"] = told["digest"].clone();
    manifest["config"]["size"] = told["size"].clone();
    let told = blob(&mut files, &manifest);
    let row = &mut index["manifests"][0];
    row["digest"] = told["digest"].clone();
    row["size"] = told["size"].clone();
    row["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    files.insert("index.json".into(), index.to_string().into_bytes());
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let added = builder.append_data(&mut header, path, &content[..]);
        added.expect("an entry");
    }
    builder.into_inner().expect("an archive")
}

#[tokio::test]
async fn an_image_need_not_say_when_it_was_made() {
    let server = server();
    let api = server.client();
    let name = Gone::new();
    let archive = undated(BUSYBOX, &name.0);
    let (status, text) = send(&server, &api, "/load", "*/*", &archive);
    assert_eq!(status, 200, "{text}");
    let path = format!("/images/{}", name.0);
    let image = api.get(&path).await.expect(200).json["image"].take();
    assert_eq!(image["created"], Value::Null, "{image}");
    let steps = image["history"].as_array().expect("steps");
    assert!(
        steps.iter().all(|step| step["created"].is_null()),
        "{image}"
    );
    let container = Container::with(&api, json!({ "image": name.0, "command": "sleep 5000" }));
    drop(container.await);
    let _ = api.delete(&path).await.expect(200);
}
