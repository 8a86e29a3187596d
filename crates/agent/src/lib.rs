//! The protocol between Podlane and its agent in a container.
//!
//! A frame is a little-endian u32, the length of what follows, then a byte that says what it is, then
//! its fields. Strings and lists have a u32 length before them. Both sides bound the length before they
//! take memory for it, and give up the connection at the first frame that is not as it should be: the
//! other side may be anybody who has power over the container.
//!
//! There are two kinds of connection. Where descriptors can be handed over, both are stream sockets. On the first the agent says hello and is asked for
//! workers, with the worker's own socket as a descriptor beside the frame. On a worker's socket one
//! command at a time is run: its standard streams come as descriptors beside the frame. Where they can't,
//! all that goes over one stream: [`mux`].

#![forbid(unsafe_code)]

mod frame;
mod message;
pub mod mux;

pub use frame::{Decoder, MAX_REPLY, MAX_REQUEST, Malformed};
pub use message::{Failure, Reply, Request, Run, Status, Survivor, Target, Terminal};

/// The protocol's version; the two sides are built together, so it is never negotiated.
pub const VERSION: u8 = 1;
/// The descriptor of the agent's first connection.
pub const CONTROL_FD: i32 = 4;
/// The descriptor of the agent's program.
pub const PROGRAM_FD: i32 = 3;
