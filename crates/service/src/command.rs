//! What a command is: its two forms, the argument vectors that they become, and what is refused.

use crate::{Error, NewExec, Result};
use podlane_engine::InnerPath;

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// For the container's shell, `bash` where it exists, else `sh`; in an image without a shell its
    /// words are the argument vector.
    Shell(String),
    /// The argument vector, for no shell.
    Argv(Vec<String>),
}

/// The kernel takes no longer argument. Source: execve(2), `MAX_ARG_STRLEN`.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;
/// Arguments and variables together, with the kernel's own 9 bytes for each; less than its bound, a
/// quarter of an 8 MiB stack, because the container's own variables come on top. Source: execve(2).
const MAX_ALL: usize = 2 * 1024 * 1024 - MAX_ARGUMENT;
/// What a shell of ours writes to standard error before anything else: where it comes, the container
/// has a shell, and whatever looks like a complaint of the engine's after it is the command's own.
pub(crate) const GREETING: u8 = b'\n';
/// Hands the command on to bash where there is one, else to sh itself, as `$0`: nothing of the
/// caller's is ever part of the script.
const SHELL: &str =
    r#"echo >&2; command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0""#;
/// Podman drops what a command has written, if it ends while input for it is still on the way. So a
/// shell that is not the command reads what is left; it says nothing itself, not even of signals.
const SHELL_READING: &str = r#"exec 3>&2 2>/dev/null
(exec 2>&3 3>&-; echo >&2; command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0")
code=$?; exec 3>&-; cat >/dev/null; exit $code"#;
/// The same for an argument vector.
const ARGV_READING: &str = r#"exec 3>&2 2>/dev/null
(exec 2>&3 3>&-; echo >&2; exec "$0" "$@")
code=$?; exec 3>&-; cat >/dev/null; exit $code"#;

impl Command {
    /// The argument vector that lets the container's shell run it; `None` if it does not need one.
    pub(crate) fn through_shell(&self, stdin: bool) -> Option<Vec<String>> {
        let script = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        match (self, stdin) {
            (Self::Argv(_), false) => None,
            (Self::Argv(argv), true) => {
                let mut shell = script(ARGV_READING);
                shell.extend_from_slice(argv);
                Some(shell)
            }
            (Self::Shell(line), _) => {
                let mut shell = script(if stdin { SHELL_READING } else { SHELL });
                shell.push(line.clone());
                Some(shell)
            }
        }
    }

    /// Its argument vector, for no shell.
    pub(crate) fn words(&self) -> Result<Vec<String>> {
        match self {
            Self::Argv(argv) => Ok(argv.clone()),
            Self::Shell(line) => words(line),
        }
    }
}

/// Splits a command like a POSIX shell splits words, honouring quotes.
pub fn words(line: &str) -> Result<Vec<String>> {
    let words = shell_words::split(line)
        .map_err(|_| Error::invalid("command", "a quote in the command is not closed"))?;
    if words.is_empty() {
        return Err(Error::invalid(
            "command",
            "the command is empty; give a program and its arguments",
        ));
    }
    Ok(words)
}

pub(crate) fn check(command: &Command) -> Result<()> {
    let arguments = match command {
        Command::Shell(line) => std::slice::from_ref(line),
        Command::Argv(argv) => argv,
    };
    let wrong = |message: &str| Err(Error::invalid("command", message));
    if arguments
        .first()
        .is_none_or(|first| first.trim().is_empty())
    {
        return wrong("the command is empty; give a program and its arguments");
    }
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return wrong("the command must not contain NUL");
    }
    if arguments
        .iter()
        .any(|argument| argument.len() > MAX_ARGUMENT)
    {
        return wrong(
            "the command is too long: an argument may have 131,071 bytes; send longer input as \"stdin\"",
        );
    }
    Ok(())
}

/// What the kernel would not take, and the runtime would only complain of in the command's output.
pub(crate) fn check_size(exec: &NewExec) -> Result<()> {
    let variables = || {
        exec.environment
            .iter()
            .map(|(name, value)| name.len() + 1 + value.len())
    };
    if variables().any(|size| size > MAX_ARGUMENT) {
        let message = "a variable may have 131,071 bytes, its name and the = included";
        return Err(Error::invalid("environment", message));
    }
    let arguments = match &exec.command {
        Command::Shell(line) => std::slice::from_ref(line),
        Command::Argv(argv) => argv,
    };
    let arguments = arguments.iter().map(String::len);
    if arguments
        .chain(variables())
        .map(|size| size + 9)
        .sum::<usize>()
        > MAX_ALL
    {
        return Err(Error::invalid(
            "command",
            "the command is too long: its arguments and variables may have 1.9 MB together; send longer input as \"stdin\"",
        ));
    }
    Ok(())
}

/// The runtime enters the directory before it has left all of the host behind: a path through its own
/// descriptors in /proc could lead out of the container (CVE-2024-21626). Nobody works in /proc.
pub(crate) fn check_workdir(workdir: Option<&InnerPath>) -> Result<()> {
    let mut parts = workdir.map_or("", InnerPath::as_str).split('/');
    if parts.find(|part| !part.is_empty() && *part != ".") == Some("proc") {
        return Err(Error::invalid(
            "workdir",
            "the working directory must not be in /proc",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_no_kernel_takes_are_refused() {
        for command in [
            Command::Shell(String::new()),
            Command::Shell(" \n".into()),
            Command::Argv(vec![]),
            Command::Argv(vec![String::new()]),
            Command::Argv(vec!["a".into(), "b\0".into()]),
            Command::Shell("x".repeat(MAX_ARGUMENT + 1)),
        ] {
            assert!(matches!(
                check(&command),
                Err(Error::Invalid {
                    field: "command",
                    ..
                })
            ));
        }
        assert!(words("echo 'a b' \"c\"").is_ok_and(|words| words == ["echo", "a b", "c"]));
        assert!(words("echo 'a").is_err());
    }
}
