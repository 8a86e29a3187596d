//! The image's own tools, run as root and without a shell.

use crate::{Call, Captured, Result, Service};
use podlane_engine::{Command, ContainerId, Error as EngineError, ExecSpec, InnerPath, UserSpec};
use std::time::Duration;

/// What a tool may say.
const MAX_OUTPUT: usize = 8192;

/// What became of a tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) exit_code: i32,
    pub(crate) output: String,
}

impl Service {
    /// Runs a tool to its end, in the root directory; `None` if the image lacks it.
    pub(crate) async fn run_tool(
        &self,
        call: &Call,
        id: &ContainerId,
        argv: &[&str],
        stdin: &[u8],
    ) -> Result<Option<Tool>> {
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
        let mut output = Captured::new(MAX_OUTPUT);
        let run = crate::exec::drive(process.as_mut(), stdin, |chunk| output.push(&chunk));
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
        Ok(Some(Tool {
            exit_code,
            output: output.text(None).trim_end_matches('\n').to_owned(),
        }))
    }
}
