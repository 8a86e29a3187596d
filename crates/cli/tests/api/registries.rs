//! Registries by name, with a real Podman that fetches from one on this machine.

use crate::container::{Container, until};
use crate::{server, server_with};
use podlane_testkit::{
    Answer, BUSYBOX, Client, Door, ImageRegistry, ServerOptions, podman, unique,
};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A registry with an image, whose names podman forgets when the test ends.
pub(crate) struct Source {
    pub(crate) registry: ImageRegistry,
    pub(crate) password: String,
}

impl Source {
    pub(crate) fn new() -> Self {
        let password = unique("pass+word&");
        let door = Door::Password("me".into(), password.clone());
        Self::behind(door, password)
    }

    fn behind(door: Door, password: String) -> Self {
        Self::paced(door, password, Duration::ZERO)
    }

    /// One that makes a pause before each piece of a layer.
    pub(crate) fn slow(pace: Duration) -> Self {
        let password = unique("pass");
        let door = Door::Password("me".into(), password.clone());
        Self::paced(door, password, pace)
    }

    fn paced(door: Door, password: String, pace: Duration) -> Self {
        let saved = podman(&["save", BUSYBOX]);
        assert!(saved.status.success(), "{saved:?}");
        let registry = ImageRegistry::paced(&saved.stdout, &unique("image"), door, pace);
        Self { registry, password }
    }

    fn body(&self, name: &str) -> Value {
        json!({
            "name": name, "host": self.registry.host(), "username": "me", "password": self.password,
        })
    }

    /// Whether anybody said the password.
    fn was_told(&self) -> bool {
        self.registry.was_told(&self.password)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        podman(&["rmi", "-f", "-i", &self.registry.image()]);
    }
}

fn pull(image: &str, registry: &str) -> Value {
    json!({ "image": image, "registry": registry })
}

async fn patch(api: &Client, name: &str, body: &Value) -> Answer {
    let path = format!("/registries/{name}");
    let request = api.request(http::Method::PATCH, &path, Some(body.to_string()));
    api.send(request).await
}

/// Whether a text, or its Base64, is somewhere in the files of a directory.
fn has(directory: &Path, text: &str) -> bool {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").path())
        .any(|path| {
            if path.is_dir() {
                return has(&path, text);
            }
            let bytes = std::fs::read(path).unwrap_or_default();
            let within = |text: &str| {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            };
            within(text) || within(&encoded)
        })
}

#[tokio::test]
async fn an_image_is_fetched_by_a_registrys_name_also_after_a_crash() {
    let state = tempfile::tempdir().expect("a directory");
    let options = || {
        let directory = state.path().display().to_string();
        ServerOptions::default()
            .env("PODLANE_STATE_DIR", &directory)
            .env("PODLANE_AUDIT", "true")
            .env("DEBUG", "true")
    };
    let source = Source::new();
    let image = source.registry.image();
    let server = server_with(options());
    let api = server.client();
    let refused = api
        .post("/pull", json!({ "image": image }))
        .await
        .expect(502);
    assert!(!source.was_told(), "{}", refused.text);
    let mut wrong = source.body("team");
    wrong["password"] = json!("wrong");
    let made = api.post("/registries", wrong).await.expect(200);
    let told =
        json!({ "name": "team", "host": source.registry.host(), "username": "me", "tenant": null });
    for (key, value) in told.as_object().expect("an object") {
        assert_eq!(made.json["registry"][key], *value, "{}", made.text);
    }
    let refused = api.post("/pull", pull(&image, "team")).await.expect(502);
    assert!(
        refused.message().contains("unauthorized"),
        "{}",
        refused.text
    );
    let _ = api.get(&format!("/images/{image}")).await.expect(404);

    let changed = patch(&api, "team", &json!({ "password": source.password })).await;
    let changed = changed.expect(200);
    let pulled = api.post("/pull", pull(&image, "team")).await.expect(200);
    assert_eq!(pulled.json["image"]["name"], json!(image));
    let mut answers = [made, changed, pulled].map(|answer| answer.text).to_vec();

    // Killed in the middle of its life, and the password is still there, and nowhere to be read.
    let log = server.log();
    server.kill();
    let server = server_with(options());
    let api = server.client();
    podman(&["rmi", "-f", &image]);
    {
        let body = json!({ "image": image, "command": "sleep 1000", "pull": "missing", "registry": "team" });
        let container = Container::with(&api, body).await;
        let shown = api.get(&format!("/containers/{}", container.name)).await;
        answers.push(shown.expect(200).text);
        answers.push(String::from_utf8_lossy(&podman(&["inspect", &container.name]).stdout).into());
    }
    answers.push(api.get("/registries").await.expect(200).text);
    answers.push(api.get("/registries/team").await.expect(200).text);
    let audit = api.get("/audit?limit=1000").await.expect(200).text;
    assert!(
        audit.contains(&format!("team at {}", source.registry.host())),
        "{audit}"
    );
    assert!(audit.contains("with the registry team"), "{audit}");
    answers.push(audit);
    answers.push(api.get("/metrics").await.expect(200).text);
    answers.extend([log, server.log()]);
    for text in answers {
        assert!(!text.contains(&source.password), "{text}");
    }
    assert!(
        state.path().join("registries.db").exists() && state.path().join("secret.key").exists()
    );
    assert!(!has(state.path(), &source.password));
    let removed = api.delete("/registries/team").await.expect(200);
    assert_eq!(removed.json["name"], "team");
    let _ = api.post("/pull", pull(&image, "team")).await.expect(404);
    let _ = api.delete("/registries/team").await.expect(404);
}

#[tokio::test]
async fn a_password_goes_to_its_own_registry_only() {
    let server = server();
    let api = server.client();
    let (own, other) = (Source::new(), Source::new());
    let _ = api.post("/registries", own.body("own")).await.expect(200);
    let port = own.registry.host().replace("127.0.0.1:", "");
    for image in [
        other.registry.image(),
        format!("localhost:{port}/app:1"),
        format!("127.0.0.1:0{port}/app:1"),
        "127.0.0.1/app:1".into(),
        "app:1".into(),
        "docker.io/library/app:1".into(),
        format!("docker.io/{}/app", "127.0.0.1"),
        format!("sha256:{}", "0".repeat(64)),
    ] {
        let refused = api.post("/pull", pull(&image, "own")).await;
        assert_eq!(refused.status, 400, "{image}: {}", refused.text);
        let container = json!({
            "image": image, "name": unique("foreign"), "pull": "always", "registry": "own",
        });
        for path in ["/containers", "/containers?dry_run=true"] {
            let refused = api.post(path, container.clone()).await;
            assert_eq!(refused.status, 400, "{image}: {}", refused.text);
        }
    }
    let foreign = pull(&other.registry.image(), "own");
    api.post("/pull", foreign).await.refused(400, "registry");
    let both = json!({
        "image": own.registry.image(), "registry": "own",
        "login": { "username": "me", "password": "x" },
    });
    api.post("/pull", both).await.refused(400, "registry");
    assert!(other.registry.visits().is_empty() && own.registry.visits().is_empty());
    // Its host is not changed, and upper case names the same one.
    let moved = json!({ "host": other.registry.host() });
    patch(&api, "own", &moved).await.refused(400, "host");
    let pulled = api.post("/pull", pull(&own.registry.image(), "own")).await;
    let _ = pulled.expect(200);
    assert!(own.was_told() && other.registry.visits().is_empty());
}

fn build(api: &Client, from: &str, image: &str, query: &str) -> (String, String) {
    let mut builder = tar::Builder::new(Vec::new());
    let file = format!("FROM {from}\nLABEL built=yes\n");
    let mut header = tar::Header::new_gnu();
    header.set_size(file.len() as u64);
    header.set_mode(0o644);
    let added = builder.append_data(&mut header, "Containerfile", file.as_bytes());
    added.expect("an entry");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("context");
    std::fs::write(&path, builder.into_inner().expect("an archive")).expect("written");
    let sent = Command::new("curl")
        .args(["-sS", "-X", "POST", "-w", "\n%{http_code}"])
        .args(["-H", "Content-Type: application/x-tar"])
        .args(["--data-binary", &format!("@{}", path.display())])
        .arg(format!("{}/api/v1/build?image={image}{query}", api.base()))
        .output()
        .expect("curl");
    let text = String::from_utf8(sent.stdout).expect("text");
    let (body, status) = text.rsplit_once('\n').unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

#[tokio::test]
async fn a_build_is_let_in_where_its_registry_is_and_nowhere_else() {
    let server = server();
    let api = server.client();
    let (own, other) = (Source::new(), Source::new());
    let _ = api.post("/registries", own.body("own")).await.expect(200);
    let name = format!("localhost/{}:1", unique("built"));
    let (status, text) = build(&api, &own.registry.image(), &name, "");
    assert_ne!(status, "200", "{text}");
    let (status, text) = build(&api, &other.registry.image(), &name, "&registry=own");
    assert_ne!(status, "200", "{text}");
    let told = other.registry.was_told(&own.password);
    assert!(!told && !other.registry.visits().is_empty(), "{text}");
    let (status, text) = build(&api, &own.registry.image(), &name, "&registry=own");
    assert_eq!(status, "200", "{text}");
    assert!(!text.contains(&own.password), "{text}");
    let built = api.get(&format!("/images/{name}")).await.expect(200);
    assert_eq!(built.json["image"]["labels"]["built"], "yes");
    podman(&["rmi", "-f", &name]);
    for (query, wanted) in [("&registry=none", "404"), ("&registry=-", "400")] {
        let (status, text) = build(&api, &own.registry.image(), &name, query);
        assert_eq!(status, wanted, "{text}");
    }
}

#[tokio::test]
async fn a_registry_that_wants_an_identity_token_gets_it() {
    let server = server();
    let api = server.client();
    let token = unique("token").replace('-', "x");
    let source = Source::behind(Door::IdentityToken(token.clone()), token.clone());
    let body = |token: &str| json!({ "name": "hub", "host": source.registry.host(), "identity_token": token });
    let made = api.post("/registries", body("wrong")).await.expect(200);
    assert_eq!(made.json["registry"]["username"], Value::Null);
    let image = source.registry.image();
    let _ = api.post("/pull", pull(&image, "hub")).await.expect(502);
    patch(&api, "hub", &json!({ "password": "x" }))
        .await
        .refused(400, "username");
    let _ = patch(&api, "hub", &json!({ "identity_token": token }))
        .await
        .expect(200);
    let _ = api.post("/pull", pull(&image, "hub")).await.expect(200);
    let (status, text) = build(&api, &image, "localhost/never:1", "&registry=hub");
    assert_eq!(status, "400", "{text}");
    assert!(!server.log().contains(&token));
}

#[tokio::test]
async fn a_tenants_registries_are_nobody_elses() {
    let server = server();
    let all = server.client();
    let tenants = [unique("class"), unique("class")];
    let [one, other] = [0, 1].map(|at| server.client().with("x-tenant", &tenants[at]));
    let (source, decoy) = (Source::new(), Source::new());
    let image = source.registry.image();
    let _ = one
        .post("/registries", source.body("hub"))
        .await
        .expect(200);
    for client in [&other, &all] {
        for path in ["/registries/hub", "/registries/none"] {
            let missing = client.get(path).await.expect(404);
            let name = path.rsplit('/').next().expect("a name");
            assert_eq!(
                missing.message(),
                format!("there is no registry \"{name}\"")
            );
            let _ = client.delete(path).await.expect(404);
        }
        let _ = patch(client, "hub", &json!({ "password": "x" }))
            .await
            .expect(404);
        let _ = client.post("/pull", pull(&image, "hub")).await.expect(404);
        let container =
            json!({ "image": image, "name": unique("no"), "registry": "hub", "pull": "always" });
        let _ = client.post("/containers", container).await.expect(404);
    }
    assert!(!source.was_told());
    let listed = other.get("/registries").await.expect(200);
    assert_eq!(listed.json["registries"], json!([]));
    // A name is each tenant's own.
    let _ = other
        .post("/registries", decoy.body("hub"))
        .await
        .expect(200);
    let again = other.post("/registries", source.body("hub")).await;
    let _ = again.expect(409);
    let _ = one.post("/pull", pull(&image, "hub")).await.expect(200);
    assert!(!decoy.was_told());
    let listed = all.get("/registries").await.expect(200).json;
    let owners = listed["registries"].as_array().expect("a list").iter();
    let owners: Vec<_> = owners.filter_map(|row| row["tenant"].as_str()).collect();
    assert!(
        tenants
            .iter()
            .all(|tenant| owners.contains(&tenant.as_str())),
        "{listed}"
    );
    let acting = all.clone().with("x-tenant", &tenants[0]);
    let _ = acting.delete("/registries/hub").await.expect(200);
    let _ = other.get("/registries/hub").await.expect(200);
}

#[tokio::test]
async fn a_kubernetes_document_names_registries_as_pull_secrets() {
    let server = server();
    let api = server.client();
    let source = Source::new();
    let _ = api
        .post("/registries", source.body("team"))
        .await
        .expect(200);
    let name = unique("pulling");
    let document = |secrets: Value| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name },
            "spec": {
                "imagePullSecrets": secrets,
                "containers": [
                    { "name": "own", "image": source.registry.image(), "imagePullPolicy": "Always", "command": ["sleep"], "args": ["1000"] },
                    { "name": "local", "image": BUSYBOX, "command": ["sleep"], "args": ["1000"] },
                ],
            },
        })
    };
    let up = async |secrets: Value| {
        let document = document(secrets).to_string();
        let mut request = api.request(http::Method::POST, "/kube/up", Some(document));
        let kind = http::HeaderValue::from_static("application/yaml");
        request.headers_mut().insert("content-type", kind);
        api.send(request).await
    };
    let _ = up(json!([{ "name": "none" }])).await.expect(404);
    up(json!([{ "name": "a/b" }]))
        .await
        .refused(400, "imagePullSecrets");
    let many: Vec<_> = (0..17).map(|_| json!({ "name": "team" })).collect();
    up(json!(many)).await.refused(400, "imagePullSecrets");
    let _ = up(json!([])).await.expect(502);
    assert!(!source.was_told());
    let made = up(json!([{ "name": "team" }])).await.expect(200);
    assert!(source.was_told(), "{}", made.text);
    let _ = api
        .delete(&format!("/pods/{name}?force=true"))
        .await
        .expect(200);
}

#[tokio::test]
async fn without_its_key_a_server_tells_what_it_can_and_says_what_it_can_not() {
    let state = tempfile::tempdir().expect("a directory");
    let key = state.path().join("elsewhere.key");
    let write = |byte: u8| std::fs::write(&key, [byte; 32]).expect("written");
    let mode = |mode: &str| {
        let changed = Command::new("chmod").arg(mode).arg(&key).status();
        assert!(changed.expect("chmod").success());
    };
    write(1);
    mode("0600");
    let options = || {
        let [directory, key] = [state.path(), &key].map(|path| path.display().to_string());
        ServerOptions::default()
            .env("PODLANE_STATE_DIR", &directory)
            .env("PODLANE_SECRET_KEY_FILE", &key)
    };
    let source = Source::new();
    {
        let api = server_with(options());
        let kept = api.client().post("/registries", source.body("team")).await;
        let _ = kept.expect(200);
    }
    assert!(!state.path().join("secret.key").exists());
    write(2);
    let server = server_with(options());
    let api = server.client();
    let image = source.registry.image();
    let lost = api.post("/pull", pull(&image, "team")).await.expect(503);
    assert!(lost.message().contains("key"), "{}", lost.text);
    assert!(source.registry.visits().is_empty());
    let said = || server.log().contains("encrypted with another key");
    until("the reason is logged", said).await;
    let listed = api.get("/registries").await.expect(200).json;
    assert_eq!(listed["registries"][0]["name"], "team");
    let anew = json!({ "password": source.password });
    let _ = patch(&api, "team", &anew).await.expect(200);
    let _ = api.post("/pull", pull(&image, "team")).await.expect(200);
    drop(server);
    for (what, wanted) in [("0644", "0600"), ("0600", "exactly 32 bytes")] {
        mode(what);
        if what == "0600" {
            std::fs::write(&key, "too short").expect("written");
        }
        let [directory, key] = [state.path(), &key].map(|path| path.display().to_string());
        let began = Command::new(env!("CARGO_BIN_EXE_podlane"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--state-dir",
                &directory,
            ])
            .args(["--secret-key-file", &key])
            .arg(format!(
                "--engine=unix://{}",
                podlane_testkit::podman_socket().display()
            ))
            .output()
            .expect("it ends");
        let said = String::from_utf8_lossy(&began.stderr);
        assert!(!began.status.success() && said.contains(wanted), "{said}");
        assert!(said.contains("elsewhere.key"), "{said}");
    }
}
