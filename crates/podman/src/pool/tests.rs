use super::*;
use http_body_util::BodyExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// A server that answers each request with the next of `answers`, and counts its connections. An answer
/// that ends in `!` is followed by the end of the connection.
struct Server {
    pool: Pool,
    connections: Arc<AtomicUsize>,
    _dir: tempfile::TempDir,
}

fn serve(answers: &'static [&'static str]) -> Server {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, given) = (Arc::clone(&connections), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let given = Arc::clone(&given);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    let answer = answers[given.fetch_add(1, Ordering::SeqCst)];
                    let last = answer.ends_with('!');
                    let bytes = answer.trim_end_matches('!').as_bytes();
                    stream.write_all(bytes).await.expect("a reader");
                    if last {
                        return;
                    }
                }
            });
        }
    });
    Server {
        pool: Pool::new(path.into()),
        connections,
        _dir: dir,
    }
}

fn request() -> Request<Payload> {
    let mut request = Request::new(crate::requests::whole(Bytes::new()));
    request
        .headers_mut()
        .insert("host", http::HeaderValue::from_static("x"));
    request
}

impl Server {
    async fn ask(&self) -> Result<Bytes, Failure> {
        let response = self.pool.send(request()).await?;
        let body = response.into_body().collect().await;
        Ok(body.map_err(Failure::Http)?.to_bytes())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
const CHUNKS: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n";
const NOTHING: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const CLOSES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi!";
const ENDLESS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n";

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let server = serve(&[LENGTH, CHUNKS, NOTHING, LENGTH]);
    for expected in ["hi", "hi", "", "hi"] {
        assert_eq!(server.ask().await.expect("an answer"), expected);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn two_at_once_have_two_connections_that_are_kept() {
    let server = serve(&[LENGTH, LENGTH, LENGTH, LENGTH]);
    for _ in 0..2 {
        let (one, two) = tokio::join!(server.ask(), server.ask());
        assert_eq!(one.expect("an answer"), two.expect("an answer"));
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let server = serve(&[CLOSES, "HTTP/1.1 204 No Content\r\n\r\n!", LENGTH]);
    for expected in ["hi", "", "hi"] {
        assert_eq!(server.ask().await.expect("an answer"), expected);
        // Lets the end of the connection arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn an_answer_that_is_not_read_closes_its_connection() {
    let server = serve(&[ENDLESS, LENGTH]);
    let mut body = server
        .pool
        .send(request())
        .await
        .expect("a head")
        .into_body();
    let first = body.frame().await.expect("a frame").expect("data");
    assert_eq!(first.into_data().expect("data"), "h");
    drop(body);
    assert_eq!(server.ask().await.expect("an answer"), "hi");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_breaks_off_is_an_error_and_not_asked_again() {
    let server = serve(&[LENGTH, "!", LENGTH]);
    server.ask().await.expect("an answer");
    assert!(matches!(server.ask().await, Err(Failure::Http(_))));
    assert_eq!(server.ask().await.expect("an answer"), "hi");
    assert_eq!(server.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed() {
    let server = serve(&[LENGTH, LENGTH]);
    server.ask().await.expect("an answer");
    assert_eq!(server.pool.idle().len(), 1);
    tokio::time::sleep(IDLE + Duration::from_secs(1)).await;
    assert_eq!(server.pool.idle().len(), 0);
    server.ask().await.expect("an answer");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn without_a_server_there_is_no_connection() {
    let pool = Pool::new(Path::new("/nowhere").into());
    assert!(matches!(
        pool.send(request()).await,
        Err(Failure::Connect(_))
    ));
}
