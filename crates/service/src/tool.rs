//! The image's own tools, run as root and without a shell.

use crate::{Call, Result, Service};
use podlane_engine::{Command, ContainerId, Error as EngineError, ExecSpec, InnerPath, UserSpec};
use std::time::Duration;

impl Service {
    /// Runs a tool to its end, in the root directory, and answers its exit code; `None` if the image lacks it.
    pub(crate) async fn run_tool(
        &self,
        call: &Call,
        id: &ContainerId,
        argv: &[&str],
        stdin: &[u8],
    ) -> Result<Option<i32>> {
        let spec = ExecSpec {
            command: Command::Argv(argv.iter().map(|word| (*word).to_owned()).collect()),
            user: Some(UserSpec::root()),
            workdir: Some(InnerPath::root()),
            environment: Vec::new(),
            stdin: !stdin.is_empty(),
            open_ended: false,
            terminal: None,
            agent: true,
        };
        let mut process = self.0.engine.exec(call, id, &spec).await?;
        let run = crate::exec::drive(process.as_mut(), stdin, |_said| {});
        let Ok(ended) = tokio::time::timeout_at(call.deadline, run).await else {
            process.control().terminate(Duration::ZERO).await;
            return Err(EngineError::Timeout {
                step: argv[0].to_owned(),
                limit: call.limit,
            }
            .into());
        };
        let exit_code = ended?.code;
        if process.start_failure().is_some() {
            return Ok(None);
        }
        Ok(Some(exit_code))
    }
}
