//! The real server, as its own process.

use crate::client::Client;
use crate::podman::podman_socket;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to run a server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Its engine's socket; `None` for the isolated Podman's.
    pub engine: Option<PathBuf>,
    /// Environment variables, like `MAX_WORKERS`.
    pub environment: Vec<(String, String)>,
    /// Further flags of `podlane serve`.
    pub flags: Vec<String>,
}

impl ServerOptions {
    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With another engine than the isolated Podman.
    #[must_use]
    pub fn engine(mut self, socket: &Path) -> Self {
        self.engine = Some(socket.to_path_buf());
        self
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    client: Client,
    log: Arc<Mutex<String>>,
    /// Where it keeps background commands, unless the options say otherwise.
    _state: TempDir,
}

impl Server {
    /// Starts `binary` on a free port of 127.0.0.1 and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(binary: &str, options: &ServerOptions) -> Self {
        let engine = options.engine.clone().unwrap_or_else(podman_socket);
        let state = tempfile::tempdir().expect("a directory");
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--engine")
            .arg(format!("unix://{}", engine.display()))
            .args(&options.flags)
            .env_remove("CONTAINER_HOST")
            .env("PODLANE_STATE_DIR", state.path())
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server can be started");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("piped");
        let (sender, listening) = mpsc::channel();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let place = line.split_once("listening on http");
                if let Some((_, rest)) = place.and_then(|(_, rest)| rest.split_once("://")) {
                    let address = rest.split(';').next().unwrap_or_default().to_owned();
                    let _ = sender.send(address);
                }
                let mut kept = kept
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let Ok(address) = listening.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let log = log
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            panic!("the server does not listen:\n{log}");
        };
        let client = Client::new(format!("http://{address}"));
        Self {
            child,
            client,
            log,
            _state: state,
        }
    }

    /// A client of this server.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.client.base().trim_start_matches("http://")
    }

    /// Its process ID.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Ends it with SIGKILL, as a power cut would.
    ///
    /// # Panics
    /// If it can't be ended.
    pub fn kill(mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server has ended");
    }

    /// Asks it to end with SIGTERM and waits; answers its exit code.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process ID");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .expect("a running server");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end:\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
