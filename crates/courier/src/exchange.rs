//! A message and the head of its answer.

use crate::connect::Stream;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::http::HeaderValue;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use podlane_service::{Letter, Received};
use std::pin::pin;
use std::time::{Duration, SystemTime};
use url::{Position, Url};

/// The most bytes of an answer's head that are read.
const HEAD: usize = 16 << 10;
/// The most header lines that are read.
const LINES: usize = 64;

pub(crate) async fn exchange(
    letter: &Letter,
    stream: Box<dyn Stream>,
) -> Result<Received, &'static str> {
    const BROKEN: &str = "the connection broke off, or what it answered is no HTTP";
    let mut client = http1::Builder::new();
    client.max_buf_size(HEAD).max_headers(LINES);
    let (mut sender, connection) = client
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| BROKEN)?;
    let request = request(letter).map_err(|_| "its URL can't be written as HTTP wants it")?;
    let sent = sender.send_request(request);
    // The connection ends with this: of an answer nothing is read but its head. It may end with the answer, too.
    let (mut sent, mut connection) = (pin!(sent), pin!(connection));
    let answer = tokio::select! {
        biased;
        answer = &mut sent => answer,
        _ended = &mut connection => sent.await,
    };
    let answer = answer.map_err(|_| BROKEN)?;
    let after = answer.headers().get(RETRY_AFTER);
    Ok(Received::Answered {
        status: answer.status().as_u16(),
        retry_after: after.and_then(|value| pause(value, SystemTime::now())),
    })
}

fn request(letter: &Letter) -> Result<Request<Full<hyper::body::Bytes>>, hyper::http::Error> {
    let url = &letter.url;
    Request::builder()
        .method(Method::POST)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, host(url))
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("podlane/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &letter.id)
        .header("webhook-timestamp", letter.timestamp)
        .header("webhook-signature", &letter.signature)
        .body(Full::new(letter.body.clone()))
}

/// The host and, where it is not the usual one, the port.
fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// How long a receiver wants to be left alone: seconds, or a date.
fn pause(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_seconds_or_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, pause_is) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            let value = HeaderValue::from_str(text).expect("a value");
            let wanted = pause_is.map(Duration::from_secs);
            assert_eq!(pause(&value, now), wanted, "{text}");
        }
    }

    #[test]
    fn hosts_are_written_as_http_wants_them() {
        for (url, written) in [
            ("https://Example.ORG/x", "example.org"),
            ("https://example.org:443/x", "example.org"),
            ("https://example.org:8443/x", "example.org:8443"),
            ("http://[::1]:80/x", "[::1]"),
            ("http://[::1]:81/x", "[::1]:81"),
        ] {
            assert_eq!(host(&Url::parse(url).expect("a URL")), written);
        }
    }
}
