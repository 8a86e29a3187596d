//! Commands run in the container by a program, as people do it at a prompt.

use crate::connection::Result;
use std::process::Stdio;
use tokio::process::Command;

/// Runs a program that is to write what `echo hi` writes.
pub(crate) async fn echo(argv: &[String]) -> Result<()> {
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    match run(&argv).await? {
        said if said == b"hi\n" => Ok(()),
        said => Err(format!("{}: {said:?} in place of hi", argv[0]).into()),
    }
}

/// Runs a program that is to succeed; what it wrote.
pub(crate) async fn run(argv: &[&str]) -> Result<Vec<u8>> {
    let (program, arguments) = argv.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.trim()).into())
}
