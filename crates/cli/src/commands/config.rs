//! `podlane config`: every setting in force and where it comes from.

use crate::arguments::ConfigOptions;
use crate::failure::Failure;
use crate::printer::Printer;
use podlane_server::config::{Config, DEFAULT_FILE, Environment};
use std::process::ExitCode;

pub(crate) fn run(
    environment: &Environment,
    options: ConfigOptions,
    out: &mut Printer,
) -> Result<ExitCode, Failure> {
    if options.default {
        out.text(DEFAULT_FILE)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(environment, &options.flags.into())?;
    let lines: Vec<_> = config
        .table()
        .iter()
        .map(|row| (format!("{} = {}", row.key, row.value), &row.origin))
        .collect();
    let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    for (line, origin) in lines {
        out.line(format_args!("{line:width$}  # {origin}"))?;
    }
    for warning in config.warnings() {
        out.line(format_args!("# {warning}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
