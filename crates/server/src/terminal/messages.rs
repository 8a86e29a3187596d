//! The subprotocol `podlane.v1.json`. The form of its messages is in `podlane_api`.

use super::{Finish, Input, Misuse, Start};
use crate::error::Error;
use crate::render::detail;
use crate::stream::convert::{survivor, usage};
use axum::body::Bytes;
use axum::extract::ws::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ErrorDetail, ErrorType, TerminalInput, TerminalOutput};
use podlane_engine::{Chunk, ExecPath, Signal, Source, TerminalSize};
use podlane_service::{Ended, TextDecoder};

const WRONG: Misuse = Misuse::new(
    1007,
    "a message is one of start, stdin, close_stdin, resize and signal, with its fields",
);

pub(super) fn read(text: &[u8]) -> Result<Input, Misuse> {
    // What is wrong with it is not repeated: it may be a password.
    let message = serde_json::from_slice(text).map_err(|_wrong| WRONG)?;
    match message {
        TerminalInput::Start {
            environment,
            columns,
            rows,
        } => Ok(Input::Start(Start {
            environment,
            columns,
            rows,
        })),
        TerminalInput::Stdin {
            data: Some(data),
            base64: None,
        } => Ok(Input::Stdin(data.0.into())),
        TerminalInput::Stdin {
            data: None,
            base64: Some(base64),
        } => match STANDARD.decode(base64.0) {
            Ok(data) => Ok(Input::Stdin(Bytes::from(data))),
            Err(_) => Err(Misuse::new(1007, "`base64` is no Base64 with padding")),
        },
        TerminalInput::Stdin { .. } => {
            Err(Misuse::new(1007, "stdin has either `data` or `base64`"))
        }
        TerminalInput::CloseStdin {} => Ok(Input::CloseStdin),
        TerminalInput::Resize { columns, rows } => {
            Ok(Input::Resize(TerminalSize { columns, rows }))
        }
        TerminalInput::Signal { signal } => Signal::parse(&signal)
            .map(Input::Signal)
            .ok_or(Misuse::new(1007, "`signal` names no signal")),
    }
}

fn written(message: &TerminalOutput) -> Message {
    let text = serde_json::to_string(message);
    Message::Text(text.unwrap_or_default().into())
}

pub(super) fn started(path: ExecPath) -> Message {
    written(&TerminalOutput::Start {
        path: path.as_str().to_owned(),
    })
}

pub(super) fn failed(error: &Error) -> Message {
    written(&TerminalOutput::Error {
        error: detail(&error.answer()),
    })
}

/// Writes output as text.
#[derive(Debug, Default)]
pub(super) struct Writer {
    stdout: TextDecoder,
    stderr: TextDecoder,
}

impl Writer {
    /// `None` if all of it is the beginning of a character.
    pub(super) fn output(&mut self, chunk: &Chunk) -> Option<Message> {
        let mut text = String::new();
        let decoder = match chunk.source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        };
        decoder.push(&chunk.data, &mut text);
        spoken(chunk.source, text)
    }

    /// What is left of the output, and how it ended.
    pub(super) fn last(&mut self, finish: &Finish) -> Vec<Message> {
        let mut messages = Vec::new();
        for (source, decoder) in [
            (Source::Stdout, &mut self.stdout),
            (Source::Stderr, &mut self.stderr),
        ] {
            let mut text = String::new();
            decoder.finish(false, &mut text);
            messages.extend(spoken(source, text));
        }
        messages.push(match finish {
            Finish::Ended(ended) => written(&exit(ended)),
            Finish::Failed(error) => failed(error),
            Finish::Misused(_) => said(ErrorType::ValidationError, 400, finish),
            Finish::Idle(_) => said(ErrorType::InternalError, 408, finish),
            Finish::Stopping | Finish::Gone => said(ErrorType::InternalError, 503, finish),
        });
        messages
    }
}

fn spoken(source: Source, data: String) -> Option<Message> {
    let message = match source {
        _ if data.is_empty() => return None,
        Source::Stdout => TerminalOutput::Stdout { data },
        Source::Stderr => TerminalOutput::Stderr { data },
    };
    Some(written(&message))
}

fn said(kind: ErrorType, code: u16, finish: &Finish) -> Message {
    written(&TerminalOutput::Error {
        error: ErrorDetail {
            message: finish.message(),
            code,
            kind,
            field: None,
            hint: None,
        },
    })
}

fn exit(ended: &Ended) -> TerminalOutput {
    TerminalOutput::Exit {
        exit_code: ended.exit.code,
        success: ended.exit.code == 0 && !ended.timed_out,
        duration_ms: u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX),
        timed_out: ended.timed_out,
        killed: ended.killed,
        survivors: ended.survivors.iter().map(survivor).collect(),
        signal: ended.exit.signal,
        usage: ended.exit.usage.map(usage),
    }
}
