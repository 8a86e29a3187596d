//! How a command ends when it can't do what it was asked: one sentence on stderr and an exit status.

use clap::error::ErrorKind;
use podlane_server::config;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command gave up. The message says what is wrong and, after a semicolon, what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;

impl Failure {
    /// What was asked could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: FAILED,
        }
    }

    /// It in words.
    pub(crate) fn words(self) -> String {
        self.message
    }

    /// Tells the user and gives the exit status.
    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            complain(&self.message);
        }
        ExitCode::from(self.status)
    }
}

/// The configuration is wrong: a line for each mistake.
impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        Self {
            message: error.to_string().replace('\n', "\npodlane: "),
            status: USAGE,
        }
    }
}

/// An operation failed; its reason is for whoever is at this machine.
impl From<podlane_service::Error> for Failure {
    fn from(error: podlane_service::Error) -> Self {
        match &error {
            podlane_service::Error::Unkept { reason, .. } => {
                Self::failed(format!("{error}: {reason}"))
            }
            _ => Self::failed(error.to_string()),
        }
    }
}

/// Output could not be written. A reader that has seen enough (`| head`) is no failure to talk about.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::failed("")
        } else {
            Self::failed(format!("can't write the output: {error}"))
        }
    }
}

/// Help and version go to stdout; anything else is a mistake in usage.
pub(crate) fn answer_usage(error: &clap::Error) -> ExitCode {
    if error.exit_code() == 0 {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let text = error.render().to_string();
    complain(text.strip_prefix("error: ").unwrap_or(&text).trim_end());
    ExitCode::from(USAGE)
}

/// Says something to people beside the output.
pub(crate) fn tell(message: &str) {
    complain(message);
}

fn complain(message: &str) {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(io::stderr(), "podlane: {message}");
}
