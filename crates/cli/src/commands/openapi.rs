//! `podlane openapi`: the API's OpenAPI document, as the server serves it.

use crate::failure::Failure;
use crate::printer::Printer;
use std::process::ExitCode;

pub(crate) fn run(out: &mut Printer) -> Result<ExitCode, Failure> {
    out.text(podlane_server::OPENAPI_JSON)?;
    Ok(ExitCode::SUCCESS)
}
