//! A Podlane of our own: started, asked for its health, measured, ended.

use crate::connection::{Address, Result};
use crate::side::{Kind, Side};
use crate::{Setting, census};
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: Address,
    /// From exec to the first healthy answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts it on a free port, as in production: its log goes to a file.
    pub(crate) async fn start(setting: &Setting, options: &[&str]) -> Result<Self> {
        Self::start_with(setting, options, &[]).await
    }

    /// The same, with settings that are no flags.
    pub(crate) async fn start_with(
        setting: &Setting,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&setting.log)?;
        let mut command = Command::new(&setting.podlane);
        command
            .args(["serve", "--listen", &listen, "--engine"])
            .arg(format!("unix://{}", setting.socket.display()))
            .arg("--podman")
            .arg(&setting.podman)
            .args(options)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let began = Instant::now();
        let child = command.spawn()?;
        let mut server = Self {
            child,
            address: Address::Tcp(listen),
            started_in: Duration::ZERO,
        };
        while server.side(None).client(0).connect().await.is_err() {
            if began.elapsed() > Duration::from_secs(10) || server.child.try_wait()?.is_some() {
                return Err("the server does not become healthy; see its log".into());
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    /// The server as one that gets load; its commands are to be run by an agent or not.
    pub(crate) fn side(&self, agent: Option<bool>) -> Side {
        Side {
            name: "Podlane".into(),
            kind: Kind::Api {
                address: self.address.clone(),
                agent,
            },
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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
        census::kilobytes(&status, field)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
