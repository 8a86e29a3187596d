//! `podlane serve`: settings, then an engine, then the server, until a signal.

use crate::engine;
use crate::failure::Failure;
use crate::logging;
use podlane_server::config::{Config, Environment, Flags};
use std::io;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) fn run(environment: &Environment, flags: &Flags) -> Result<ExitCode, Failure> {
    let config = Config::load(environment, flags)?;
    logging::start(&config, environment);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    engine::runtime()?.block_on(serve(&config, environment))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Config, environment: &Environment) -> Result<(), Failure> {
    let engine = engine::find_or_start(config, environment).await?;
    tracing::warn!(
        engine = %engine.socket.display(),
        "this build has no HTTP server yet; it keeps the engine until a signal"
    );
    let served = until_told_to_stop().await;
    engine.stop().await;
    served.map_err(|error| Failure::failed(format!("can't serve: {error}")))
}

/// Waits for SIGINT or SIGTERM.
async fn until_told_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
