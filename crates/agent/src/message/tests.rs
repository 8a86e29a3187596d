use super::*;
use crate::{Decoder, MAX_REPLY, MAX_REQUEST};
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn terminal() -> impl Strategy<Value = Terminal> {
    (any::<u16>(), any::<u16>()).prop_map(|(columns, rows)| Terminal { columns, rows })
}

fn request() -> impl Strategy<Value = Request> {
    let target = prop_oneof![
        bytes().prop_map(Target::Shell),
        prop::collection::vec(bytes(), 1..5).prop_map(Target::Argv),
    ];
    let run = (
        target,
        bytes(),
        prop::collection::vec(bytes(), 0..5),
        any::<bool>(),
        prop::option::of(terminal()),
    );
    prop_oneof![
        Just(Request::Fork),
        run.prop_map(|(target, workdir, environment, stdin, terminal)| {
            Request::Run(Run {
                target,
                workdir,
                environment,
                stdin,
                terminal,
            })
        }),
        any::<u8>().prop_map(Request::Signal),
        terminal().prop_map(Request::Resize),
        any::<u32>().prop_map(|grace_ms| Request::Terminate { grace_ms }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let survivor = (any::<i32>(), bytes()).prop_map(|(pid, name)| Survivor { pid, name });
    let status = (any::<i32>(), any::<u8>(), any::<u64>(), any::<bool>());
    prop_oneof![
        any::<u8>().prop_map(|version| Reply::Hello { version }),
        Just(Reply::Started),
        Just(Reply::Running),
        any::<i32>().prop_map(|errno| Reply::Failed(Failure::Other(errno))),
        any::<i32>().prop_map(|errno| Reply::Failed(Failure::NoTerminal(errno))),
        Just(Reply::Failed(Failure::NoDirectory)),
        status.prop_map(|(code, signal, time, leftovers)| {
            Reply::Exited(Status {
                code,
                signal,
                user_us: time,
                system_us: time / 2,
                max_rss_kib: time / 3,
                leftovers,
            })
        }),
        (any::<bool>(), prop::collection::vec(survivor, 0..5))
            .prop_map(|(killed, survivors)| Reply::Terminated { killed, survivors }),
    ]
}

proptest! {
    #[test]
    fn requests_come_as_they_were_sent(requests in prop::collection::vec(request(), 0..6), size in 1usize..50) {
        let sent: Vec<u8> = requests.iter().flat_map(Request::encode).collect();
        let mut decoder = Decoder::new(MAX_REQUEST);
        let mut received = Vec::new();
        for piece in sent.chunks(size) {
            decoder.push(piece);
            while let Some(body) = decoder.next_frame().expect("well formed") {
                received.push(Request::decode(body).expect("well formed"));
            }
        }
        prop_assert!(decoder.is_empty());
        prop_assert!(received == requests);
    }

    #[test]
    fn replies_come_as_they_were_sent(reply in reply()) {
        let sent = reply.encode();
        let mut decoder = Decoder::new(MAX_REPLY);
        decoder.push(&sent);
        let body = decoder.next_frame().expect("well formed").expect("whole");
        prop_assert_eq!(Reply::decode(body).expect("well formed"), reply);
    }

    #[test]
    fn nothing_that_comes_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = Decoder::new(MAX_REPLY);
        decoder.push(&bytes);
        while let Ok(Some(body)) = decoder.next_frame() {
            let _ = Reply::decode(body);
            let _ = Request::decode(body);
        }
    }
}

#[test]
fn a_stated_length_takes_no_memory() {
    let mut decoder = Decoder::new(MAX_REPLY);
    decoder.push(&u32::MAX.to_le_bytes());
    assert!(decoder.next_frame().is_err());
    // A list of four thousand million strings in nine bytes.
    let mut body = vec![2, 1];
    body.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(Request::decode(&body).is_err());
}
