//! Files in a container: written whole, seen whole.

use crate::{Error, Result, Service};
use bytes::Bytes;
use podlane_engine::{
    Call, Container, ContainerId, ContainerRef, Error as EngineError, ExecSpec, FileKind, FileStat,
    InnerPath, Ownership, Status, UserSpec,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Directories whose files are the kernel's, not the container's.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Where an image has `mv`, if it has one.
const MV: [&str; 2] = ["/bin/mv", "/usr/bin/mv"];
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
    /// Writes a file, with the directories above it. In a running container it appears whole and at
    /// once: written beside, then renamed.
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
        let (path, existing) = self.resolve(call, &container.id, path).await?;
        let (directory, file_name) = path.split().ok_or_else(|| is_directory(&path))?;
        let size = file.content.len() as u64;
        let entry = |name: &str| -> Result<Bytes> {
            let mode = file
                .mode
                .or(existing.as_ref().map(|stat| stat.mode))
                .unwrap_or(DEFAULT_MODE);
            archive(name, &file.content, mode, file.owner)
        };
        let ownership = if file.owner.is_some() {
            Ownership::Archive
        } else {
            Ownership::ContainerUser
        };
        let engine = &self.0.engine;
        // Nobody can look at half a file where nothing runs; and without `mv` there is no way to
        // rename from outside.
        let mv = match container.status {
            Status::Running => self.find_mv(call, &container.id).await?,
            _ => None,
        };
        let Some(mv) = mv else {
            let tar = entry(file_name)?;
            engine
                .write_archive(call, &container.id, &directory, tar, ownership)
                .await?;
            return Ok(WrittenFile { path, size });
        };
        let temporary = format!(".podlane-{:016x}", random()?);
        let beside = directory.join(&temporary);
        let tar = entry(&temporary)?;
        let moved = match engine
            .write_archive(call, &container.id, &directory, tar, ownership)
            .await
        {
            Ok(()) => self.rename(call, &container.id, mv, &beside, &path).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = moved {
            self.discard(call, &container.id, &beside).await;
            return Err(error);
        }
        Ok(WrittenFile { path, size })
    }

    /// What the path leads to, through a final symbolic link, and what is there now.
    async fn resolve(
        &self,
        call: &Call,
        id: &ContainerId,
        path: InnerPath,
    ) -> Result<(InnerPath, Option<FileStat>)> {
        let mut path = path;
        let mut stat = self.0.engine.stat(call, id, &path).await?;
        if let Some(target) = stat.as_ref().and_then(|stat| stat.target.clone()) {
            path = destination(target.as_str())?;
            stat = self.0.engine.stat(call, id, &path).await?;
        }
        match stat.as_ref().map(|stat| stat.kind) {
            None | Some(FileKind::Regular) => Ok((path, stat)),
            Some(FileKind::Directory) => Err(is_directory(&path)),
            Some(FileKind::Symlink) => Err(Error::Conflict {
                message: format!("{path} is a symbolic link that leads nowhere"),
            }),
            Some(FileKind::Special) => Err(Error::Conflict {
                message: format!("{path} is a device, socket or named pipe, not a file"),
            }),
        }
    }

    async fn find_mv(&self, call: &Call, id: &ContainerId) -> Result<Option<&'static str>> {
        for mv in MV {
            let path = InnerPath::parse(mv).map_err(Error::name_in("dest_path"))?;
            if self.0.engine.stat(call, id, &path).await?.is_some() {
                return Ok(Some(mv));
            }
        }
        Ok(None)
    }

    async fn rename(
        &self,
        call: &Call,
        id: &ContainerId,
        mv: &str,
        from: &InnerPath,
        to: &InnerPath,
    ) -> Result<()> {
        // -T: should a directory have come to stand there meanwhile, it is an error.
        let argv = [mv, "-f", "-T", from.as_str(), to.as_str()];
        let tool = self.run_tool(call, id, &argv, &[]).await?;
        match tool {
            Some(tool) if tool.exit_code == 0 => Ok(()),
            tool => {
                let output =
                    tool.map_or_else(|| "mv can't be started".to_owned(), |tool| tool.output);
                if output.contains("Read-only file system") {
                    let message = format!("{to} is on a read-only file system");
                    return Err(EngineError::ReadOnly { message }.into());
                }
                Err(Error::Inside {
                    step: "putting the file in its place",
                    output,
                })
            }
        }
    }

    /// Removes a temporary file whose rename failed.
    async fn discard(&self, call: &Call, id: &ContainerId, path: &InnerPath) {
        let call = call.extended(CLEANUP);
        let argv = ["rm", "-f", path.as_str()];
        let removed = self.run_tool(&call, id, &argv, &[]).await;
        if !matches!(&removed, Ok(Some(tool)) if tool.exit_code == 0) {
            tracing::warn!(request_id = %call.request_id, container = id.short(), %path, "a temporary file could not be removed");
        }
    }

    /// Runs one of the image's own tools as root, without a shell; `None` if the image lacks it.
    pub(crate) async fn run_tool(
        &self,
        call: &Call,
        id: &ContainerId,
        argv: &[&str],
        stdin: &[u8],
    ) -> Result<Option<Tool>> {
        let spec = ExecSpec {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            user: Some(UserSpec::root()),
            workdir: Some(InnerPath::parse("/").map_err(Error::name_in("workdir"))?),
            environment: Vec::new(),
            stdin: !stdin.is_empty(),
        };
        let mut process = self.0.engine.exec(call, id, &spec).await?;
        let mut output = crate::Captured::new(MAX_TOOL_OUTPUT);
        let run = crate::exec::drive(process.as_mut(), stdin, |chunk| output.push(&chunk));
        let Ok(ended) = tokio::time::timeout_at(call.deadline, run).await else {
            process.kill().await;
            return Err(EngineError::Timeout {
                step: argv[0].to_owned(),
                limit: call.limit,
            }
            .into());
        };
        let exit_code = ended?;
        if process.start_failure().is_some() {
            return Ok(None);
        }
        Ok(Some(Tool {
            exit_code,
            output: output.text(None).trim().to_owned(),
        }))
    }
}

/// What a tool may say.
const MAX_TOOL_OUTPUT: usize = 4096;

/// What became of a tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) exit_code: i32,
    pub(crate) output: String,
}

fn is_directory(path: &InnerPath) -> Error {
    Error::Conflict {
        message: format!("{path} is a directory; give the path of a file"),
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
    if let Some(kernel) = KERNEL.iter().find(|kernel| path.is_within(kernel)) {
        let message = format!("files in {kernel} belong to the kernel and can't be written here");
        return Err(Error::invalid("dest_path", message));
    }
    Ok(path)
}

fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::Internal {
        step: "drawing a random number",
        reason: error.to_string(),
    })
}

/// A tar archive of one file. Made by us, uncompressed: an engine is never handed a foreign archive.
pub(crate) fn archive(
    name: &str,
    content: &[u8],
    mode: u32,
    owner: Option<(u32, u32)>,
) -> Result<Bytes> {
    let mut builder = tar::Builder::new(Vec::with_capacity(content.len() + 2048));
    append(&mut builder, name, content, mode, owner.unwrap_or_default())?;
    finish(builder)
}

pub(crate) fn append(
    builder: &mut tar::Builder<Vec<u8>>,
    name: &str,
    content: &[u8],
    mode: u32,
    (uid, gid): (u32, u32),
) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_uid(uid.into());
    header.set_gid(gid.into());
    header.set_mtime(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs()),
    );
    builder
        .append_data(&mut header, name, content)
        .map_err(packing)
}

pub(crate) fn finish(builder: tar::Builder<Vec<u8>>) -> Result<Bytes> {
    builder.into_inner().map(Bytes::from).map_err(packing)
}

pub(crate) fn packing(error: impl std::fmt::Display) -> Error {
    Error::Internal {
        step: "packing an archive",
        reason: error.to_string(),
    }
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
