//! Other ways in than plain TCP: TLS, with and without client certificates, and a Unix socket.

use crate::server_with;
use podlane_testkit::{Server, ServerOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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

#[tokio::test]
async fn a_certificate_says_who_asks() {
    let authority = Authority::new();
    for name in ["server", "teacher", "stranger"] {
        authority.sign(name);
    }
    let ca = authority.path("ca.pem").display().to_string();
    let state = tempfile::tempdir().expect("a directory");
    let directory = state.path().display().to_string();
    let options = authority
        .options()
        .env("PODLANE_TLS_CLIENT_CA", &ca)
        .env("PODLANE_STATE_DIR", &directory);
    let server = server_with(options);
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(authority.path("teacher.pem"))
        .output()
        .expect("openssl");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let (_, fingerprint) = shown.trim().split_once('=').expect("a fingerprint");
    let made = Command::new(env!("CARGO_BIN_EXE_podlane"))
        .args([
            "token",
            "create",
            "--name",
            "teacher",
            "--role",
            "viewer",
            "--certificate",
            fingerprint,
        ])
        .env("PODLANE_STATE_DIR", &directory)
        .output()
        .expect("it can be run");
    assert!(made.status.success(), "{made:?}");
    let ask = |name: &str, method: &str| {
        let (certificate, key) = (
            authority.path(&format!("{name}.pem")),
            authority.path(&format!("{name}.key")),
        );
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let path = if method == "GET" {
            "containers"
        } else {
            "containers/none"
        };
        let url = url(&server).replace("health", path);
        let flags = [
            "--cacert",
            &ca,
            "--cert",
            &certificate,
            "--key",
            &key,
            "-X",
            method,
        ];
        let format = [
            "-H",
            "content-type: application/json",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
        ];
        curl(&url, &[&flags[..], &format].concat()).1
    };
    assert_eq!(ask("teacher", "GET"), "200");
    assert_eq!(ask("teacher", "DELETE"), "403", "a viewer removes nothing");
    assert_eq!(ask("stranger", "GET"), "401");
}

#[tokio::test]
async fn sockets_that_systemd_has_bound() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("given.sock");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let unix = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let address = tcp.local_addr().expect("an address");
    let mut command = Command::new("sh");
    command
        .args(["-c", "export LISTEN_PID=$$ LISTEN_FDS=2; exec \"$0\" serve"])
        .arg(env!("CARGO_BIN_EXE_podlane"))
        .env(
            "PODLANE_ENGINE",
            format!("unix://{}", podlane_testkit::podman_socket().display()),
        )
        .env("PODLANE_STATE_DIR", directory.path());
    let given =
        [(tcp.into(), 3), (unix.into(), 4)].map(|(parent_fd, child_fd)| command_fds::FdMapping {
            parent_fd,
            child_fd,
        });
    command_fds::CommandFdExt::fd_mappings(&mut command, given.into()).expect("two descriptors");
    let mut server = command.spawn().expect("it can be run");
    let began = Instant::now();
    let tcp = format!("http://{address}/api/v1/containers");
    while !curl(&tcp, &[]).0 && began.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_, by_tcp) = curl(&tcp, &[]);
    let text = path.display().to_string();
    let (_, by_unix) = curl(
        "http://localhost/api/v1/containers",
        &["--unix-socket", &text],
    );
    server.kill().expect("it runs");
    let _ = server.wait();
    for answer in [by_tcp, by_unix] {
        assert!(answer.contains("\"success\":true"), "{answer}");
    }
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
    let gid = fs::metadata(directory.path())
        .expect("there")
        .gid()
        .to_string();
    let own = options
        .env("PODLANE_SOCKET_MODE", "0600")
        .env("PODLANE_SOCKET_GROUP", &gid);
    let closed = server_with(own);
    let meta = fs::metadata(&path).expect("a socket");
    assert_eq!(
        (meta.permissions().mode() & 0o777, meta.gid().to_string()),
        (0o600, gid)
    );
    drop(closed);
    let nobody = refused(&[
        ("PODLANE_SOCKET", &path),
        ("PODLANE_SOCKET_GROUP", Path::new("no-such-group")),
    ]);
    assert!(nobody.contains("no-such-group"), "{nobody}");
    let open = refused(&[
        ("PODLANE_SOCKET", &path),
        ("PODLANE_SOCKET_MODE", Path::new("0777")),
    ]);
    assert!(open.contains("0666"), "{open}");
    let file = directory.path().join("file");
    fs::write(&file, "kept").expect("written");
    let other = refused(&[("PODLANE_SOCKET", &file)]);
    assert!(other.contains("no socket"), "{other}");
    assert_eq!(fs::read_to_string(&file).expect("it"), "kept");
}
