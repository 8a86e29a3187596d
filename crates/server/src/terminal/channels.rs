//! The subprotocols of Kubernetes' exec and attach: the first byte of a message is a channel.
//!
//! Source: kubernetes `staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go` (versions),
//! `apiserver` `pkg/util/wsstream` (frames), `kubelet` `pkg/cri/streaming/remotecommand` (what the
//! channels carry, the status at the end).

use super::{Finish, Input, Misuse};
use axum::body::Bytes;
use axum::extract::ws::Message;
use podlane_engine::{Chunk, Source, TerminalSize};
use serde::{Deserialize, Serialize};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Since version 5: the next byte names the channel that its sender has no more for.
const CLOSE: u8 = 255;

/// The names are Go's, which reads them in any case and writes them so.
#[derive(Deserialize)]
struct Size {
    #[serde(rename = "Width", alias = "width")]
    columns: u16,
    #[serde(rename = "Height", alias = "height")]
    rows: u16,
}

pub(super) fn read(mut message: Bytes, closes: bool) -> Result<Input, Misuse> {
    // Kubernetes passes over empty messages too.
    if message.is_empty() {
        return Ok(Input::Nothing);
    }
    let channel = message.split_to(1)[0];
    match channel {
        STDIN if message.is_empty() => Ok(Input::Nothing),
        STDIN => Ok(Input::Stdin(message)),
        RESIZE => match serde_json::from_slice::<Size>(&message) {
            // As Kubernetes does.
            Ok(Size { columns, rows }) if columns == 0 || rows == 0 => Ok(Input::Nothing),
            Ok(Size { columns, rows }) => Ok(Input::Resize(TerminalSize { columns, rows })),
            Err(_) => Err(Misuse::new(
                1007,
                "a size is {\"Width\": columns, \"Height\": rows}",
            )),
        },
        CLOSE if closes => match message[..] {
            [STDIN] => Ok(Input::CloseStdin),
            // The others are ours to write.
            [_] => Ok(Input::Nothing),
            _ => Err(Misuse::new(
                1007,
                "channel 255 takes the number of one channel",
            )),
        },
        _ => Err(Misuse::new(1002, "clients write to channels 0 and 4")),
    }
}

fn frame(channel: u8, data: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(data.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(data);
    Message::Binary(frame.into())
}

/// Says that the command has been started: nothing, on standard output.
pub(super) fn greeting() -> Message {
    frame(STDOUT, b"")
}

pub(super) fn output(chunk: &Chunk) -> Message {
    let channel = match chunk.source {
        Source::Stdout => STDOUT,
        Source::Stderr => STDERR,
    };
    frame(channel, &chunk.data)
}

/// A `metav1.Status`, as far as exec fills it.
#[derive(Default, Serialize)]
struct Status {
    metadata: Metadata,
    #[serde(rename = "status")]
    word: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

#[derive(Default, Serialize)]
struct Metadata {}

#[derive(Serialize)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Serialize)]
struct Cause {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    message: String,
}

/// How it ended, on the channel for errors.
pub(super) fn status(finish: &Finish) -> Message {
    let status = match finish {
        Finish::Ended(ended) if ended.exit.code == 0 && !ended.timed_out => Status {
            word: "Success",
            ..Status::default()
        },
        Finish::Ended(ended) => {
            let code = ended.exit.code.to_string();
            Status {
                word: "Failure",
                message: format!("command terminated with non-zero exit code: exit status {code}"),
                reason: Some("NonZeroExitCode"),
                details: Some(Details {
                    causes: vec![Cause {
                        reason: Some("ExitCode"),
                        message: code,
                    }],
                }),
                ..Status::default()
            }
        }
        _ => Status {
            word: "Failure",
            message: format!("Internal error occurred: {}", finish.message()),
            reason: Some("InternalError"),
            details: Some(Details {
                causes: vec![Cause {
                    reason: None,
                    message: finish.message(),
                }],
            }),
            code: Some(500),
            ..Status::default()
        },
    };
    frame(ERROR, &serde_json::to_vec(&status).unwrap_or_default())
}
