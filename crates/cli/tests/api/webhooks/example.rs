//! The receiver of docs/webhooks.md, and one that speaks TLS.

use super::options;
use crate::server_with;
use podlane_testkit::{BUSYBOX, podman, unique};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ends with this.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// Runs Python and gives the lines that it prints, once it listens on a port.
fn python(script: &str, arguments: &[&str], port: u16) -> (Program, Receiver<String>) {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3");
    let (to, lines) = channel();
    let printed = BufReader::new(child.stdout.take().expect("piped"));
    thread::spawn(move || {
        for line in printed.lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
    let program = Program(child);
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < PATIENCE, "it never listens");
        thread::sleep(Duration::from_millis(20));
    }
    (program, lines)
}

/// The first block of a language in a document.
fn block(document: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(document);
    let text = fs::read_to_string(path).expect("a document");
    let (_, rest) = text
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[tokio::test]
async fn the_documented_receiver_verifies_what_is_sent() {
    let server = server_with(options());
    let api = server.client();
    let (port, prefix) = (free_port(), unique("hook"));
    let url = format!("http://127.0.0.1:{port}/");
    let body = json!({ "url": url, "events": ["died", "remove"], "name_prefix": prefix });
    let made = api.post("/webhooks", body).await.expect(200).json;
    let secret = made["secret"].as_str().expect("a secret");
    let text = port.to_string();
    let script = block("webhooks.md", "python");
    let (program, lines) = python(&script, &[secret, &text], port);
    let path = format!(
        "/webhooks/{}",
        made["webhook"]["id"].as_str().expect("an ID")
    );
    let pinged = api.act(&format!("{path}/test")).await.expect(200).json;
    assert_eq!(pinged["status"], 204, "{pinged}");
    assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("ping"));
    let name = format!("{prefix}-one");
    let ran = podman(&["run", "--rm", "--name", &name, BUSYBOX, "true"]);
    assert!(ran.status.success(), "{ran:?}");
    let mut told: Vec<_> = (0..2)
        .map(|_| lines.recv_timeout(PATIENCE).expect("a message"))
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["container.died", "container.remove"]);
    // With another secret nothing is taken.
    let change = json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }).to_string();
    let change = api.request(http::Method::PATCH, &path, Some(change));
    let _ = api.send(change).await.expect(200);
    let pinged = api.act(&format!("{path}/test")).await.expect(200).json;
    assert_eq!(pinged["status"], 401, "{pinged}");
    drop(program);
}

const TLS: &str = r#"
import http.server, ssl, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

#[tokio::test]
async fn certificates_are_looked_at() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).expect("a certificate");
    fs::write(path("ca.pem"), authority.pem()).expect("written");
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let signed = parameters.signed_by(&key, &issuer).expect("signed");
    fs::write(path("key.pem"), key.serialize_pem()).expect("written");
    fs::write(path("cert.pem"), signed.pem()).expect("written");
    let port = free_port();
    let text = port.to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let arguments = [text.as_str(), cert.as_str(), key.as_str()];
    let (_program, _) = python(TLS, &arguments, port);
    for (ca, host, taken) in [
        (Some("ca.pem"), "localhost", true),
        (Some("ca.pem"), "127.0.0.1", false),
        (None, "localhost", false),
    ] {
        let options = options().env("PODLANE_WEBHOOKS_ALLOW", "127.0.0.1,::1");
        let server = server_with(match ca {
            Some(ca) => options.env("SSL_CERT_FILE", &path(ca)),
            None => options,
        });
        let api = server.client();
        let url = format!("https://{host}:{port}/");
        let body = json!({ "url": url, "events": ["died"] });
        let made = api.post("/webhooks", body).await.expect(200).json;
        let id = made["webhook"]["id"].as_str().expect("an ID");
        let pinged = api
            .act(&format!("/webhooks/{id}/test"))
            .await
            .expect(200)
            .json;
        assert_eq!(pinged["delivered"], taken, "{host} {ca:?}: {pinged}");
    }
}
