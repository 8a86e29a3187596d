//! The agent's program in memory, and its start through the podman command.

use super::socket::Socket;
use crate::child::NOT_FOR_PODMAN;
use command_fds::{CommandFdExt, FdMapping};
use podlane_agent::{CONTROL_FD, PROGRAM_FD, Reply, VERSION};
use podlane_engine::{ContainerId, UserSpec};
use rustix::fs::{MemfdFlags, SealFlags};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long the podman command may take. It waits for the container's lock, and for a busy machine.
const STARTING: Duration = Duration::from_secs(20);
/// How long a started agent may take to say hello.
pub(super) const HELLO: Duration = Duration::from_secs(5);

/// The program, in memory that nobody can change any more.
#[derive(Debug)]
pub(super) struct Program(OwnedFd);

impl Program {
    pub(super) fn new(program: &[u8]) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Where the kernel insists, a memfd must say that it may be executed.
        let memory = rustix::fs::memfd_create("podlane-agent", flags | MemfdFlags::EXEC)
            .or_else(|_unknown_flag| rustix::fs::memfd_create("podlane-agent", flags))?;
        let mut file = std::fs::File::from(memory);
        file.write_all(program)?;
        let memory = OwnedFd::from(file);
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        rustix::fs::fcntl_add_seals(&memory, seals)?;
        rustix::fs::fchmod(&memory, rustix::fs::Mode::from_raw_mode(0o555))?;
        Ok(Self(memory))
    }

    /// Starts an agent and waits for its hello.
    pub(super) async fn start(
        &self,
        podman: &Path,
        options: &[String],
        id: &ContainerId,
        user: Option<&UserSpec>,
    ) -> io::Result<Socket> {
        let (ours, theirs) = Socket::pair()?;
        let mut command = Command::new(podman);
        command
            .args(options)
            // It is over before collecting garbage pays; the limit is for stores of a size never seen.
            .envs([("GOGC", "off"), ("GOMEMLIMIT", "256MiB")])
            .args(["exec", "--detach", "--preserve-fds", "2"])
            // What is open here would be open in the container.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        for name in NOT_FOR_PODMAN {
            command.env_remove(name);
        }
        if let Some(user) = user {
            command.arg("--user").arg(user.as_str());
        }
        command
            .arg(id.as_str())
            .arg(format!("/proc/self/fd/{PROGRAM_FD}"))
            .arg("fd")
            .arg(CONTROL_FD.to_string())
            .fd_mappings(vec![
                FdMapping {
                    parent_fd: self.0.try_clone()?,
                    child_fd: PROGRAM_FD,
                },
                FdMapping {
                    parent_fd: theirs,
                    child_fd: CONTROL_FD,
                },
            ])
            .map_err(io::Error::other)?;
        let mut child = command.spawn()?;
        // The command holds their end: with it here, an agent that dies would not be noticed.
        drop(command);
        let late = |_elapsed| io::Error::from(io::ErrorKind::TimedOut);
        let ended = tokio::select! {
            biased;
            // The command has things to write down for a while yet.
            said = hello(&ours) => Err(said),
            ended = timeout(STARTING, child.wait()) => Ok(ended),
        };
        match ended {
            Err(said) => {
                said?;
                tokio::spawn(async move { drop(timeout(STARTING, child.wait()).await) });
            }
            Ok(ended) => {
                let status = ended.map_err(late)??;
                if !status.success() {
                    return Err(io::Error::other(format!("podman exec: {status}")));
                }
                timeout(HELLO, hello(&ours)).await.map_err(late)??;
            }
        }
        Ok(ours)
    }
}

async fn hello(socket: &Socket) -> io::Result<()> {
    let mut reply = None;
    loop {
        socket.readable().await?;
        socket.receive(|first| reply = Some(first))?;
        match reply {
            None => {}
            Some(Reply::Hello { version: VERSION }) => return Ok(()),
            Some(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
