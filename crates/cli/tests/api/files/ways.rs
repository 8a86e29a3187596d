//! Files on every way: by an agent with descriptors, by one over a stream, by the engine alone, and of a
//! container that does not run. The same is asked, and the same is answered.

use crate::fixture::Fixture;
use crate::{server, server_by_stream, server_with};
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};
use http_body_util::Full;
use podlane_testkit::{Answer, BUSYBOX, Client, Server, ServerOptions, podman};
use serde_json::{Value, json};

/// How files are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Descriptors,
    Stream,
    Engine,
    Stopped,
}

pub(super) const WAYS: [Way; 4] = [Way::Descriptors, Way::Stream, Way::Engine, Way::Stopped];

/// A server and a container whose files are reached on a way.
pub(super) struct Place {
    pub(super) api: Client,
    pub(super) container: Fixture,
    pub(super) server: Server,
}

impl Place {
    pub(super) async fn new(way: Way) -> Self {
        let server = match way {
            Way::Stream => server_by_stream(),
            Way::Engine => server_with(ServerOptions::default().env("PODLANE_EXEC_AGENT", "false")),
            Way::Descriptors | Way::Stopped => server(),
        };
        let api = server.client();
        let container = Fixture::create(&api, BUSYBOX, json!({})).await;
        if way == Way::Stopped {
            podman(&["stop", "-t", "0", &container.name]);
        }
        Self {
            api,
            container,
            server,
        }
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let path = self.container.path(path);
        let mut request = self.api.request(method, &path, None);
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request
                .headers_mut()
                .insert(name, value.parse().expect("a value"));
        }
        let body = body.into();
        self.api.send(request.map(|_| Full::new(body))).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(super) async fn put(&self, path: &str, body: &'static str) -> Answer {
        self.ask(Method::PUT, path, &[], body).await
    }

    pub(super) async fn operate(&self, body: Value) -> Answer {
        let path = self.container.path("/file-operations");
        self.api.post(&path, body).await
    }
}

fn etag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn a_file_is_written_read_and_removed() {
    for way in WAYS {
        let place = Place::new(way).await;
        let at = "/files/srv/new/a%20b.txt";
        let _ = place.put(at, "x").await.expect(404);
        let made = place
            .put(&format!("{at}?mkdirs=true&mode=0640"), "0123456789")
            .await
            .expect(200);
        assert_eq!(made.json["file"]["size"], 10, "{way:?}");
        assert_eq!(made.json["file"]["mode"], "0640", "{way:?}");
        assert_eq!(made.json["file"]["kind"], "file", "{way:?}");

        let read = place.get(at).await.expect(200);
        assert_eq!(read.text, "0123456789", "{way:?}");
        assert_eq!(etag(&read), etag(&made), "{way:?}");
        assert_eq!(read.headers["content-length"], "10");
        assert_eq!(read.headers[CONTENT_TYPE], "application/octet-stream");
        assert_eq!(read.headers["x-content-type-options"], "nosniff");
        let disposition = read.headers["content-disposition"].to_str().expect("text");
        assert_eq!(disposition, "attachment; filename*=UTF-8''a%20b.txt");
        assert!(read.headers.contains_key("last-modified"));
        let head = place.ask(Method::HEAD, at, &[], "").await.expect(200);
        assert_eq!(
            (head.text.as_str(), etag(&head)),
            ("", etag(&made)),
            "{way:?}"
        );
        assert_eq!(head.headers["content-length"], "10");

        let info = place
            .get("/file-info?path=/srv/new/a%20b.txt")
            .await
            .expect(200);
        assert_eq!(info.json["file"], made.json["file"], "{way:?}");
        assert_eq!(etag(&info), etag(&made), "{way:?}");

        // As JSON.
        let json = place.get(&format!("{at}?form=json")).await.expect(200).json;
        assert_eq!(
            (&json["content"], &json["encoding"]),
            (&json!("0123456789"), &json!("text"))
        );
        let body = json!({ "content": "/wA=", "encoding": "base64" }).to_string();
        let kind = [("content-type", "application/json")];
        let _ = place
            .ask(Method::PUT, &format!("{at}?form=json"), &kind, body)
            .await
            .expect(200);
        let json = place.get(&format!("{at}?form=json")).await.expect(200).json;
        assert_eq!(
            (&json["content"], &json["encoding"]),
            (&json!("/wA="), &json!("base64"))
        );
        assert_eq!(
            json["file"]["mode"], "0640",
            "a replaced file keeps its mode"
        );

        let _ = place.ask(Method::DELETE, at, &[], "").await.expect(200);
        let _ = place.ask(Method::DELETE, at, &[], "").await.expect(404);
        let _ = place.get(at).await.expect(404);
        let _ = place
            .get("/file-info?path=/srv/new/a%20b.txt")
            .await
            .expect(404);
        if way != Way::Stopped {
            place.container.assert_clean();
        }
    }
}

#[tokio::test]
async fn ranges_and_conditions() {
    for way in WAYS {
        let place = Place::new(way).await;
        let at = "/files/tmp/f";
        let made = place
            .ask(Method::PUT, at, &[("if-none-match", "*")], "0123456789")
            .await
            .expect(201);
        let tag = etag(&made);
        let range = async |range: &str| place.ask(Method::GET, at, &[("range", range)], "").await;
        for (asked, text, told) in [
            ("bytes=2-4", "234", "bytes 2-4/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=-3", "789", "bytes 7-9/10"),
            ("bytes=0-99", "0123456789", "bytes 0-9/10"),
        ] {
            let part = range(asked).await.expect(206);
            assert_eq!(
                (
                    part.text.as_str(),
                    part.headers["content-range"].to_str().expect("text")
                ),
                (text, told),
                "{way:?}"
            );
        }
        range("bytes=10-").await.refused(416, "Range");
        assert_eq!(range("bytes=0-1,3-4").await.expect(200).text, "0123456789");

        let with =
            async |name: &str, value: &str| place.ask(Method::GET, at, &[(name, value)], "").await;
        assert_eq!(with("if-none-match", &tag).await.expect(304).text, "");
        let _ = with("if-match", &tag).await.expect(200);
        let _ = with("if-match", "\"1.2-3\"").await.expect(412);
        let known = [("range", "bytes=50-"), ("if-none-match", &tag)];
        let _ = place.ask(Method::GET, at, &known, "").await.expect(304);
        for (tag, status) in [(tag.as_str(), 206), ("\"1.2-3\"", 200)] {
            let headers = [("range", "bytes=0-0"), ("if-range", tag)];
            let _ = place
                .ask(Method::GET, at, &headers, "")
                .await
                .expect(status);
        }
        let put = async |name: &str, value: &str| {
            place.ask(Method::PUT, at, &[(name, value)], "new").await
        };
        let taken = put("if-none-match", "*").await;
        assert!(
            [409, 412].contains(&taken.status.as_u16()),
            "{way:?}: {}",
            taken.text
        );
        let _ = put("if-match", "\"1.2-3\"").await.expect(412);
        assert_eq!(place.get(at).await.expect(200).text, "0123456789");
        let _ = put("if-match", &tag).await.expect(200);
        let _ = put("if-match", &tag).await.expect(412);
        let _ = place
            .ask(Method::DELETE, at, &[("if-match", &tag)], "")
            .await
            .expect(412);
        assert_eq!(place.get(at).await.expect(200).text, "new");
    }
}

#[tokio::test]
async fn directories_links_lists_and_moves() {
    for way in WAYS {
        let place = Place::new(way).await;
        let ok = async |body: Value| place.operate(body).await.expect(200);
        let made =
            ok(json!({ "operation": "mkdir", "path": "/d/sub", "mode": "0750", "parents": true }))
                .await;
        assert_eq!(made.json["file"]["mode"], "0750", "{way:?}");
        let again = json!({ "operation": "mkdir", "path": "/d/sub" });
        let _ = place.operate(again).await.expect(409);
        for name in ["b.txt", "a.txt", "sub/c.txt", "c-1"] {
            let _ = place
                .put(&format!("/files/d/{name}"), "text")
                .await
                .expect(200);
        }
        let _ = ok(json!({ "operation": "symlink", "path": "/d/link", "target": "a.txt" })).await;
        let _ = place
            .operate(json!({ "operation": "symlink", "path": "/d/link", "target": "x" }))
            .await
            .expect(409);
        assert_eq!(place.get("/files/d/link").await.expect(200).text, "text");

        let list = async |query: &str| {
            let answer = place
                .get(&format!("/file-list?path=/d{query}"))
                .await
                .expect(200);
            let files = answer.json["files"].as_array().expect("files").iter();
            let names: Vec<String> = files
                .map(|file| file["path"].as_str().expect("a path").to_owned())
                .collect();
            (names, answer.json["next"].as_str().map(str::to_owned))
        };
        assert_eq!(
            list("").await.0,
            ["a.txt", "b.txt", "c-1", "link", "sub"],
            "{way:?}"
        );
        let deep = list("&depth=9").await.0;
        assert_eq!(
            deep,
            ["a.txt", "b.txt", "c-1", "link", "sub", "sub/c.txt"],
            "{way:?}"
        );
        assert_eq!(
            list("&depth=9&pattern=**/*.txt").await.0,
            ["a.txt", "b.txt", "sub/c.txt"],
            "{way:?}"
        );
        let (first, next) = list("&depth=9&limit=4").await;
        assert_eq!(first.len(), 4);
        let next = next.expect("more");
        assert_eq!(
            list(&format!("&depth=9&cursor={next}")).await,
            (vec!["sub".into(), "sub/c.txt".into()], None),
            "{way:?}"
        );
        let _ = place.get("/file-list?path=/d/a.txt").await.expect(409);
        let _ = place.get("/file-list?path=/nosuch").await.expect(404);
        let part = place.get("/file-list?path=/d&pattern=%5Ba").await;
        part.refused(400, "pattern");

        let _ = ok(json!({ "operation": "copy", "path": "/d/a.txt", "to": "/d/copy" })).await;
        let _ = place
            .operate(json!({ "operation": "copy", "path": "/d/a.txt", "to": "/d/copy" }))
            .await
            .expect(409);
        let _ = place
            .operate(json!({ "operation": "copy", "path": "/d", "to": "/e" }))
            .await
            .expect(409);
        let _ =
            ok(json!({ "operation": "copy", "path": "/d", "to": "/e", "recursive": true })).await;
        assert_eq!(
            place.get("/files/e/sub/c.txt").await.expect(200).text,
            "text",
            "{way:?}"
        );
        let _ =
            ok(json!({ "operation": "move", "path": "/d/copy", "to": "/moved", "owner": "0:0" }))
                .await;
        let _ = place.get("/files/d/copy").await.expect(404);
        assert_eq!(
            place.get("/files/moved").await.expect(200).text,
            "text",
            "{way:?}"
        );
        let _ =
            ok(json!({ "operation": "change", "path": "/moved", "mode": "0600", "owner": "1:2" }))
                .await;
        let info = place.get("/file-info?path=/moved").await.expect(200);
        assert_eq!(info.json["file"]["mode"], "0600", "{way:?}");
        assert_eq!(info.json["file"]["size"], 4, "{way:?}");

        let _ = place.get("/files/d").await.expect(409);
        let _ = place
            .ask(Method::DELETE, "/files/d", &[], "")
            .await
            .expect(409);
        let _ = place
            .ask(Method::DELETE, "/files/d?recursive=true", &[], "")
            .await
            .expect(200);
        let _ = place.get("/file-info?path=/d").await.expect(404);
        for path in ["/proc/1/environ", "/sys/kernel/notes", "/dev/null"] {
            let _ = place.get(&format!("/files{path}")).await.expect(400);
        }
        podman(&["start", &place.container.name]);
        assert_eq!(
            place.container.sh("stat -c '%a %u:%g' /moved; cat /moved"),
            "600 1:2\ntext",
            "{way:?}"
        );
        place.container.assert_clean();
    }
}
