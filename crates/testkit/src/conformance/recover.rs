//! Clearing up after dead servers.

use super::subject::{GRACE, Subject, call, shell};
use podlane_engine::{ContainerId, Status};
use serde_json::json;

/// The label that Podlane puts on a container it makes.
const LABEL: &str = "io.podlane.made-by";

async fn labelled(subject: &Subject, label: &str) -> ContainerId {
    let body = json!({
        "name": crate::unique("foreign"), "image": subject.images.busybox.as_str(),
        "command": ["sleep", "1000"], "labels": { LABEL: label },
    });
    let (status, answer) = subject.libpod("POST", "/containers/create", &body).await;
    assert_eq!(status, 201, "{answer}");
    ContainerId::parse(answer["Id"].as_str().expect("an ID")).expect("a full ID")
}

/// Containers of others, of servers elsewhere and of servers alive; running commands of this one.
pub async fn clearing_up_touches_nothing_foreign(subject: &Subject) {
    let engine = &subject.engine;
    let running = subject.idle().await;
    let mine = engine
        .inspect(&call(), &(&running).into())
        .await
        .expect("it");
    let alive = mine.labels.get(LABEL).expect("its maker").clone();
    let mut process = engine
        .exec(&call(), &running, &shell("echo up; sleep 1000"))
        .await
        .expect("an exec");
    assert!(process.next().await.expect("output").is_some());
    let kept = [
        subject.created().await,
        labelled(subject, "nonsense").await,
        labelled(subject, "another-boot.4026531836.1.1-1").await,
        labelled(subject, &alive).await,
    ];
    // A server that had this process's number before it.
    let (maker, _) = alive.rsplit_once('.').expect("a maker with parts");
    let dead = labelled(subject, &format!("{maker}.1-0")).await;

    let done = engine.recover(&call()).await.expect("a clearing");
    assert!(
        done.iter().any(|line| line.contains("removed container")),
        "{done:?}"
    );
    let list = engine.list(&call()).await.expect("a list");
    let state = |id: &ContainerId| list.iter().find(|row| row.id == *id).map(|row| row.status);
    assert_eq!(state(&dead), None);
    assert_eq!(state(&running), Some(Status::Running));
    for id in &kept {
        assert_eq!(state(id), Some(Status::Created), "{id}");
        engine.remove(&call(), id, true).await.expect("a removal");
    }
    let ended = process.control().terminate(GRACE).await;
    assert!(ended.is_complete(), "{ended:?}");
}
