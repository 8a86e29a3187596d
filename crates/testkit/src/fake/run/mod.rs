//! Processes of a container: started, listed, signalled and waited for. None is a process of the host.

mod file_programs;
mod find;
mod look;
mod programs;
mod shell;
mod streams;
mod text_programs;

use super::inside::{Account, Inside};
pub(super) use find::Unstartable;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
pub(super) use streams::{Sink, Stdin};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The signals that matter here, by number.
pub(super) const SIGKILL: i32 = 9;
pub(super) const SIGTERM: i32 = 15;

/// A process to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) directory: String,
    pub(super) account: Account,
    pub(super) stdin: Stdin,
    pub(super) stdout: Sink,
    pub(super) stderr: Sink,
    pub(super) role: Role,
}

/// What kernel and runtime make of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// PID 1: signals it does not handle do nothing, except SIGKILL.
    First,
    /// The main process under an init as PID 1.
    UnderInit,
    /// Any other.
    Other,
}

/// A process from its own point of view: what the interpreter works on.
#[derive(Debug, Clone)]
pub(super) struct Process {
    inside: Arc<Inside>,
    pid: u32,
    environment: BTreeMap<String, String>,
    directory: String,
    account: Account,
    stdin: Stdin,
    stdout: Sink,
    stderr: Sink,
    /// Scripts by signal number.
    traps: Arc<Mutex<BTreeMap<i32, String>>>,
}

impl Process {
    /// A path as this process means it.
    fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            return path.to_owned();
        }
        format!("{}/{path}", self.directory.trim_end_matches('/'))
    }

    /// Writes an error message and gives the code to end with.
    async fn fail(&self, code: i32, message: String) -> i32 {
        self.stderr.write(format!("{message}\n")).await;
        code
    }

    fn traps(&self) -> MutexGuard<'_, BTreeMap<i32, String>> {
        self.traps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process table of a container.
#[derive(Debug, Default)]
pub(super) struct Processes(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u32,
    live: BTreeMap<u32, Live>,
}

#[derive(Debug)]
struct Live {
    argv: Vec<String>,
    environment: BTreeMap<String, String>,
    signals: mpsc::UnboundedSender<i32>,
}

impl Processes {
    /// Sends a signal; false if there is no such process.
    pub(super) fn signal(&self, pid: u32, signal: i32) -> bool {
        let table = self.lock();
        let live = table.live.get(&pid);
        live.is_some_and(|live| live.signals.send(signal).is_ok())
    }

    /// Kills all that live.
    pub(super) fn kill_all(&self) {
        for live in self.lock().live.values() {
            let _already_gone = live.signals.send(SIGKILL);
        }
    }

    /// PID and argument vector of all that live.
    pub(super) fn list(&self) -> Vec<(u32, Vec<String>)> {
        let table = self.lock();
        let all = table.live.iter();
        all.map(|(pid, live)| (*pid, live.argv.clone())).collect()
    }

    /// The first process of the next start gets PID 1 again.
    pub(super) fn restart(&self) {
        self.lock().last = 0;
    }

    /// Kills all that have this entry in their environment, and waits until they are gone.
    async fn kill_marked(&self, entry: &str) {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        for _ in 0..200 {
            let mut found = false;
            for live in self.lock().live.values() {
                if live.environment.get(name).is_some_and(|is| is == value) {
                    found |= live.signals.send(SIGKILL).is_ok();
                }
            }
            if !found {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn add(
        &self,
        argv: Vec<String>,
        environment: BTreeMap<String, String>,
    ) -> (u32, mpsc::UnboundedReceiver<i32>) {
        let (signals, received) = mpsc::unbounded_channel();
        let mut table = self.lock();
        table.last += 1;
        let pid = table.last;
        let live = Live {
            argv,
            environment,
            signals,
        };
        table.live.insert(pid, live);
        (pid, received)
    }

    fn remove(&self, pid: u32) {
        self.lock().live.remove(&pid);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a process. What the OCI runtime checks before it is checked here.
pub(super) fn start(
    inside: &Arc<Inside>,
    start: Start,
) -> Result<(u32, JoinHandle<i32>), Unstartable> {
    let environment = start.environment.iter().filter_map(|entry| {
        let (name, value) = entry.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let mut process = Process {
        inside: Arc::clone(inside),
        pid: 0,
        environment: environment.collect(),
        directory: start.directory,
        account: start.account,
        stdin: start.stdin,
        stdout: start.stdout,
        stderr: start.stderr,
        traps: Arc::default(),
    };
    find::directory(&process)?;
    let found = find::program(&process, start.argv.first().map_or("", String::as_str));
    if start.role == Role::UnderInit {
        // The init starts well and reports what it could not start in the log.
        if let Err(error) = found {
            let text = format!(
                "ERROR (catatonit:2): failed to exec pid1: {}\n",
                error.text()
            );
            inside.log.write(2, text.as_bytes());
            let (pid, _signals) = inside.processes.add(start.argv, process.environment);
            inside.processes.remove(pid);
            return Ok((pid, tokio::spawn(async { 1 })));
        }
    } else {
        found?;
    }
    let (pid, signals) = inside
        .processes
        .add(start.argv.clone(), process.environment.clone());
    process.pid = pid;
    let role = start.role;
    let argv = start.argv;
    Ok((pid, tokio::spawn(live(process, argv, role, signals))))
}

/// Starts a process that the shell puts into the background. Its parent does not wait for it.
fn background(
    parent: &Process,
    argv: Vec<String>,
    work: impl FnOnce(Process) -> BoxFuture<'static, i32>,
) -> u32 {
    let mut process = parent.clone();
    let (pid, mut signals) = process
        .inside
        .processes
        .add(argv, process.environment.clone());
    process.pid = pid;
    process.stdin = Stdin::Empty;
    let inside = Arc::clone(&process.inside);
    let work = work(process);
    tokio::spawn(async move {
        tokio::select! {
            _code = work => {}
            _signal = signals.recv() => {}
        }
        inside.processes.remove(pid);
    });
    pid
}

/// A process from its start to its exit code.
async fn live(
    process: Process,
    argv: Vec<String>,
    role: Role,
    mut signals: mpsc::UnboundedReceiver<i32>,
) -> i32 {
    let inside = Arc::clone(&process.inside);
    let pid = process.pid;
    let handler = process.clone();
    let code = {
        let work = programs::run(process, argv);
        tokio::pin!(work);
        loop {
            tokio::select! {
                code = &mut work => break code,
                Some(signal) = signals.recv() => {
                    if let Some(code) = react(&handler, role, signal).await {
                        break code;
                    }
                }
            }
        }
    };
    inside.processes.remove(pid);
    code
}

/// What a signal does: the exit code if it ends the process.
async fn react(process: &Process, role: Role, signal: i32) -> Option<i32> {
    const HARMLESS: [i32; 4] = [17, 18, 23, 28];
    if signal == SIGKILL {
        return Some(128 + SIGKILL);
    }
    let trap = process.traps().get(&signal).cloned();
    if let Some(script) = trap {
        return shell::run_trap(process.clone(), &script).await;
    }
    (role != Role::First && !HARMLESS.contains(&signal)).then_some(128 + signal)
}

/// The number of a signal's name, with or without `SIG`, or of its digits.
pub(super) fn signal_number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse() {
        return (0..=64).contains(&number).then_some(number);
    }
    let upper = name.to_ascii_uppercase();
    let number = match upper.strip_prefix("SIG").unwrap_or(&upper) {
        "EXIT" => 0,
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "KILL" => SIGKILL,
        "USR1" => 10,
        "USR2" => 12,
        "PIPE" => 13,
        "TERM" => SIGTERM,
        "CHLD" => 17,
        "CONT" => 18,
        "STOP" => 19,
        _ => return None,
    };
    Some(number)
}
