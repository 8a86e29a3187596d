//! The subprotocol `podlane.v1.json`. The form of its messages is in `podlane_api`.

use super::{Finish, Input, Misuse, Start};
use crate::error::Error;
use crate::extract::{mistakes, shown};
use crate::refusal::Refusal;
use crate::render::detail;
use crate::stream::convert::{survivor, usage};
use axum::body::Bytes;
use axum::extract::ws::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ErrorDetail, ErrorType, TerminalInput, TerminalOutput};
use podlane_engine::{Chunk, ExecPath, Signal, Source, TerminalSize};
use podlane_service::{Ended, TextDecoder};
use serde_json::{Map, Value};

/// What a message is about, and nothing else.
const TYPES: [&str; 5] = ["start", "stdin", "close_stdin", "resize", "signal"];

/// What is wrong in a message is told, and nothing is done; only what is no message at all ends the session.
pub(super) fn read(text: &[u8]) -> Result<Input, Misuse> {
    let asked = match serde_json::from_slice(text) {
        Ok(message) => asked(message),
        Err(_wrong) => Err(mistake(text)?),
    };
    Ok(asked.unwrap_or_else(Input::Wrong))
}

fn asked(message: TerminalInput) -> Result<Input, Refusal> {
    match message {
        TerminalInput::Start {
            environment,
            columns,
            rows,
        } => {
            size(columns, rows)?;
            Ok(Input::Start(Start {
                environment,
                columns,
                rows,
            }))
        }
        TerminalInput::Stdin {
            data: Some(data),
            base64: None,
        } => Ok(Input::Stdin(data.0.into())),
        TerminalInput::Stdin {
            data: None,
            base64: Some(base64),
        } => match STANDARD.decode(base64.0) {
            Ok(data) => Ok(Input::Stdin(Bytes::from(data))),
            Err(_) => Err(Refusal::field(
                "base64",
                "`base64` must be Base64 with padding",
            )),
        },
        TerminalInput::Stdin { .. } => {
            let message = "a message of the type stdin has either `data` or `base64`";
            Err(Refusal::field("data", message))
        }
        TerminalInput::CloseStdin {} => Ok(Input::CloseStdin),
        TerminalInput::Resize { columns, rows } => {
            size(Some(columns), Some(rows))?;
            Ok(Input::Resize(TerminalSize { columns, rows }))
        }
        TerminalInput::Signal { signal } => {
            let message =
                "`signal` must be a signal's name, such as \"TERM\", or its number, 1 to 64";
            let signal = Signal::parse(&signal).map(Input::Signal);
            signal.ok_or_else(|| Refusal::field("signal", message))
        }
    }
}

fn size(columns: Option<u16>, rows: Option<u16>) -> Result<(), Refusal> {
    for (name, value) in [("columns", columns), ("rows", rows)] {
        if value == Some(0) {
            return Err(Refusal::field(name, format!("`{name}` must be 1 to 65535")));
        }
    }
    Ok(())
}

/// What is wrong with a message that can't be read, by field. No value is repeated: it may be a password.
fn mistake(text: &[u8]) -> Result<Refusal, Misuse> {
    const NO_OBJECT: Misuse = Misuse::new(1007, "a message is one JSON object");
    let object: Map<String, Value> = serde_json::from_slice(text).map_err(|_wrong| NO_OBJECT)?;
    let types = format!("`type` must be one of {}", TYPES.join(", "));
    let kind = object.get("type").and_then(Value::as_str);
    let Some(kind) = kind.filter(|kind| TYPES.contains(kind)) else {
        return Ok(Refusal::field("type", types));
    };
    // A tagged enum's error does not say where it is; of one field alone it needs not.
    for (name, value) in object.iter().filter(|(name, _)| *name != "type") {
        let alone = serde_json::json!({ "type": kind, name: value });
        let Err(error) = serde_json::from_value::<TerminalInput>(alone) else {
            continue;
        };
        let error = error.to_string();
        if error.starts_with("missing field") {
            continue;
        }
        if error.starts_with("unknown field") {
            // The whole has the same error; there may be any number of such fields.
            break;
        }
        let what = mistakes::wrong_value(&error).unwrap_or_else(|| format!("is wrong: {error}"));
        return Ok(Refusal::field(
            shown(name),
            format!("`{}` {what}", shown(name)),
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, TerminalInput>(&mut json) {
        Ok(_) => Err(NO_OBJECT),
        Err(error) => Ok(mistakes::refusal(&error)),
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
