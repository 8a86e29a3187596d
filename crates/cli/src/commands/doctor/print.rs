//! Writes a diagnosis down.

use super::diagnosis::{Diagnosis, Weight};
use crate::printer::Printer;
use std::io;

pub(super) fn print(diagnosis: &Diagnosis, out: &mut Printer) -> io::Result<()> {
    for finding in &diagnosis.findings {
        let mark = match finding.weight {
            Weight::Good => "ok",
            Weight::Fact => "-",
            Weight::Note => "note",
            Weight::Bad => "BAD",
        };
        out.line(format_args!("{mark:<5} {}", finding.text))?;
        if let Some(command) = &finding.remedy {
            out.line(format_args!("      type: {command}"))?;
        }
    }
    out.line("")?;
    out.line(&diagnosis.conclusion)
}
