//! Files in a container: written whole, seen whole.

use crate::archive::{Attributes, Packer};
use crate::{Error, Result, Service};
use bytes::Bytes;
use podlane_engine::{
    Call, Container, ContainerId, ContainerRef, Error as EngineError, FileKind, FileStat,
    InnerPath, Ownership, Resource, Status,
};
use std::time::Duration;

/// Directories whose files are the kernel's, not the container's.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];
/// How temporary names begin; 16 random digits follow.
const TEMPORARY: &str = ".podlane-";
/// The permission bits of a file that was not there before.
const DEFAULT_MODE: u32 = 0o644;
/// How long removing a temporary file may take, past the call's own deadline.
const CLEANUP: Duration = Duration::from_secs(10);

/// A file to be written.
#[derive(Clone)]
pub struct NewFile {
    /// Where, as the caller wrote it.
    pub path: String,
    /// What it shall hold.
    pub content: Vec<u8>,
    /// Its permission bits; `None` for those of the file that it replaces, else 0644.
    pub mode: Option<u32>,
    /// Its owner and group by number; `None` for the user that the container runs as.
    pub owner: Option<(u32, u32)>,
}

impl std::fmt::Debug for NewFile {
    /// Shows no content: a file may well be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewFile")
            .field("path", &self.path)
            .field("size", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is, links resolved.
    pub path: InnerPath,
    /// Its size in bytes.
    pub size: u64,
}

impl Service {
    /// Writes a file, with the directories above it. It is written beside its place and gets its name
    /// when it is whole; in a running container with `mv`, at once.
    pub async fn write_file(
        &self,
        call: &Call,
        name: &ContainerRef,
        file: NewFile,
    ) -> Result<WrittenFile> {
        let path = destination(&file.path)?;
        if file.content.len() > self.0.limits.file_bytes {
            let message = format!("a file may have {} bytes", self.0.limits.file_bytes);
            return Err(Error::TooLarge { message });
        }
        let worker = self.0.gate.enter(call).await?;
        let container = self.0.engine.inspect(call, name).await?;
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let _worker = worker;
            service.place(&call, &container, path, file).await
        })
        .await
    }

    async fn place(
        &self,
        call: &Call,
        container: &Container,
        path: InnerPath,
        file: NewFile,
    ) -> Result<WrittenFile> {
        let (path, existing) = self.resolve(call, container, path).await?;
        let (directory, file_name) = path.split().ok_or_else(|| is_directory(&path))?;
        // Writing takes set-user-ID and the like away, as the kernel has it.
        let kept = existing.map(|stat| stat.mode & 0o777);
        let mode = file.mode.or(kept).unwrap_or(DEFAULT_MODE);
        let (owner, ownership) = match file.owner.or_else(|| root_owner(&container.user)) {
            Some(owner) => (owner, Ownership::Archive),
            None => ((0, 0), Ownership::ContainerUser),
        };
        let attributes = Attributes::new(mode, owner);
        let temporary = temporary_name()?;
        let mut packer = Packer::new(file.content.len() + 2048);
        packer.file(&temporary, &file.content, attributes)?;
        let archive = packer.finish()?;
        let beside = directory.join(&temporary);
        let engine = &self.0.engine;
        let written = engine.write_archive(call, &container.id, &directory, archive, ownership);
        let renamed = match written.await {
            Ok(()) if container.status == Status::Running => {
                self.rename(call, &container.id, &beside, &path).await
            }
            Ok(()) => Ok(false),
            Err(error) => Err(error.into()),
        };
        let placed = match renamed {
            Ok(true) => Ok(()),
            Ok(false) => {
                let mut packer = Packer::new(2048);
                packer.link(file_name, &temporary, attributes)?;
                let archive = packer.finish()?;
                let placed = self
                    .link(call, &container.id, &directory, archive, ownership)
                    .await;
                self.discard(call, &container.id, &beside).await;
                placed
            }
            Err(error) => {
                self.discard(call, &container.id, &beside).await;
                Err(error)
            }
        };
        placed.map(|()| WrittenFile {
            path,
            size: file.content.len() as u64,
        })
    }

    /// What the path leads to, through symbolic links, and what is there now.
    async fn resolve(
        &self,
        call: &Call,
        container: &Container,
        path: InnerPath,
    ) -> Result<(InnerPath, Option<FileStat>)> {
        let (id, mut path) = (&container.id, path);
        let mut stat = self.0.engine.stat(call, id, &path).await?;
        if let Some(target) = stat.as_ref().and_then(|stat| stat.target.clone()) {
            path = target;
            stat = self.0.engine.stat(call, id, &path).await?;
        }
        match stat.as_ref().map(|stat| stat.kind) {
            None | Some(FileKind::Regular) => {}
            Some(FileKind::Directory) => return Err(is_directory(&path)),
            Some(FileKind::Symlink) => return Err(circle(&path)),
            Some(FileKind::Special) => {
                return Err(Error::Conflict {
                    message: format!("{path} is a device, socket or named pipe, not a file"),
                });
            }
        }
        if container.status == Status::Running {
            path = self.settle(call, id, path).await?;
        }
        outside_kernel(&path)?;
        Ok((path, stat))
    }

    /// The same path with the links among its directories resolved, as far as the image has a tool for
    /// that. Who changes such a link while the file is written can't get its parts into two places.
    async fn settle(&self, call: &Call, id: &ContainerId, path: InnerPath) -> Result<InnerPath> {
        let Some((directory, name)) = path.split() else {
            return Ok(path);
        };
        let argv = ["readlink", "-f", directory.as_str()];
        let settled = match self.run_tool(call, id, &argv, &[]).await {
            Ok(Some(tool)) if tool.exit_code == 0 => InnerPath::parse(&tool.output).ok(),
            // What stands in the way of writing will be told by writing.
            Ok(_) | Err(Error::Engine(EngineError::WrongState { .. })) => None,
            Err(error) => return Err(error),
        };
        // What is no UTF-8 can't be told from what it is shown as.
        let settled = settled.filter(|path| !path.as_str().contains(char::REPLACEMENT_CHARACTER));
        Ok(settled.map_or_else(|| path.clone(), |directory| directory.join(name)))
    }

    /// Gives a file its name at once. Whether that went well: it does not where the image has no
    /// suitable `mv`, or the container stopped meanwhile.
    async fn rename(
        &self,
        call: &Call,
        id: &ContainerId,
        from: &InnerPath,
        to: &InnerPath,
    ) -> Result<bool> {
        // -T: should a directory have come to stand there meanwhile, it is an error.
        let argv = ["mv", "-f", "-T", from.as_str(), to.as_str()];
        match self.run_tool(call, id, &argv, &[]).await {
            Ok(tool) => Ok(tool.is_some_and(|tool| tool.exit_code == 0)),
            Err(Error::Engine(EngineError::WrongState { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a file its name as a second one, whatever the image has and whether it runs. For a moment
    /// there is none of that name.
    async fn link(
        &self,
        call: &Call,
        id: &ContainerId,
        directory: &InnerPath,
        archive: Bytes,
        ownership: Ownership,
    ) -> Result<()> {
        let engine = &self.0.engine;
        let linked = engine.write_archive(call, id, directory, archive, ownership);
        match linked.await {
            Err(EngineError::NotFound {
                resource: Resource::Path,
                ..
            }) => Err(Error::Conflict {
                message: format!("{directory} was changed in the container in the meantime"),
            }),
            other => Ok(other?),
        }
    }

    /// Removes what was written under a temporary name.
    pub(crate) async fn discard(&self, call: &Call, id: &ContainerId, path: &InnerPath) {
        let call = call.extended(CLEANUP);
        if let Err(error) = self.0.engine.remove_path(&call, id, path).await
            && !matches!(error, EngineError::NotFound { .. })
        {
            tracing::warn!(request_id = %call.request_id, container = id.short(), %path, %error, "a temporary file could not be removed");
        }
    }
}

/// The numbers of the container's user if they are known without a look into its account files, which
/// whoever is inside may have replaced by what can't be read.
fn root_owner(user: &str) -> Option<(u32, u32)> {
    matches!(user, "" | "0" | "0:0" | "root" | "root:root").then_some((0, 0))
}

fn is_directory(path: &InnerPath) -> Error {
    Error::Conflict {
        message: format!("{path} is a directory; give the path of a file"),
    }
}

fn circle(path: &InnerPath) -> Error {
    Error::Conflict {
        message: format!("{path} is a symbolic link that leads to no place"),
    }
}

/// A path at which a file may be written.
fn destination(text: &str) -> Result<InnerPath> {
    let path = InnerPath::parse(text).map_err(Error::name_in("dest_path"))?;
    let last = text.rsplit('/').next().unwrap_or_default();
    if matches!(last, "" | ".") {
        let message = format!("\"{path}/\" names a directory; give the path of a file");
        return Err(Error::invalid("dest_path", message));
    }
    // Beside the file there must be room for the temporary name.
    if path.as_str().len() - last.len() + TEMPORARY.len() + 16 > InnerPath::MAX {
        let message = "the path is too long for a file to be written there";
        return Err(Error::invalid("dest_path", message));
    }
    outside_kernel(&path)?;
    Ok(path)
}

fn outside_kernel(path: &InnerPath) -> Result<()> {
    let Some(kernel) = KERNEL.iter().find(|kernel| path.is_within(kernel)) else {
        return Ok(());
    };
    let message = format!("files in {kernel} belong to the kernel and can't be written here");
    Err(Error::invalid("dest_path", message))
}

/// A name that nothing else has, hidden from a plain `ls`.
pub(crate) fn temporary_name() -> Result<String> {
    let random = getrandom::u64().map_err(|error| Error::Internal {
        step: "drawing a random number",
        reason: error.to_string(),
    })?;
    Ok(format!("{TEMPORARY}{random:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_container_are_written() {
        for good in ["/tmp/a", "/a", "//tmp//a", "/process", "/developers/x"] {
            assert!(destination(good).is_ok(), "{good}");
        }
        for bad in [
            "/",
            "/tmp/",
            "/tmp/.",
            "/proc/1/mem",
            "/sys/x",
            "/dev/null",
            "/dev",
            "/a/../b",
            "tmp/a",
            "",
            "/a\0",
        ] {
            assert!(
                matches!(
                    destination(bad),
                    Err(Error::Invalid {
                        field: "dest_path",
                        ..
                    })
                ),
                "{bad:?}"
            );
        }
    }
}
