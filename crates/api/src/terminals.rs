//! The messages of the WebSocket subprotocol `podlane.v1.json`, one JSON object each.

use crate::{Environment, ErrorDetail, Hidden, Survivor, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TerminalInput {
    /// Starts the command: the first message, if the query says `configure=true`, and only then.
    Start {
        /// Variables on top of the container's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<Environment>,
        /// Characters in a line of the terminal; the query's if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<u16>,
        /// Lines of the terminal; the query's if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows: Option<u16>,
    },
    /// Something for standard input: `data` as text, or `base64`.
    Stdin {
        /// Text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        data: Option<Hidden>,
        /// Bytes, as Base64 with padding.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        base64: Option<Hidden>,
    },
    /// The end of standard input. On a terminal it is the key Ctrl-D.
    CloseStdin {},
    /// The terminal has another size now.
    Resize {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
    /// A signal for the command and its process group; of an attachment, for the container's PID 1.
    Signal {
        /// Its name, with or without `SIG`, or its number.
        signal: String,
    },
}

/// What the server says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TerminalOutput {
    /// The command has been started, or the container been attached to; the first message.
    Start {
        /// The way on which it runs: `engine`, `stream` or `fd`.
        path: String,
    },
    /// A piece of standard output, or of what is written to the terminal. No character is cut in two;
    /// what is not UTF-8 becomes U+FFFD.
    Stdout {
        /// Text.
        data: String,
    },
    /// A piece of standard error.
    Stderr {
        /// Text.
        data: String,
    },
    /// The command has ended; the last message.
    Exit {
        /// Its exit code; 127 if it was not found, 126 if it could not be run, 128 + signal if a
        /// signal ended it.
        exit_code: i32,
        /// Whether the exit code is 0.
        success: bool,
        /// How long it ran, in milliseconds.
        duration_ms: u64,
        /// Whether its own time limit ended it.
        timed_out: bool,
        /// Whether it had to be killed (SIGKILL), because asking it to end (SIGTERM) was not enough.
        killed: bool,
        /// What of it could not be ended; empty otherwise.
        survivors: Vec<Survivor>,
        /// The signal that ended it, where that is known.
        signal: Option<i32>,
        /// What it used, where that is known.
        usage: Option<Usage>,
    },
    /// Something went wrong. If nothing else can follow, the connection is closed after it.
    Error {
        /// What, as in the bodies of errors.
        error: ErrorDetail,
    },
}

impl std::fmt::Debug for TerminalOutput {
    /// Shows nothing of the output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start { .. } => "Start(..)",
            Self::Stdout { .. } => "Stdout(..)",
            Self::Stderr { .. } => "Stderr(..)",
            Self::Exit { .. } => "Exit(..)",
            Self::Error { .. } => "Error(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TerminalInput, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn messages_are_read_strictly() {
        for good in [
            r#"{"type":"stdin","data":"ls\n"}"#,
            r#"{"base64":"AA==","type":"stdin"}"#,
            r#"{"type":"close_stdin"}"#,
            r#"{"type":"resize","columns":80,"rows":24}"#,
            r#"{"type":"signal","signal":"INT"}"#,
            r#"{"type":"start","environment":{"A":"b"}}"#,
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type":"stdin","data":"a","data":"b"}"#,
            r#"{"type":"stdin","text":"a"}"#,
            r#"{"type":"close_stdin","x":1}"#,
            r#"{"type":"resize","columns":80}"#,
            r#"{"type":"resize","columns":80,"rows":65536}"#,
            r#"{"type":"resize","columns":-1,"rows":1}"#,
            r#"{"type":"exit"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let stdin = read(r#"{"type":"stdin","data":"s3cret","base64":"czNjcmV0"}"#).expect("fine");
        let start = read(r#"{"type":"start","environment":{"A":"s3cret"}}"#).expect("fine");
        let shown = format!("{stdin:?} {start:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("czNj"),
            "{shown}"
        );
    }
}
