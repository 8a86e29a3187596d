//! The supervision, with a small stand-in for Podman.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// Listens on the socket that its last argument names and answers pings, as `podman system service`
/// does; notes its arguments, its environment and its life in files beside itself.
const STAND_IN: &str = r#"#!/usr/bin/env python3
import os, signal, socket, sys, time
here = os.path.dirname(sys.argv[0])
def note(name, text):
    with open(os.path.join(here, name), "a") as file:
        file.write(text + "\n")
note("arguments", " ".join(sys.argv[1:]))
note("environment", " ".join(sorted(os.environ)))
note("pids", str(os.getpid()))
if os.path.exists(os.path.join(here, "broken")):
    sys.exit("Error: cannot open database")
def ended(*_):
    note("ended", "by SIGTERM")
    sys.exit(0)
signal.signal(signal.SIGTERM, ended)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[-1].removeprefix("unix://"))
listener.listen()
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\r\nLibpod-API-Version: 4.9.0\r\nContent-Length: 2\r\n\r\nOK")
    client.close()
"#;

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("podman");
        fs::write(&program, STAND_IN).unwrap();
        fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn notes(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn start(&self) -> Service {
        let spec = Spec {
            podman: self.path("podman"),
            version: Some("4.9.0".into()),
            launcher: None,
            oci_runtime: Some("runc".into()),
            runtime_dir: None,
            conf_files: ConfFiles {
                root: Some(self.0.path().to_path_buf()),
                ..ConfFiles::default()
            },
        };
        Service::start_in(spec, &[self.path("base")]).unwrap()
    }

    fn kill_last(&self) {
        let pid = self.notes("pids").pop().unwrap().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

async fn down(service: &Service) -> String {
    let mut state = service.state();
    let waited = state.wait_for(|state| matches!(state, State::Down { .. }));
    let state = tokio::time::timeout(LONG, waited)
        .await
        .unwrap()
        .unwrap()
        .clone();
    let State::Down { reason, .. } = state else {
        panic!("waited for another state")
    };
    reason
}

#[tokio::test]
async fn the_service_is_started_answers_and_is_ended_with_its_socket() {
    let bench = Bench::new();
    let service = bench.start();
    assert_eq!(service.ready(LONG).await.unwrap(), "4.9.0");
    let socket = service.socket().to_path_buf();
    assert!(socket.exists());
    service.stop().await;
    assert!(!socket.exists());
    assert_eq!(bench.notes("ended"), ["by SIGTERM"]);
    let arguments = &bench.notes("arguments")[0];
    let end = format!(
        "--runtime=runc system service --time=0 unix://{}",
        socket.display()
    );
    assert!(arguments.ends_with(&end), "{arguments}");
    let environment = &bench.notes("environment")[0];
    assert!(
        environment.contains("CONTAINERS_CONF_OVERRIDE"),
        "{environment}"
    );
}

#[tokio::test]
async fn a_service_that_is_killed_comes_back_on_the_same_socket() {
    let bench = Bench::new();
    let service = bench.start();
    service.ready(LONG).await.unwrap();
    bench.kill_last();
    assert_eq!(down(&service).await, "it was killed by signal 9");
    service.ready(LONG).await.unwrap();
    assert_eq!(bench.notes("pids").len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn why_a_service_can_not_start_is_told_and_it_starts_when_that_is_mended() {
    let bench = Bench::new();
    fs::write(bench.path("broken"), "").unwrap();
    let service = bench.start();
    assert_eq!(
        down(&service).await,
        "it ended with exit status 1: Error: cannot open database"
    );
    fs::remove_file(bench.path("broken")).unwrap();
    service.ready(LONG).await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn a_dropped_service_ends_too() {
    let bench = Bench::new();
    let service = bench.start();
    service.ready(LONG).await.unwrap();
    let mut state = service.state();
    drop(service);
    let stopped = state.wait_for(|state| *state == State::Stopped);
    tokio::time::timeout(LONG, stopped).await.unwrap().unwrap();
    assert_eq!(bench.notes("ended"), ["by SIGTERM"]);
}

#[tokio::test]
async fn a_podman_that_is_not_there_is_told() {
    let bench = Bench::new();
    fs::remove_file(bench.path("podman")).unwrap();
    let service = bench.start();
    assert!(down(&service).await.starts_with("can't run "));
    service.stop().await;
}
