use super::events::events;
use super::frames::frames;
use super::*;
use bytes::Bytes;
use podlane_api::{ExecPath as WirePath, ExecStart};
use podlane_engine::{Chunk, Exit, Source};
use podlane_service::{Ended, Texts};
use serde_json::{Value, json};
use std::time::Duration;

fn output(source: Source, data: &'static [u8], at: u64) -> Step {
    let data = Bytes::from_static(data);
    Step::Output {
        chunk: Chunk { source, data },
        at,
    }
}

fn ended() -> Step {
    Step::Ended(Ended {
        exit: Exit::of(3),
        duration: Duration::from_millis(12),
        timed_out: false,
        killed: false,
        survivors: Vec::new(),
    })
}

fn context() -> Context {
    Context {
        id: RequestId::parse("test").expect("an ID"),
    }
}

fn beginning() -> Beginning {
    Beginning {
        start: ExecStart {
            path: WirePath::Engine,
            container: "abc".into(),
        },
        at: 0,
        texts: Texts::default(),
    }
}

async fn written(
    form: Form,
    encoding: OutputEncoding,
    steps: Vec<Result<Step, podlane_service::Error>>,
) -> String {
    let steps = stream::iter(steps).boxed();
    let bytes: Vec<Bytes> = events(form, encoding, beginning(), steps, context())
        .collect()
        .await;
    String::from_utf8(bytes.concat()).expect("text")
}

#[tokio::test]
async fn server_sent_events() {
    let steps = vec![Ok(output(Source::Stdout, b"a\nb", 3)), Ok(ended())];
    let text = written(Form::EventStream, OutputEncoding::Text, steps).await;
    assert_eq!(
        text,
        "id: 0\nevent: start\ndata: {\"path\":\"engine\",\"container\":\"abc\"}\n\n\
         id: 3\nevent: stdout\ndata: {\"data\":\"a\\nb\"}\n\n\
         id: 6\nevent: end\ndata: {\"exit_code\":3,\"signal\":null,\"duration_ms\":12,\
         \"timed_out\":false,\"killed\":false,\"survivors\":[],\"usage\":null}\n\n"
    );
}

fn lines(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn lines_with_characters_in_pieces() {
    let euro = "€".as_bytes();
    let steps = vec![
        Ok(output(Source::Stdout, &euro[..1], 1)),
        Ok(output(Source::Stderr, b"x", 2)),
        Ok(output(Source::Stdout, &euro[1..], 4)),
        Ok(Step::Lost {
            bytes: 6,
            at: 10,
            rest_of: None,
        }),
        Ok(output(Source::Stderr, &euro[..2], 12)),
        Err(podlane_service::Error::Stopping),
    ];
    let lines = lines(&written(Form::Lines, OutputEncoding::Text, steps).await);
    assert_eq!(lines[1], json!({"id": 2, "event": "stderr", "data": "x"}));
    assert_eq!(lines[2], json!({"id": 4, "event": "stdout", "data": "€"}));
    assert_eq!(lines[3], json!({"id": 10, "event": "lost", "bytes": 6}));
    assert_eq!(
        lines[4],
        json!({"id": 14, "event": "stderr", "data": "\u{fffd}"})
    );
    assert_eq!(lines[5]["id"], 15);
    assert_eq!(lines[5]["event"], "error");
    assert_eq!(lines[5]["error"]["code"], 503);
    assert_eq!(lines[5]["request_id"], "test");
    assert_eq!(lines.len(), 6);
}

#[tokio::test]
async fn bytes_as_base64() {
    let steps = vec![Ok(output(Source::Stdout, b"\xff\x00", 2)), Ok(ended())];
    let lines = lines(&written(Form::Lines, OutputEncoding::Base64, steps).await);
    assert_eq!(
        lines[1],
        json!({"id": 2, "event": "stdout", "data": "/wA="})
    );
}

#[tokio::test]
async fn frames_pass_pieces_through_uncopied() {
    let data = Bytes::from(vec![7_u8; 70_000]);
    let steps = vec![
        Ok(Step::Output {
            chunk: Chunk {
                source: Source::Stderr,
                data: data.clone(),
            },
            at: 70_000,
        }),
        Ok(ended()),
    ];
    let all: Vec<Frame<Bytes>> = frames(stream::iter(steps).boxed(), context(), true)
        .collect()
        .await;
    assert_eq!(all.len(), 3);
    let header = all[0].data_ref().expect("data");
    assert_eq!(header.as_ref(), [2, 0, 0, 0, 0, 1, 0x11, 0x70]);
    assert_eq!(all[1].data_ref().expect("data").as_ptr(), data.as_ptr());
    let trailers = all[2].trailers_ref().expect("trailers");
    assert_eq!(trailers["x-exit-code"], "3");
    assert_eq!(trailers["x-exec-survivors"], "0");
}
