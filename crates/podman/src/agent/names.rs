//! Which containers names mean, remembered for less time than it takes to give a name to another one.
//!
//! Asking the engine costs more than running a short command. A name that is asked for again and again
//! is therefore looked up in the background. Making a container takes longer than [`TRUE_FOR`], so a
//! command can't come to an older one of the same name because of this.

use podlane_engine::{ContainerId, ContainerRef};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer of the engine is taken for true, from the moment it was asked.
const TRUE_FOR: Duration = Duration::from_millis(50);
/// From when on it is asked again.
const ASK_AFTER: Duration = Duration::from_millis(20);
/// More names than these are not remembered.
const MAX_NAMES: usize = 4096;

/// What is known of a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    No,
    /// The container.
    Yes(ContainerId),
    /// The container, and that it is time to ask again.
    AskAgain(ContainerId),
}

#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    id: ContainerId,
    asked: Instant,
    asking: bool,
}

impl Names {
    pub(super) fn get(&self, name: &ContainerRef, is_used: impl Fn(&ContainerId) -> bool) -> Known {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = names.get_mut(name.as_str()) else {
            return Known::No;
        };
        let age = entry.asked.elapsed();
        if age > TRUE_FOR || !is_used(&entry.id) {
            return Known::No;
        }
        if age > ASK_AFTER && !entry.asking {
            entry.asking = true;
            return Known::AskAgain(entry.id.clone());
        }
        Known::Yes(entry.id.clone())
    }

    pub(super) fn put(&self, name: &ContainerRef, id: &ContainerId, asked: Instant) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_NAMES {
            names.retain(|_, entry| entry.asked.elapsed() <= TRUE_FOR);
        }
        let entry = Entry {
            id: id.clone(),
            asked,
            asking: false,
        };
        names.insert(name.as_str().to_owned(), entry);
    }

    /// Forgets every name of a container.
    pub(super) fn forget(&self, id: &ContainerId) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, entry| entry.id != *id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_is_true_for_a_moment() {
        let (names, name) = (
            Names::default(),
            ContainerRef::parse("web").expect("a name"),
        );
        let id = ContainerId::parse(&"0123456789abcdef".repeat(4)).expect("an ID");
        let get = || names.get(&name, |_| true);
        assert_eq!(get(), Known::No);
        names.put(&name, &id, Instant::now());
        assert_eq!(get(), Known::Yes(id.clone()));
        assert_eq!(names.get(&name, |_| false), Known::No);
        tokio::time::advance(ASK_AFTER + Duration::from_millis(1)).await;
        assert_eq!(get(), Known::AskAgain(id.clone()));
        assert_eq!(get(), Known::Yes(id.clone()));
        tokio::time::advance(TRUE_FOR).await;
        assert_eq!(get(), Known::No);
        names.put(&name, &id, Instant::now());
        names.forget(&id);
        assert_eq!(get(), Known::No);
    }
}
