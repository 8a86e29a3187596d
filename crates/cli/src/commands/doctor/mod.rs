//! `podlane doctor`: whether containers can be started here, what is missing, and what to type.
//!
//! Three steps in three places: `machine` sees, `judge` says what it means, `print` writes it down.

mod diagnosis;
mod judge;
mod packages;
mod print;

#[cfg(test)]
mod tests;

use crate::engine;
use crate::failure::Failure;
use crate::machine;
use crate::printer::Printer;
use crate::state;
use podlane_server::config::{Config, Environment, Flags};
use std::process::ExitCode;

pub(crate) fn run(
    environment: &Environment,
    flags: &Flags,
    out: &mut Printer,
) -> Result<ExitCode, Failure> {
    let config = Config::load(environment, flags)?;
    let machine = engine::runtime()?.block_on(async {
        let container_host = environment.container_host();
        let search = engine::search(&config, environment, container_host.as_deref());
        machine::gather(environment, search.all().await).await
    });
    let state = state::directory(&config, environment);
    let recordings = config.check_recordings(state.as_deref(), true);
    let unrecorded = recordings.err().map(|error| Failure::from(error).words());
    let diagnosis = judge::judge(&machine, config.start_engine, unrecorded);
    print::print(&diagnosis, out)?;
    Ok(if diagnosis.can_start() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
