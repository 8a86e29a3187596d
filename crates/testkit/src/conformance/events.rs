//! What happens is told, and remembered.

use super::subject::{Subject, call};
use crate::unique;
use futures_util::StreamExt;
use podlane_engine::{
    ContainerId, ContainerName, EventQuery, EventStream, HostPort, PortMapping, Protocol, Signal,
};
use std::time::{Duration, SystemTime};

/// What happens to one container, up to its removal.
async fn life(mut events: EventStream, id: &ContainerId) -> Vec<String> {
    let mut actions = Vec::new();
    let told = async {
        while let Some(event) = events.next().await {
            let event = event.expect("an event");
            if event.id == id.as_str() {
                assert_eq!(event.kind, "container");
                assert!(event.at > 0 && !event.name.is_empty(), "{event:?}");
                if event.action == "died" {
                    assert_eq!(event.attributes["containerExitCode"], "137");
                }
                let over = event.action == "remove";
                actions.push(event.action);
                if over {
                    return;
                }
            }
        }
    };
    let _late = tokio::time::timeout(Duration::from_secs(30), told).await;
    actions
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_nanos()).expect("a number")
}

/// A container's life in order, by who listens and by who asks afterwards.
pub async fn a_life_is_told(subject: &Subject) {
    let engine = &subject.engine;
    let since = now();
    let query = |follow| EventQuery { since, follow };
    let listening = call();
    let told = engine.events(&listening, query(true));
    let (told, id) = tokio::join!(told, subject.idle());
    engine.remove(&call(), &id, true).await.expect("a removal");
    let told = life(told.expect("events"), &id).await;
    let remembered = engine.events(&call(), query(false)).await;
    let remembered = life(remembered.expect("events"), &id).await;
    for actions in [told, remembered] {
        let main = ["create", "start", "died", "remove"];
        let main: Vec<&str> = actions
            .iter()
            .map(String::as_str)
            .filter(|action| main.contains(action))
            .collect();
        assert_eq!(main, ["create", "start", "died", "remove"], "{actions:?}");
    }
}

/// What changes a row of the list is told once, to who listens for long enough.
pub async fn changes_of_rows_are_told(subject: &Subject) {
    let engine = &subject.engine;
    let query = EventQuery {
        since: now(),
        follow: true,
    };
    let events = engine.events(&call(), query).await.expect("events");
    let id = subject.idle().await;
    let name = ContainerName::parse(&unique("renamed")).expect("a name");
    engine.pause(&call(), &id).await.expect("a pause");
    engine.unpause(&call(), &id).await.expect("its end");
    engine.rename(&call(), &id, &name).await.expect("a name");
    let killed = engine.kill(&call(), &id, Signal::KILL).await;
    killed.expect("a signal");
    subject.ended(&id).await;
    engine.remove(&call(), &id, true).await.expect("a removal");
    let told = life(events, &id).await;
    for action in [
        "create", "start", "pause", "unpause", "rename", "died", "remove",
    ] {
        let times = told.iter().filter(|told| *told == action).count();
        assert_eq!(times, 1, "{action} in {told:?}");
    }
}

/// A list and a look at one container tell the same, in whatever state it is.
pub async fn a_row_is_what_a_look_tells(subject: &Subject) {
    let engine = &subject.engine;
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.labels.insert("course".into(), "net-101".into());
    spec.ports = vec![PortMapping {
        host_ip: Some("127.0.0.1".parse().expect("an address")),
        host: HostPort::Free,
        container: 80,
        protocol: Protocol::Tcp,
    }];
    let id = subject.run(&spec).await;
    for step in ["running", "paused", "exited"] {
        match step {
            "paused" => engine.pause(&call(), &id).await.expect("a pause"),
            "exited" => {
                engine.unpause(&call(), &id).await.expect("its end");
                let stopped = engine.stop(&call(), &id, Some(Duration::ZERO)).await;
                stopped.expect("a stop");
            }
            _ => {}
        }
        let look = engine.inspect(&call(), &(&id).into()).await.expect("it");
        let list = engine.list(&call()).await.expect("a list");
        let row = list.into_iter().find(|row| row.id == id);
        assert_eq!(row, Some(look.summary()), "{step}");
    }
}
