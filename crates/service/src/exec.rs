//! Exec: a command in a running container, with a bound on its time and on what is kept of its output.

use crate::text::Decoder;
use crate::{Error, Result, Service};
use podlane_engine::{
    Call, Chunk, ContainerId, ContainerRef, Error as EngineError, ExecSpec, InnerPath, Process,
    Source, StartFailure, Termination, UserSpec,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// For the container's shell, `bash` where it exists, else `sh`; in an image without a shell its
    /// words are the argument vector.
    Shell(String),
    /// The argument vector, for no shell.
    Argv(Vec<String>),
}

/// A command and its circumstances.
#[derive(Clone)]
pub struct NewExec {
    /// The command.
    pub command: Command,
    /// The user; `None` for the container's.
    pub user: Option<UserSpec>,
    /// The directory to start in; `None` for the container's.
    pub workdir: Option<InnerPath>,
    /// Variables on top of the container's.
    pub environment: BTreeMap<String, String>,
    /// What its standard input holds.
    pub stdin: Vec<u8>,
    /// When to end it, if before the request's own limit.
    pub timeout: Option<Duration>,
}

impl std::fmt::Debug for NewExec {
    /// Shows neither standard input nor the environment: people put secrets there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewExec")
            .field("user", &self.user)
            .field("workdir", &self.workdir)
            .finish_non_exhaustive()
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its exit code; 128 + signal if a signal ended it.
    pub exit_code: i32,
    /// What it wrote.
    pub output: Captured,
    /// How long it ran.
    pub duration: Duration,
    /// Whether its own time limit ended it.
    pub timed_out: bool,
}

/// The output of a process, in the order in which it was written, up to a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    chunks: Vec<Chunk>,
    bytes: usize,
    max_bytes: usize,
    /// Whether the process wrote more than is kept.
    pub truncated: bool,
}

impl Captured {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            max_bytes,
            truncated: false,
        }
    }

    pub(crate) fn push(&mut self, mut chunk: Chunk) {
        let room = self.max_bytes - self.bytes;
        if chunk.data.len() > room {
            self.truncated = true;
            chunk.data.truncate(room);
        }
        if !chunk.data.is_empty() {
            self.bytes += chunk.data.len();
            self.chunks.push(chunk);
        }
    }

    fn of(&self, source: Option<Source>) -> impl Iterator<Item = &Chunk> {
        self.chunks
            .iter()
            .filter(move |chunk| source.is_none_or(|source| source == chunk.source))
    }

    /// What was written to `source`, or to both for `None`, as it is.
    pub fn bytes(&self, source: Option<Source>) -> Vec<u8> {
        self.of(source)
            .flat_map(|chunk| chunk.data.iter().copied())
            .collect()
    }

    /// The same as text: what is not UTF-8 is U+FFFD, and a character that the bound cut is left out.
    pub fn text(&self, source: Option<Source>) -> String {
        let (mut stdout, mut stderr) = (Decoder::default(), Decoder::default());
        let mut text = String::new();
        for chunk in self.of(source) {
            match chunk.source {
                Source::Stdout => stdout.push(&chunk.data, &mut text),
                Source::Stderr => stderr.push(&chunk.data, &mut text),
            }
        }
        stdout.finish(self.truncated, &mut text);
        stderr.finish(self.truncated, &mut text);
        text
    }
}

/// Hands the command on to bash where there is one, else to sh itself, as `$0`: nothing of the
/// caller's is ever part of the script.
const HAND_ON: &str = r#"command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0""#;
/// The kernel takes no longer argument. Source: execve(2), `MAX_ARG_STRLEN`.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;
/// Arguments and variables together, with the kernel's own 9 bytes for each; less than its bound, a
/// quarter of an 8 MiB stack, because the container's own variables come on top. Source: execve(2).
const MAX_ALL: usize = 2 * 1024 * 1024 - MAX_ARGUMENT;
/// What a shell answers for a command that a signal has ended: 128 and the signal's number.
const KILLED: i32 = 128 + 9;

/// How one attempt to run an argument vector ended.
enum Outcome {
    /// By itself, or by its own time limit.
    Ended(Execution),
    /// It never began: there is no such program.
    NoProgram,
}

impl Service {
    /// Runs a command to its end, or to its time limit; then nothing of it runs any more. The same
    /// holds if the caller goes away.
    pub async fn exec(&self, call: &Call, name: &ContainerRef, exec: NewExec) -> Result<Execution> {
        check(&exec.command)?;
        check_size(&exec)?;
        check_workdir(exec.workdir.as_ref())?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.0.engine.inspect(call, name).await?;
        match &exec.command {
            Command::Argv(argv) => {
                let outcome = self
                    .attempt(call, &container.id, &exec, argv.clone())
                    .await?;
                Ok(outcome.or_not_found(argv))
            }
            Command::Shell(line) => {
                let argv = ["sh", "-c", HAND_ON, line].map(str::to_owned).to_vec();
                match self.attempt(call, &container.id, &exec, argv).await? {
                    Outcome::Ended(execution) => Ok(execution),
                    Outcome::NoProgram => {
                        let words = words(line)?;
                        let outcome = self
                            .attempt(call, &container.id, &exec, words.clone())
                            .await?;
                        Ok(outcome.or_not_found(&words))
                    }
                }
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        id: &ContainerId,
        exec: &NewExec,
        argv: Vec<String>,
    ) -> Result<Outcome> {
        let program = argv[0].clone();
        let spec = ExecSpec {
            argv,
            user: exec.user.clone(),
            workdir: exec.workdir.clone(),
            environment: exec.environment.clone().into_iter().collect(),
            stdin: !exec.stdin.is_empty(),
        };
        let began = Instant::now();
        let own = exec.timeout.map(|timeout| began + timeout);
        let deadline = own.map_or(call.deadline, |own| own.min(call.deadline));
        let mut process = self.0.engine.exec(call, id, &spec).await?;
        let mut output = Captured::new(self.0.limits.output_bytes);
        let ended = tokio::select! {
            ended = drive(process.as_mut(), &exec.stdin, &mut output) => Some(ended?),
            () = tokio::time::sleep_until(deadline) => None,
            () = self.0.stopping.cancelled() => {
                process.kill().await;
                return Err(Error::Stopping);
            }
        };
        let execution = |exit_code, output, timed_out| {
            Outcome::Ended(Execution {
                exit_code,
                output,
                duration: began.elapsed(),
                timed_out,
            })
        };
        let Some(exit_code) = ended else {
            let ended = process.kill().await;
            if own.is_some_and(|own| own <= call.deadline) && ended == Termination::Complete {
                return Ok(execution(KILLED, output, true));
            }
            return Err(Error::ExecTimeout {
                message: timeout_message(began.elapsed(), ended),
            });
        };
        match process.start_failure() {
            None => Ok(execution(exit_code, output, false)),
            Some(StartFailure::NoProgram) => Ok(Outcome::NoProgram),
            Some(StartFailure::NotExecutable) => {
                output.push(complaint(&program, "can't be executed"));
                Ok(execution(126, output, false))
            }
            Some(StartFailure::NoDirectory) => {
                let workdir = exec
                    .workdir
                    .as_ref()
                    .map_or("the container's own", InnerPath::as_str);
                let message = format!(
                    "the directory {workdir} does not exist in the container or can't be entered"
                );
                Err(Error::invalid("workdir", message))
            }
            Some(StartFailure::Other(message)) => Err(Error::Engine(EngineError::Failed {
                step: "starting the command".into(),
                message: message.clone(),
            })),
        }
    }
}

impl Outcome {
    /// Like a shell: code 127 and a word on standard error for a program that is not there.
    fn or_not_found(self, argv: &[String]) -> Execution {
        match self {
            Self::Ended(execution) => execution,
            Self::NoProgram => {
                let mut output = Captured::new(MAX_ARGUMENT);
                output.push(complaint(&argv[0], "not found"));
                Execution {
                    exit_code: 127,
                    output,
                    duration: Duration::ZERO,
                    timed_out: false,
                }
            }
        }
    }
}

/// Feeds the process, reads what it writes, and waits for its end.
pub(crate) async fn drive(
    process: &mut dyn Process,
    stdin: &[u8],
    output: &mut Captured,
) -> Result<i32> {
    let sink = process.take_stdin();
    let feed = async {
        if let Some(mut sink) = sink {
            // A process need not read what it is given.
            let _ = sink.write_all(stdin).await;
            let _ = sink.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        while let Some(chunk) = process.next().await? {
            output.push(chunk);
        }
        Ok(process.wait().await?)
    };
    tokio::select! {
        ended = read => ended,
        () = feed => Err(Error::Stopping),
    }
}

fn complaint(program: &str, what: &str) -> Chunk {
    Chunk {
        source: Source::Stderr,
        data: format!("{program}: {what}\n").into(),
    }
}

fn timeout_message(after: Duration, ended: Termination) -> String {
    let left = match ended {
        Termination::Complete => "it was ended with all that it had started".to_owned(),
        Termination::Survivors(count) => format!("{count} of its processes could not be ended"),
        Termination::Unproven => "whether all of it has ended could not be found out".to_owned(),
    };
    format!(
        "the command did not finish within {:.1} seconds; {left}",
        after.as_secs_f64()
    )
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

fn check(command: &Command) -> Result<()> {
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

    fn chunk(source: Source, data: &'static [u8]) -> Chunk {
        Chunk {
            source,
            data: data.into(),
        }
    }

    #[test]
    fn keeps_what_fits_and_cuts_no_character() {
        let mut captured = Captured::new(6);
        captured.push(chunk(Source::Stdout, b"ab"));
        captured.push(chunk(Source::Stderr, b"c"));
        captured.push(chunk(Source::Stdout, "d€uro".as_bytes()));
        captured.push(chunk(Source::Stdout, b"more"));
        assert!(captured.truncated);
        assert_eq!(captured.text(None), "abcd");
        assert_eq!(captured.text(Some(Source::Stdout)), "abd");
        assert_eq!(captured.text(Some(Source::Stderr)), "c");
        assert_eq!(captured.bytes(None).len(), 6);
    }

    #[test]
    fn interleaved_streams_do_not_mix_their_characters() {
        let mut captured = Captured::new(100);
        captured.push(chunk(Source::Stdout, &"€".as_bytes()[..1]));
        captured.push(chunk(Source::Stderr, b"x"));
        captured.push(chunk(Source::Stdout, &"€".as_bytes()[1..]));
        assert_eq!(captured.text(None), "x€");
    }

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
