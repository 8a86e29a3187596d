use super::*;
use podlane_engine::Exit;
use proptest::prelude::*;

const V5: Protocol = Protocol::Channels { closes: true };
const V4: Protocol = Protocol::Channels { closes: false };

fn binary(bytes: &[u8]) -> Message {
    Message::Binary(Bytes::copy_from_slice(bytes))
}

fn ended(code: i32) -> Finish {
    Finish::Ended(Ended {
        exit: Exit::of(code),
        duration: Duration::from_millis(1),
        timed_out: false,
        killed: false,
        survivors: Vec::new(),
    })
}

#[test]
fn channels_are_read() {
    let size = TerminalSize {
        columns: 80,
        rows: 24,
    };
    for (protocol, message, wanted) in [
        (V4, binary(b"\0ls\n"), Some(Input::Stdin("ls\n".into()))),
        (V4, binary(b"\0"), Some(Input::Nothing)),
        (V4, binary(b""), Some(Input::Nothing)),
        (V4, Message::text("\0ls"), Some(Input::Stdin("ls".into()))),
        (
            V4,
            binary(b"\x04{\"Width\":80,\"Height\":24}"),
            Some(Input::Resize(size)),
        ),
        (
            V4,
            binary(b"\x04{\"width\":80,\"height\":24}\n"),
            Some(Input::Resize(size)),
        ),
        (
            V4,
            binary(b"\x04{\"Width\":0,\"Height\":24}"),
            Some(Input::Nothing),
        ),
        (V4, binary(b"\x04{\"Width\":80}"), None),
        (V4, binary(b"\x04"), None),
        (V4, binary(b"\x01x"), None),
        (V4, binary(&[255, 0]), None),
        (V5, binary(&[255, 0]), Some(Input::CloseStdin)),
        (V5, binary(&[255, 1]), Some(Input::Nothing)),
        (V5, binary(&[255]), None),
        (V5, binary(&[255, 0, 0]), None),
    ] {
        let shown = format!("{message:?}");
        assert_eq!(protocol.read(message).ok(), wanted, "{shown}");
    }
}

#[test]
fn messages_are_read() {
    let read = |text: &str| Protocol::Messages.read(Message::text(text));
    let stdin = read(r#"{"type":"stdin","base64":"AP8="}"#).expect("fine");
    assert_eq!(stdin, Input::Stdin(Bytes::from_static(b"\0\xff")));
    let signal = read(r#"{"type":"signal","signal":"sigint"}"#).expect("fine");
    assert_eq!(signal, Input::Signal(Signal::parse("2").expect("a signal")));
    for (bad, field, words) in [
        (r#"{"type":"stdin"}"#, "data", "either"),
        (
            r#"{"type":"stdin","data":"a","base64":"AA=="}"#,
            "data",
            "either",
        ),
        (r#"{"type":"stdin","base64":"AP8"}"#, "base64", "padding"),
        (r#"{"type":"stdin","data":5}"#, "data", "must be a string"),
        (r#"{"type":"signal","signal":"secret"}"#, "signal", "TERM"),
        (
            r#"{"type":"signal","signal":15}"#,
            "signal",
            "must be a string",
        ),
        (r#"{"type":"signal"}"#, "signal", "required"),
        (
            r#"{"type":"resize","columns":0,"rows":1}"#,
            "columns",
            "1 to 65535",
        ),
        (
            r#"{"type":"resize","columns":1,"rows":70000}"#,
            "rows",
            "whole number",
        ),
        (
            r#"{"type":"resize","rows":"secret","columns":1}"#,
            "rows",
            "whole number",
        ),
        (r#"{"type":"resize","columns":1}"#, "rows", "required"),
        (
            r#"{"type":"resize","columns":1,"rows":1,"row":1}"#,
            "row",
            "unknown field",
        ),
        (r#"{"type":"start","rows":0}"#, "rows", "1 to 65535"),
        (r#"{"type":"secret-type"}"#, "type", "close_stdin"),
        (r#"{"type":5}"#, "type", "close_stdin"),
        (r#"{"data":"secret"}"#, "type", "close_stdin"),
    ] {
        let Ok(Input::Wrong(refusal)) = read(bad) else {
            panic!("not refused: {bad}");
        };
        assert_eq!(refusal.what(), Some(field), "{bad}: {refusal}");
        assert!(refusal.to_string().contains(words), "{bad}: {refusal}");
        assert!(!refusal.to_string().contains("secret"), "{bad}: {refusal}");
    }
    for none in ["", "secret", "[]", "5", r#"{"type":"stdin""#] {
        let misuse = read(none).expect_err(none);
        assert_eq!(misuse.code, 1007, "{none}");
        assert!(!misuse.message.contains("secret"), "{none}");
    }
    assert_eq!(
        Protocol::Messages
            .read(binary(b"{}"))
            .expect_err("binary")
            .code,
        1003
    );
    let long = Message::text("x".repeat(MESSAGE + 1));
    assert_eq!(Protocol::Plain.read(long).expect_err("long").code, 1009);
}

#[test]
fn ends_are_told() {
    let status = |finish: &Finish| {
        let Message::Binary(bytes) = channels::status(finish) else {
            panic!("not binary");
        };
        assert_eq!(bytes[0], 3);
        serde_json::from_slice::<serde_json::Value>(&bytes[1..]).expect("JSON")
    };
    let success = serde_json::json!({ "metadata": {}, "status": "Success" });
    assert_eq!(status(&ended(0)), success);
    let failed = status(&ended(137));
    assert_eq!(failed["reason"], "NonZeroExitCode");
    assert_eq!(failed["details"]["causes"][0]["message"], "137");
    let stopped = status(&Finish::Stopping);
    assert_eq!(stopped["reason"], "InternalError");
    assert_eq!(stopped["code"], 500);
    assert_eq!(ended(0).code(Protocol::Plain), 1000);
    assert_eq!(ended(255).code(Protocol::Plain), 4255);
    assert_eq!(ended(3).code(V5), 1000);
    let long = Finish::Failed(Error::Bare(axum::http::StatusCode::IM_A_TEAPOT));
    assert!(matches!(long.close(V5), Message::Close(Some(frame)) if frame.code == 1011));
}

#[test]
fn a_reason_fits_its_frame_whatever_its_letters() {
    for letter in ["a", "ä", "€", "𐍈"] {
        let message = letter.repeat(200);
        let wrong = crate::refusal::Refusal::field("x", message.clone());
        let Message::Close(Some(frame)) = Finish::Failed(wrong.into()).close(V4) else {
            panic!("not a close");
        };
        assert!(frame.reason.len() <= 123 && frame.reason.len() > 119);
        assert!(message.starts_with(frame.reason.as_str()));
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_panics(bytes: Vec<u8>, closes: bool) {
        let _ = Protocol::Channels { closes }.read(binary(&bytes));
        let _ = messages::read(&bytes);
    }

    #[test]
    fn output_is_text_whole_and_in_order(text: String, cuts in prop::collection::vec(1usize..7, 1..20)) {
        let mut voice = Voice::new(Protocol::Messages);
        let mut rest = text.as_bytes();
        let mut sizes = cuts.iter().cycle();
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(sizes.next().map_or(1, |size| *size).min(rest.len()));
            rest = left;
            let chunk = Chunk { source: Source::Stdout, data: Bytes::copy_from_slice(piece) };
            messages.extend(voice.output(chunk));
        }
        messages.extend(voice.last(&ended(0)));
        let mut seen = String::new();
        for message in messages {
            let Message::Text(message) = message else { panic!("not text") };
            let message: serde_json::Value = serde_json::from_str(&message).expect("JSON");
            seen.push_str(message["data"].as_str().unwrap_or_default());
        }
        prop_assert_eq!(seen, text);
    }
}
