//! Log lines on stderr: our own events, and warnings of the libraries below us.

use podlane_server::config::{Config, Environment, LogFormat};
use std::io::{IsTerminal, stderr};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging, once for the whole process.
pub(crate) fn start(config: &Config, environment: &Environment) {
    let level = if config.debug {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    // Matches podlane_server, podlane_podman and all others of ours.
    let targets = Targets::new()
        .with_target("podlane", level)
        .with_default(LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match config.log_format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Auto if stderr().is_terminal() && !environment.no_color() => lines.boxed(),
        LogFormat::Auto | LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    registry().with(lines.with_filter(targets)).init();
}
