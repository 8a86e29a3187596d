//! Builds the agent for the containers of this target: static, because a container has no library that
//! can be counted on, and small, because every container that is worked in gets it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    println!("cargo::rerun-if-changed=../agent/src");
    println!("cargo::rerun-if-changed=../agent/Cargo.toml");
    println!("cargo::rerun-if-changed=../inside/src");
    let (target, out) = (variable("TARGET"), variable("OUT_DIR"));
    let built = Command::new(variable("CARGO"))
        .args(["build", "--release", "--locked", "--offline"])
        .args([
            "--manifest-path",
            "../agent/Cargo.toml",
            "--bin",
            "podlane-agent",
        ])
        .args(["--target", &target, "--target-dir", &out])
        .args(["--config", "profile.release.panic='abort'"])
        .args(["--config", "profile.release.opt-level='s'"])
        .args(["--config", "profile.release.lto='fat'"])
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .env_remove("RUSTFLAGS")
        // clippy comes in by this one, and would build nothing.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status();
    match built {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("building the agent failed: {status}"),
        Err(error) => panic!("cargo can't be started: {error}"),
    }
    let program: PathBuf = [&out, &target, "release", "podlane-agent"].iter().collect();
    println!("cargo::rustc-env=PODLANE_AGENT={}", program.display());
}
