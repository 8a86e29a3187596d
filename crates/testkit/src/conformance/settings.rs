//! How a container is kept: what was asked for is what inspect tells.

use super::assert_fails;
use super::subject::{Subject, call, words};
use podlane_engine::{
    Command, Error, Healthcheck, InnerPath, Limits, OpenFiles, Restart, Settings, Signal, Status,
    Tmpfs,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
        lifespan: Some(Duration::from_secs(1000)),
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

/// By the engine itself, whatever it does with signals and whether it is frozen; and each start counts anew.
pub async fn a_lifespan_is_kept_to(subject: &Subject) {
    let script = "trap '' TERM INT; while true; do sleep 1; done";
    let mut spec = subject.spec(&["sh", "-c", script]);
    spec.settings.lifespan = Some(Duration::from_secs(2));
    let id = subject.run(&spec).await;
    let began = Instant::now();
    let ended = subject.ended(&id).await;
    assert!(began.elapsed() > Duration::from_secs(1));
    assert_eq!((ended.status, ended.exit_code), (Status::Exited, Some(-1)));
    let engine = &subject.engine;
    engine.start(&call(), &id).await.expect("a start");
    let again = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(again.status, Status::Running);
    assert_eq!(subject.ended(&id).await.exit_code, Some(-1));
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
