//! A Podman service of our own: a supervised `podman system service` on a private socket.
//!
//! It is restarted when it dies and ended when we end; containers keep running in both cases, since
//! each has a monitor process of its own that is no child of the service.

mod backoff;
mod conf;
mod output;
mod place;
mod supervise;

#[cfg(test)]
mod tests;

pub use conf::ConfFiles;

use place::Place;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
pub(crate) use supervise::NOT_FOR_PODMAN;
use tokio::sync::{oneshot, watch};

/// How to run the service.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The `podman` program.
    pub podman: PathBuf,
    /// Its version, as `podman --version` tells it; decides how it can be configured.
    pub version: Option<String>,
    /// What ties the service to our life. Without it a service whose parent is killed runs on.
    pub launcher: Option<Launcher>,
    /// The OCI runtime to name to Podman, unless the user's configuration names one.
    pub oci_runtime: Option<String>,
    /// `$XDG_RUNTIME_DIR`, for the socket of an account that is not root.
    pub runtime_dir: Option<PathBuf>,
    /// Where the user's own containers.conf files are.
    pub conf_files: ConfFiles,
}

/// A program that arranges to end with the process that started it, and then becomes the command that
/// stands after its own arguments.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its own arguments, before the command.
    pub arguments: Vec<OsString>,
}

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was started and does not answer yet.
    Starting,
    /// It answers.
    Ready {
        /// Its version.
        version: String,
    },
    /// It has ended and will be started again.
    Down {
        /// Why it ended, for people.
        reason: String,
        /// When it is started again.
        retry_in: Duration,
    },
    /// It was stopped by us.
    Stopped,
}

/// A running service. Dropping it ends the service without waiting for that; [`Service::stop`] waits.
#[derive(Debug)]
pub struct Service {
    socket: PathBuf,
    state: watch::Receiver<State>,
    /// Dropped or sent: stop.
    stop: Option<oneshot::Sender<()>>,
}

impl Service {
    /// Starts the service and its supervision. Comes back before the service answers.
    ///
    /// Fails if no private place for the socket can be made; whatever goes wrong later is a [`State`].
    pub fn start(spec: Spec) -> io::Result<Self> {
        let bases = place::bases(spec.runtime_dir.as_deref());
        Self::start_in(spec, &bases)
    }

    fn start_in(spec: Spec, bases: &[PathBuf]) -> io::Result<Self> {
        let place = Place::claim(bases)?;
        let socket = place.socket();
        let (reporter, state) = watch::channel(State::Starting);
        let (stop, stopped) = oneshot::channel();
        // The kernel ties the child to the *thread* that started it, so this thread must live as long as
        // the child: it does nothing else, and no runtime may retire it.
        std::thread::Builder::new()
            .name("podman-service".to_owned())
            .spawn(move || supervise::run(&spec, place, stopped, &reporter))?;
        Ok(Self {
            socket,
            state,
            stop: Some(stop),
        })
    }

    /// The socket that the service listens on when it is ready. The same after each restart.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its state, now and in future.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until the service answers. After `patience` the state it is in then is the error.
    pub async fn ready(&self, patience: Duration) -> Result<String, State> {
        let mut state = self.state.clone();
        let answers = state.wait_for(|state| matches!(state, State::Ready { .. }));
        let last = match tokio::time::timeout(patience, answers).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => self.state.borrow().clone(),
        };
        match last {
            State::Ready { version } => Ok(version),
            other => Err(other),
        }
    }

    /// Ends the service: SIGTERM, and SIGKILL after a few seconds. Comes back when it is gone.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        let _ = self.state.wait_for(|state| *state == State::Stopped).await;
    }
}
