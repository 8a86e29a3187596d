//! An agent over a stream: its program is put into the container, started by an exec, and removed again.

use super::program::HELLO;
use super::stream::Mux;
use crate::PodmanEngine;
use crate::ending::EndOnDrop;
use bytes::Bytes;
use podlane_engine::{
    Call, Command, ContainerId, Engine, Error, ExecSpec, InnerPath, Ownership, Result, Upload,
    UserSpec,
};
use std::time::Duration;
use tokio::time::timeout;

/// How long the removal of the program may take.
const REMOVING: Duration = Duration::from_secs(20);

impl PodmanEngine {
    /// Starts an agent at the end of a stream.
    pub(super) async fn attach_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
        program: &[u8],
    ) -> Result<Mux> {
        let failed = |message: String| Error::Failed {
            step: "starting an agent".into(),
            message,
        };
        let random = getrandom::u64().map_err(|error| failed(error.to_string()))?;
        let name = format!(".podlane-agent-{random:016x}");
        let archive = archive(&name, program).map_err(|error| failed(error.to_string()))?;
        let path = format!("/{name}");
        let argv = [path.clone(), "stdio".to_owned()];
        let spec = ExecSpec {
            command: Command::Argv(argv.to_vec()),
            user: user.cloned(),
            workdir: None,
            environment: Vec::new(),
            stdin: true,
            open_ended: true,
            terminal: None,
            agent: false,
        };
        let root = InnerPath::parse("/").map_err(|error| failed(error.to_string()))?;
        let path = InnerPath::parse(&path).map_err(|error| failed(error.to_string()))?;
        let _placed = Placed {
            engine: self,
            call,
            id,
            path,
        };
        let (session, ()) = tokio::try_join!(
            self.prepare_exec(call, id, &spec, &argv),
            self.write_archive(call, id, &root, Upload::Whole(archive), Ownership::Archive),
        )?;
        let (target, stream) = session.attach(call).await?;
        // One that says nothing is ended.
        let guard = EndOnDrop(Some(target));
        let mux = match timeout(HELLO, Mux::greet(stream)).await {
            Ok(greeted) => greeted.map_err(|error| failed(error.to_string()))?,
            Err(_elapsed) => return Err(failed("it says nothing".to_owned())),
        };
        guard.disarm();
        Ok(mux)
    }
}

/// One executable file that is root's.
fn archive(name: &str, program: &[u8]) -> std::io::Result<Bytes> {
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    let mut builder = tar::Builder::new(Vec::with_capacity(program.len() + 2048));
    builder.append_data(&mut header, name, program)?;
    builder.into_inner().map(Bytes::from)
}

/// A program in a container, removed when it runs or is known not to.
struct Placed<'a> {
    engine: &'a PodmanEngine,
    call: &'a Call,
    id: &'a ContainerId,
    path: InnerPath,
}

impl Drop for Placed<'_> {
    fn drop(&mut self) {
        let (engine, id, path) = (self.engine.clone(), self.id.clone(), self.path.clone());
        let call = self.call.extended(REMOVING);
        self.engine.spawn(async move {
            match engine.remove_path(&call, &id, &path).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    tracing::debug!(container = id.short(), %error, "an agent's program stays in its container");
                }
            }
        });
    }
}
