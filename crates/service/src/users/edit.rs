//! Making an account from outside: the account files are read from the container, edited and put back.
//! For images without a user tool, and for containers that do not run.

use super::accounts::Files;
use super::{Account, taken};
use crate::files::{append, finish, packing};
use crate::{Error, Result, Service};
use futures_util::TryStreamExt;
use podlane_engine::{
    Call, ContainerId, Error as EngineError, FileKind, InnerPath, Ownership, Resource,
};
use std::io::Read;
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
        let mut builder = tar::Builder::new(Vec::new());
        let rows = [
            ("etc/shadow", &files.shadow, modes[2], secret),
            ("etc/gshadow", &files.gshadow, modes[3], secret),
            ("etc/group", &files.group, modes[1], (0, 0)),
            // Last: from here on the account exists.
            ("etc/passwd", &files.passwd, modes[0], (0, 0)),
        ];
        self.pack_home(call, id, account, uid, &mut builder).await?;
        for (path, content, mode, owner) in rows {
            if let Some(content) = content {
                append(&mut builder, path, content, mode, owner)?;
            }
        }
        let root = InnerPath::parse("/").map_err(Error::name_in("username"))?;
        let archive = finish(builder)?;
        Ok(self
            .0
            .engine
            .write_archive(call, id, &root, archive, Ownership::Archive)
            .await?)
    }

    /// Packs the home directory: a copy of the skeleton if there is one, else empty. One that is there
    /// already stays as it is.
    async fn pack_home(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
        uid: u32,
        builder: &mut tar::Builder<Vec<u8>>,
    ) -> Result<()> {
        let path = InnerPath::parse(&account.home).map_err(Error::name_in("username"))?;
        if self.0.engine.stat(call, id, &path).await?.is_some() {
            return Ok(());
        }
        let home = account.home.trim_start_matches('/');
        let owned = |header: &mut tar::Header| {
            header.set_uid(uid.into());
            header.set_gid(uid.into());
        };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        owned(&mut header);
        builder
            .append_data(&mut header, format!("{home}/"), std::io::empty())
            .map_err(packing)?;
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
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            let kind = entry.header().entry_type();
            if inside.as_os_str().is_empty() || !plain || !(kind.is_file() || kind.is_dir()) {
                continue;
            }
            let mut header = entry.header().clone();
            owned(&mut header);
            builder
                .append_data(
                    &mut header,
                    std::path::Path::new(home).join(inside),
                    &mut entry,
                )
                .map_err(packing)?;
        }
        Ok(())
    }

    /// One of the account files; `None` if it is not there. Anything but a regular file is refused.
    async fn account_file(
        &self,
        call: &Call,
        id: &ContainerId,
        name: &str,
    ) -> Result<Option<Found>> {
        let path = InnerPath::parse(&format!("/etc/{name}")).map_err(Error::name_in("username"))?;
        let Some(stat) = self.0.engine.stat(call, id, &path).await? else {
            return Ok(None);
        };
        if stat.kind != FileKind::Regular {
            let message = format!(
                "{path} in the container is not a regular file, so no account can be added"
            );
            return Err(Error::Conflict { message });
        }
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
                return Err(Error::TooLarge { message });
            }
            archive.extend_from_slice(&chunk);
        }
        Ok(Some(archive))
    }
}

/// Today in days since 1970, as shadow(5) counts.
fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs() / 86_400)
}
