//! The agent that Podlane runs in containers, as bytes.

/// A static program for this target. What it speaks, `podlane-agent` says.
pub static PROGRAM: &[u8] = include_bytes!(env!("PODLANE_AGENT"));
