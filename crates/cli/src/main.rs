//! `podlane`: an HTTP API for the containers of a Podman machine, on the command line.

mod arguments;
mod commands;
mod engine;
mod failure;
mod listening;
mod logging;
mod machine;
mod printer;
mod state;

use arguments::{Arguments, Verb};
use clap::Parser;
use failure::Failure;
use podlane_server::config::Environment;
use printer::Printer;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::answer_usage(&error),
    };
    match run(arguments.verb) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(verb: Verb) -> Result<ExitCode, Failure> {
    // Before anything starts a thread: it becomes another program.
    if let Verb::RunEngine(launch) = verb {
        return Err(commands::run_engine::run(&launch));
    }
    let environment = Environment::read();
    let mut out = Printer::stdout();
    match verb {
        Verb::Serve(flags) => commands::serve::run(&environment, &flags.into()),
        Verb::Doctor(flags) => commands::doctor::run(&environment, &flags.into(), &mut out),
        Verb::Config(options) => commands::config::run(&environment, options, &mut out),
        Verb::Token(verb) => commands::token::run(&environment, verb, &mut out),
        Verb::Audit(verb) => commands::audit::run(&environment, verb, &mut out),
        Verb::Openapi => commands::openapi::run(&mut out),
        Verb::RunEngine(_) => unreachable!("handled above"),
    }
}
