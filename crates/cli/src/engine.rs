//! Finds the engine that the configuration means, or starts one.

use crate::failure::Failure;
use crate::machine;
use podlane_podman::child::{ConfFiles, Launcher, Service, Spec, State};
use podlane_podman::find::{Found, Outcome, Search, Source};
use podlane_server::config::{Config, Environment};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long the server's start waits for an engine of our own. After that it starts anyway, and
/// answers 503 until the engine has come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The engine to use.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Where it listens, or will.
    pub(crate) socket: PathBuf,
    /// It, if it is ours.
    service: Option<Service>,
}

impl Engine {
    /// How it is, now and in future, if it is ours.
    pub(crate) fn state(&self) -> Option<watch::Receiver<State>> {
        self.service.as_ref().map(Service::state)
    }

    /// Ends the engine if it is ours. Containers keep running.
    pub(crate) async fn stop(self) {
        if let Some(service) = self.service {
            service.stop().await;
        }
    }
}

/// The runtime of every command that waits for something.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::failed(format!("can't start threads: {error}")))
}

/// Where the configuration says to look.
pub(crate) fn search<'a>(
    config: &'a Config,
    environment: &'a Environment,
    container_host: Option<&'a str>,
) -> Search<'a> {
    Search {
        explicit: config.engine.as_deref(),
        container_host,
        runtime_dir: environment.runtime_dir(),
    }
}

/// The engine that was named, whether it answers or not; else the first that answers; else our own.
pub(crate) async fn find_or_start(
    config: &Config,
    environment: &Environment,
) -> Result<Engine, Failure> {
    let container_host = environment.container_host();
    let found = search(config, environment, container_host.as_deref())
        .first()
        .await;
    warn_of_the_unusable(&found);
    let answers = found.engine().map(|(socket, version)| {
        tracing::info!(version, socket = %socket.display(), "found a Podman service");
        socket.to_path_buf()
    });
    match config.engine.clone().or(answers) {
        Some(socket) => Ok(Engine {
            socket,
            service: None,
        }),
        None if config.start_engine => start(environment, found).await,
        None => Err(Failure::failed(
            "no Podman service answers, and start_engine is false; `podlane doctor` says what to type",
        )),
    }
}

/// What the user has named and can't be used. That nothing is at the usual places is no news.
fn warn_of_the_unusable(found: &Found) {
    for candidate in &found.candidates {
        let named = matches!(candidate.source, Source::Explicit | Source::ContainerHost);
        if named && !matches!(candidate.outcome, Outcome::Answers { .. }) {
            let (source, address) = (candidate.source, &candidate.address);
            tracing::warn!("{source}, {address}: {}", candidate.outcome);
        }
    }
}

async fn start(environment: &Environment, found: Found) -> Result<Engine, Failure> {
    let machine = machine::gather(environment, found).await;
    let oci_runtime = machine.runtime_to_name().map(str::to_owned);
    let Some(podman) = machine.podman else {
        return Err(Failure::failed(
            "no Podman service answers, and Podman is not installed; `podlane doctor` says what to type",
        ));
    };
    let file = |name| environment.get(name).map(PathBuf::from);
    let spec = Spec {
        podman: podman.path,
        version: podman.version,
        launcher: Some(launcher()),
        oci_runtime,
        runtime_dir: environment.runtime_dir().map(Path::to_path_buf),
        conf_files: ConfFiles {
            replacement: file("CONTAINERS_CONF"),
            last: file("CONTAINERS_CONF_OVERRIDE"),
            config_home: environment.config_home(),
            root: None,
        },
    };
    let service = Service::start(spec).map_err(|error| {
        Failure::failed(format!(
            "can't make a private directory for the engine's socket: {error}"
        ))
    })?;
    match service.ready(PATIENCE).await {
        Ok(_) => {}
        Err(State::Down { reason, .. }) => {
            tracing::warn!(
                reason,
                "the Podman service does not start yet; `podlane doctor` may know why"
            );
        }
        Err(_) => tracing::warn!("the Podman service does not answer yet"),
    }
    Ok(Engine {
        socket: service.socket().to_path_buf(),
        service: Some(service),
    })
}

/// This program under its hidden verb. By `/proc`, which still works when an update has replaced the file.
fn launcher() -> Launcher {
    let pid = std::process::id().to_string();
    Launcher {
        program: PathBuf::from("/proc/self/exe"),
        arguments: ["run-engine", "--parent", &pid, "--"]
            .map(Into::into)
            .to_vec(),
    }
}
