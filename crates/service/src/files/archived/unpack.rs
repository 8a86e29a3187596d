//! Archives unpacked: made anew of what is taken of them.

use super::{Archived, failure};
use crate::files::tar::{self, HeadKind};
use crate::files::upload::{Incoming, NewTree};
use crate::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podlane_engine::inside::{Packed, Reason};
use podlane_engine::{Archive, Error as EngineError, FileKind, InnerPath, Ownership, Upload};
use std::sync::{Arc, Mutex, PoisonError};

/// What became of the archive that came.
#[derive(Default)]
struct Outcome {
    packed: Packed,
    /// Why no more of it is taken.
    error: Option<Error>,
}

impl Archived {
    pub(in crate::files) async fn unpack(
        self,
        path: &InnerPath,
        new: NewTree,
        incoming: Incoming,
    ) -> Result<Packed> {
        let mut path = path.clone();
        let mut stat = self.look(&path).await?;
        if let Some(target) = stat.as_ref().and_then(|stat| stat.target.clone()) {
            path = target;
            stat = self.look(&path).await?;
        }
        crate::files::outside_kernel(&path)?;
        match stat.map(|stat| stat.kind) {
            Some(FileKind::Directory) => {}
            None if new.parents => {}
            None => return Err(failure(Reason::NotFound, path.as_str())),
            Some(_) => return Err(failure(Reason::NotDirectory, path.as_str())),
        }
        let path = self.settle(path).await?;
        let (owner, ownership) = self.ownership(new.owner);
        let ownership = if new.owners {
            Ownership::Archive
        } else {
            ownership
        };
        let owner = (!new.owners).then_some(owner);
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let archive = Upload::Pieces(remade(incoming, owner, Arc::clone(&outcome)));
        let put = self.put(&path, archive, ownership).await;
        let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.error.take() {
            Some(error) => Err(error),
            None => put.map(|()| outcome.packed),
        }
    }
}

/// Where it is in an entry.
struct State {
    incoming: Incoming,
    /// The size of the content under way.
    content: Option<u64>,
    ended: bool,
}

fn remade(incoming: Incoming, owner: Option<(u32, u32)>, outcome: Arc<Mutex<Outcome>>) -> Archive {
    let state = State {
        incoming,
        content: None,
        ended: false,
    };
    let pieces = stream::unfold(Some(state), move |state| {
        let outcome = Arc::clone(&outcome);
        async move {
            let mut state = state?;
            let piece = state.next(owner).await;
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.packed.entries = state.incoming.entries();
            match piece {
                Ok(None) => None,
                Ok(Some((piece, content))) => {
                    outcome.packed.bytes += content;
                    Some((Ok(piece), Some(state)))
                }
                Err(error) => {
                    outcome.error = Some(error);
                    let broken = EngineError::Failed {
                        step: "unpacking the archive".into(),
                        message: "what came was not taken".into(),
                    };
                    Some((Err(broken), None))
                }
            }
        }
    });
    pieces.boxed()
}

impl State {
    /// The next piece, and how much of it is content.
    async fn next(&mut self, owner: Option<(u32, u32)>) -> Result<Option<(Bytes, u64)>> {
        if let Some(size) = self.content {
            if let Some(piece) = self.incoming.content().await? {
                let length = piece.len() as u64;
                return Ok(Some((piece, length)));
            }
            self.content = None;
            let padding = tar::padding(size);
            if !padding.is_empty() {
                return Ok(Some((padding, 0)));
            }
        }
        let Some((item, mut head)) = self.incoming.next().await? else {
            let last = std::mem::replace(&mut self.ended, true);
            return Ok((!last).then(|| (tar::end(), 0)));
        };
        head.path = item.path;
        head.mode = item.mode;
        head.owner = owner.unwrap_or(head.owner);
        if head.kind == HeadKind::Link {
            head.target = item.target.unwrap_or_default();
        }
        if head.kind == HeadKind::File {
            self.content = Some(head.size);
        }
        Ok(Some((tar::head(&head)?, 0)))
    }
}
