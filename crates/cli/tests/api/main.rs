//! The API as its users have it: the real server beside a real Podman, called over HTTP.

mod agents;
mod attach;
mod audit;
mod background;
mod bounds;
mod by_stream;
mod confinement;
mod container;
mod contract;
mod create;
mod engine_faults;
mod exec;
mod exhaustion;
mod files;
mod fixture;
mod followers;
mod following;
mod happening;
mod health;
mod idempotency;
mod images;
mod kept;
mod killing;
mod kube;
mod kube_rs;
mod lifecycle;
mod lifetimes;
mod listeners;
mod lists;
mod logs;
mod namespaces;
mod observe;
mod output;
mod paused;
mod pods;
mod policy;
mod pulling;
mod races;
mod rates;
mod reading;
mod recordings;
mod recovery;
mod registries;
mod rig;
mod starts;
mod streams;
mod tenants;
mod terminals;
mod tokens;
mod users;
mod webhooks;
mod websocket;
mod wire;

use podlane_testkit::{Server, ServerOptions};
use std::borrow::Borrow;

/// A server with default settings.
fn server() -> Server {
    server_with(ServerOptions::default())
}

/// One without the podman command, whose agents are reached over streams.
fn server_by_stream() -> Server {
    server_with(ServerOptions::default().flag("--podman="))
}

fn server_with(options: impl Borrow<ServerOptions>) -> Server {
    Server::start(env!("CARGO_BIN_EXE_podlane"), options.borrow())
}
