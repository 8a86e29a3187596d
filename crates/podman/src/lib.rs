//! A thin typed client for Podman's libpod REST API, and the Podman engine of Podlane.
//!
//! `requests` builds requests and sends none; `connection` sends and knows nothing of their meaning;
//! `answers` and `failure` read what comes back. Works with Podman 4.3 and later over its Unix socket.

mod agent;
mod answers;
mod attach;
mod behind_init;
mod body;
mod capabilities;
pub mod child;
mod connection;
mod ending;
mod engine;
mod events;
mod failure;
pub mod find;
mod frames;
mod groups;
mod health;
mod host;
mod image_work;
mod images;
mod instance;
mod lifecycle;
mod log;
mod networks;
mod noise;
mod observe;
mod pods;
mod pool;
mod process;
#[cfg(test)]
mod properties;
mod pull;
#[cfg(test)]
mod recorded;
mod recover;
mod requests;
mod restart;
mod run;
mod secrets;
mod shell;
mod upgraded;
mod volumes;

pub use connection::Observer;
pub use engine::PodmanEngine;
pub use frames::{Decoder as FrameDecoder, FrameError};
