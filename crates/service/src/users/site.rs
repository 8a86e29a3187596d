//! Where the accounts of a container are read and changed: by its agent, which holds the lock of those
//! inside who change accounts, else by archives.

use super::accounts::{Accounts, Step};
use super::by_archive::Stats;
use super::late;
use crate::work::Work;
use crate::{Call, Error, Result, Service};
use podlane_engine::inside::{
    self, AccountFile, AccountFileFound, AccountStep, AccountsChanged, AccountsSeen, Failure,
    MAX_ACCOUNT_FILE, Reason, blocks,
};
use podlane_engine::{ContainerId, Error as EngineError, InnerPath, PAUSED, Status, UserSpec};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout_at;

/// How long to wait for those inside who change accounts: as long as lckpwdf(3).
const LOCK_WAIT: Duration = Duration::from_secs(15);
/// How long what has begun may take past the call's own deadline.
const COMPLETION: Duration = Duration::from_secs(10);
/// When to try again where no agent could be started: then the engine does.
const NO_AGENT: Duration = Duration::from_secs(10);
/// How often a change is begun again because somebody without a lock has changed the files meanwhile.
const TRIES: usize = 10;

/// What there is.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) accounts: Accounts,
    /// For each program asked about, whether it is there.
    pub(super) programs: Vec<bool>,
}

enum Way {
    Agent(Box<Work>),
    Archive(Stats),
}

impl Service {
    /// What there is.
    pub(super) async fn see_accounts(
        &self,
        call: &Call,
        id: &ContainerId,
        programs: &[InnerPath],
    ) -> Result<Seen> {
        let seen = self.open(call, id, programs, false).await;
        seen.map(|(seen, _)| seen).map_err(wrong_file)
    }

    /// Changes what there is: `edit` says the steps. All are taken, or none. Answers what `edit` answers, and
    /// which home directories could not be removed.
    pub(super) async fn change_accounts<T>(
        &self,
        call: &Call,
        id: &ContainerId,
        programs: &[InnerPath],
        edit: impl Fn(&mut Seen) -> Result<(T, Vec<Step>)>,
    ) -> Result<(T, Vec<Failure>)> {
        for _ in 1..TRIES {
            let changed = self.try_change(call, id, programs, &edit).await;
            let again = matches!(
                &changed,
                Err(Error::File(Failure {
                    reason: Reason::Changed,
                    ..
                }))
            );
            if !again {
                return changed.map_err(wrong_file);
            }
        }
        let changed = self.try_change(call, id, programs, &edit).await;
        changed.map_err(wrong_file)
    }

    async fn try_change<T>(
        &self,
        call: &Call,
        id: &ContainerId,
        programs: &[InnerPath],
        edit: &impl Fn(&mut Seen) -> Result<(T, Vec<Step>)>,
    ) -> Result<(T, Vec<Failure>)> {
        let (mut seen, way) = self.open(call, id, programs, true).await?;
        let edited = edit(&mut seen);
        match way {
            Way::Agent(mut work) => {
                let steps = edited.as_ref().map_or(&[][..], |(_, steps)| steps);
                let call = call.extended(COMPLETION);
                let changed = match timeout_at(call.deadline, finish(&mut work, steps)).await {
                    Ok(changed) => changed,
                    Err(_elapsed) => Err(late(&call, "changing the accounts")),
                };
                let (answer, _) = edited?;
                Ok((answer, changed?))
            }
            Way::Archive(stats) => {
                let (answer, steps) = edited?;
                if steps.is_empty() {
                    return Ok((answer, Vec::new()));
                }
                let owners = self.check_owners(call, id, &stats, &steps).await?;
                if self.0.engine.allows_agent(call, id).await? {
                    // It has been started meanwhile.
                    let (reason, path) = (Reason::Changed, b"/etc".to_vec());
                    return Err(Error::File(Failure { reason, path }));
                }
                let changed = self.change_by_archive(call, id, &stats, &owners, &steps);
                Ok((answer, changed.await?))
            }
        }
    }

    async fn open(
        &self,
        call: &Call,
        id: &ContainerId,
        programs: &[InnerPath],
        change: bool,
    ) -> Result<(Seen, Way)> {
        let _use = self.uses(id);
        let root = UserSpec::root();
        if !self.0.engine.has_agent(id, Some(&root)) {
            self.check_account_files(call, id).await?;
        }
        let wait = call.remaining().min(LOCK_WAIT).as_millis();
        let work = inside::Work::Accounts {
            programs: programs
                .iter()
                .map(|path| path.as_str().as_bytes().to_vec())
                .collect(),
            change: change.then(|| u32::try_from(wait).unwrap_or(u32::MAX)),
        };
        let by_agent = async {
            let Some(mut work) = self.hand_to_agent(call, id, &root, &work).await? else {
                return Ok(None);
            };
            let seen = see(&mut work).await?;
            Ok::<_, Error>(Some((seen, Way::Agent(Box::new(work)))))
        };
        match timeout_at(call.deadline, by_agent).await {
            Ok(Ok(Some(opened))) => return Ok(opened),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => return Err(error),
            Err(_elapsed) => return Err(late(call, "reading the accounts")),
        }
        if change {
            // What is written into a frozen container goes behind its mounts, and past who holds the lock there.
            let container = self.0.engine.inspect(call, &id.into()).await?;
            if container.status == Status::Paused {
                let message = PAUSED.into();
                return Err(EngineError::WrongState { message }.into());
            }
        }
        let (seen, stats) = self.see_by_archive(call, id, programs).await?;
        Ok((seen, Way::Archive(stats)))
    }

    /// Gives the work to the agent; `None` where none is to be. A container that may have just been started is
    /// asked twice: without the lock nothing is changed beside those inside who take it.
    async fn hand_to_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        root: &UserSpec,
        work: &inside::Work,
    ) -> Result<Option<Work>> {
        for _ in 0..2 {
            if let Some(work) = self.start_work(call, id, Some(root), work).await? {
                return Ok(Some(work));
            }
            let changes = matches!(
                work,
                inside::Work::Accounts {
                    change: Some(_),
                    ..
                }
            );
            if !changes || !self.0.engine.allows_agent(call, id).await? {
                return Ok(None);
            }
        }
        Err(Error::NoAgent {
            retry_after: NO_AGENT,
        })
    }
}

async fn see(work: &mut Work) -> Result<Seen> {
    let mut contents = BTreeMap::new();
    for _ in AccountFile::ALL {
        let found: AccountFileFound = work.first().await?;
        if !found.there {
            continue;
        }
        let mut content = Vec::new();
        while let Some(piece) = work.content().await? {
            content.extend_from_slice(&piece);
            if content.len() as u64 > MAX_ACCOUNT_FILE {
                return Err(Error::File(Failure {
                    reason: Reason::Limit(format!("{} MiB", MAX_ACCOUNT_FILE >> 20)),
                    path: format!("/etc/{}", found.file.name()).into(),
                }));
            }
        }
        contents.insert(found.file, content.into());
    }
    let AccountsSeen { programs, rules } = work.first().await?;
    let accounts = Accounts::new(contents, &rules);
    Ok(Seen { accounts, programs })
}

/// Hands the steps over and waits until they are taken. Without any the lock is let go.
async fn finish(work: &mut Work, steps: &[Step]) -> Result<Vec<Failure>> {
    let mut given = Vec::new();
    for (step, content) in steps {
        let record = blocks::record(step).map_err(|error| Error::Internal {
            step: "writing a step for the agent",
            reason: error.to_string(),
        })?;
        given.extend(record);
        if matches!(step, AccountStep::File(_)) {
            for block in content.chunks(blocks::MAX) {
                given.extend(blocks::header(block.len()));
                given.extend(block);
            }
            given.extend(blocks::END);
        }
    }
    given.extend(blocks::END);
    work.give_written(&given).await?;
    let AccountsChanged { left } = work.first().await?;
    Ok(left)
}

/// What stands against it in the account files, as its reader can do something about it.
pub(super) fn wrong_file(error: Error) -> Error {
    let Error::File(Failure { reason, path }) = &error else {
        return error;
    };
    let path = String::from_utf8_lossy(path);
    let message = match reason {
        Reason::Special => {
            format!("{path} in the container is not a regular file, so no account can be changed")
        }
        Reason::Limit(limit) => format!("{path} in the container has more than {limit}"),
        Reason::Busy if path.ends_with(".lock") => format!(
            "somebody in the container is changing the accounts and holds {path}; try again later"
        ),
        Reason::Busy => {
            format!("{path} is mounted into the container by itself and can't be replaced")
        }
        _ => return error,
    };
    Error::Conflict { message }
}
