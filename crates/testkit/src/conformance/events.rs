//! What happens is told, and remembered.

use super::subject::{Subject, call};
use futures_util::StreamExt;
use podlane_engine::{ContainerId, EventQuery, EventStream};
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

/// A container's life in order, by who listens and by who asks afterwards.
pub async fn a_life_is_told(subject: &Subject) {
    let engine = &subject.engine;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = i64::try_from(since.expect("after 1970").as_nanos()).expect("a number");
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
