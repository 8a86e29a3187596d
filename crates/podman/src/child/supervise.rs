//! Runs the service, again and again, until it is told to stop.

use super::backoff::Backoff;
use super::conf::{self, Settings};
use super::output::{self, LastError};
use super::place::Place;
use super::{Spec, State};
use crate::find::{Outcome, ping};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

/// A service that has answered for this long begins its waits anew when it dies.
const HEALTHY: Duration = Duration::from_secs(60);

/// How long the service may take to end after SIGTERM. Podman gives its clients one second.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long the service may be silent at its start before that is worth a warning.
const SLOW_START: Duration = Duration::from_secs(10);

/// The thread's whole life.
pub(super) fn run(
    spec: &Spec,
    place: Place,
    stop: oneshot::Receiver<()>,
    reporter: &watch::Sender<State>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(supervise(spec, &place, stop, reporter)),
        Err(error) => tracing::error!(%error, "can't supervise a Podman service"),
    }
    drop(place);
    reporter.send_replace(State::Stopped);
}

/// Variables that would change what the service is: a client of another, a socket-activated one, one
/// that reports to our own service manager.
pub(crate) const NOT_FOR_PODMAN: [&str; 7] = [
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
];

/// Why the service is no more.
enum End {
    Asked,
    Died(String),
}

async fn supervise(
    spec: &Spec,
    place: &Place,
    mut stop: oneshot::Receiver<()>,
    reporter: &watch::Sender<State>,
) {
    let mut backoff = Backoff::new();
    loop {
        reporter.send_replace(State::Starting);
        let mut ready_since = None;
        let end = live(spec, place, &mut stop, reporter, &mut ready_since).await;
        let End::Died(reason) = end else { return };
        if ready_since.is_some_and(|since: Instant| since.elapsed() >= HEALTHY) {
            backoff.reset();
        }
        let retry_in = backoff.next();
        tracing::warn!(
            reason,
            ?retry_in,
            "the Podman service ended; starting it again"
        );
        reporter.send_replace(State::Down { reason, retry_in });
        tokio::select! {
            () = sleep(retry_in) => {}
            _ = &mut stop => return,
        }
    }
}

/// One life of the service.
async fn live(
    spec: &Spec,
    place: &Place,
    stop: &mut oneshot::Receiver<()>,
    reporter: &watch::Sender<State>,
    ready_since: &mut Option<Instant>,
) -> End {
    let socket = place.socket();
    // Of its former life.
    let _ = std::fs::remove_file(&socket);
    let started = Instant::now();
    let last_error = LastError::default();
    let mut child = match command(spec, place, &socket).spawn() {
        Ok(child) => child,
        Err(error) => return End::Died(format!("can't run {}: {error}", spec.podman.display())),
    };
    let readers = [
        child
            .stdout
            .take()
            .map(|pipe| tokio::spawn(output::log(pipe, last_error.clone()))),
        child
            .stderr
            .take()
            .map(|pipe| tokio::spawn(output::log(pipe, last_error.clone()))),
    ];
    let become_ready = async {
        let version = wait_for_answer(&socket, started).await;
        let took = started.elapsed();
        tracing::info!(version, ?took, socket = %socket.display(), "Podman service started");
        *ready_since = Some(Instant::now());
        reporter.send_replace(State::Ready { version });
        std::future::pending().await
    };
    let status = tokio::select! {
        status = child.wait() => status,
        never = become_ready => never,
        _ = stop => {
            end(&mut child).await;
            return End::Asked;
        }
    };
    // Its last words may still be in the pipe; a grandchild may hold the pipe open for ever.
    for reader in readers.into_iter().flatten() {
        let _ = timeout(Duration::from_millis(200), reader).await;
    }
    let how = status.map_or_else(|error| error.to_string(), describe);
    End::Died(match last_error.take() {
        Some(line) => format!("{how}: {line}"),
        None => how,
    })
}

fn command(spec: &Spec, place: &Place, socket: &Path) -> Command {
    let version = spec.version.as_deref();
    let settings = conf::prepare(
        &spec.conf_files,
        version,
        place.base(),
        place.lasts(),
        crate::run::scarce_limits(),
    );
    let settings = settings.unwrap_or_else(|error| {
        tracing::warn!(%error, "the Podman service runs without Podlane's own settings");
        Settings::default()
    });
    let mut words: Vec<OsString> = match &spec.launcher {
        Some(launcher) => std::iter::once(launcher.program.clone().into_os_string())
            .chain(launcher.arguments.clone())
            .collect(),
        None => Vec::new(),
    };
    words.push(spec.podman.clone().into_os_string());
    if !Path::new("/run/systemd/system").exists() {
        words.push("--cgroup-manager=cgroupfs".into());
    }
    if let Some(runtime) = spec
        .oci_runtime
        .as_ref()
        .filter(|_| !settings.names_runtime)
    {
        words.push(format!("--runtime={runtime}").into());
    }
    words.extend(["system", "service", "--time=0"].map(OsString::from));
    words.push(format!("unix://{}", socket.display()).into());

    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("PODMAN_IGNORE_CGROUPSV1_WARNING", "1")
        // Ctrl-C on our terminal is for us: the service must live until our requests have ended.
        .process_group(0)
        .kill_on_drop(true);
    for name in NOT_FOR_PODMAN {
        command.env_remove(name);
    }
    if let Some((name, path)) = settings.variable {
        command.env(name, path);
    }
    command
}

/// Asks until there is an answer; a service starts in about a tenth of a second.
async fn wait_for_answer(socket: &Path, started: Instant) -> String {
    let mut warned = false;
    loop {
        if let Outcome::Answers { version } = ping(socket, Duration::from_secs(2)).await {
            return version;
        }
        if !warned && started.elapsed() > SLOW_START {
            tracing::warn!("the Podman service was started and does not answer yet");
            warned = true;
        }
        let pause = started.elapsed() / 8;
        sleep(pause.clamp(Duration::from_millis(5), Duration::from_millis(200))).await;
    }
}

/// SIGTERM, then SIGKILL. To the service alone and not to its process group, where helpers of running
/// containers may be.
async fn end(child: &mut Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::TERM);
    }
    if timeout(STOP_GRACE, child.wait()).await.is_err() {
        tracing::warn!("the Podman service did not end by itself; killing it");
        let _ = child.kill().await;
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
