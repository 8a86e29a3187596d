//! Run, inspect, list, stop, start, restart, remove.

use super::assert_fails;
use super::subject::{Subject, call, reference};
use futures_util::StreamExt;
use podlane_engine::{Change, ContainerName, Error, EventQuery, Init, Resource, Signal, Status};
use std::time::{Duration, Instant};

/// From run to remove, seen at every step by inspect and list.
pub async fn a_container_lives_and_ends(subject: &Subject) {
    let engine = &subject.engine;
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.init = Init::Preferred;
    let id = subject.run(&spec).await;

    let running = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(running.status, Status::Running);
    assert_eq!(running.image, subject.images.busybox.as_str());
    assert_eq!(running.command, ["sleep", "1000"]);
    assert!(running.started.is_some());
    assert_eq!((running.exit_code, &running.finished), (None, &None));
    let list = engine.list(&call()).await.expect("a list");
    let row = list.iter().find(|row| row.id == id).expect("its row");
    assert_eq!((&row.name, row.status), (&running.name, Status::Running));
    assert_eq!(
        (&row.image, &row.created),
        (&running.image, &running.created)
    );

    let stopped = engine.stop(&call(), &id, None).await.expect("a stop");
    assert_eq!(stopped, Change::Done);
    let ended = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(ended.status, Status::Exited);
    assert!(ended.exit_code.is_some() && ended.finished.is_some());
    let list = engine.list(&call()).await.expect("a list");
    let row = list.iter().find(|row| row.id == id).expect("its row");
    assert_eq!(row.status, Status::Exited);

    assert_eq!(
        engine.start(&call(), &id).await.expect("a start"),
        Change::Done
    );
    let again = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!((again.status, again.exit_code), (Status::Running, None));
    engine.remove(&call(), &id, true).await.expect("a removal");
    assert_fails!(
        engine.inspect(&call(), &(&id).into()).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
    assert!(!subject.exists(&spec.name).await);
}

/// The second time there is nothing to do, and nothing is done.
pub async fn starting_and_stopping_twice_changes_nothing(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    let before = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(
        engine.start(&call(), &id).await.expect("a start"),
        Change::AlreadySo
    );
    let after = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(
        (after.status, after.started),
        (before.status, before.started)
    );
    assert_eq!(
        engine.stop(&call(), &id, None).await.expect("a stop"),
        Change::Done
    );
    assert_eq!(
        engine.stop(&call(), &id, None).await.expect("a stop"),
        Change::AlreadySo
    );
}

/// As one step, which is told as such: from whatever state but that of a paused one, and by many at once.
pub async fn a_restart_is_one_step(subject: &Subject) {
    let engine = &subject.engine;
    let since = super::events::now();
    let id = subject.idle().await;
    let look = async || engine.inspect(&call(), &(&id).into()).await.expect("it");
    let before = look().await;
    let at_once = Some(Duration::ZERO);
    engine.restart(&call(), &id, at_once).await.expect("one");
    let after = look().await;
    assert_eq!(after.status, Status::Running);
    assert_ne!(after.started, before.started);
    let many = (0..4).map(|_| async { engine.restart(&call(), &id, at_once).await });
    for restarted in futures_util::future::join_all(many).await {
        restarted.expect("one of many");
    }
    assert_eq!(look().await.status, Status::Running);
    let query = EventQuery {
        since,
        follow: false,
    };
    let told = engine.events(&call(), query).await.expect("events");
    let told: Vec<_> = told.collect().await;
    let told = told.into_iter().map(|event| event.expect("an event"));
    let restarts = told.filter(|event| event.id == id.as_str() && event.action == "restart");
    assert!(restarts.count() >= 5);

    engine.pause(&call(), &id).await.expect("a pause");
    for failed in [
        engine.restart(&call(), &id, at_once).await,
        engine.stop(&call(), &id, at_once).await.map(drop),
        engine.top(&call(), &id).await.map(drop),
    ] {
        assert_fails!(
            failed,
            Error::WrongState { message } if message == "the container is paused; unpause it first"
        );
    }
    engine.unpause(&call(), &id).await.expect("its end");
    engine.stop(&call(), &id, at_once).await.expect("a stop");
    engine.restart(&call(), &id, None).await.expect("a start");
    assert_eq!(look().await.status, Status::Running);

    let created = subject.created().await;
    engine.restart(&call(), &created, None).await.expect("one");
    let container = engine.inspect(&call(), &(&created).into()).await;
    assert_eq!(container.expect("it").status, Status::Running);
}

/// The container's own where nothing is said.
pub async fn a_restart_keeps_to_the_grace(subject: &Subject) {
    let script = "trap '' TERM; echo deaf; while true; do sleep 1; done";
    let mut spec = subject.spec(&["sh", "-c", script]);
    spec.settings.stop_timeout = Some(Duration::from_secs(1));
    let id = subject.run(&spec).await;
    while subject.log(&id, None).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    let restarted = subject.engine.restart(&call(), &id, None).await;
    restarted.expect("a restart");
    assert!(began.elapsed() >= Duration::from_millis(900));
}

/// Created stays created, and can still be started.
pub async fn stopping_what_never_ran_leaves_it_so(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.created().await;
    engine.stop(&call(), &id, None).await.expect("a stop");
    let container = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert!(!container.status.is_live(), "{container:?}");
    assert_eq!((container.exit_code, container.started), (None, None));
    assert_eq!(
        engine.start(&call(), &id).await.expect("a start"),
        Change::Done
    );
}

/// That of its main process.
pub async fn an_ended_container_tells_its_exit_code(subject: &Subject) {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -KILL $$; sleep 9", 137),
    ] {
        let mut spec = subject.spec(&["sh", "-c", script]);
        // A process 1 can't be killed from inside.
        spec.init = Init::Preferred;
        let id = subject.run(&spec).await;
        let ended = subject.ended(&id).await;
        assert_eq!(
            (ended.status, ended.exit_code),
            (Status::Exited, Some(code)),
            "{script}"
        );
    }
}

/// After the grace, and not much later.
pub async fn stopping_kills_what_ignores_it(subject: &Subject) {
    let spec = subject.spec(&[
        "sh",
        "-c",
        "trap '' TERM; echo deaf; while true; do sleep 1; done",
    ]);
    let id = subject.run(&spec).await;
    while subject.log(&id, None).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    let stopped = subject
        .engine
        .stop(&call(), &id, Some(Duration::from_secs(1)))
        .await;
    assert_eq!(stopped.expect("a stop"), Change::Done);
    assert!(began.elapsed() >= Duration::from_millis(900));
    let ended = subject.ended(&id).await;
    assert_eq!(ended.exit_code, Some(137));
}

/// Without it the container goes on.
pub async fn removing_a_running_container_takes_force(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject
        .run(&subject.spec(&["sh", "-c", "trap '' TERM; while true; do sleep 1; done"]))
        .await;
    assert_fails!(engine.remove(&call(), &id, false).await, Error::WrongState { message } if message.contains("force"));
    let container = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert_eq!(container.status, Status::Running);
    let began = Instant::now();
    engine.remove(&call(), &id, true).await.expect("a removal");
    // The ten seconds of a process that ignores SIGTERM are not waited for.
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    assert_fails!(
        engine.inspect(&call(), &(&id).into()).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
}

/// There is nothing that force would be needed for.
pub async fn removing_what_ended_or_never_ran_takes_no_force(subject: &Subject) {
    let ended = subject.run(&subject.spec(&["true"])).await;
    subject.ended(&ended).await;
    for id in [ended, subject.created().await] {
        subject
            .engine
            .remove(&call(), &id, false)
            .await
            .expect("a removal");
        assert_fails!(
            subject.engine.remove(&call(), &id, false).await,
            Error::NotFound {
                resource: Resource::Container,
                ..
            }
        );
    }
}

/// The one who has the name keeps it.
pub async fn a_name_in_use_is_refused(subject: &Subject) {
    let spec = subject.spec(&["sleep", "1000"]);
    let id = subject.run(&spec).await;
    assert_fails!(subject.engine.run(&call(), &spec).await, Error::NameInUse { name, .. } if name == spec.name.as_str());
    let container = subject.engine.inspect(&call(), &(&spec.name).into()).await;
    let container = container.expect("the first");
    assert_eq!((container.id, container.status), (id, Status::Running));
}

/// A signal reaches the main process; what does not run takes none.
pub async fn a_signal_reaches_the_main_process(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    engine
        .kill(&call(), &id, Signal::KILL)
        .await
        .expect("a kill");
    let ended = subject.ended(&id).await;
    assert_eq!((ended.status, ended.exit_code), (Status::Exited, Some(137)));
    for id in [id, subject.created().await] {
        assert_fails!(
            engine.kill(&call(), &id, Signal::TERM).await,
            Error::WrongState { message } if message.contains("not running")
        );
    }
}

/// Frozen, then running again; each only once.
pub async fn a_container_is_paused_and_goes_on(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.idle().await;
    let status = async || {
        let container = engine.inspect(&call(), &(&id).into()).await.expect("it");
        container.status
    };
    assert_fails!(
        engine.unpause(&call(), &id).await,
        Error::WrongState { message } if message.contains("not paused")
    );
    engine.pause(&call(), &id).await.expect("a pause");
    assert_eq!(status().await, Status::Paused);
    assert_fails!(engine.pause(&call(), &id).await, Error::WrongState { .. });
    engine.unpause(&call(), &id).await.expect("an unpause");
    assert_eq!(status().await, Status::Running);
    let created = subject.created().await;
    assert_fails!(
        engine.pause(&call(), &created).await,
        Error::WrongState { message } if message.contains("not running")
    );
}

/// The old name is free at once, a name of another is refused.
pub async fn a_container_gets_another_name(subject: &Subject) {
    let engine = &subject.engine;
    let (running, other) = (subject.idle().await, subject.created().await);
    let name = |text: &str| ContainerName::parse(text).expect("a name");
    for id in [&running, &other] {
        let before = engine.inspect(&call(), &id.into()).await.expect("it").name;
        let after = crate::unique("renamed");
        engine
            .rename(&call(), id, &name(&after))
            .await
            .expect("a rename");
        let renamed = engine.inspect(&call(), &reference(&after)).await;
        assert_eq!(renamed.expect("by its new name").id, *id);
        assert!(!subject.exists(&name(&before)).await);
    }
    let taken = engine
        .inspect(&call(), &(&other).into())
        .await
        .expect("it")
        .name;
    assert_fails!(
        engine.rename(&call(), &running, &name(&taken)).await,
        Error::NameInUse { name, .. } if name == taken
    );
}
