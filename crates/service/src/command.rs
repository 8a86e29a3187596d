//! What a command is: its two forms, the argument vectors that they become, and what is refused.

use crate::{Error, NewExec, Result};
use podlane_engine::{Command, InnerPath};

/// The kernel takes no longer argument. Source: execve(2), `MAX_ARG_STRLEN`.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;
/// Arguments and variables together, with the kernel's own 9 bytes for each; less than its bound, a
/// quarter of an 8 MiB stack, because the container's own variables come on top. Source: execve(2).
const MAX_ALL: usize = 2 * 1024 * 1024 - MAX_ARGUMENT;

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

/// What no kernel or runtime takes, told before it is tried.
pub(crate) fn check(exec: &NewExec) -> Result<()> {
    check_words(&exec.command)?;
    check_size(exec)?;
    check_workdir(exec.workdir.as_ref())
}

fn check_words(command: &Command) -> Result<()> {
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
fn check_size(exec: &NewExec) -> Result<()> {
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
                check_words(&command),
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
