//! A fake libpod service: Podman's REST API over a Unix socket, with nothing behind it but memory.
//!
//! It serves two ends. The conformance suite runs on it as on a real Podman, so that it can't drift from
//! what it stands for; and it has faults on demand ([`Fault`]) that a real Podman can't be made to have.
//! What it answers is taken from recorded answers of Podman 4.3.1 and 5.8.6 ([`FakeVersion`]).
//!
//! No process of the host is ever started: containers run a small interpreter of shell scripts and of
//! some thirty programs on a file system in memory. PIDs that it shows are above any that Linux gives.

mod answer;
mod archive;
mod deliver;
mod dialect;
mod fault;
mod handle;
mod image;
mod inside;
mod journal;
mod log;
mod node;
mod route;
mod run;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod tree;

use bytes::Bytes;
pub use dialect::{FakeRuntime, FakeVersion};
pub use fault::{Fault, Garbage, Times};
pub use image::ImageKind;
use inside::Inside;
pub use journal::Recorded;
pub use route::Route;
use server::Listening;
use state::{Core, Progress};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// A running fake. Dropping it ends its processes, closes its connections and removes its socket.
#[derive(Debug)]
pub struct FakePodman {
    core: Arc<Core>,
    socket: PathBuf,
    listening: Mutex<Option<Listening>>,
    _directory: TempDir,
}

/// A container of the fake, for assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeContainer {
    /// Its full ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state, by Podman's word.
    pub status: &'static str,
    /// How its main process ended last; 0 before that.
    pub exit_code: i32,
}

/// A process of the fake, for assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeProcess {
    /// The name of its container.
    pub container: String,
    /// Its PID inside.
    pub pid: u32,
    /// Its argument vector.
    pub argv: Vec<String>,
}

impl FakePodman {
    /// Starts a fake with no images on a socket of its own.
    ///
    /// # Panics
    ///
    /// If no temporary directory or socket can be made.
    #[expect(
        clippy::unused_async,
        reason = "binding needs a runtime, and a caller that awaits has one"
    )]
    #[expect(clippy::expect_used, reason = "a test can't go on without its engine")]
    pub async fn start(version: FakeVersion) -> Self {
        let directory = tempfile::Builder::new().prefix("podlane-fake-").tempdir();
        let directory = directory.expect("a temporary directory");
        let socket = directory.path().join("podman.sock");
        let core = Arc::new(Core::new(version));
        let listening = Listening::bind(&core, &socket).expect("a Unix socket");
        Self {
            core,
            socket,
            listening: Mutex::new(Some(listening)),
            _directory: directory,
        }
    }

    /// Chooses the OCI runtime, which else is runc.
    #[must_use]
    pub fn runtime(self, runtime: FakeRuntime) -> Self {
        self.core.state().runtime = runtime;
        self
    }

    /// Adds an image that the engine holds.
    #[must_use]
    pub fn image(self, name: &str, kind: ImageKind) -> Self {
        let image = image::Image::new(state::new_id(), name, kind);
        self.core.state().add_image(image);
        self
    }

    /// Adds an image that a pull finds.
    #[must_use]
    pub fn pullable(self, name: &str, kind: ImageKind) -> Self {
        self.core.state().add_to_registry(name, kind);
        self
    }

    /// The path of the socket; `stop_listening` does not change it.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The version it behaves like.
    pub fn version(&self) -> FakeVersion {
        self.core.version
    }

    /// Plans a fault for requests to come. The oldest that fits strikes.
    pub fn fault(&self, route: Route, fault: Fault, times: Times) {
        self.core.faults.add(route, fault, times);
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        self.core.faults.clear();
    }

    /// Every request so far, also those that a fault struck, in the order of their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.core.journal.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.core.journal.clear();
    }

    /// The service dies: connections are cut and new ones refused, though the socket's file stays.
    /// Containers and their processes go on, as under conmon.
    pub fn stop_listening(&self) {
        drop(self.listening().take());
    }

    /// The service comes back on the same path.
    ///
    /// # Errors
    ///
    /// If the socket can't be bound again.
    #[expect(
        clippy::unused_async,
        reason = "binding needs a runtime, and a caller that awaits has one"
    )]
    pub async fn resume(&self) -> io::Result<()> {
        let mut listening = self.listening();
        drop(listening.take());
        *listening = Some(Listening::bind(&self.core, &self.socket)?);
        Ok(())
    }

    /// All containers.
    pub fn containers(&self) -> Vec<FakeContainer> {
        let state = self.core.state();
        let all = state.containers.iter().map(|container| FakeContainer {
            id: container.id.clone(),
            name: container.name.clone(),
            status: container.status.as_str(),
            exit_code: container.exit_code,
        });
        all.collect()
    }

    /// The processes of exec sessions that still run.
    pub fn running_execs(&self) -> Vec<FakeProcess> {
        let mut state = self.core.state();
        let execs: Vec<_> = state.execs.values().cloned().collect();
        let running = execs.into_iter().filter_map(|exec| match exec.progress {
            Progress::Running(pid) => Some(FakeProcess {
                container: state
                    .find(&exec.container)
                    .map(|found| found.name.clone())
                    .ok()?,
                pid,
                argv: exec.argv,
            }),
            _ => None,
        });
        running.collect()
    }

    /// Every process of every container: main ones, execs, and what they left in the background.
    pub fn processes(&self) -> Vec<FakeProcess> {
        let state = self.core.state();
        let all = state.containers.iter().flat_map(|container| {
            let list = container.inside.processes.list().into_iter();
            list.map(|(pid, argv)| FakeProcess {
                container: container.name.clone(),
                pid,
                argv,
            })
        });
        all.collect()
    }

    /// The names of the images that the engine holds.
    pub fn images(&self) -> Vec<String> {
        let state = self.core.state();
        state
            .images
            .iter()
            .map(|image| image.name.clone())
            .collect()
    }

    /// A file of a container, looked at from outside; none if it is not there.
    pub fn read_file(&self, container: &str, path: &str) -> Option<Bytes> {
        let inside = self.inside(container)?;
        let tree = inside.tree();
        tree.read(path, node::Who::ROOT).ok()
    }

    /// Removes a container behind the back of whoever speaks to the socket; false if it is not there.
    pub fn remove_container(&self, name: &str) -> bool {
        let mut state = self.core.state();
        let Ok(container) = state.find(name) else {
            return false;
        };
        container.inside.processes.kill_all();
        container.inside.running.send_replace(false);
        let id = container.id.clone();
        state.containers.retain(|container| container.id != id);
        state.execs.retain(|_, exec| exec.container != id);
        true
    }

    fn inside(&self, container: &str) -> Option<Arc<Inside>> {
        let mut state = self.core.state();
        state
            .find(container)
            .ok()
            .map(|found| Arc::clone(&found.inside))
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Option<Listening>> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakePodman {
    fn drop(&mut self) {
        self.stop_listening();
        self.core.kill_all();
    }
}
