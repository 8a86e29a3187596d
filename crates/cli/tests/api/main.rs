//! The API as its users have it: the real server beside a real Podman, called over HTTP.

mod attach;
mod background;
mod bounds;
mod confinement;
mod container;
mod contract;
mod create;
mod engine_faults;
mod exec;
mod exhaustion;
mod files;
mod fixture;
mod killing;
mod logs;
mod output;
mod races;
mod reading;
mod recordings;
mod recovery;
mod rig;
mod streams;
mod terminals;
mod users;
mod websocket;
mod wire;

use podlane_testkit::{Server, ServerOptions};
use std::borrow::Borrow;

/// A server with default settings.
fn server() -> Server {
    server_with(ServerOptions::default())
}

fn server_with(options: impl Borrow<ServerOptions>) -> Server {
    Server::start(env!("CARGO_BIN_EXE_podlane"), options.borrow())
}
