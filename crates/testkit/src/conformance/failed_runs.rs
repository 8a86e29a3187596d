//! Runs that can't succeed: the right field is named, and nothing is left.

use super::assert_fails;
use super::subject::{Subject, call, path, words};
use podlane_engine::{
    ContainerSpec, Error, HostPort, ImageRef, Mount, MountSource, PortMapping, Protocol, Resource,
    UserSpec,
};

/// Runs what can't run.
async fn refused(subject: &Subject, spec: &ContainerSpec) -> Error {
    let Err(error) = subject.engine.run(&call(), spec).await else {
        panic!("it runs");
    };
    assert!(!subject.exists(&spec.name).await, "after {error}");
    error
}

async fn refused_field(subject: &Subject, spec: &ContainerSpec, wanted: &str, standing: bool) {
    match refused(subject, spec).await {
        Error::Invalid {
            field,
            conflict,
            message,
        } => {
            assert_eq!((field, conflict), (wanted, standing), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

/// An image that the engine does not hold is not fetched.
pub async fn a_run_of_an_unknown_image_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["true"]);
    spec.image = ImageRef::parse("localhost/podlane-nosuch:1").expect("a reference");
    let error = refused(subject, &spec).await;
    assert_fails!(Err::<(), _>(error), Error::NotFound { resource: Resource::Image, name } if name == spec.image.as_str());
}

/// By name, by path, and with a path that leads through a file.
pub async fn a_run_of_a_missing_program_leaves_nothing(subject: &Subject) {
    for program in ["podlane-nosuch", "/no/such/program"] {
        refused_field(subject, &subject.spec(&[program]), "command", false).await;
    }
}

/// A file without the bit, and a directory.
pub async fn a_run_of_what_is_not_executable_leaves_nothing(subject: &Subject) {
    for program in ["/etc/passwd", "/etc"] {
        refused_field(subject, &subject.spec(&[program]), "command", false).await;
    }
}

/// A file is in its place. A missing one is made.
pub async fn a_run_in_what_is_no_directory_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["true"]);
    spec.workdir = Some(path("/etc/passwd"));
    refused_field(subject, &spec, "workdir", false).await;
}

/// A name; numbers need no account.
pub async fn a_run_as_an_unknown_user_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["true"]);
    for user in ["nosuch", "root:nosuch"] {
        spec.user = Some(UserSpec::parse(user).expect("a user"));
        refused_field(subject, &spec, "user", false).await;
    }
    spec.user = Some(UserSpec::parse("4321:8765").expect("a user"));
    spec.command = words(&["sleep", "1000"]);
    subject.run(&spec).await;
}

/// Found out when it is started; the container that has the port is not disturbed.
pub async fn a_run_on_a_taken_port_leaves_nothing(subject: &Subject) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.ports = vec![PortMapping {
        host_ip: None,
        host: HostPort::Fixed(free.expect("a free port").port()),
        container: 80,
        protocol: Protocol::Tcp,
    }];
    let first = subject.run(&spec).await;
    let mut second = subject.spec(&["sleep", "1000"]);
    second.ports.clone_from(&spec.ports);
    refused_field(subject, &second, "ports", true).await;
    subject
        .engine
        .remove(&call(), &first, true)
        .await
        .expect("a removal");
    subject.run(&second).await;
}

/// It is not made, as a volume would be.
pub async fn a_run_with_a_missing_host_path_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["true"]);
    let missing = subject.directory.join("no/such/directory");
    spec.mounts = vec![Mount {
        source: MountSource::Host(missing.display().to_string()),
        destination: path("/data"),
        read_only: false,
    }];
    refused_field(subject, &spec, "volumes", false).await;
    assert!(!missing.exists());
}

/// Neither given nor in the image.
pub async fn a_run_without_any_command_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&[]);
    spec.image = subject.images.commandless.clone();
    refused_field(subject, &spec, "command", false).await;
}

/// Which of them would be seen, nobody could know.
pub async fn two_volumes_in_one_place_are_refused(subject: &Subject) {
    let mut spec = subject.spec(&["true"]);
    let mount = |source: String| Mount {
        source: MountSource::Host(source),
        destination: path("/data"),
        read_only: false,
    };
    spec.mounts = vec![
        mount(subject.directory.display().to_string()),
        mount(subject.directory.display().to_string()),
    ];
    refused_field(subject, &spec, "volumes", false).await;
}
