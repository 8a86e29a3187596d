//! `POST exec/{id}/start`: runs a session, attached over the hijacked connection or detached.

use super::Request;
use crate::fake::answer::{Answer, Handled, Refusal, frame};
use crate::fake::inside::Account;
use crate::fake::run::{self, Role, Sink, Start, Stdin};
use crate::fake::state::{Core, Exec, Progress, Status};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What Podman writes after the runtime's own words, because conmon is gone by then.
const BROKEN_ATTACH: &str =
    "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n";

pub(super) fn start(request: &Request) -> Handled {
    let id = &request.name;
    let wrong = |cause: &str| {
        let message = format!(
            "failed to decode parameters for {}: {cause}",
            request.target
        );
        Refusal::new(400, cause, message)
    };
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| wrong("EOF"))?;
    let (exec, inside, account, environment, directory) = {
        let mut state = request.core.state();
        let exec = state
            .execs
            .get(id)
            .ok_or_else(|| Refusal::no_exec(id))?
            .clone();
        let container = state.find(&exec.container)?;
        check(container.status, &exec, id)?;
        let user = if exec.user.is_empty() {
            &container.user
        } else {
            &exec.user
        };
        let account = container.inside.account(user);
        let inside = Arc::clone(&container.inside);
        let environment = environment(&container.environment, &exec, account.as_ref().ok());
        let directory = match exec.workdir.as_str() {
            "" => container.workdir.clone(),
            directory => directory.to_owned(),
        };
        if !(exec.stdin || exec.stdout || exec.stderr) && body["Detach"] != true {
            let text = "must provide at least one stream to attach to: invalid argument";
            stop_in(&mut state.execs, id, 125);
            return Err(Refusal::wrapped(500, text));
        }
        match account {
            Ok(account) => (exec, inside, account, environment, directory),
            Err(text) => {
                stop_in(&mut state.execs, id, 125);
                return Err(Refusal::wrapped(500, &text));
            }
        }
    };
    let (to, written) = mpsc::channel::<Bytes>(16);
    let (client, output) = mpsc::channel::<Bytes>(1);
    let (input, from) = mpsc::channel::<Bytes>(16);
    let attached = body["Detach"] != true;
    let sink = |stream: u8, wanted: bool| {
        if wanted && attached {
            Sink::Client {
                stream: if exec.terminal { 1 } else { stream },
                terminal: exec.terminal,
                to: to.clone(),
            }
        } else {
            Sink::Null
        }
    };
    let start = Start {
        argv: exec.argv.clone(),
        environment,
        directory,
        account,
        stdin: if exec.stdin && attached {
            Stdin::channel(from)
        } else {
            Stdin::Empty
        },
        stdout: sink(1, exec.stdout),
        stderr: sink(2, exec.stderr || exec.terminal),
        role: Role::Other,
    };
    match run::start(&inside, start) {
        Ok((pid, end)) => {
            if let Some(exec) = request.core.state().execs.get_mut(id) {
                exec.progress = Progress::Running(pid);
            }
            supervise(&request.core, id, end, written, client);
        }
        Err(why) => {
            let said = why.report(request.core.state().runtime, "exec failed");
            if !attached {
                return Err(Refusal::wrapped(500, &said));
            }
            stop_in(&mut request.core.state().execs, id, why.code());
            let pieces = report(&said, exec.terminal);
            tokio::spawn(async move {
                for piece in pieces {
                    let _client_left = client.send(piece).await;
                }
            });
        }
    }
    if !attached {
        let kind = "text/plain; charset=us-ascii";
        return Ok(Answer::typed(StatusCode::OK, kind, "\n"));
    }
    Ok(Answer::hijacked(output, exec.stdin.then_some(input)))
}

/// The container's variables, the session's own, and a `HOME` for its user: empty for a user that is
/// only a number.
fn environment(container: &[String], exec: &Exec, account: Option<&Account>) -> Vec<String> {
    let mut all = [container, &exec.environment].concat();
    if !all.iter().any(|entry| entry.starts_with("HOME=")) {
        let home = account.and_then(|account| account.home.as_deref());
        all.push(format!("HOME={}", home.unwrap_or_default()));
    }
    all
}

fn check(status: Status, exec: &Exec, id: &str) -> Result<(), Refusal> {
    if status != Status::Running {
        let (ctr, status) = (&exec.container, status.as_str());
        let text =
            format!("cannot exec in a container that is not running; container {ctr} is {status}");
        return Err(Refusal::plain(409, text));
    }
    let state = match exec.progress {
        Progress::Created => return Ok(()),
        Progress::Running(_) => "running",
        Progress::Stopped(_) => "stopped",
    };
    let cause = "exec session state improper";
    let message = format!(
        "can only start created exec sessions, while container {} session {id} state is \"{state}\": {cause}",
        exec.container
    );
    Err(Refusal::new(500, cause, message))
}

fn stop_in(execs: &mut std::collections::BTreeMap<String, Exec>, id: &str, code: i32) {
    if let Some(exec) = execs.get_mut(id) {
        exec.progress = Progress::Stopped(code);
    }
}

/// Takes down the exit code as soon as the process ends, and then closes the stream once the client has
/// read what was written until then. As under conmon, what its children write later is lost, and so is
/// what a client that left does not read.
fn supervise(
    core: &Arc<Core>,
    id: &str,
    end: JoinHandle<i32>,
    mut written: mpsc::Receiver<Bytes>,
    client: mpsc::Sender<Bytes>,
) {
    let (core, id) = (Arc::downgrade(core), id.to_owned());
    let mut end = tokio::spawn(async move {
        let exit = end.await.unwrap_or(137);
        if let Some(core) = core.upgrade() {
            stop_in(&mut core.state().execs, &id, exit);
        }
    });
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(piece) = written.recv() => {
                    let _client_left = client.send(piece).await;
                }
                _ended = &mut end => break,
            }
        }
        written.close();
        while let Some(piece) = written.recv().await {
            let _client_left = client.send(piece).await;
        }
    });
}

/// The two errors that Podman writes into a stream that it has already begun.
fn report(said: &str, terminal: bool) -> [Bytes; 2] {
    let first = format!("Error: {said}\n");
    [first, BROKEN_ATTACH.to_owned()].map(|text| {
        if terminal {
            text.into()
        } else {
            frame(2, text.as_bytes())
        }
    })
}
