//! A Podlane of our own: started, asked for its health, measured, ended.

use crate::connection::{Address, Result};
use crate::operation::Operation;
use crate::side::Side;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) side: Side,
    /// From exec to the first healthy answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts it on a free port, as in production: its log goes to a file.
    pub(crate) async fn start(binary: &Path, socket: &Path, log: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let side = Side {
            name: "Podlane".into(),
            address: Address::Tcp(listen.clone()),
            libpod: None,
        };
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", &listen, "--engine"])
            .arg(format!("unix://{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let began = Instant::now();
        let child = command.spawn()?;
        let mut server = Self {
            child,
            side,
            started_in: Duration::ZERO,
        };
        while server.side.client(0).run(Operation::Health).await.is_err() {
            if began.elapsed() > Duration::from_secs(10) || server.child.try_wait()?.is_some() {
                return Err("the server does not become healthy; see its log".into());
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    /// Resident memory now, in kilobytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most resident memory that it has had, in kilobytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let value = line.and_then(|line| line.trim().strip_suffix("kB"));
        Ok(value.ok_or("/proc has no such line")?.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
