use super::*;
use crate::Decoder;
use proptest::prelude::*;

/// A frame with its data beside it.
fn frame() -> impl Strategy<Value = (u32, u8, Vec<u8>, u32)> {
    let data = prop::collection::vec(any::<u8>(), 0..60);
    (any::<u32>(), 0u8..10, data, any::<u32>())
}

fn of((channel, kind, data, number): &(u32, u8, Vec<u8>, u32)) -> Frame<'_> {
    let stream = [Stream::Stdin, Stream::Stdout, Stream::Stderr][usize::from(*kind) % 3];
    Frame {
        channel: *channel,
        part: match kind / 2 {
            0 => Part::Message(data),
            1 => Part::Data(stream, data),
            2 => Part::Credit(stream, *number),
            3 if stream == Stream::Stdin => Part::End,
            3 => Part::Go,
            _ => Part::Close,
        },
    }
}

proptest! {
    #[test]
    fn frames_come_as_they_were_sent(frames in prop::collection::vec(frame(), 0..8), size in 1usize..50) {
        let sent: Vec<u8> = frames.iter().flat_map(|frame| of(frame).encode()).collect();
        let mut decoder = Decoder::new(MAX_FROM_AGENT);
        let mut expected = frames.iter();
        for piece in sent.chunks(size) {
            decoder.push(piece);
            while let Some(body) = decoder.next_frame().expect("well formed") {
                let received = Frame::decode(body).expect("well formed");
                prop_assert_eq!(received, of(expected.next().expect("as many as were sent")));
            }
        }
        prop_assert!(decoder.is_empty() && expected.next().is_none());
    }

    #[test]
    fn nothing_that_comes_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = Decoder::new(MAX_FROM_AGENT);
        decoder.push(&bytes);
        while let Ok(Some(body)) = decoder.next_frame() {
            let _ = Frame::decode(body);
        }
        let _ = Frame::decode(&bytes);
    }

    #[test]
    fn what_is_changed_is_refused_or_is_another_frame(frame in frame(), at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut bytes = of(&frame).encode().split_off(4);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(read) = Frame::decode(&bytes) {
            prop_assert_ne!(read, of(&frame));
        }
    }

    #[test]
    fn credit_is_neither_lost_nor_made(steps in prop::collection::vec((any::<bool>(), 0u32..100_000), 0..40)) {
        let (mut credit, mut under_way) = (Credit::whole(), 0);
        for (spend, bytes) in steps {
            let size = usize::try_from(bytes).expect("small");
            if spend {
                if credit.spend(size).is_err() {
                    break;
                }
                under_way += size;
            } else {
                if credit.add(bytes).is_err() {
                    prop_assert!(size > under_way);
                    break;
                }
                under_way -= size;
            }
            prop_assert_eq!(credit.left() + under_way, WINDOW);
        }
    }
}

#[test]
fn the_longest_messages_fit() {
    for (body, longest) in [(MAX_REQUEST, MAX_TO_AGENT), (MAX_REPLY, MAX_FROM_AGENT)] {
        let body = vec![16; body];
        let frame = Frame {
            channel: u32::MAX,
            part: Part::Message(&body),
        };
        let mut decoder = Decoder::new(longest);
        decoder.push(&frame.encode());
        assert!(decoder.next_frame().expect("not too long").is_some());
    }
    let data = [16; MAX_DATA];
    let part = Part::Data(Stream::Stdout, &data);
    let longest = Frame { channel: 1, part }.encode();
    assert!(longest.len() < MAX_FROM_AGENT && longest.last() == Some(&END));
}
