//! Events that come by two ways, each told once: as soon as the quicker way has it.

use podlane_engine::EngineEvent;
use std::collections::VecDeque;

/// How many events are remembered whose twin has not come.
const MOST: usize = 1024;

/// By which way an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Podman's service tells it.
    Told,
    /// It stands in Podman's file.
    Written,
}

/// Those that have come by one way.
#[derive(Debug, Default)]
pub(super) struct Twins(VecDeque<(Way, i64, String, String)>);

impl Twins {
    /// Whether an event has not come by the other way before.
    pub(super) fn is_first(&mut self, way: Way, event: &EngineEvent) -> bool {
        let twin = self.0.iter().rposition(|(other, at, action, id)| {
            *other != way && *at == event.at && *action == event.action && *id == event.id
        });
        if let Some(twin) = twin {
            self.0.remove(twin);
            return false;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        let (action, id) = (event.action.clone(), event.id.clone());
        self.0.push_back((way, event.at, action, id));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn each_is_told_once_and_two_alike_are_two() {
        let event = |at, action: &str| EngineEvent {
            at,
            kind: "container".into(),
            action: action.into(),
            id: "abc".into(),
            name: "web".into(),
            attributes: BTreeMap::new(),
        };
        let mut twins = Twins::default();
        for (way, at, action, first) in [
            (Way::Written, 1, "start", true),
            (Way::Written, 2, "died", true),
            (Way::Told, 1, "start", false),
            (Way::Told, 3, "remove", true),
            (Way::Told, 2, "died", false),
            (Way::Written, 3, "remove", false),
            (Way::Told, 4, "exec", true),
            (Way::Told, 4, "exec", true),
            (Way::Written, 4, "exec", false),
            (Way::Written, 4, "exec", false),
        ] {
            assert_eq!(twins.is_first(way, &event(at, action)), first, "{at}");
        }
        assert!(twins.0.is_empty());
        for at in 0..3000 {
            assert!(twins.is_first(Way::Told, &event(at, "start")));
        }
        assert_eq!(twins.0.len(), MOST);
    }
}
