//! The API as its users have it: the real server beside a real Podman, called over HTTP.

mod container;
mod contract;
mod exec;
mod killing;
mod output;
mod races;
mod recovery;

use podlane_testkit::{Server, ServerOptions};

/// A server with default settings.
fn server() -> Server {
    server_with(&ServerOptions::default())
}

fn server_with(options: &ServerOptions) -> Server {
    Server::start(env!("CARGO_BIN_EXE_podlane"), options)
}
