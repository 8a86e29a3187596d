//! What Podlane's tests share.
//!
//! [`Server`] runs the real binary; [`Client`] calls it and checks every answer against the OpenAPI
//! document. Tests run beside an isolated Podman: `script/test` sees to that. [`fake`] is a stand-in
//! for Podman that can be made to do what a real one can't.

pub mod conformance;
pub mod fake;

mod client;
mod podman;
mod receiver;
mod registry;
mod schema;
mod server;

pub use client::{Answer, Client};
pub use podman::{BUSYBOX, DEBIAN, ENTRYPOINT, SCRATCH, podman, podman_socket, unique};
pub use receiver::{Message, Receiver, Reply};
pub use registry::{Door, ImageRegistry, Visit};
pub use server::{Server, ServerOptions};
