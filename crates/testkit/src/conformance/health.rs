//! Health checks, run one by one.

use super::subject::{Subject, call};
use podlane_engine::{Command, Error, Health, Healthcheck};
use std::time::Duration;

/// An hour is longer than any test: nobody else runs it.
fn check(line: &str) -> Healthcheck {
    Healthcheck {
        command: Command::Shell(line.into()),
        interval: Duration::from_secs(3600),
        timeout: Duration::from_secs(30),
        start_period: Duration::ZERO,
        retries: 2,
    }
}

/// It is well, is not, and is again; and only those that have a check are told of.
pub async fn a_check_says_whether_a_container_is_well(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.settings.healthcheck = Some(check("test ! -e /tmp/ill"));
    let id = subject.run(&spec).await;
    let other = subject.idle().await;
    let checked = subject.engine.checked(&call()).await.expect("a list");
    assert!(
        checked.contains(&id) && !checked.contains(&other),
        "{checked:?}"
    );
    let health = async || {
        let container = subject.engine.inspect(&call(), &(&id).into()).await;
        container.expect("a container").health
    };
    assert_eq!(health().await, Some(Health::Starting));
    let run = async || subject.engine.check(&call(), &id).await.expect("a check");
    assert!(run().await);
    assert_eq!(health().await, Some(Health::Healthy));
    subject.output(&id, "touch /tmp/ill").await;
    // One failure is not yet an illness.
    assert!(!run().await);
    assert_eq!(health().await, Some(Health::Healthy));
    assert!(!run().await);
    assert_eq!(health().await, Some(Health::Unhealthy));
    subject.output(&id, "rm /tmp/ill").await;
    assert!(run().await);
    assert_eq!(health().await, Some(Health::Healthy));
}

/// Neither what has no check nor what does not run can be checked.
pub async fn what_can_not_be_checked_is_said(subject: &Subject) {
    let id = subject.idle().await;
    let error = subject.engine.check(&call(), &id).await;
    assert!(matches!(error, Err(Error::WrongState { .. })), "{error:?}");
    let ended = subject.run(&subject.spec(&["true"])).await;
    subject.ended(&ended).await;
    let error = subject.engine.check(&call(), &ended).await;
    assert!(matches!(error, Err(Error::WrongState { .. })), "{error:?}");
    let checked = subject.engine.checked(&call()).await.expect("a list");
    assert!(!checked.contains(&id) && !checked.contains(&ended));
}

/// What an engine says of itself, and no feature without a reason if it is missing.
pub async fn an_engine_tells_what_it_is(subject: &Subject) {
    let call = call();
    let version = subject.engine.version(&call).await.expect("a version");
    let info = subject.engine.info(&call).await.expect("it says");
    assert_eq!(
        (&info.name, &info.version),
        (&version.name, &version.version)
    );
    for told in [
        &info.runtime.name,
        &info.cgroup_version,
        &info.cgroup_manager,
        &info.storage_driver,
        &info.network_backend,
        &info.os,
        &info.arch,
        &info.kernel,
    ] {
        assert!(!told.is_empty(), "{info:?}");
    }
    let capabilities = subject.engine.capabilities(&call).await.expect("a table");
    assert!(capabilities.len() > 5);
    for capability in capabilities {
        assert!(
            capability.supported || capability.reason.is_some(),
            "{capability:?}"
        );
    }
}
