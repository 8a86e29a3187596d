//! A receiver of webhooks that answers as it is told, in threads of its own.

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What takes longer than this never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// With a status, and further header lines, each with its end.
    Status(u16, &'static str),
    /// Not at all, for as long as the sender waits.
    Silence,
    /// With a body that has no end.
    Endless,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its headers, by names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
    /// The body as JSON.
    pub json: Value,
}

impl Message {
    /// Its header `webhook-id`.
    pub fn id(&self) -> &str {
        self.headers.get("webhook-id").map_or("", String::as_str)
    }

    /// What it tells.
    pub fn kind(&self) -> &str {
        self.json["type"].as_str().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Shared {
    replies: VecDeque<Reply>,
    usual: Option<Reply>,
    messages: Vec<Message>,
}

/// A receiver on a port of 127.0.0.1. It answers 204 unless it is told otherwise.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    /// Listens, until the process ends.
    ///
    /// # Panics
    /// If it can't.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::<Mutex<Shared>>::default();
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&kept);
                thread::spawn(move || receive(&stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next messages so, one after the other.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.shared).replies.extend(replies);
    }

    /// Answers all others so.
    pub fn usually(&self, reply: Reply) {
        lock(&self.shared).usual = Some(reply);
    }

    /// All that came so far.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.shared).messages.clone()
    }

    /// Waits until these are there.
    ///
    /// # Panics
    /// If they never are.
    pub async fn until(&self, what: &str, there: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        let began = Instant::now();
        loop {
            let messages = self.messages();
            if there(&messages) {
                return messages;
            }
            let kinds: Vec<_> = messages.iter().map(Message::kind).collect();
            assert!(began.elapsed() < PATIENCE, "never: {what}: {kinds:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(stream: &TcpStream) -> Option<Message> {
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    headers.insert("request".to_owned(), line.trim().to_owned());
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Message {
        json: serde_json::from_str(&body).ok()?,
        headers,
        body,
    })
}

fn receive(mut stream: &TcpStream, shared: &Mutex<Shared>) {
    let Some(message) = read(stream) else {
        return;
    };
    let reply = {
        let mut shared = lock(shared);
        shared.messages.push(message);
        let next = shared.replies.pop_front();
        next.or(shared.usual).unwrap_or(Reply::Status(204, ""))
    };
    match reply {
        Reply::Status(status, more) => {
            let head = format!("HTTP/1.1 {status} x\r\n{more}content-length: 0\r\n\r\n");
            let _gone = stream.write_all(head.as_bytes());
        }
        Reply::Silence => {
            let _gone = stream.read(&mut [0]);
        }
        Reply::Endless => {
            let head = b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
            let mut open = stream.write_all(head).is_ok();
            while open {
                open = stream.write_all(b"1\r\nx\r\n").is_ok();
            }
        }
    }
}
