use super::*;
use podlane_agent::mux::{CREDIT, MAX_DATA, MAX_TO_AGENT, Stream};
use podlane_agent::{Decoder, Failure, Reply, VERSION};
use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::timeout;

/// The other end of a stream.
struct Agent {
    stream: DuplexStream,
    decoder: Decoder,
}

/// A frame as it was received.
#[derive(Debug, PartialEq, Eq)]
enum Received {
    Request(u32, String),
    Input(u32, usize),
    End(u32),
    Credit(u32, u32),
    Close(u32),
}

impl Agent {
    async fn greeted() -> (Self, Mux) {
        let (ours, theirs) = tokio::io::duplex(4 << 20);
        let mut agent = Self {
            stream: theirs,
            decoder: Decoder::new(MAX_TO_AGENT),
        };
        agent.reply(0, &Reply::Hello { version: VERSION }).await;
        (agent, Mux::greet(ours).await.expect("a hello"))
    }

    /// As the engine carries it.
    async fn raw(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("small").to_be_bytes();
        let frame = [&[1, 0, 0, 0], &length[..], bytes].concat();
        self.stream.write_all(&frame).await.expect("it is read");
    }

    async fn send(&mut self, channel: u32, part: Part<'_>) {
        self.raw(&Frame { channel, part }.encode()).await;
    }

    async fn reply(&mut self, channel: u32, reply: &Reply) {
        let frame = reply.encode();
        self.send(channel, Part::Message(&frame[4..])).await;
    }

    async fn receive(&mut self) -> Received {
        loop {
            if let Some(body) = self.decoder.next_frame().expect("well formed") {
                let Frame { channel, part } = Frame::decode(body).expect("well formed");
                return match part {
                    Part::Message(body) => {
                        let request = Request::decode(body).expect("well formed");
                        Received::Request(channel, format!("{request:?}"))
                    }
                    Part::Data(_, data) => Received::Input(channel, data.len()),
                    Part::End => Received::End(channel),
                    Part::Credit(_, bytes) => Received::Credit(channel, bytes),
                    Part::Close => Received::Close(channel),
                };
            }
            let mut buffer = vec![0; 64 << 10];
            let read = self.stream.read(&mut buffer).await.expect("open");
            assert!(read > 0, "the stream has ended");
            self.decoder.push(&buffer[..read]);
        }
    }

    async fn forked(&mut self, channel: u32) {
        assert_eq!(
            self.receive().await,
            Received::Request(channel, "Fork".into())
        );
    }
}

async fn is_over(mux: &Mux) {
    timeout(Duration::from_secs(5), mux.gone())
        .await
        .expect("it is given up");
}

#[tokio::test]
async fn an_unread_command_keeps_no_other_waiting() {
    let (mut agent, mux) = Agent::greeted().await;
    let (idle, busy) = (mux.open().expect("one"), mux.open().expect("another"));
    let (_, [_unread, _]) = idle.streams(false);
    let (_, [mut read, _]) = busy.streams(false);
    agent.forked(1).await;
    agent.forked(2).await;
    let data = vec![b'x'; MAX_DATA];
    for _ in 0..WINDOW / data.len() {
        agent.send(1, Part::Data(Stream::Stdout, &data)).await;
        agent.send(2, Part::Data(Stream::Stdout, &data)).await;
    }
    let mut taken = 0;
    while taken < WINDOW {
        read.readable().await;
        taken += read.read().expect("output").len();
    }
    let mut credit = 0;
    while credit + CREDIT <= WINDOW {
        match agent.receive().await {
            Received::Credit(2, bytes) => credit += usize::try_from(bytes).expect("small"),
            other => panic!("{other:?}"),
        }
    }
    // More than there is credit for.
    agent.send(1, Part::Data(Stream::Stdout, b"x")).await;
    is_over(&mux).await;
    assert!(idle.receive(|_| {}).is_err() && busy.send(&Request::Signal(9)).is_err());
}

#[tokio::test]
async fn input_waits_for_credit_and_stays_its_commands_own() {
    let (mut agent, mux) = Agent::greeted().await;
    let worker = mux.open().expect("a worker");
    let mut input = worker.streams(true).0.expect("its input");
    agent.forked(1).await;
    let writing = tokio::spawn(async move {
        let written = input.write_all(&vec![b'x'; WINDOW + 10]).await;
        (input, written)
    });
    let mut come = 0;
    while come < WINDOW {
        match agent.receive().await {
            Received::Input(1, bytes) => come += bytes,
            other => panic!("{other:?}"),
        }
    }
    assert!(!writing.is_finished());
    agent.send(1, Part::Credit(Stream::Stdin, 65536)).await;
    assert_eq!(agent.receive().await, Received::Input(1, 10));
    let (mut input, written) = writing.await.expect("no panic");
    written.expect("all is sent");
    agent.reply(1, &Reply::Failed(Failure::NoProgram)).await;
    worker.readable().await;
    assert!(input.write_all(b"late").await.is_err());
    let (_next, _) = worker.streams(true);
    drop(input);
    worker.send(&Request::Signal(15)).expect("it is there");
    let signal = Received::Request(1, "Signal(..)".into());
    assert_eq!(agent.receive().await, signal, "no end of another's input");
}

#[tokio::test]
async fn a_channel_is_closed_from_both_sides() {
    let (mut agent, mux) = Agent::greeted().await;
    let (first, second) = (mux.open().expect("one"), mux.open().expect("another"));
    agent.forked(1).await;
    agent.forked(2).await;
    drop(first);
    assert_eq!(agent.receive().await, Received::Close(1));
    // What was on its way is nobody's.
    agent.reply(1, &Reply::Started).await;
    agent.send(1, Part::Close).await;
    agent.send(2, Part::Close).await;
    second.readable().await;
    assert!(second.receive(|_| {}).is_err());
    drop(second);
    assert_eq!(agent.receive().await, Received::Close(2));
    assert!(lock(&mux.0.lines).open.is_empty());
    agent.reply(2, &Reply::Started).await;
    is_over(&mux).await;
}

#[tokio::test]
async fn without_the_stream_nothing_goes_on() {
    let (agent, mux) = Agent::greeted().await;
    let worker = mux.open().expect("one");
    let mut input = worker.streams(true).0.expect("its input");
    drop(agent);
    is_over(&mux).await;
    worker.readable().await;
    assert!(worker.receive(|_| {}).is_err());
    assert!(input.write_all(b"x").await.is_err());
    assert!(mux.open().is_err());
}

proptest! {
    #[test]
    fn whatever_comes_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..300), framed: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (mut agent, mux) = Agent::greeted().await;
            let worker = mux.open().expect("one");
            if framed {
                agent.raw(&bytes).await;
            } else {
                agent.stream.write_all(&bytes).await.expect("it is read");
            }
            drop(agent);
            is_over(&mux).await;
            worker.readable().await;
            assert!(worker.receive(|_| {}).is_err());
        });
    }
}
