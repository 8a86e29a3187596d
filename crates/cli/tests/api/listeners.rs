//! Other ways in than plain TCP: TLS, with and without client certificates, and a Unix socket.

use crate::server_with;
use podlane_testkit::{Server, ServerOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An authority, and what it has signed.
struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
        parameters
            .distinguished_name
            .push(DnType::CommonName, "An authority of tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("ca.pem"), certificate.pem()).expect("written");
        let issuer = Issuer::new(parameters, key);
        Self { directory, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes `name.pem` and `name.key`.
    fn sign(&self, name: &str) {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("parameters");
        parameters.distinguished_name.push(DnType::CommonName, name);
        let signed = parameters.signed_by(&key, &self.issuer).expect("signed");
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).expect("written");
        fs::write(self.path(&format!("{name}.pem")), signed.pem()).expect("written");
    }

    fn options(&self) -> ServerOptions {
        let text = |name: &str| self.path(name).display().to_string();
        ServerOptions::default()
            .env("PODLANE_TLS_CERT", &text("server.pem"))
            .env("PODLANE_TLS_KEY", &text("server.key"))
    }
}

/// What curl gets, and whether it got anything.
fn curl(url: &str, arguments: &[&str]) -> (bool, String) {
    let answer = Command::new("curl")
        .args(["-sS", "-m", "20"])
        .args(arguments)
        .arg(url)
        .output()
        .expect("curl");
    let text = [answer.stdout, answer.stderr].concat();
    (
        answer.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn url(server: &Server) -> String {
    let (_, port) = server.address().rsplit_once(':').expect("a port");
    format!("https://localhost:{port}/api/v1/health")
}

/// The number of the certificate that a client is shown.
fn shown(server: &Server, ca: &str) -> String {
    let (_, text) = curl(
        &url(server),
        &["--cacert", ca, "-v", "-o", "/dev/null", "-w", "%{certs}"],
    );
    let line = text.lines().find(|line| line.contains("Serial Number:"));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn tls_with_a_certificate_that_is_renewed() {
    let authority = Authority::new();
    authority.sign("server");
    let server = server_with(authority.options());
    let ca = authority.path("ca.pem").display().to_string();
    let (good, text) = curl(&url(&server), &["--cacert", &ca]);
    assert!(good && text.contains("\"healthy\""), "{text}");
    let (good, text) = curl(&url(&server), &[]);
    assert!(!good && text.contains("certificate"), "{text}");
    let plain = url(&server).replace("https", "http");
    assert!(!curl(&plain, &[]).0);
    let (good, text) = curl(&url(&server), &["--cacert", &ca, "--tls-max", "1.1"]);
    assert!(!good, "{text}");
    let before = shown(&server, &ca);
    assert!(!before.is_empty());
    authority.sign("server");
    let began = Instant::now();
    while shown(&server, &ca) == before {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    fs::write(authority.path("server.key"), "no key").expect("written");
    while !server.log().contains("renewed certificates can't be used") {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (good, text) = curl(&url(&server), &["--cacert", &ca]);
    assert!(good, "{text}");
}

#[tokio::test]
async fn tls_for_who_has_a_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.sign("server");
    authority.sign("client");
    other.sign("client");
    let ca = authority.path("ca.pem").display().to_string();
    let server = server_with(authority.options().env("PODLANE_TLS_CLIENT_CA", &ca));
    let text = |authority: &Authority, name: &str| authority.path(name).display().to_string();
    let ask = |authority: &Authority| {
        let (certificate, key) = (text(authority, "client.pem"), text(authority, "client.key"));
        let known = ["--cacert", &ca, "--cert", &certificate, "--key", &key];
        curl(&url(&server), &known)
    };
    let (good, text) = ask(&authority);
    assert!(good && text.contains("\"healthy\""), "{text}");
    assert!(!ask(&other).0);
    assert!(!curl(&url(&server), &["--cacert", &ca]).0);
}

/// The server's last words, when it does not start.
fn refused(variables: &[(&str, &Path)]) -> String {
    let ended = Command::new(env!("CARGO_BIN_EXE_podlane"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .envs(variables.iter().copied())
        .output()
        .expect("it ends");
    assert!(!ended.status.success());
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test]
async fn half_of_tls_is_none() {
    let authority = Authority::new();
    authority.sign("server");
    let (pem, key, ca) = (
        authority.path("server.pem"),
        authority.path("server.key"),
        authority.path("ca.pem"),
    );
    let only = refused(&[("PODLANE_TLS_CERT", &pem)]);
    assert!(only.contains("tls_cert and tls_key"), "{only}");
    let only = refused(&[("PODLANE_TLS_CLIENT_CA", &ca)]);
    assert!(only.contains("tls_cert and tls_key"), "{only}");
    let swapped = refused(&[("PODLANE_TLS_CERT", &key), ("PODLANE_TLS_KEY", &pem)]);
    assert!(
        swapped.contains("server.key: there is no certificate"),
        "{swapped}"
    );
    let relative = refused(&[("PODLANE_TLS_CERT", Path::new("server.pem"))]);
    assert!(relative.contains("absolute path"), "{relative}");
    let missing = authority.path("none.pem");
    let missing = refused(&[("PODLANE_TLS_CERT", &missing), ("PODLANE_TLS_KEY", &key)]);
    assert!(missing.contains("none.pem"), "{missing}");
}

#[tokio::test]
async fn a_unix_socket_for_the_owner_and_the_group() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("podlane.sock");
    let text = path.display().to_string();
    let options = ServerOptions::default().env("PODLANE_SOCKET", &text);
    let server = server_with(&options);
    let mode = fs::metadata(&path).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let ask = || {
        curl(
            "http://localhost/api/v1/containers",
            &["--unix-socket", &text],
        )
    };
    let (good, answer) = ask();
    assert!(good && answer.contains("\"success\":true"), "{answer}");
    let taken = refused(&[("PODLANE_SOCKET", &path)]);
    assert!(taken.contains("another program listens"), "{taken}");
    server.kill();
    assert!(!ask().0);
    let again = server_with(&options);
    let (good, answer) = ask();
    assert!(good, "{answer}");
    drop(again);
    let file = directory.path().join("file");
    fs::write(&file, "kept").expect("written");
    let other = refused(&[("PODLANE_SOCKET", &file)]);
    assert!(other.contains("no socket"), "{other}");
    assert_eq!(fs::read_to_string(&file).expect("it"), "kept");
}
