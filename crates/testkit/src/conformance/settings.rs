//! How a container is kept: what was asked for is what inspect tells.

use super::assert_fails;
use super::subject::{Subject, call, words};
use podlane_engine::{
    Command, Error, Healthcheck, InnerPath, Limits, OpenFiles, Restart, Settings, Signal, Tmpfs,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every setting that needs nothing else of the engine, at once.
pub async fn settings_come_back(subject: &Subject) {
    let place = InnerPath::parse("/scratch").expect("a path");
    let tmpfs = Tmpfs {
        size: Some(1 << 20),
        mode: Some(0o1777),
    };
    let asked = Settings {
        hostname: Some("kept".into()),
        limits: Limits {
            memory: Some(64 << 20),
            memory_swap: Some(128 << 20),
            milli_cpus: Some(500),
            pids: Some(55),
            log_bytes: None,
            open_files: Some(OpenFiles {
                soft: 100,
                hard: 200,
            }),
        },
        restart: Some(Restart::OnFailure(Some(3))),
        read_only: true,
        tmpfs: BTreeMap::from([(place, tmpfs)]),
        added_capabilities: vec!["CAP_NET_ADMIN".into()],
        dropped_capabilities: vec!["CAP_CHOWN".into()],
        no_new_privileges: true,
        networks: Some(BTreeMap::new()),
        dns: Vec::new(),
        hosts: BTreeMap::from([("db".into(), [10, 0, 0, 5].into())]),
        healthcheck: Some(Healthcheck {
            command: Command::Argv(words(&["true"])),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            start_period: Duration::from_secs(1),
            retries: 4,
        }),
        stop_signal: Signal::parse("INT"),
        stop_timeout: Some(Duration::from_secs(3)),
        tty: true,
        stdin: true,
        secrets: Vec::new(),
        devices: vec!["/dev/null".into()],
    };
    let mut spec = subject.spec(&["1000"]);
    spec.entrypoint = words(&["sleep"]);
    spec.settings = asked.clone();
    let id = subject.run(&spec).await;
    let kept = subject.engine.inspect(&call(), &(&id).into()).await;
    let kept = kept.expect("it");
    assert_eq!(kept.command, ["sleep", "1000"]);
    assert_eq!(kept.settings, asked);
}

/// What is not there is named, and nothing is left.
pub async fn settings_that_need_what_is_not_there_leave_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.settings.devices = vec!["/dev/no-such-device".into()];
    let failed = subject.engine.run(&call(), &spec).await;
    assert_fails!(
        failed,
        Error::Invalid {
            field: "devices",
            ..
        }
    );
    assert!(!subject.exists(&spec.name).await);
}
