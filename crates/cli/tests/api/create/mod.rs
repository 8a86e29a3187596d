//! `POST /containers`: every form of its fields, and what a refused one leaves: nothing.

mod fields;
mod refusals;
mod settings;

use podlane_testkit::podman;

/// Whether Podman has a container of this name, in any state.
fn exists(name: &str) -> bool {
    podman(&["container", "exists", name]).status.success()
}
