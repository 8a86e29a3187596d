//! What is found at sockets of all kinds.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// Listens on a socket and answers every connection with the same bytes, or never.
fn serve(path: &Path, answer: Option<&'static str>) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                match answer {
                    Some(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                    None => std::future::pending().await,
                }
            });
        }
    });
}

const PODMAN: &str = "HTTP/1.1 200 OK\r\nLibpod-Api-Version: 4.3.1\r\nContent-Length: 2\r\n\r\nOK";
const DOCKER: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 2\r\n\r\nOK";

#[tokio::test]
async fn the_first_that_answers_is_taken_and_what_else_was_seen_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let docker = directory.path().join("docker.sock");
    serve(&docker, Some(DOCKER));
    std::fs::create_dir(directory.path().join("podman")).unwrap();
    let user = directory.path().join("podman/podman.sock");
    serve(&user, Some(PODMAN));
    let host = format!("unix://{}", docker.display());
    let search = Search {
        explicit: None,
        container_host: Some(&host),
        runtime_dir: Some(directory.path()),
    };
    let found = search.first().await;
    assert_eq!(found.engine(), Some((user.as_path(), "4.3.1")));
    let outcomes: Vec<_> = found
        .candidates
        .iter()
        .map(|c| c.outcome.to_string())
        .collect();
    assert_eq!(
        outcomes,
        ["what answers there is not Podman", "Podman 4.3.1 answers"]
    );
    assert_eq!(search.all().await.candidates.len(), 3);
}

#[tokio::test]
async fn a_named_engine_is_the_only_one_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("none.sock");
    let search = Search {
        explicit: Some(&missing),
        container_host: Some("unix:///other.sock"),
        runtime_dir: None,
    };
    let found = search.all().await;
    assert_eq!(found.engine(), None);
    assert_eq!(found.candidates.len(), 1);
    assert_eq!(found.candidates[0].outcome, Outcome::Missing);
}

#[tokio::test]
async fn an_address_of_another_kind_is_passed_over_in_words() {
    let search = Search {
        container_host: Some("ssh://root@example.org/run/podman.sock"),
        ..Search::default()
    };
    let outcome = search.all().await.candidates.remove(0).outcome;
    assert!(outcome.to_string().contains("only unix:///"));
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_on() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("p.sock");
    serve(&socket, None);
    assert_eq!(
        ping(&socket, Duration::from_millis(50)).await,
        Outcome::Silent
    );
}

#[tokio::test]
async fn a_socket_file_without_a_listener_is_dead_and_a_garbler_is_not_podman() {
    let directory = tempfile::tempdir().unwrap();
    let dead = directory.path().join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    assert_eq!(ping(&dead, PATIENCE).await, Outcome::Dead);
    let garbler = directory.path().join("garbler.sock");
    serve(&garbler, Some("220 smtp.example.org\r\n"));
    assert_eq!(ping(&garbler, PATIENCE).await, Outcome::NotPodman);
}
