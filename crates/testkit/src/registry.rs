//! A registry of images that lets in who says the right thing, in threads of its own. It speaks plain HTTP.
//!
//! Source: the OCI distribution specification, as far as it is about pulls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What lets one in.
#[derive(Debug, Clone)]
pub enum Door {
    /// A name and a password.
    Password(String, String),
    /// A token, for which the registry gives another one.
    IdentityToken(String),
}

/// How much of a blob is sent at one go.
const PIECE: usize = 64 << 10;
/// What the registry gives for a good token.
const ACCESS: &str = "let-me-in";

/// A request as it came: method and path, and what it said to be let in.
#[derive(Debug, Clone)]
pub struct Visit {
    /// `GET /v2/`
    pub request: String,
    /// The header `Authorization`.
    pub said: Option<String>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    door: Door,
    /// The pause before each piece of a blob.
    pace: Duration,
    /// Answers that nobody took to their end.
    left: AtomicU32,
    /// What there is, with its media type.
    things: BTreeMap<String, (&'static str, Vec<u8>)>,
    visits: Mutex<Vec<Visit>>,
}

/// A registry on a port of 127.0.0.1 that has one image, `app:1`.
#[derive(Debug)]
pub struct ImageRegistry(Arc<Shared>);

impl ImageRegistry {
    /// Listens, until the process ends. The image is that of an archive as `podman save` writes it, with a label of its
    /// own.
    ///
    /// # Panics
    /// If it can't.
    pub fn start(archive: &[u8], label: &str, door: Door) -> Self {
        Self::paced(archive, label, door, Duration::ZERO)
    }

    /// The same, that makes a pause before each 64 KiB of a blob. Unless that is none, the image has a layer of 2 MiB
    /// more, which nobody has yet.
    ///
    /// # Panics
    /// If it can't listen.
    pub fn paced(archive: &[u8], label: &str, door: Door, pace: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("bound"),
            door,
            pace,
            left: AtomicU32::new(0),
            things: things(archive, label, !pace.is_zero()),
            visits: Mutex::default(),
        });
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&kept);
                thread::spawn(move || shared.receive(&stream));
            }
        });
        Self(shared)
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.0.address.to_string()
    }

    /// The name of its image.
    pub fn image(&self) -> String {
        format!("{}/app:1", self.0.address)
    }

    /// How many answers nobody took to their end.
    pub fn left(&self) -> u32 {
        self.0.left.load(Ordering::Relaxed)
    }

    /// Whether somebody has said a password, right or wrong.
    pub fn was_told(&self, password: &str) -> bool {
        let told = |visit: &Visit| {
            let basic = visit.said.as_deref()?.strip_prefix("Basic ")?;
            let said = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
            Some(said.contains(password))
        };
        self.visits().iter().any(|visit| told(visit) == Some(true))
    }

    /// All that came so far.
    pub fn visits(&self) -> Vec<Visit> {
        let visits = self.0.visits.lock();
        visits.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Files of an archive by their names.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive");
    let read = |entry: std::io::Result<tar::Entry<_>>| {
        let mut entry: tar::Entry<&[u8]> = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a file");
        (name, bytes)
    };
    entries.map(read).collect()
}

/// A layer with one large file that is of that label only.
fn layer(label: &str) -> Vec<u8> {
    let content = label.as_bytes().iter().copied().cycle().take(2 << 20);
    let content: Vec<u8> = content.collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    let added = builder.append_data(&mut header, "large", &content[..]);
    added.expect("a file");
    builder.into_inner().expect("a layer")
}

fn things(archive: &[u8], label: &str, more: bool) -> BTreeMap<String, (&'static str, Vec<u8>)> {
    const BYTES: &str = "application/octet-stream";
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let files = files(archive);
    let saved: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let config = &files[&text(&saved[0]["Config"])];
    let mut config: Value = serde_json::from_slice(config).expect("JSON");
    config["config"]["Labels"] = json!({ "of": label });
    let more = more.then(|| layer(label));
    if let (Some(layer), Some(layers)) = (&more, config["rootfs"]["diff_ids"].as_array_mut()) {
        layers.push(json!(digest(layer)));
    }
    let config = config.to_string().into_bytes();
    let mut things = BTreeMap::new();
    let mut blob = |kind: &str, bytes: Vec<u8>| {
        let digest = digest(&bytes);
        let about = json!({ "mediaType": kind, "digest": digest, "size": bytes.len() });
        things.insert(format!("/v2/app/blobs/{digest}"), (BYTES, bytes));
        about
    };
    let layers = saved[0]["Layers"].as_array().expect("layers").iter();
    let layers = layers.map(|layer| files[&text(layer)].clone()).chain(more);
    let layers = layers.map(|bytes| blob("application/vnd.oci.image.layer.v1.tar", bytes));
    let layers: Vec<_> = layers.collect();
    let config = blob("application/vnd.oci.image.config.v1+json", config);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    for name in ["1", &digest(&manifest)] {
        let path = format!("/v2/app/manifests/{name}");
        things.insert(path, (MANIFEST, manifest.clone()));
    }
    things.insert("/v2/".into(), ("application/json", b"{}".to_vec()));
    things
}

impl Shared {
    fn receive(&self, mut stream: &TcpStream) {
        let Some((request, said, body)) = read(stream) else {
            return;
        };
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let whole = !request.starts_with("HEAD");
        let visit = Visit {
            request,
            said: said.clone(),
        };
        self.visits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(visit);
        let (status, more, (kind, content)) = self.answer(&path, said.as_deref(), &body);
        let head = format!(
            "HTTP/1.1 {status} x\r\n{more}content-type: {kind}\r\ncontent-length: {}\r\ndocker-content-digest: {}\r\nconnection: close\r\n\r\n",
            content.len(),
            digest(&content)
        );
        let mut pieces = content.chunks(PIECE).filter(|_| whole);
        let sent = stream.write_all(head.as_bytes()).and_then(|()| {
            pieces.try_for_each(|piece| {
                if path.contains("/blobs/") {
                    thread::sleep(self.pace);
                }
                stream.write_all(piece)
            })
        });
        if sent.is_err() {
            self.left.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn answer(
        &self,
        path: &str,
        said: Option<&str>,
        body: &str,
    ) -> (u16, String, (&'static str, Vec<u8>)) {
        let json = |value: Value| ("application/json", value.to_string().into_bytes());
        let denied =
            json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "authentication required" }] });
        let (right, ask) = match &self.door {
            Door::Password(name, password) => (
                format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))),
                "Basic realm=\"test\"".to_owned(),
            ),
            Door::IdentityToken(token) => {
                if path.starts_with("/token") {
                    let good = body
                        .split('&')
                        .any(|part| part == format!("refresh_token={token}"));
                    return if good {
                        let access = json!({ "access_token": ACCESS, "token": ACCESS });
                        (200, String::new(), json(access))
                    } else {
                        (401, String::new(), json(denied))
                    };
                }
                let realm = format!("http://{}/token", self.address);
                (
                    format!("Bearer {ACCESS}"),
                    format!("Bearer realm=\"{realm}\",service=\"test\""),
                )
            }
        };
        if said != Some(&right) {
            return (401, format!("www-authenticate: {ask}\r\n"), json(denied));
        }
        if let Some((kind, content)) = self.things.get(path) {
            return (200, String::new(), (*kind, content.clone()));
        }
        let unknown = json!({ "errors": [{ "code": "MANIFEST_UNKNOWN", "message": "unknown" }] });
        (404, String::new(), json(unknown))
    }
}

/// Request line, `Authorization` and body.
fn read(stream: &TcpStream) -> Option<(String, Option<String>, String)> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let (mut said, mut length) = (None, Some(0));
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => said = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().ok(),
            "transfer-encoding" => length = None,
            _ => {}
        }
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body).ok()?;
        }
        None => while chunk(&mut reader, &mut body)? {},
    }
    Some((
        request.trim().to_owned(),
        said,
        String::from_utf8(body).ok()?,
    ))
}

/// A piece of a body whose length nobody knew. Whether there are more.
fn chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Option<bool> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut piece = vec![0; usize::from_str_radix(line.trim(), 16).ok()?];
    reader.read_exact(&mut piece).ok()?;
    line.clear();
    reader.read_line(&mut line).ok()?;
    body.extend_from_slice(&piece);
    Some(!piece.is_empty())
}
