//! With receivers that misbehave, on sockets of their own.

use super::*;
use podlane_service::{Allowed, Reach};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

fn letter(url: &str, allowed: &[&str]) -> Letter {
    let allowed = allowed
        .iter()
        .map(|text| Allowed::parse(text).expect("good"));
    Letter {
        url: Url::parse(url).expect("a URL"),
        reach: Arc::new(Reach::new(allowed.collect())),
        id: "msg_1".into(),
        timestamp: 5,
        signature: "v1,abc".into(),
        body: "{\"a\":1}".into(),
    }
}

/// Reads a request and gives it back with its connection.
async fn take(listener: &TcpListener) -> io::Result<(String, TcpStream)> {
    let (mut stream, _) = listener.accept().await?;
    let mut text = Vec::new();
    while !text.ends_with(b"{\"a\":1}") {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        text.extend_from_slice(&piece[..read]);
    }
    Ok((String::from_utf8_lossy(&text).into_owned(), stream))
}

/// A receiver that answers once with these bytes, and then stays silent.
async fn receiver(answer: &'static [u8]) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let taken = tokio::spawn(async move {
        let (request, mut stream) = take(&listener).await.expect("a request");
        let _gone = stream.write_all(answer).await;
        tokio::spawn(async move { stream.read(&mut [0; 1]).await });
        request
    });
    (address, taken)
}

async fn deliver(address: SocketAddr) -> Received {
    let letter = letter(&format!("http://{address}/hooks?key=1"), &["127.0.0.0/8"]);
    HttpCourier::new().deliver(letter).await
}

fn answered(status: u16, retry_after: Option<u64>) -> Received {
    Received::Answered {
        status,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn a_message_is_a_post_with_three_headers() {
    let (address, taken) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(deliver(address).await, answered(204, None));
    let request = taken.await.expect("taken").to_lowercase();
    for line in [
        "post /hooks?key=1 http/1.1\r\n",
        &format!("host: {address}\r\n"),
        "content-type: application/json\r\n",
        "webhook-id: msg_1\r\n",
        "webhook-timestamp: 5\r\n",
        "webhook-signature: v1,abc\r\n",
        "content-length: 7\r\n",
        "\r\n\r\n{\"a\":1}",
    ] {
        assert!(request.contains(line), "{line} is not in {request}");
    }
}

#[tokio::test]
async fn only_the_head_of_an_answer_matters() {
    for (answer, received) in [
        (
            &b"HTTP/1.1 500 No\r\ncontent-length: 9999999999\r\n\r\nx"[..],
            answered(500, None),
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
            answered(200, None),
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n",
            answered(302, None),
        ),
        (
            b"HTTP/1.1 503 No\r\nretry-after: 77\r\n\r\n",
            answered(503, Some(77)),
        ),
        (b"HTTP/1.0 410 Gone\r\n\r\n", answered(410, None)),
    ] {
        let (address, _taken) = receiver(answer).await;
        assert_eq!(deliver(address).await, received);
    }
}

#[tokio::test]
async fn what_is_no_http_or_has_no_end_is_a_failure() {
    let long: &'static [u8] = Box::leak(
        [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 1 << 20]]
            .concat()
            .into_boxed_slice(),
    );
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        long,
    ] {
        let (address, _taken) = receiver(answer).await;
        let received = deliver(address).await;
        assert!(matches!(received, Received::Failed(_)), "{received:?}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let closes = tokio::spawn(async move { take(&listener).await.map(drop) });
    assert!(matches!(deliver(address).await, Received::Failed(_)));
    closes.await.expect("no panic").expect("taken");
    // Nobody listens there any more.
    assert_eq!(
        deliver(address).await,
        Received::Failed("it could not be reached")
    );
}

#[tokio::test]
async fn who_never_answers_is_left() {
    let (address, _taken) = receiver(b"").await;
    let began = Instant::now();
    let received = deliver(address).await;
    assert_eq!(received, Received::Failed("it did not answer in time"));
    assert!(began.elapsed() > CONNECTING);
}

#[tokio::test]
async fn where_a_name_leads_is_looked_at() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    for url in [
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://localhost.:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0.0.0.0:{port}/"),
    ] {
        let received = HttpCourier::new()
            .deliver(letter(&url, &["10.0.0.0/8"]))
            .await;
        let Received::Failed(why) = received else {
            panic!("{url}: {received:?}");
        };
        // That the name with a dot is the same, not every machine knows.
        let nowhere = url.contains("localhost.") && why == "its name leads nowhere";
        assert!(nowhere || why.contains("may not go to"), "{url}: {why}");
    }
    let unknown = letter("https://nothing.invalid/", &[]);
    let received = HttpCourier::new().deliver(unknown).await;
    assert!(matches!(received, Received::Failed(_)), "{received:?}");
    // Nobody came.
    let nobody = timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err());
}
