//! How the files of a container are reached: by an agent in it, or by the engine's archives.

use super::archived::Archived;
use crate::gate::Worker;
use crate::work::Work;
use crate::{Call, Error, Result, Service};
use podlane_engine::inside::{self, Expectation, Owner, Place};
use podlane_engine::{ContainerId, ContainerRef, InnerPath, Status, UserSpec};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A path in a container, and as whom.
#[derive(Debug, Clone)]
pub struct At {
    /// The container.
    pub container: ContainerRef,
    /// The path.
    pub path: InnerPath,
    /// As this user, with its rights alone; `None` for root.
    pub user: Option<UserSpec>,
}

/// What is known of containers that ran: it stays true for as long as they exist.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<ContainerId, Arc<Facts>>>);

/// How many containers are remembered.
const MOST: usize = 4096;

#[derive(Debug)]
pub(super) struct Facts {
    /// The user that the container runs as; may be empty.
    user: String,
    /// Whether root in it may use every file.
    all_files: bool,
}

/// A container whose files are to be used.
pub(super) struct Reach<'a> {
    service: &'a Service,
    call: &'a Call,
    pub(super) id: ContainerId,
    user: Option<UserSpec>,
    facts: Arc<Facts>,
    worker: Worker,
}

/// Who does a work.
pub(super) enum Way {
    /// An agent, which has begun.
    Agent(Work),
    /// The engine, which has not.
    Archive(Archived),
}

impl Service {
    /// Finds the container, once a worker is free.
    pub(super) async fn reach<'a>(&'a self, call: &'a Call, at: &At) -> Result<Reach<'a>> {
        call.note(|| at.path.to_string());
        let worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, &at.container).await?;
        Ok(Reach {
            facts: self.facts(call, &id).await?,
            service: self,
            call,
            id,
            user: at.user.clone(),
            worker,
        })
    }

    async fn facts(&self, call: &Call, id: &ContainerId) -> Result<Arc<Facts>> {
        let known = || {
            self.0
                .known
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(facts) = known().get(id) {
            return Ok(Arc::clone(facts));
        }
        let container = self.0.engine.inspect(call, &id.into()).await?;
        let facts = Arc::new(Facts {
            user: container.user,
            all_files: container.all_files,
        });
        // Which capabilities it has is certain only once it runs.
        if container.status == Status::Running {
            let mut known = known();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(id.clone(), Arc::clone(&facts));
        }
        Ok(facts)
    }
}

impl Reach<'_> {
    /// How something new is made here: unless the caller says so, it belongs to the user that does it,
    /// which is the container's if none is named.
    pub(super) fn place(
        &self,
        owner: Option<(u32, u32)>,
        parents: bool,
        expected: Expectation,
    ) -> Place {
        let owner = match owner {
            Some((uid, gid)) => Owner::Numbers {
                uid: Some(uid),
                gid: Some(gid),
            },
            None if self.user.is_some() => Owner::Keep,
            None => named(&self.facts.user),
        };
        Place {
            owner,
            parents,
            expected,
        }
    }

    /// Begins a work, or says that the engine has to do it. A worker is held by the engine's alone: an
    /// agent's may take hours.
    pub(super) async fn way(self, work: &inside::Work) -> Result<Way> {
        if self.user.is_some() || self.facts.all_files {
            let root = UserSpec::root();
            let user = Some(self.user.as_ref().unwrap_or(&root));
            let begun = self.service.start_work(self.call, &self.id, user, work);
            if let Some(work) = begun.await? {
                return Ok(Way::Agent(work));
            }
        }
        self.only_by_agent()?;
        let archived = Archived::new(self.service, self.call, self.id, self.worker).await?;
        Ok(Way::Archive(archived))
    }

    /// Begins a work that the engine can't do.
    pub(super) async fn agent(self, work: &inside::Work) -> Result<Work> {
        let root = UserSpec::root();
        let user = Some(self.user.as_ref().unwrap_or(&root));
        let begun = self.service.start_work(self.call, &self.id, user, work);
        begun.await?.ok_or_else(|| Error::Conflict {
            message: format!(
                "a {} needs an agent in the container: it must run, and agents must be allowed",
                work.name()
            ),
        })
    }

    fn only_by_agent(&self) -> Result<()> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        Err(Error::Conflict {
            message: format!(
                "files can be used as {user} by an agent in the container only: it must run, and agents must be allowed"
            ),
        })
    }
}

/// The user that a container runs as, as the owner of something.
fn named(user: &str) -> Owner {
    match super::archived::root_owner(user) {
        Some((uid, gid)) => Owner::Numbers {
            uid: Some(uid),
            gid: Some(gid),
        },
        None => Owner::Named(user.to_owned()),
    }
}
