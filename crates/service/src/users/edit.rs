//! Making an account from outside: the account files are read from the container, edited and put back.
//! For images without a user tool, and for containers that do not run.

use super::accounts::Files;
use super::{Account, taken};
use crate::archive::{Attributes, Packer, packing};
use crate::files::temporary_name;
use crate::{Error, Result, Service};
use futures_util::TryStreamExt;
use podlane_engine::{
    Call, ContainerId, Error as EngineError, FileKind, FileStat, InnerPath, Ownership, Resource,
    Upload,
};
use std::io::Read;
use std::path::{Component, Path};
use std::time::{SystemTime, UNIX_EPOCH};

/// The most bytes of an account file, and of a skeleton directory.
const MAX_FILE: usize = 8 << 20;
const SKELETON: &str = "/etc/skel";

/// A file as it stands in a container.
struct Found {
    content: Vec<u8>,
    mode: u32,
}

impl Service {
    pub(super) async fn by_editing(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
    ) -> Result<()> {
        let passwd = self.account_file(call, id, "passwd").await?;
        let group = self.account_file(call, id, "group").await?;
        let shadow = self.account_file(call, id, "shadow").await?;
        let gshadow = self.account_file(call, id, "gshadow").await?;
        let mode =
            |found: &Option<Found>, default| found.as_ref().map_or(default, |found| found.mode);
        let modes = [
            mode(&passwd, 0o644),
            mode(&group, 0o644),
            mode(&shadow, 0o640),
            mode(&gshadow, 0o640),
        ];
        let content = |found: Option<Found>| found.map(|found| found.content);
        let mut files = Files {
            passwd: content(passwd),
            group: content(group),
            shadow: content(shadow),
            gshadow: content(gshadow),
        };
        if files.has(account.name.as_str()) {
            return Err(taken(&account.name));
        }
        let uid = files.add(
            account.name.as_str(),
            &account.home,
            &account.shell,
            account.hash.as_deref(),
            today(),
        )?;
        // Libpod does not tell the group of a file; of these two it is "shadow" wherever that exists.
        let secret = (0, files.group_id("shadow").unwrap_or(0));
        let rows = [
            ("shadow", &files.shadow, modes[2], secret),
            ("gshadow", &files.gshadow, modes[3], secret),
            ("group", &files.group, modes[1], (0, 0)),
            // Last: from here on the account exists.
            ("passwd", &files.passwd, modes[0], (0, 0)),
        ];
        // Written whole beside the files before any of them is touched: a full disk harms none.
        let beside = format!("etc/{}", temporary_name()?);
        let mut packer = Packer::new(1 << 16);
        packer.directory(&beside, Attributes::new(0o700, (0, 0)))?;
        for (name, content, mode, owner) in rows {
            if let Some(content) = content {
                let attributes = Attributes::new(mode, owner);
                packer.file(&format!("{beside}/{name}"), content, attributes)?;
            }
        }
        self.pack_home(call, id, account, uid, &mut packer).await?;
        for (name, content, mode, owner) in rows {
            if content.is_some() {
                let attributes = Attributes::new(mode, owner);
                packer.link(
                    &format!("etc/{name}"),
                    &format!("{beside}/{name}"),
                    attributes,
                )?;
            }
        }
        let archive = packer.finish()?;
        let engine = &self.0.engine;
        let root = InnerPath::root();
        let written = engine
            .write_archive(call, id, &root, Upload::Whole(archive), Ownership::Archive)
            .await;
        self.discard(call, id, &root.join(&beside)).await;
        Ok(written?)
    }

    /// Packs the home directory: a copy of the skeleton if there is one, else empty. One that is there
    /// already stays as it is.
    async fn pack_home(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
        uid: u32,
        packer: &mut Packer,
    ) -> Result<()> {
        let path = InnerPath::parse(&account.home).map_err(Error::name_in("username"))?;
        if self.0.engine.stat(call, id, &path).await?.is_some() {
            return Ok(());
        }
        let home = account.home.trim_start_matches('/');
        packer.directory(home, Attributes::new(0o755, (uid, uid)))?;
        let skeleton = InnerPath::parse(SKELETON).map_err(Error::name_in("username"))?;
        let Some(archive) = self.read(call, id, &skeleton).await? else {
            return Ok(());
        };
        for entry in tar::Archive::new(archive.as_slice())
            .entries()
            .map_err(packing)?
        {
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
            header.set_uid(uid.into());
            header.set_gid(uid.into());
            packer.copy(&Path::new(home).join(inside), &header, &mut entry)?;
        }
        Ok(())
    }

    /// Refuses account files that a tool, or the engine itself, would wait for without an end or would
    /// write where they lead.
    pub(super) async fn check_account_files(&self, call: &Call, id: &ContainerId) -> Result<()> {
        let (passwd, group) = (account_path("passwd")?, account_path("group")?);
        tokio::try_join!(
            self.look_at_account_file(call, id, &passwd),
            self.look_at_account_file(call, id, &group),
        )?;
        Ok(())
    }

    async fn look_at_account_file(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Option<FileStat>> {
        let stat = self.0.engine.stat(call, id, path).await?;
        if stat
            .as_ref()
            .is_some_and(|stat| stat.kind != FileKind::Regular)
        {
            let message = format!(
                "{path} in the container is not a regular file, so no account can be added"
            );
            return Err(Error::Conflict { message });
        }
        Ok(stat)
    }

    /// One of the account files; `None` if it is not there.
    async fn account_file(
        &self,
        call: &Call,
        id: &ContainerId,
        name: &str,
    ) -> Result<Option<Found>> {
        let path = account_path(name)?;
        let Some(stat) = self.look_at_account_file(call, id, &path).await? else {
            return Ok(None);
        };
        let Some(archive) = self.read(call, id, &path).await? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        let mut archive = tar::Archive::new(archive.as_slice());
        if let Some(entry) = archive.entries().map_err(packing)?.next() {
            entry
                .map_err(packing)?
                .read_to_end(&mut content)
                .map_err(packing)?;
        }
        Ok(Some(Found {
            content,
            mode: stat.mode,
        }))
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
            if archive.len() + chunk.len() > MAX_FILE {
                let message = format!("{path} in the container has more than 8 MiB");
                return Err(Error::Conflict { message });
            }
            archive.extend_from_slice(&chunk);
        }
        Ok(Some(archive))
    }
}

fn account_path(name: &str) -> Result<InnerPath> {
    InnerPath::parse(&format!("/etc/{name}")).map_err(Error::name_in("username"))
}

/// Today in days since 1970, as shadow(5) counts.
fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs() / 86_400)
}
