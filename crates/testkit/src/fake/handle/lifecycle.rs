//! Start, stop, restart, kill, pause, rename, wait.

use super::{Request, events};
use crate::fake::FakeRuntime;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::inside::Inside;
use crate::fake::run::{self, Role, SIGKILL, SIGTERM, Sink, Start, Stdin, signal_number};
use crate::fake::state::{Container, Core, Port, Status};
use http::StatusCode;
use std::sync::{Arc, Weak};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::task::JoinHandle;

/// The PID that inspect shows for a process: one that no host process can have, because it lies above
/// the kernel's `PID_MAX_LIMIT`. So whoever kills it by mistake kills nothing.
pub(super) fn host_pid(pid: u32) -> u32 {
    (1 << 22) + pid
}

pub(super) fn start(request: &Request) -> Handled {
    let core = &request.core;
    let infra = {
        let mut state = core.state();
        let container = state.find(&request.name)?;
        let pod = container.pod.clone().filter(|_| !container.infra);
        let pod = pod.and_then(|pod| state.pod(&pod).ok());
        pod.map(|pod| pod.infra.clone())
    };
    // What holds its pod together comes first, and why that fails is not told.
    if let Some(infra) = infra
        && start_by(core, &infra).is_err()
    {
        let message = "starting some containers: internal libpod error";
        return Err(Refusal::wrapped(500, message));
    }
    start_by(core, &request.name)
}

/// Starts one container.
pub(super) fn start_by(core: &Arc<Core>, name: &str) -> Handled {
    let mut state = core.state();
    let container = state.find(name)?;
    match container.status {
        Status::Created | Status::Exited => {}
        Status::Running => {
            if !core.version.is_old() {
                let text = format!("container {}: container is running", container.id);
                container.error = text;
            }
            return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
        }
        Status::Paused | Status::Stopping => {
            let text = format!(
                "container {} must be in Created or Stopped state to be started",
                container.id
            );
            return Err(Refusal::state(500, &text));
        }
    }
    let (id, ports) = (container.id.clone(), container.ports.clone());
    let taken = state.taken(&id, &ports);
    let runtime = state.runtime;
    let container = state.find(&id)?;
    let started = match taken {
        Some(port) => Err(address_in_use(&port)),
        None => launch(container, runtime),
    };
    match started {
        Ok(main) => {
            container.status = Status::Running;
            container.oom_killed = false;
            container.started = Some(OffsetDateTime::now_utc());
            container.exit_code = 0;
            container.inside.running.send_replace(true);
            let event = events::of(container, "start");
            let inside = Arc::clone(&container.inside);
            let lifespan = container.spec["timeout"].as_u64().unwrap_or_default();
            core.happens(&mut state, event);
            if lifespan > 0 {
                let main = outlived(inside, main, Duration::from_secs(lifespan));
                tokio::spawn(supervise(Arc::downgrade(core), id, main));
            } else {
                let main = async { main.await.unwrap_or(128 + SIGKILL) };
                tokio::spawn(supervise(Arc::downgrade(core), id, main));
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        Err(refusal) => {
            note_failure(core, container, refusal.message());
            Err(refusal)
        }
    }
}

/// Keeps why a start failed, where the version does.
pub(in crate::fake) fn note_failure(core: &Core, container: &mut Container, message: &str) {
    if !core.version.is_old() {
        message.clone_into(&mut container.error);
    }
}

fn address_in_use(port: &Port) -> Refusal {
    let (upper, family) = match port.protocol.as_str() {
        "udp" => ("UDP", "udp4"),
        "sctp" => ("SCTP", "sctp4"),
        _ => ("TCP", "tcp4"),
    };
    let place = format!("{}:{}", port.host_ip, port.host);
    let message = format!(
        "cannot listen on the {upper} port: listen {family} {place}: bind: address already in use"
    );
    Refusal::wrapped(500, &message)
}

/// Starts the main process.
fn launch(container: &mut Container, runtime: FakeRuntime) -> Result<JoinHandle<i32>, Refusal> {
    let inside = &container.inside;
    let account = inside.account(&container.user);
    let account = account.map_err(|text| Refusal::wrapped(500, &text))?;
    let workdir = &container.workdir;
    let found = inside
        .tree()
        .get(workdir, true)
        .map(crate::fake::node::Node::is_directory);
    let id = &container.id;
    match found {
        Err(_) => {
            let text = format!("workdir \"{workdir}\" does not exist on container {id}");
            return Err(Refusal::plain(500, text));
        }
        Ok(false) => {
            let text =
                format!("workdir \"{workdir}\" exists on container {id}, but is not a directory");
            return Err(Refusal::plain(500, text));
        }
        Ok(true) => {}
    }
    inside.processes.restart();
    let start = Start {
        argv: container.argv(),
        environment: container.full_environment(),
        directory: workdir.clone(),
        account,
        stdin: Stdin::Empty,
        stdout: Sink::Log(Arc::clone(inside), 1),
        stderr: Sink::Log(Arc::clone(inside), 2),
        role: if container.init {
            Role::UnderInit
        } else {
            Role::First
        },
    };
    let started = run::start(inside, start);
    let (pid, main) =
        started.map_err(|why| Refusal::wrapped(500, &why.report(runtime, "runc create failed")))?;
    container.main = Some(pid);
    Ok(main)
}

/// Waits for the main process's end, and brings it about when its time is up: conmon says -1 then.
async fn outlived(inside: Arc<Inside>, mut main: JoinHandle<i32>, lifespan: Duration) -> i32 {
    if let Ok(ended) = tokio::time::timeout(lifespan, &mut main).await {
        return ended.unwrap_or(128 + SIGKILL);
    }
    inside.processes.kill_all();
    let _killed = main.await;
    -1
}

/// Waits for the main process's end and takes it down in the state. PID 1 takes all others with it.
async fn supervise(core: Weak<Core>, id: String, main: impl Future<Output = i32>) {
    let exit = main.await;
    let Some(core) = core.upgrade() else {
        return;
    };
    let mut state = core.state();
    let Ok(container) = state.find(&id) else {
        return;
    };
    container.inside.processes.kill_all();
    container.status = Status::Exited;
    container.finished = Some(OffsetDateTime::now_utc());
    container.exit_code = exit;
    container.main = None;
    container.inside.running.send_replace(false);
    let event = events::of(container, "died");
    core.happens(&mut state, event);
}

/// Until there is no main process, or the time is over.
async fn ended(container: &Arc<Inside>, time: Duration) -> bool {
    let mut running = container.running.subscribe();
    let end = running.wait_for(|running| !running);
    tokio::time::timeout(time, end).await.is_ok()
}

/// Asks the main process to end and kills it after the grace.
pub(super) async fn end(core: &Core, id: &str, grace: u64) {
    let (inside, main) = {
        let mut state = core.state();
        let Ok(container) = state.find(id) else {
            return;
        };
        if container.main.is_none() {
            return;
        }
        container.status = Status::Stopping;
        (Arc::clone(&container.inside), container.main.unwrap_or(1))
    };
    if grace > 0 {
        inside.processes.signal(main, SIGTERM);
        if ended(&inside, Duration::from_secs(grace)).await {
            return;
        }
    }
    inside.processes.signal(main, SIGKILL);
    ended(&inside, Duration::from_secs(5)).await;
}

pub(super) async fn stop(request: &Request) -> Handled {
    let asked = match request.query.number("timeout")? {
        Some(timeout) => Some(timeout),
        None => request.query.number("t")?,
    };
    let (id, grace) = {
        let mut state = request.core.state();
        let container = state.find(&request.name)?;
        let id = container.id.clone();
        match container.status {
            Status::Exited => return Ok(Answer::empty(StatusCode::NOT_MODIFIED)),
            Status::Created => return Ok(Answer::empty(StatusCode::NO_CONTENT)),
            Status::Paused => {
                let text = format!("container {id} is running or paused, refusing to clean up");
                return Err(Refusal::state(500, &text));
            }
            Status::Running | Status::Stopping => {}
        }
        let asked = asked.map(|timeout| u64::try_from(timeout).unwrap_or_default());
        (id, asked.unwrap_or(container.stop_timeout))
    };
    end(&request.core, &id, grace).await;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Without a time-out it kills at once, whatever the container's own is.
pub(super) async fn restart(request: &Request) -> Handled {
    let grace = request.query.number("timeout")?.unwrap_or_default();
    let id = {
        let mut state = request.core.state();
        let container = state.find(&request.name)?;
        if matches!(container.status, Status::Paused | Status::Stopping) {
            let text = "unable to restart a container in a paused or unknown state";
            return Err(Refusal::state(500, text));
        }
        let (id, event) = (container.id.clone(), events::of(container, "restart"));
        request.core.happens(&mut state, event);
        id
    };
    end(&request.core, &id, u64::try_from(grace).unwrap_or_default()).await;
    start_by(&request.core, &id)
}

pub(super) fn kill(request: &Request) -> Handled {
    let name = request.query.get("signal").unwrap_or("KILL");
    kill_by(&request.core, &request.name, name)
}

/// Sends a signal to one container.
pub(super) fn kill_by(core: &Core, container: &str, name: &str) -> Handled {
    let mut state = core.state();
    let container = state.find(container)?;
    let Some(signal) = signal_number(name) else {
        return Err(Refusal::plain(500, format!("invalid signal: {name}")));
    };
    if !container.status.is_live() {
        let (id, state) = (&container.id, container.status.as_str());
        let status = if core.version.is_old() { 500 } else { 409 };
        let text = format!("can only kill running containers. {id} is in state {state}");
        return Err(Refusal::state(status, &text));
    }
    if let Some(main) = container.main {
        container.inside.processes.signal(main, signal);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Pausing is a state only: the processes go on.
pub(super) fn pause(request: &Request) -> Handled {
    let mut state = request.core.state();
    let container = state.find(&request.name)?;
    let id = &container.id;
    match container.status {
        Status::Running => container.status = Status::Paused,
        Status::Paused => return Err(Refusal::state(500, &format!("\"{id}\" is already paused"))),
        _ => {
            let text = format!("\"{id}\" is not running, can't pause");
            return Err(Refusal::state(500, &text));
        }
    }
    let event = events::of(container, "pause");
    request.core.happens(&mut state, event);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) fn unpause(request: &Request) -> Handled {
    let mut state = request.core.state();
    let container = state.find(&request.name)?;
    if container.status != Status::Paused {
        let text = format!("\"{}\" is not paused, can't unpause", container.id);
        return Err(Refusal::state(500, &text));
    }
    container.status = Status::Running;
    let event = events::of(container, "unpause");
    request.core.happens(&mut state, event);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) fn rename(request: &Request) -> Handled {
    let name = request.query.get("name").unwrap_or_default().to_owned();
    let mut state = request.core.state();
    if state
        .containers
        .iter()
        .any(|container| container.name == name)
    {
        let status = if request.core.version.is_old() {
            500
        } else {
            409
        };
        let text = format!("name {name} already in use, cannot rename container");
        return Err(Refusal::wrapped(status, &text));
    }
    let container = state.find(&request.name)?;
    container.name = name;
    let event = events::of(container, "rename");
    request.core.happens(&mut state, event);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn wait(request: &Request) -> Handled {
    let inside = Arc::clone(&request.core.state().find(&request.name)?.inside);
    let mut running = inside.running.subscribe();
    let _always_ends = running.wait_for(|running| !running).await;
    let code = request.core.state().find(&request.name)?.exit_code;
    let kind = "text/plain; charset=us-ascii";
    Ok(Answer::typed(StatusCode::OK, kind, format!("{code}\n")))
}
