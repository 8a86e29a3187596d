//! The inside of a container: its files, its log, its processes and its accounts.

use super::log::Log;
use super::node::Who;
use super::run::Processes;
use super::tree::Tree;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What outlives requests and is shared with the container's processes.
#[derive(Debug)]
pub(super) struct Inside {
    tree: Mutex<Tree>,
    pub(super) log: Log,
    pub(super) processes: Processes,
    /// Whether there is a main process; followers of the log end when there is none.
    pub(super) running: watch::Sender<bool>,
}

impl Inside {
    pub(super) fn new(tree: Tree) -> Self {
        Self {
            tree: Mutex::new(tree),
            log: Log::new(),
            processes: Processes::default(),
            running: watch::Sender::new(false),
        }
    }

    /// The files. Never held across an await.
    pub(super) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks a user up as Podman does: `name`, `uid`, `name:group`, `uid:gid`. The error is
    /// Podman's text.
    pub(super) fn account(&self, spec: &str) -> Result<Account, String> {
        let (user, group) = match spec.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (spec, None),
        };
        let user = if user.is_empty() { "0" } else { user };
        let number = user.parse::<u32>().ok();
        let lines = self.lines("/etc/passwd");
        let known = lines.iter().find(|fields| {
            let uid = fields.get(2).and_then(|uid| uid.parse::<u32>().ok());
            fields[0] == user || (number.is_some() && uid == number)
        });
        let field = |at: usize| known.and_then(|fields| fields.get(at));
        let uid = field(2).and_then(|uid| uid.parse().ok()).or(number);
        let Some(uid) = uid else {
            let why = "no matching entries in passwd file";
            return Err(format!("unable to find user {user}: {why}"));
        };
        let gid = match group {
            Some(group) => self.group(group)?,
            None => field(3).and_then(|gid| gid.parse().ok()).unwrap_or(0),
        };
        let home = field(5).filter(|home| !home.is_empty());
        Ok(Account {
            who: Who { uid, gid },
            home: home.cloned(),
        })
    }

    fn group(&self, group: &str) -> Result<u32, String> {
        let lines = self.lines("/etc/group");
        let known = lines.iter().find(|fields| fields[0] == group);
        let gid = known.and_then(|fields| fields.get(2)?.parse().ok());
        gid.or_else(|| group.parse().ok()).ok_or_else(|| {
            let why = "no matching entries in group file";
            format!("unable to find group {group}: {why}")
        })
    }

    /// The name that an account file has for a number.
    pub(super) fn name_of(&self, file: &str, id: u32) -> Option<String> {
        let lines = self.lines(file);
        let mut names = lines.into_iter();
        names
            .find(|fields| fields.get(2).is_some_and(|text| *text == id.to_string()))
            .map(|mut fields| fields.swap_remove(0))
    }

    fn lines(&self, file: &str) -> Vec<Vec<String>> {
        let text = self.tree().read(file, Who::ROOT).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| line.split(':').map(str::to_owned).collect())
            .collect()
    }
}

/// Whom a process runs as.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) who: Who,
    /// The home directory that the account file names.
    pub(super) home: Option<String>,
}
