use super::table::{Host, PAUSE, TABLE};
use super::*;
use crate::child::State;
use std::collections::HashSet;

fn supported(info: &EngineInfo, agents: Option<bool>, name: &str) -> bool {
    let host = Host { info, agents };
    let row = TABLE.iter().find(|row| row.name == name).expect("a row");
    let told = row.capability(&host);
    assert_eq!(told.supported, told.reason.is_none(), "{told:?}");
    told.supported
}

fn podman(version: &str) -> EngineInfo {
    EngineInfo {
        version: version.into(),
        ..EngineInfo::default()
    }
}

#[test]
fn names_are_one_of_a_kind() {
    let names: HashSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
}

#[test]
fn versions_decide_what_they_decide() {
    for (version, name, expected) in [
        ("4.3.1", "logs.nanoseconds", false),
        ("5.4.2", "logs.nanoseconds", false),
        ("5.8.6", "logs.nanoseconds", true),
        ("5.10.0-dev", "logs.nanoseconds", true),
        ("6.0.0", "logs.nanoseconds", true),
        ("4.3.1", "containers.start_error", false),
        ("4.4.0", "containers.start_error", true),
        ("4.3.1", "containers.oom", false),
        ("5.4.2", "containers.oom", true),
        ("4.9.9", "exec.sessions_forgotten", false),
        ("5.0.0-rc1", "exec.sessions_forgotten", true),
        ("odd", "exec.sessions_forgotten", true),
    ] {
        assert_eq!(
            supported(&podman(version), None, name),
            expected,
            "{version} {name}"
        );
    }
}

#[test]
fn a_service_of_our_own_says_what_is_the_matter() {
    let (state, watched) = tokio::sync::watch::channel(State::Starting);
    let engine = PodmanEngine::new("/nowhere".into(), None);
    assert_eq!(engine.trouble(), None);
    let engine = engine.with_service(watched).expect("not shared");
    assert!(
        engine
            .trouble()
            .is_some_and(|text| text.ends_with("does not answer yet"))
    );
    state.send_replace(State::Down {
        reason: "it ended with exit status 125: out of luck".into(),
        retry_in: Duration::from_millis(1500),
    });
    let text = engine.trouble().expect("trouble");
    assert!(
        text.contains("out of luck") && text.ends_with("after 1.5 seconds"),
        "{text}"
    );
    let version = "5.4.2".into();
    state.send_replace(State::Ready { version });
    assert_eq!(engine.trouble(), None);
}

#[test]
fn the_host_decides_the_rest() {
    let mut info = podman("5.8.6");
    assert!(supported(&info, None, "stats") && supported(&info, None, "limits.cpus"));
    assert!(supported(&info, None, PAUSE));
    info.cgroup_controllers = vec!["memory".into(), "pids".into()];
    assert!(supported(&info, None, "limits.memory"));
    assert!(!supported(&info, None, "limits.cpus"));
    (info.rootless, info.cgroup_version) = (true, "v1".into());
    info.cgroup_controllers.clear();
    assert!(!supported(&info, None, "stats") && !supported(&info, None, "limits.memory"));
    assert!(!supported(&info, None, PAUSE));
    for (agents, stream, descriptors) in [
        (None, false, false),
        (Some(false), true, false),
        (Some(true), true, true),
    ] {
        assert_eq!(supported(&info, agents, "exec.stream"), stream);
        assert_eq!(supported(&info, agents, "exec.descriptors"), descriptors);
    }
    assert!(!supported(&info, None, "confinement.selinux"));
    info.confinement.selinux = true;
    assert!(supported(&info, None, "confinement.selinux"));
}
