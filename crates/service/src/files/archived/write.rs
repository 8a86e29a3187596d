//! Files written.

use super::place::Plan;
use super::resolve::Link;
use super::{Archived, failure, look};
use crate::files::FileInfo;
use crate::files::tar::{self, Head};
use crate::files::write::NewFile;
use crate::{Error, Result};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use podlane_engine::inside::Reason;
use podlane_engine::{Error as EngineError, InnerPath, Upload};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The permission bits of a file that was not there before.
const DEFAULT_MODE: u32 = 0o644;
/// Pieces on their way.
const WAITING: usize = 4;

/// A file on its way. Dropped before its end, nothing of it is left.
#[derive(Debug)]
pub(in crate::files) struct Writing {
    given: Given,
    task: JoinHandle<Result<FileInfo>>,
}

#[derive(Debug)]
enum Given {
    /// How much comes is known: it passes through. `None` is its end.
    Passing {
        pieces: mpsc::Sender<Option<Bytes>>,
        left: u64,
    },
    /// It is not, so all of it is held first.
    Held {
        whole: tokio::sync::oneshot::Sender<Bytes>,
        content: BytesMut,
        limit: usize,
    },
}

/// Where the content comes from.
enum Coming {
    Pieces(u64, mpsc::Receiver<Option<Bytes>>),
    Whole(tokio::sync::oneshot::Receiver<Bytes>),
}

impl Archived {
    pub(in crate::files) async fn write(self, path: InnerPath, new: NewFile) -> Result<Writing> {
        let plan = self.plan(path, &new).await?;
        let limit = self.service.0.limits.file_bytes;
        let (given, coming) = if let Some(size) = new.size {
            let (pieces, coming) = mpsc::channel(WAITING);
            let given = Given::Passing { pieces, left: size };
            (given, Coming::Pieces(size, coming))
        } else {
            let (whole, coming) = tokio::sync::oneshot::channel();
            let content = BytesMut::new();
            let given = Given::Held {
                whole,
                content,
                limit,
            };
            (given, Coming::Whole(coming))
        };
        let tasks = self.service.0.tasks.clone();
        let task = tasks.spawn(async move { self.write_beside(plan, coming).await });
        Ok(Writing { given, task })
    }

    async fn plan(&self, path: InnerPath, new: &NewFile) -> Result<Plan> {
        let spot = self.resolve(&path, Link::Followed).await?;
        let stat = spot.stat.as_ref();
        if let Some(reason) = stat.and_then(|stat| look::unreadable(stat.kind)) {
            return Err(failure(reason, spot.path.as_str()));
        }
        look::expect(&new.expected, &spot.path, stat)?;
        let (directory, name) = spot.directory(new.parents)?;
        // Writing takes set-user-ID and the like away, as the kernel has it.
        let kept = stat.map(|stat| stat.mode & 0o777);
        let mode = new.mode.or(kept).unwrap_or(DEFAULT_MODE);
        let (owner, ownership) = self.ownership(new.owner);
        let temporary = super::temporary_name()?;
        if directory.join(&temporary).as_str().len() > InnerPath::MAX {
            return Err(failure(Reason::TooLong, path.as_str()));
        }
        Ok(Plan {
            directory,
            name,
            head: Head {
                mode,
                owner,
                ..super::make::empty()
            },
            ownership,
            temporary,
            expected: new.expected.clone(),
        })
    }

    /// Writes the content beside its place, then gives it its name.
    async fn write_beside(self, plan: Plan, coming: Coming) -> Result<FileInfo> {
        let archive = match coming {
            Coming::Whole(content) => match content.await {
                Ok(content) => whole(&plan, &content)?,
                Err(_given_up) => return Err(failure(Reason::Broken, plan.path().as_str())),
            },
            Coming::Pieces(size, pieces) => passing(&plan, size, pieces)?,
        };
        let written = self.put(&plan.directory, archive, plan.ownership);
        let written = written.await;
        self.place(&plan, written).await
    }
}

/// An archive of one file whose content is there.
fn whole(plan: &Plan, content: &[u8]) -> Result<Upload> {
    let size = content.len() as u64;
    let parts = [
        &head(plan, size)?[..],
        content,
        &tar::padding(size),
        &tar::end(),
    ];
    Ok(Upload::Whole(parts.concat().into()))
}

/// What is said of a file under its temporary name.
fn head(plan: &Plan, size: u64) -> Result<Bytes> {
    tar::head(&Head {
        path: plan.temporary.clone().into_bytes(),
        size,
        ..plan.head.clone()
    })
}

/// An archive of one file whose content is to come.
fn passing(plan: &Plan, size: u64, pieces: mpsc::Receiver<Option<Bytes>>) -> Result<Upload> {
    let head = head(plan, size)?;
    let content = stream::try_unfold(pieces, |mut pieces| async {
        match pieces.recv().await {
            Some(Some(piece)) => Ok(Some((piece, pieces))),
            Some(None) => Ok(None),
            None => Err(EngineError::Failed {
                step: "writing the file".into(),
                message: "it was given up before it was whole".into(),
            }),
        }
    });
    let before = stream::iter([Ok(head)]);
    let behind = stream::iter([Ok(tar::padding(size)), Ok(tar::end())]);
    Ok(Upload::Pieces(before.chain(content).chain(behind).boxed()))
}

impl Writing {
    pub(in crate::files) async fn write(&mut self, piece: Bytes) -> Result<()> {
        match &mut self.given {
            Given::Passing { pieces, left } => {
                let broken = || failure(Reason::Broken, "");
                *left = left.checked_sub(piece.len() as u64).ok_or_else(broken)?;
                if pieces.send(Some(piece)).await.is_ok() {
                    return Ok(());
                }
                self.ended().await
            }
            Given::Held { content, limit, .. } => {
                if piece.len() > *limit - content.len() {
                    let message = format!(
                        "a file whose length is not known before may have {limit} bytes here: send Content-Length"
                    );
                    return Err(Error::TooLarge { message });
                }
                content.extend_from_slice(&piece);
                Ok(())
            }
        }
    }

    /// Why nothing is taken any more.
    async fn ended(&mut self) -> Result<()> {
        match joined((&mut self.task).await) {
            Err(error) => Err(error),
            Ok(_) => Err(failure(Reason::Broken, "")),
        }
    }

    pub(in crate::files) async fn finish(self) -> Result<FileInfo> {
        match self.given {
            Given::Passing { pieces, left } => {
                if left > 0 {
                    return Err(failure(Reason::Broken, ""));
                }
                // Who has stopped listening says why.
                let _ = pieces.send(None).await;
            }
            Given::Held { whole, content, .. } => {
                let _ = whole.send(content.freeze());
            }
        }
        joined(self.task.await)
    }
}

fn joined<T>(ended: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match ended {
        Ok(result) => result,
        Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        Err(_) => Err(Error::Stopping),
    }
}
