//! What can be done with the accounts of a container.

use super::account::{
    AddedUser, NewUser, RemovedUser, Secret, Sudo, User, UserChanges, is_comment,
};
use super::accounts::{Row, Step, Wrong};
use super::secret::{PasswordHash, key_file};
use super::site::Seen;
use super::{DEFAULT_SHELL, LAST_SHELL, MAX_SHELLS, is_field, today};
use crate::error::RowProblem;
use crate::{Call, Error, Result, Scope, Service};
use futures_util::future::try_join_all;
use podlane_engine::inside::{AccountStep, Failure, Reason};
use podlane_engine::{ContainerId, ContainerRef, InnerPath, UserName};
use std::collections::BTreeSet;

impl Service {
    /// The most accounts that one call makes.
    pub const MAX_NEW_USERS: usize = 1000;

    /// Makes an account.
    pub async fn add_user(
        &self,
        call: &Call,
        name: &ContainerRef,
        user: NewUser,
    ) -> Result<AddedUser> {
        let added = self.add_users(call, name, vec![user]).await;
        let mut added = added.map_err(|error| match error {
            Error::Rows(rows) => match rows.into_iter().next() {
                Some(problem) => problem.alone(),
                None => Error::Rows(Vec::new()),
            },
            other => other,
        })?;
        added.pop().ok_or_else(|| Error::Internal {
            step: "adding an account",
            reason: "there is none".into(),
        })
    }

    /// Makes accounts: all, or none.
    pub async fn add_users(
        &self,
        call: &Call,
        name: &ContainerRef,
        users: Vec<NewUser>,
    ) -> Result<Vec<AddedUser>> {
        call.may(Scope::UsersWrite)?;
        call.note(|| {
            let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
            names.join(" ")
        });
        let programs = programs(&users)?;
        let id = self.resolve(call, name).await?;
        let (service, call_, id_) = (self.clone(), call.clone(), id.clone());
        let making = async move { service.make_users(&call_, &id_, &users, &programs).await };
        self.change_users(call, id, making).await
    }

    async fn make_users(
        &self,
        call: &Call,
        id: &ContainerId,
        users: &[NewUser],
        programs: &[InnerPath],
    ) -> Result<Vec<AddedUser>> {
        let is_password = |user: &NewUser| matches!(user.secret, Some(Secret::Password(_)));
        let mut yescrypt = false;
        if users.iter().any(is_password) {
            // What is wrong is found before anything is hashed.
            let mut seen = self.see_accounts(call, id, programs).await?;
            yescrypt = seen.accounts.defs.yescrypt();
            add(&mut seen, users, &vec![None; users.len()], programs)?;
        }
        let hashes = users
            .iter()
            .map(|user| self.settle_hash(call, user.secret.as_ref(), yescrypt));
        let hashes = try_join_all(hashes).await?;
        let edit = |seen: &mut Seen| add(seen, users, &hashes, programs);
        let changed = self.change_accounts(call, id, programs, edit).await;
        let (added, _) = changed.map_err(|error| in_its_row(error, users))?;
        Ok(added)
    }

    async fn settle_hash(
        &self,
        call: &Call,
        secret: Option<&Secret>,
        yescrypt: bool,
    ) -> Result<Option<PasswordHash>> {
        match secret {
            None => Ok(None),
            Some(Secret::Hash(hash)) => Ok(Some(hash.clone())),
            Some(Secret::Password(password)) => self.hash(call, password, yescrypt).await.map(Some),
        }
    }

    /// Every account, in the order of passwd(5).
    pub async fn users(&self, call: &Call, name: &ContainerRef) -> Result<Vec<User>> {
        call.may(Scope::UsersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, name).await?;
        Ok(self.see_accounts(call, &id, &[]).await?.accounts.list())
    }

    /// One account.
    pub async fn user(&self, call: &Call, name: &ContainerRef, user: &str) -> Result<User> {
        let users = self.users(call, name).await?;
        let found = users.into_iter().find(|found| found.name == user);
        found.ok_or_else(|| Error::NoUser {
            name: user.to_owned(),
        })
    }

    /// Changes an account: all that is asked for, or nothing.
    pub async fn modify_user(
        &self,
        call: &Call,
        name: &ContainerRef,
        user: String,
        changes: UserChanges,
    ) -> Result<User> {
        call.may(Scope::UsersWrite)?;
        check_changes(&changes)?;
        let programs: Vec<InnerPath> = changes.shell.clone().into_iter().collect();
        let id = self.resolve(call, name).await?;
        let (service, call_, id_) = (self.clone(), call.clone(), id.clone());
        let changing = async move {
            let (call, id) = (&call_, &id_);
            let mut yescrypt = false;
            if matches!(changes.secret, Some(Secret::Password(_))) {
                let mut seen = service.see_accounts(call, id, &programs).await?;
                yescrypt = seen.accounts.defs.yescrypt();
                modify(&mut seen, &user, &changes, None)?;
            }
            let hash = service
                .settle_hash(call, changes.secret.as_ref(), yescrypt)
                .await?;
            let edit = |seen: &mut Seen| modify(seen, &user, &changes, hash.as_ref());
            let (user, _) = service.change_accounts(call, id, &programs, edit).await?;
            Ok(user)
        };
        self.change_users(call, id, changing).await
    }

    /// Removes an account, with its home directory if that is asked for.
    pub async fn remove_user(
        &self,
        call: &Call,
        name: &ContainerRef,
        user: String,
        remove_home: bool,
    ) -> Result<RemovedUser> {
        call.may(Scope::UsersWrite)?;
        let id = self.resolve(call, name).await?;
        let (service, call_, id_) = (self.clone(), call.clone(), id.clone());
        let removing = async move {
            let edit = |seen: &mut Seen| remove(seen, &user, remove_home);
            let changed = service.change_accounts(&call_, &id_, &[], edit).await;
            let (mut removed, left) = changed.map_err(home_stays)?;
            if let Some(failure) = left.first() {
                removed.home_left = Some(crate::work::words(failure));
            }
            Ok(removed)
        };
        self.change_users(call, id, removing).await
    }
}

/// The shells that are looked for: first the one that is taken without being asked for.
fn programs(users: &[NewUser]) -> Result<Vec<InnerPath>> {
    let default = InnerPath::parse(DEFAULT_SHELL).map_err(Error::name_in("shell"))?;
    let mut seen = BTreeSet::new();
    let mut programs = vec![default];
    for shell in users.iter().filter_map(|user| user.shell.as_ref()) {
        if is_field(shell) && seen.insert(shell.as_str()) {
            programs.push(shell.clone());
        }
    }
    if programs.len() > MAX_SHELLS {
        let message = format!("one call may name {} shells", MAX_SHELLS - 1);
        return Err(Error::invalid("shell", message));
    }
    Ok(programs)
}

fn no_shell(shell: &InnerPath) -> Wrong {
    let message = format!("the image has no shell {shell}; use one that it has, like {LAST_SHELL}");
    Wrong::invalid("shell", message)
}

fn settle_shell<'a>(
    user: &'a NewUser,
    programs: &[InnerPath],
    found: &[bool],
) -> Result<&'a str, Wrong> {
    let has = |shell: &str| {
        let at = programs.iter().position(|path| path.as_str() == shell);
        at.is_some_and(|at| found.get(at) == Some(&true))
    };
    match &user.shell {
        Some(shell) if has(shell.as_str()) => Ok(shell.as_str()),
        Some(shell) => Err(no_shell(shell)),
        None if has(DEFAULT_SHELL) => Ok(DEFAULT_SHELL),
        None => Ok(LAST_SHELL),
    }
}

fn check(user: &NewUser) -> Result<(), Wrong> {
    if !is_comment(&user.comment) {
        return Err(wrong_comment());
    }
    let kernel = ["/proc", "/sys", "/dev"];
    let is_kernels = |home: &InnerPath| kernel.iter().any(|root| home.is_within(root));
    match &user.home {
        Some(home) if !is_field(home) => Err(Wrong::invalid(
            "home",
            "a home directory's path has at most 1024 bytes, no ':' and no control characters",
        )),
        Some(home) if user.create_home && (is_kernels(home) || home.as_str() == "/") => {
            let message = format!("{home} can't be made a home directory");
            Err(Wrong::invalid("home", message))
        }
        _ if user.group.is_some() && user.gid.is_some() => Err(Wrong::invalid(
            "group",
            "give the main group by `group` or by `gid`, not by both",
        )),
        _ => Ok(()),
    }
}

fn wrong_comment() -> Wrong {
    Wrong::invalid(
        "comment",
        "a comment has at most 1024 bytes, no ':' and no control characters",
    )
}

fn check_changes(changes: &UserChanges) -> Result<()> {
    if changes
        .comment
        .as_deref()
        .is_some_and(|text| !is_comment(text))
    {
        return Err(wrong(wrong_comment()));
    }
    match &changes.shell {
        Some(shell) if !is_field(shell) => Err(wrong(no_shell(shell))),
        _ => Ok(()),
    }
}

/// What is wrong with the only one.
fn wrong(wrong: Wrong) -> Error {
    RowProblem::new(0, wrong.field, wrong.message, wrong.conflict).alone()
}

fn add(
    seen: &mut Seen,
    users: &[NewUser],
    hashes: &[Option<PasswordHash>],
    programs: &[InnerPath],
) -> Result<(Vec<AddedUser>, Vec<Step>)> {
    let mut problems = Vec::new();
    let mut rows = Vec::with_capacity(users.len());
    let day = today();
    for (number, (user, hash)) in users.iter().zip(hashes).enumerate() {
        let shell = check(user).and_then(|()| settle_shell(user, programs, &seen.programs));
        // A row that is wrong counts like any other for those that come after it.
        rows.push(Row {
            user,
            shell: shell.as_ref().map_or(LAST_SHELL, |shell| shell),
            hash: hash.as_ref().map(PasswordHash::as_str),
            day,
        });
        problems.extend(shell.err().map(|why| (number, why)));
    }
    let placed = match seen.accounts.add(&rows) {
        Ok(placed) if problems.is_empty() => placed,
        placed => {
            problems.extend(placed.err().into_iter().flatten());
            problems.sort_by_key(|(row, _)| *row);
            return Err(rows_error(problems));
        }
    };
    let mut steps = seen.accounts.steps();
    let mut added = Vec::with_capacity(rows.len());
    for (row, place) in rows.iter().zip(placed) {
        let (user, name) = (row.user, row.user.name.as_str());
        let home = seen.accounts.home(&place.home, place.uid, place.gid);
        if user.create_home {
            steps.push((AccountStep::Home(home.clone()), Vec::new()));
        }
        if !user.keys.is_empty() {
            let keys = key_file(&user.keys);
            steps.push((AccountStep::Keys { home, keys }, Vec::new()));
        }
        if let Some(rule) = user.sudo.rule(name) {
            steps.push(sudo(name, Some(rule)));
        }
        added.push(AddedUser {
            name: UserName::clone(&user.name),
            uid: place.uid,
            gid: place.gid,
            home: place.home,
            shell: row.shell.to_owned(),
        });
    }
    Ok((added, steps))
}

/// What stands against a home directory's removal is as it is in the container.
fn home_stays(error: Error) -> Error {
    match &error {
        Error::File(
            failure @ Failure {
                reason: Reason::Invalid(_),
                ..
            },
        ) => Error::Conflict {
            message: crate::work::words(failure),
        },
        _ => error,
    }
}

/// What stands against a row in its home directory, as the row's.
fn in_its_row(error: Error, users: &[NewUser]) -> Error {
    let Error::File(failure) = &error else {
        return error;
    };
    // These are nobody's fault, or are begun again.
    if matches!(
        failure.reason,
        Reason::Changed | Reason::NoSpace | Reason::Limit(_) | Reason::Other(_)
    ) {
        return error;
    }
    let path = String::from_utf8_lossy(&failure.path);
    let is_in = |home: &str| {
        let rest = path.strip_prefix(home);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let concerned = |user: &NewUser| match &user.home {
        Some(home) => is_in(home.as_str()),
        None => is_in(&format!("/home/{}", user.name.as_str())),
    };
    match users.iter().position(concerned) {
        Some(row) => {
            let field = if users[row].keys.is_empty() {
                "home"
            } else {
                "ssh_keys"
            };
            let message = crate::work::words(failure);
            let problem = match failure.reason {
                // A number that the container does not have.
                Reason::Invalid(_) => Wrong::invalid("uid", message),
                _ => Wrong::conflict(field, message),
            };
            rows_error(vec![(row, problem)])
        }
        None => error,
    }
}

fn rows_error(problems: Vec<(usize, Wrong)>) -> Error {
    let row = |(row, wrong): (usize, Wrong)| {
        RowProblem::new(row, wrong.field, wrong.message, wrong.conflict)
    };
    Error::Rows(problems.into_iter().map(row).collect())
}

fn sudo(name: &str, rule: Option<String>) -> Step {
    let name = name.to_owned();
    (AccountStep::Sudo { name, rule }, Vec::new())
}

fn find(seen: &Seen, name: &str) -> Result<User> {
    let found = seen.accounts.get(name);
    found.ok_or_else(|| Error::NoUser {
        name: name.to_owned(),
    })
}

fn modify(
    seen: &mut Seen,
    name: &str,
    changes: &UserChanges,
    hash: Option<&PasswordHash>,
) -> Result<(User, Vec<Step>)> {
    let user = find(seen, name)?;
    if let (Some(shell), [false]) = (&changes.shell, &seen.programs[..]) {
        return Err(wrong(no_shell(shell)));
    }
    let hash = hash.map(PasswordHash::as_str);
    seen.accounts
        .modify(&user, changes, hash, today())
        .map_err(wrong)?;
    let mut steps = seen.accounts.steps();
    if let Some(keys) = &changes.keys {
        let home = seen.accounts.home(&user.home, user.uid, user.gid);
        let keys = key_file(keys);
        steps.push((AccountStep::Keys { home, keys }, Vec::new()));
    }
    let mut after = find(seen, name)?;
    if let Some(wanted) = changes.sudo {
        // A name that `useradd` would not have made may mean something else in a rule.
        UserName::parse(name).map_err(Error::name_in("sudo"))?;
        steps.push(sudo(name, wanted.rule(name)));
        after.sudo = wanted;
    }
    Ok((after, steps))
}

fn remove(seen: &mut Seen, name: &str, remove_home: bool) -> Result<(RemovedUser, Vec<Step>)> {
    let user = find(seen, name)?;
    let home = if remove_home {
        let home = seen.accounts.removable_home(&user);
        Some(home.map_err(|message| Error::Conflict { message })?)
    } else {
        None
    };
    seen.accounts.remove(&user).map_err(wrong)?;
    let mut steps = seen.accounts.steps();
    if user.sudo != Sudo::None {
        steps.push(sudo(name, None));
    }
    steps.extend(home.map(|home| (AccountStep::RemoveHome(home), Vec::new())));
    let removed = RemovedUser {
        name: user.name,
        home_left: None,
    };
    Ok((removed, steps))
}
