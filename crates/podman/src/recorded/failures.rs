//! Failures: every version's answer has the same meaning.

use super::{VERSIONS, recorded};
use crate::failure::Failure;
use crate::instance::Instance;
use crate::requests::{self, Adaptation, Request};
use podlane_engine::{
    Call, Command, ContainerId, ContainerName, ContainerSpec, Error, ExecSpec, ImageRef, Init,
    InnerPath, Ownership, RequestId, Resource, Settings, UserSpec,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What an error must be.
enum Meaning {
    Missing(Resource),
    NameInUse(&'static str),
    /// Field, and whether something else is in the way.
    Invalid(&'static str, bool),
    /// A word of the message.
    State(&'static str),
    /// The path.
    ReadOnly(&'static str),
}

impl Meaning {
    fn is(&self, error: &Error) -> bool {
        match (self, error) {
            (Self::Missing(wanted), Error::NotFound { resource, .. }) => resource == wanted,
            (Self::NameInUse(wanted), Error::NameInUse { name, .. }) => name == wanted,
            (
                Self::Invalid(wanted, standing),
                Error::Invalid {
                    field, conflict, ..
                },
            ) => field == wanted && conflict == standing,
            (Self::State(word), Error::WrongState { message })
            | (Self::ReadOnly(word), Error::ReadOnly { message }) => message.contains(word),
            _ => false,
        }
    }
}

fn id() -> ContainerId {
    ContainerId::parse(&"a".repeat(64)).expect("valid")
}

fn path(text: &str) -> InnerPath {
    InnerPath::parse(text).expect("valid")
}

fn create(image: &str) -> Request {
    let spec = ContainerSpec {
        image: ImageRef::parse(image).expect("valid"),
        name: ContainerName::parse("w1").expect("valid"),
        entrypoint: Vec::new(),
        command: Vec::new(),
        environment: BTreeMap::new(),
        ports: Vec::new(),
        mounts: Vec::new(),
        user: None,
        workdir: None,
        labels: BTreeMap::new(),
        init: Init::Off,
        agent: true,
        pod: None,
        settings: Settings::default(),
    };
    requests::create_container(&spec, &Instance::here().attempt(), Adaptation::default())
}

fn exec() -> Request {
    let spec = ExecSpec {
        command: Command::Argv(vec!["id".into()]),
        user: Some(UserSpec::parse("nouser").expect("valid")),
        workdir: None,
        environment: Vec::new(),
        stdin: false,
        open_ended: false,
        terminal: None,
        agent: false,
    };
    requests::create_exec(&id(), &spec, &["id".into()], &Instance::here().attempt())
}

fn write(to: &str) -> Request {
    requests::write_archive(&id(), &path(to), Ownership::Archive)
}

fn image() -> Request {
    requests::inspect_image(&ImageRef::parse("nosuch").expect("valid"))
}

/// The answer, the request that this engine would have made for it, and what it means.
fn table() -> Vec<(&'static str, Request, Meaning)> {
    use Meaning::{Invalid, Missing, NameInUse, ReadOnly, State};
    use Resource::{Container, Image, Path};
    let read = || requests::read_archive(&id(), &path("/x"));
    let remove = || requests::remove_container(&id(), false);
    let look = requests::inspect_exec("deadbeef");
    let start = || requests::start_container(&id());
    vec![
        ("create_dup_name", create("localhost/bb:1"), NameInUse("w1")),
        (
            "create_no_image",
            create("localhost/nosuch:1"),
            Missing(Image),
        ),
        ("image_inspect_missing", image(), Missing(Image)),
        ("start_missing", start(), Missing(Container)),
        (
            "exists_no",
            requests::container_exists(&id()),
            Missing(Container),
        ),
        ("rm_missing", remove(), Missing(Container)),
        ("exec_create_missing_ctr", exec(), Missing(Container)),
        ("archive_get_missing_ctr", read(), Missing(Container)),
        ("archive_put_missing_ctr", write("/tmp"), Missing(Container)),
        ("archive_get_missing", read(), Missing(Path)),
        (
            "archive_head_missing",
            requests::stat(&id(), &path("/x")),
            Missing(Path),
        ),
        ("start_port_conflict", start(), Invalid("ports", true)),
        ("exec_start_baduser", exec(), Invalid("user", false)),
        (
            "archive_put_to_file",
            write("/bin/busybox"),
            Invalid("dest_path", false),
        ),
        ("archive_put_ro_mount", write("/ro"), ReadOnly("/ro")),
        ("rm_running_noforce", remove(), State("force")),
        ("exec_create_stopped", exec(), State("not running")),
        ("exec_create_paused", exec(), State("paused")),
        ("exec_inspect_missing", look, State("stopped or removed")),
    ]
}

#[test]
fn failures_mean_the_same_in_all_versions() {
    let id = RequestId::parse("r").expect("valid");
    let call = Call::new(id, Duration::from_secs(1));
    for version in VERSIONS {
        for (name, request, meaning) in table() {
            let answer = recorded(version, name);
            let failure = Failure::parse(answer.status(), &answer.body());
            assert!(!failure.is_lock_trouble() && !failure.is_race(&request));
            let error = failure.meaning(&call, &request);
            assert!(meaning.is(&error), "{version} {name}: {error:?}");
            assert!(!error.to_string().contains("copier:"), "{error}");
        }
    }
}
