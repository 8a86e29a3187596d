//! The isolated Podman that tests run beside.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// An image with BusyBox: `sh`, no bash, no user tools.
pub const BUSYBOX: &str = "localhost/podlane-busybox:1";
/// An image with bash, useradd and chpasswd.
pub const DEBIAN: &str = "localhost/podlane-debian:1";
/// An image with one static program, `/tiny`, and no shell.
pub const SCRATCH: &str = "localhost/podlane-scratch:1";
/// An image with the entrypoint `/bin/sh -c` and the command `sleep 1000`.
pub const ENTRYPOINT: &str = "localhost/podlane-entry:1";

fn variable(name: &str) -> PathBuf {
    let Some(value) = std::env::var_os(name) else {
        panic!(
            "this test needs an isolated Podman and {name} is not set: run `script/test`, or \
             `script/with-podman cargo test` after `script/load-images`"
        )
    };
    PathBuf::from(value)
}

/// The socket of the isolated Podman.
///
/// # Panics
/// If there is none: a test that needs Podman fails without it.
pub fn podman_socket() -> PathBuf {
    variable("PODLANE_TEST_SOCKET")
}

/// Runs the podman command line on the isolated store, behind the server's back.
///
/// # Panics
/// If it can't be run.
pub fn podman(arguments: &[&str]) -> Output {
    Command::new(variable("PODLANE_TEST_PODMAN"))
        .args(arguments)
        .output()
        .expect("the podman command line can be run")
}

/// A container name that no other test uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
