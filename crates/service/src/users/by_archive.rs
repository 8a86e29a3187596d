//! Accounts from outside: the account files are read from the container, edited and put back as archives.
//! For containers without an agent: those that do not run, and those that are to have none.

use super::accounts::{Accounts, Step};
use super::owners::Owners;
use super::site::{Seen, wrong_file};
use crate::archive::{Attributes, Packer, packing};
use crate::files::temporary_name;
use crate::{Call, Error, Result, Service};
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use podlane_engine::inside::{
    AccountFile, AccountHome, AccountStep, Failure, MAX_ACCOUNT_FILE, Reason, SUDO_DIRECTORY,
    SUDO_PREFIX,
};
use podlane_engine::{
    ContainerId, Error as EngineError, FileKind, FileStat, InnerPath, Ownership, Resource, Status,
    Upload,
};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};

/// The most bytes of an archive that is read: of an account file, of a skeleton directory.
const MAX_ARCHIVE: usize = 8 << 20;
const SKELETON: &str = "/etc/skel";

/// The account files that are there, as they were before they were read.
pub(super) type Stats = BTreeMap<AccountFile, FileStat>;

impl Service {
    pub(super) async fn see_by_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        programs: &[InnerPath],
    ) -> Result<(Seen, Stats)> {
        let files = AccountFile::ALL.map(|file| self.account_file(call, id, file));
        let (mut stats, mut contents) = (Stats::new(), BTreeMap::new());
        for (file, stat, content) in try_join_all(files).await?.into_iter().flatten() {
            stats.insert(file, stat);
            contents.insert(file, content.into());
        }
        let programs = programs.iter().map(|path| self.is_file(call, id, path));
        let programs = try_join_all(programs).await?;
        let rules = self.rules(call, id).await?;
        let accounts = Accounts::new(contents, &rules);
        Ok((Seen { accounts, programs }, stats))
    }

    async fn is_file(&self, call: &Call, id: &ContainerId, path: &InnerPath) -> Result<bool> {
        let Some(stat) = self.0.engine.stat(call, id, path).await? else {
            return Ok(false);
        };
        match (stat.kind, stat.target) {
            (FileKind::Regular, _) => Ok(true),
            (FileKind::Symlink, Some(target)) => {
                let stat = self.0.engine.stat(call, id, &target).await?;
                Ok(stat.is_some_and(|stat| stat.kind == FileKind::Regular))
            }
            _ => Ok(false),
        }
    }

    /// Refuses account files that the engine itself would wait for without an end, or that lead elsewhere.
    pub(super) async fn check_account_files(&self, call: &Call, id: &ContainerId) -> Result<()> {
        tokio::try_join!(
            self.look_at_account_file(call, id, AccountFile::Passwd),
            self.look_at_account_file(call, id, AccountFile::Group),
        )?;
        Ok(())
    }

    async fn look_at_account_file(
        &self,
        call: &Call,
        id: &ContainerId,
        file: AccountFile,
    ) -> Result<Option<FileStat>> {
        let path = inner(&place(file))?;
        let failure = |reason| {
            let path = path.as_str().into();
            wrong_file(Error::File(Failure { reason, path }))
        };
        let stat = self.0.engine.stat(call, id, &path).await?;
        match &stat {
            Some(stat) if stat.kind != FileKind::Regular => Err(failure(Reason::Special)),
            Some(stat) if stat.size > MAX_ACCOUNT_FILE => Err(failure(Reason::Limit(format!(
                "{} MiB",
                MAX_ACCOUNT_FILE >> 20
            )))),
            _ => Ok(stat),
        }
    }

    /// One of the account files and how it was before; `None` if it is not there.
    async fn account_file(
        &self,
        call: &Call,
        id: &ContainerId,
        file: AccountFile,
    ) -> Result<Option<(AccountFile, FileStat, Vec<u8>)>> {
        let stat = match self.look_at_account_file(call, id, file).await {
            // What is no file of ours to write may be anything.
            Err(Error::Conflict { .. }) if file == AccountFile::LoginDefs => return Ok(None),
            other => other?,
        };
        let Some(stat) = stat else {
            return Ok(None);
        };
        let path = inner(&place(file))?;
        let Some(archive) = self.read(call, id, &path).await? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        let mut archive = tar::Archive::new(archive.as_slice());
        if let Some(entry) = archive.entries().map_err(packing)?.next() {
            let mut entry = entry.map_err(packing)?;
            entry.read_to_end(&mut content).map_err(packing)?;
        }
        Ok(Some((file, stat, content)))
    }

    /// Our rules for sudo: an account's name and the file's content.
    async fn rules(&self, call: &Call, id: &ContainerId) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut rules = Vec::new();
        let Some(archive) = self.read(call, id, &inner(SUDO_DIRECTORY)?).await? else {
            return Ok(rules);
        };
        let mut archive = tar::Archive::new(archive.as_slice());
        for entry in archive.entries().map_err(packing)? {
            let mut entry = entry.map_err(packing)?;
            let path = entry.path().map_err(packing)?.into_owned();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(account) = name.and_then(|name| name.strip_prefix(SUDO_PREFIX)) {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(packing)?;
                rules.push((account.as_bytes().to_vec(), content));
            }
        }
        Ok(rules)
    }

    /// Takes all steps of a change. What the files are made of is written whole beside them before any of
    /// them is touched: a full disk harms none.
    pub(super) async fn change_by_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        stats: &Stats,
        owners: &Owners,
        steps: &[Step],
    ) -> Result<Vec<Failure>> {
        let beside = format!("etc/{}", temporary_name()?);
        let mut packer = Packer::new(1 << 16);
        packer.directory(&beside, Attributes::new(0o700, (0, 0)))?;
        let mut links = Vec::new();
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for (step, content) in steps {
            match step {
                AccountStep::File(file) => {
                    let mode = stats.get(file).map_or(file.mode(), |stat| stat.mode);
                    let owner = owners.get(&place(*file)).copied().unwrap_or((0, 0));
                    let attributes = Attributes::new(mode, owner);
                    packer.file(&format!("{beside}/{}", file.name()), content, attributes)?;
                    links.push((*file, attributes));
                }
                AccountStep::Home(home) => self.pack_home(call, id, home, &mut packer).await?,
                AccountStep::Keys { home, keys } => {
                    let made = steps
                        .iter()
                        .any(|(step, _)| matches!(step, AccountStep::Home(made) if made == home));
                    self.pack_keys(call, id, home, made, keys, &mut packer)
                        .await?;
                }
                AccountStep::Sudo { name, rule } => {
                    let path = format!("{SUDO_DIRECTORY}/{SUDO_PREFIX}{name}");
                    match rule {
                        Some(rule) => {
                            let attributes = Attributes::new(0o440, (0, 0));
                            packer.file(
                                path.trim_start_matches('/'),
                                rule.as_bytes(),
                                attributes,
                            )?;
                        }
                        None => gone.push(inner(&path)?),
                    }
                }
                AccountStep::RemoveHome(home) => left.push(home),
            }
        }
        links.sort_by_key(|(file, _)| AccountFile::ALL.iter().position(|one| one == file));
        for (file, attributes) in links {
            let (name, file) = (file.name(), format!("{beside}/{}", file.name()));
            packer.link(&format!("etc/{name}"), &file, attributes)?;
        }
        let archive = packer.finish()?;
        self.check_unchanged(call, id, stats, steps).await?;
        let (engine, root) = (&self.0.engine, InnerPath::root());
        let written = engine
            .write_archive(call, id, &root, Upload::Whole(archive), Ownership::Archive)
            .await;
        self.discard(call, id, &root.join(&beside)).await;
        written?;
        for path in &gone {
            engine.remove_path(call, id, path).await?;
        }
        let mut failures = Vec::new();
        for home in left {
            let path = inner(&String::from_utf8_lossy(&home.path))?;
            let stat = engine.stat(call, id, &path).await?;
            match stat.map(|stat| stat.kind) {
                None => {}
                Some(FileKind::Directory) => engine.remove_path(call, id, &path).await?,
                Some(_) => failures.push(Failure {
                    reason: Reason::NotDirectory,
                    path: home.path.clone(),
                }),
            }
        }
        Ok(failures)
    }

    /// Whether the files that are to be replaced are as they were when they were read.
    async fn check_unchanged(
        &self,
        call: &Call,
        id: &ContainerId,
        stats: &Stats,
        steps: &[Step],
    ) -> Result<()> {
        let files = steps.iter().filter_map(|(step, _)| match step {
            AccountStep::File(file) => Some(*file),
            _ => None,
        });
        let looks = files.map(|file| async move {
            let now = self.look_at_account_file(call, id, file).await?;
            let known = |stat: &FileStat| (stat.size, stat.modified);
            if now.as_ref().map(known) == stats.get(&file).map(known) {
                return Ok(());
            }
            let (reason, path) = (Reason::Changed, place(file).into_bytes());
            Err(Error::File(Failure { reason, path }))
        });
        try_join_all(looks).await.map(drop)
    }

    /// Looks whose what is, where that matters: files whose group may do what others may not, and directories
    /// that are to be removed.
    pub(super) async fn check_owners(
        &self,
        call: &Call,
        id: &ContainerId,
        stats: &Stats,
        steps: &[Step],
    ) -> Result<Owners> {
        let (mut files, mut homes) = (Vec::new(), Vec::new());
        for (step, _) in steps {
            match step {
                AccountStep::File(file) => {
                    let mode = stats.get(file).map_or(0, |stat| stat.mode);
                    if mode >> 3 & 7 != mode & 7 {
                        files.push(inner(&place(*file))?);
                    }
                }
                AccountStep::RemoveHome(home) => {
                    let path = inner(&String::from_utf8_lossy(&home.path))?;
                    if self.0.engine.stat(call, id, &path).await?.is_some() {
                        homes.push((path, home.uid));
                    }
                }
                _ => {}
            }
        }
        if files.is_empty() && homes.is_empty() {
            return Ok(Owners::new());
        }
        let homes_paths = homes.iter().map(|(path, _)| path);
        let paths: Vec<_> = files.iter().chain(homes_paths).cloned().collect();
        let owners = self.owners(call, id, &paths).await?;
        if let Some(path) = files
            .iter()
            .find(|path| !owners.contains_key(path.as_str()))
        {
            let message = format!(
                "whose {path} is can't be seen from outside, so it can't be replaced; start the container, with an agent"
            );
            return Err(Error::Conflict { message });
        }
        for (path, uid) in homes {
            let message = match owners.get(path.as_str()) {
                Some((owner, _)) if *owner == uid => continue,
                Some(_) => format!("{path} does not belong to the account"),
                None => format!(
                    "whose {path} is can't be seen from outside, so it stays; start the container, with an agent, or keep the directory"
                ),
            };
            return Err(Error::Conflict { message });
        }
        Ok(owners)
    }

    /// Packs a home directory: a copy of the skeleton if there is one, else empty. One that is there
    /// already stays as it is.
    async fn pack_home(
        &self,
        call: &Call,
        id: &ContainerId,
        home: &AccountHome,
        packer: &mut Packer,
    ) -> Result<()> {
        let path = inner(&String::from_utf8_lossy(&home.path))?;
        if self.0.engine.stat(call, id, &path).await?.is_some() {
            return Ok(());
        }
        let relative = path.as_str().trim_start_matches('/');
        packer.directory(relative, Attributes::new(home.mode, (home.uid, home.gid)))?;
        let Some(archive) = self.read(call, id, &inner(SKELETON)?).await? else {
            return Ok(());
        };
        let mut archive = tar::Archive::new(archive.as_slice());
        for entry in archive.entries().map_err(packing)? {
            let mut entry = entry.map_err(packing)?;
            let inside = entry.path().map_err(packing)?.into_owned();
            let inside = inside.strip_prefix("skel").unwrap_or(&inside).to_owned();
            let plain = inside
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let kind = entry.header().entry_type();
            if inside.as_os_str().is_empty() || !plain || !(kind.is_file() || kind.is_dir()) {
                continue;
            }
            let mut header = entry.header().clone();
            header.set_uid(home.uid.into());
            header.set_gid(home.gid.into());
            packer.copy(&Path::new(relative).join(inside), &header, &mut entry)?;
        }
        Ok(())
    }

    /// Packs a home's keys. Where somebody runs who could swap what is on the way, only into one that is
    /// made by the same change.
    async fn pack_keys(
        &self,
        call: &Call,
        id: &ContainerId,
        home: &AccountHome,
        made: bool,
        keys: &[u8],
        packer: &mut Packer,
    ) -> Result<()> {
        let path = inner(&String::from_utf8_lossy(&home.path))?;
        let engine = &self.0.engine;
        let there = engine.stat(call, id, &path).await?;
        let owner = (home.uid, home.gid);
        let directory = path.join(".ssh");
        let relative = directory.as_str().trim_start_matches('/');
        let mut keys_directory = None;
        if there.is_some() || !made {
            let running = engine.inspect(call, &id.into()).await?.status == Status::Running;
            if running || there.is_none_or(|stat| stat.kind != FileKind::Directory) {
                let message = format!(
                    "keys can't be placed safely in {path} of this container: it has no agent and runs, or that is no directory"
                );
                return Err(Error::Conflict { message });
            }
            keys_directory = engine.stat(call, id, &directory).await?;
        }
        match keys_directory.map(|stat| stat.kind) {
            None => packer.directory(relative, Attributes::new(0o700, owner))?,
            Some(FileKind::Directory) => {}
            Some(_) => {
                let message = format!("{directory} is no directory");
                return Err(Error::Conflict { message });
            }
        }
        let file = format!("{relative}/authorized_keys");
        packer.file(&file, keys, Attributes::new(0o600, owner))
    }

    /// Reads an archive whole, within bounds; `None` if nothing is there.
    async fn read(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Option<Vec<u8>>> {
        let mut chunks = match self.0.engine.read_archive(call, id, path).await {
            Ok(chunks) => chunks,
            Err(EngineError::NotFound {
                resource: Resource::Path,
                ..
            }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut archive = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            if archive.len() + chunk.len() > MAX_ARCHIVE {
                let message = format!("{path} in the container has more than 8 MiB");
                return Err(Error::Conflict { message });
            }
            archive.extend_from_slice(&chunk);
        }
        Ok(Some(archive))
    }
}

/// Where an account file is.
fn place(file: AccountFile) -> String {
    format!("/etc/{}", file.name())
}

fn inner(path: &str) -> Result<InnerPath> {
    InnerPath::parse(path).map_err(Error::name_in("username"))
}
