//! Which containers names mean, remembered for less time than it takes to give a name to another one.
//!
//! Asking the engine costs more than running a short command. A name that is asked for again and again
//! is therefore looked up in the background, and once for all who want to know it at the same time.
//! Putting another container in the place of one takes longer than [`BLIND`] lets an answer be true, so a
//! command can't come to the former one because of this. Where Podman's file of events can be seen, an
//! answer is true for longer, but not past the next event: a container that keeps its agent loses its name
//! by a rename only, and that is written there before it is answered.

use crate::events::Mark;
use podlane_engine::{ContainerId, ContainerRef};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long answers of the engine hold.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// They are taken for true this long, from the moment it was asked.
    true_for: Duration,
    /// From then on it is asked again.
    ask_after: Duration,
}

/// While nobody tells what happens at the engine.
const BLIND: Terms = Terms {
    true_for: Duration::from_millis(100),
    ask_after: Duration::from_millis(50),
};
/// While nothing has happened there since it was asked. Not for ever: a Podman that is killed in the middle
/// of a rename writes no event.
const QUIET: Terms = Terms {
    true_for: Duration::from_secs(2),
    ask_after: Duration::from_millis(250),
};
/// More names than these are not remembered.
const MAX_NAMES: usize = 4096;

/// What is known of a name.
#[derive(Debug)]
pub(crate) enum Known {
    /// Nothing: ask with this.
    No(Arc<Question>),
    /// The container.
    Yes(ContainerId),
    /// The container, and that it is time to ask again, with this.
    AskAgain(ContainerId, Arc<Question>),
}

/// A question to the engine that several may wait for.
#[derive(Debug)]
pub(crate) struct Question {
    asked: Instant,
    /// What had happened at the engine by then.
    mark: Option<Mark>,
    answer: OnceCell<ContainerId>,
}

#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<String, Entry>>);

#[derive(Debug, Default)]
struct Entry {
    answered: Option<Arc<Question>>,
    open: Option<Arc<Question>>,
}

impl Question {
    fn new(mark: Option<Mark>) -> Arc<Self> {
        Arc::new(Self {
            asked: Instant::now(),
            mark,
            answer: OnceCell::new(),
        })
    }

    /// How long its answer holds, if this is what has happened by now.
    fn terms(&self, now: Option<&Mark>) -> Terms {
        if now.is_some() && self.mark.as_ref() == now {
            QUIET
        } else {
            BLIND
        }
    }

    fn is_true(&self, now: Option<&Mark>) -> bool {
        self.asked.elapsed() <= self.terms(now).true_for
    }

    /// The answer. The first who waits asks by `ask`; should that fail, the next one does.
    pub(super) async fn answer<E>(
        &self,
        ask: impl AsyncFnOnce() -> Result<ContainerId, E>,
    ) -> Result<ContainerId, E> {
        self.answer.get_or_try_init(|| ask()).await.cloned()
    }
}

impl Names {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a name, `now` being what has happened at the engine.
    pub(super) fn get(
        &self,
        name: &ContainerRef,
        now: Option<Mark>,
        is_used: impl Fn(&ContainerId) -> bool,
    ) -> Known {
        let mut names = self.lock();
        let seen = now.as_ref();
        if names.len() >= MAX_NAMES {
            names.retain(|_, entry| {
                let mut questions = [&entry.answered, &entry.open].into_iter().flatten();
                questions.any(|question| question.is_true(seen))
            });
        }
        let entry = names.entry(name.as_str().to_owned()).or_default();
        if entry
            .open
            .as_ref()
            .is_some_and(|open| open.answer.initialized())
        {
            entry.answered = entry.open.take();
        }
        let answered = entry.answered.as_ref().filter(|known| known.is_true(seen));
        let known = answered.and_then(|known| {
            let again = known.asked.elapsed() > known.terms(seen).ask_after;
            known.answer.get().map(|id| (id, again))
        });
        match known.filter(|(id, _)| is_used(id)) {
            Some((id, again)) if !again || entry.open.is_some() => Known::Yes(id.clone()),
            Some((id, _)) => {
                let question = Question::new(now);
                entry.open = Some(Arc::clone(&question));
                Known::AskAgain(id.clone(), question)
            }
            None => {
                // One that hangs is asked anew.
                let open = entry.open.take();
                let open = open.filter(|open| open.asked.elapsed() <= BLIND.true_for);
                let question = open.unwrap_or_else(|| Question::new(now));
                entry.open = Some(Arc::clone(&question));
                Known::No(question)
            }
        }
    }

    /// Forgets all names: one of them may mean another container now.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    /// Forgets every name of a container.
    pub(super) fn forget(&self, id: &ContainerId) {
        let is_its = |known: &Option<Arc<Question>>| {
            let known = known.as_ref().and_then(|known| known.answer.get());
            known == Some(id)
        };
        self.lock()
            .retain(|_, entry| !is_its(&entry.answered) && !is_its(&entry.open));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digits: &str) -> ContainerId {
        ContainerId::parse(&digits.repeat(4)).expect("an ID")
    }

    async fn told(question: &Question, id: &ContainerId) {
        let answer = question.answer(async || Ok::<_, ()>(id.clone())).await;
        assert_eq!(answer.as_ref(), Ok(id));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_true_for_a_moment() {
        let names = Names::default();
        let name = ContainerRef::parse("web").expect("a name");
        let (one, other) = (id("0123456789abcdef"), id("fedcba9876543210"));
        let get = || names.get(&name, None, |_| true);
        let Known::No(first) = get() else {
            panic!("known")
        };
        let Known::No(second) = get() else {
            panic!("known")
        };
        assert!(Arc::ptr_eq(&first, &second), "one question for all");
        told(&first, &one).await;
        assert!(matches!(get(), Known::Yes(known) if known == one));
        assert!(matches!(names.get(&name, None, |_| false), Known::No(_)));
        tokio::time::advance(BLIND.ask_after + Duration::from_millis(1)).await;
        assert!(matches!(get(), Known::Yes(_)), "somebody asks already");
        let Known::No(late) = names.get(&name, None, |_| false) else {
            panic!("known")
        };
        told(&late, &other).await;
        assert!(matches!(get(), Known::AskAgain(known, _) if known == other));
        tokio::time::advance(BLIND.true_for).await;
        assert!(matches!(get(), Known::No(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_in_use_is_asked_for_again_in_time() {
        let (names, name) = (
            Names::default(),
            ContainerRef::parse("web").expect("a name"),
        );
        let id = id("0123456789abcdef");
        let get = || names.get(&name, None, |_| true);
        let Known::No(first) = get() else {
            panic!("known")
        };
        told(&first, &id).await;
        tokio::time::advance(BLIND.ask_after + Duration::from_millis(1)).await;
        let Known::AskAgain(_, again) = get() else {
            panic!("not asked again")
        };
        assert!(matches!(get(), Known::Yes(_)), "once is enough");
        told(&again, &id).await;
        tokio::time::advance(BLIND.ask_after).await;
        assert!(matches!(get(), Known::Yes(_)));
        names.forget(&id);
        let Known::No(anew) = get() else {
            panic!("known")
        };
        told(&anew, &id).await;
        names.forget_all();
        assert!(matches!(get(), Known::No(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_true_for_longer_while_nothing_happens() {
        let (names, name) = (
            Names::default(),
            ContainerRef::parse("web").expect("a name"),
        );
        let id = id("0123456789abcdef");
        let mark = |size| Mark::of(1, size);
        let get = |now| names.get(&name, now, |_| true);
        let Known::No(first) = get(Some(mark(9))) else {
            panic!("known")
        };
        told(&first, &id).await;
        tokio::time::advance(QUIET.ask_after).await;
        assert!(matches!(get(Some(mark(9))), Known::Yes(_)));
        for happened in [Some(mark(10)), None] {
            assert!(matches!(get(happened), Known::No(_)), "{names:?}");
        }
        let Known::No(again) = get(Some(mark(10))) else {
            panic!("known")
        };
        told(&again, &id).await;
        tokio::time::advance(QUIET.ask_after + Duration::from_millis(1)).await;
        assert!(matches!(get(Some(mark(10))), Known::AskAgain(..)));
        assert!(matches!(get(Some(mark(10))), Known::Yes(_)));
        tokio::time::advance(QUIET.true_for).await;
        assert!(matches!(get(Some(mark(10))), Known::No(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_hangs_is_asked_anew() {
        let (names, name) = (
            Names::default(),
            ContainerRef::parse("web").expect("a name"),
        );
        let get = || names.get(&name, None, |_| true);
        let Known::No(first) = get() else {
            panic!("known")
        };
        tokio::time::advance(BLIND.true_for + Duration::from_millis(1)).await;
        let Known::No(second) = get() else {
            panic!("known")
        };
        assert!(!Arc::ptr_eq(&first, &second));
    }
}
