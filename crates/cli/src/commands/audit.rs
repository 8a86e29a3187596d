//! `podlane audit`: the audit of this machine's server, whether it runs or not.

use crate::arguments::AuditVerb;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::state;
use podlane_server::config::{Config, Environment};
use podlane_service::{Audit, AuditEntry, AuditFilter};
use serde_json::json;
use std::process::ExitCode;
use time::format_description::well_known::Rfc3339;

/// How many entries are read at once.
const PART: usize = 1000;

pub(crate) fn run(
    environment: &Environment,
    verb: AuditVerb,
    out: &mut Printer,
) -> Result<ExitCode, Failure> {
    let (place, verify) = match verb {
        AuditVerb::Export { place } => (place, false),
        AuditVerb::Verify { place } => (place, true),
    };
    let config = Config::load(environment, &place.into())?;
    let audit = Audit::new(state::directory(&config, environment));
    if verify {
        let verified = audit.verify()?;
        out.line(format!(
            "{} entries, last {}",
            verified.entries, verified.hash
        ))?;
        return match verified.broken_at {
            None => Ok(ExitCode::SUCCESS),
            Some(number) => Err(Failure::failed(format!(
                "the chain is broken: entry {number} does not follow from those before it"
            ))),
        };
    }
    let mut after = 0;
    loop {
        let part = audit.read(after, PART, &AuditFilter::default())?;
        let Some(last) = part.last() else {
            return Ok(ExitCode::SUCCESS);
        };
        after = last.number;
        for entry in &part {
            out.line(line(entry))?;
        }
    }
}

fn line(entry: &AuditEntry) -> String {
    json!({
        "number": entry.number,
        "time": entry.at.format(&Rfc3339).unwrap_or_default(),
        "request_id": entry.request,
        "caller": entry.caller,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "duration_ms": entry.took.map(|took| took.as_secs_f64() * 1000.0),
        "hash": entry.hash,
    })
    .to_string()
}
