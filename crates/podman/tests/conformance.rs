//! The conformance suite: on the Podman of this machine, and on the fake in both of its dialects.
//!
//! `real` needs script/with-podman and script/load-images. script/matrix runs it alone, on several
//! versions.

use podlane_agent_program::PROGRAM;
use podlane_engine::{ExecPath, ImageRef};
use podlane_podman::PodmanEngine;
use podlane_testkit::conformance::{Images, Subject};
use podlane_testkit::fake::{FakePodman, FakeVersion, ImageKind};
use podlane_testkit::{BUSYBOX, ENTRYPOINT, SCRATCH};
use std::future::Ready;
use std::sync::Arc;

fn image(name: &str) -> ImageRef {
    ImageRef::parse(name).expect("a valid reference")
}

fn images() -> Images {
    Images {
        busybox: image(BUSYBOX),
        scratch: image(SCRATCH),
        entrypoint: image(ENTRYPOINT),
        commandless: image(SCRATCH),
    }
}

/// The isolated Podman. A test that ran before on the same one has left nothing but images.
fn real() -> Ready<Subject> {
    let socket = podlane_testkit::podman_socket();
    std::future::ready(subject(PodmanEngine::new(socket, None)))
}

/// The same, and commands are run by agents.
fn real_fd() -> Ready<Subject> {
    let podman = std::env::var_os("PODLANE_TEST_PODMAN").expect("a podman of this run");
    let engine = PodmanEngine::new(podlane_testkit::podman_socket(), None);
    let engine = engine
        .with_agents(PROGRAM, Some(podman.into()))
        .expect("a program");
    std::future::ready(subject(engine).executing_by(ExecPath::Fd))
}

/// The same, over streams through the engine.
fn real_stream() -> Ready<Subject> {
    let engine = PodmanEngine::new(podlane_testkit::podman_socket(), None);
    let engine = engine.with_agents(PROGRAM, None).expect("a program");
    std::future::ready(subject(engine).executing_by(ExecPath::Stream))
}

fn subject(engine: PodmanEngine) -> Subject {
    let directory = std::env::var_os("PODLANE_TEST_DIR").expect("a directory of this run");
    let socket = podlane_testkit::podman_socket();
    Subject::new(
        Arc::new(engine),
        images(),
        socket,
        directory.into(),
        Box::new(()),
    )
}

async fn fake(version: FakeVersion) -> Subject {
    let fake = FakePodman::start(version)
        .await
        .image(BUSYBOX, ImageKind::Busybox)
        .image(ENTRYPOINT, ImageKind::Entrypoint)
        .image(SCRATCH, ImageKind::Scratch);
    let socket = fake.socket().to_path_buf();
    let directory = tempfile::tempdir().expect("a directory");
    Subject::new(
        Arc::new(PodmanEngine::new(socket.clone(), None)),
        images(),
        socket,
        directory.path().to_path_buf(),
        Box::new((fake, directory)),
    )
}

mod real {
    podlane_testkit::conformance!(super::real());
}

mod real_fd {
    podlane_testkit::conformance!(super::real_fd());
}

mod real_stream {
    podlane_testkit::conformance!(super::real_stream());
}

mod fake_4_3 {
    podlane_testkit::conformance!(super::fake(super::FakeVersion::V43));
}

mod fake_5_8 {
    podlane_testkit::conformance!(super::fake(super::FakeVersion::V58));
}
