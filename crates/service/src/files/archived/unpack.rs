//! Archives unpacked: made anew of what is taken of them.

use super::below::Below;
use super::resolve::Link;
use super::{Archived, failure};
use crate::Result;
use crate::files::tar::{self, HeadKind};
use crate::files::upload::{Incoming, NewTree};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use podlane_engine::inside::{Packed, Reason};
use podlane_engine::{FileKind, InnerPath, Ownership};
use std::sync::{Arc, Mutex, PoisonError};

impl Archived {
    pub(in crate::files) async fn unpack(
        self,
        path: &InnerPath,
        new: NewTree,
        incoming: Incoming,
    ) -> Result<Packed> {
        let spot = self.resolve(path, Link::Followed).await?;
        match spot.stat.as_ref().map(|stat| stat.kind) {
            Some(FileKind::Directory) => {}
            None if new.parents => {}
            None => return Err(failure(Reason::NotFound, spot.path.as_str())),
            Some(_) => return Err(failure(Reason::NotDirectory, spot.path.as_str())),
        }
        let (owner, ownership) = self.ownership(new.owner);
        let ownership = if new.owners {
            Ownership::Archive
        } else {
            ownership
        };
        let archived = Arc::new(self);
        let packed = Arc::new(Mutex::new(Packed::default()));
        let mut state = State {
            below: Below::new(Arc::clone(&archived), &spot),
            incoming,
            owner: (!new.owners).then_some(owner),
            content: None,
            ended: false,
        };
        // Until its first bytes have come, Podman holds the container's lock: nobody could look at it. Source:
        // libpod's `container_copy_common.go`, where they are decompressed.
        let first = state.next().await?.map(|(piece, _)| Ok(piece));
        let remade = remade(state, Arc::clone(&packed));
        let remade = stream::iter(first).chain(remade).boxed();
        archived.put_made(&spot.path, remade, ownership).await?;
        let packed = packed.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(*packed)
    }
}

/// Where it is in an archive.
struct State {
    below: Below,
    incoming: Incoming,
    owner: Option<(u32, u32)>,
    /// The size of the content under way.
    content: Option<u64>,
    ended: bool,
}

/// The archive that Podman is given.
fn remade(state: State, packed: Arc<Mutex<Packed>>) -> BoxStream<'static, Result<Bytes>> {
    let pieces = stream::try_unfold(state, move |mut state| {
        let packed = Arc::clone(&packed);
        async move {
            let piece = state.next().await?;
            let mut packed = packed.lock().unwrap_or_else(PoisonError::into_inner);
            packed.entries = state.incoming.entries();
            Ok(piece.map(|(piece, content)| {
                packed.bytes += content;
                (piece, state)
            }))
        }
    });
    pieces.boxed()
}

impl State {
    /// The next piece, and how much of it is content.
    async fn next(&mut self) -> Result<Option<(Bytes, u64)>> {
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
        self.below.check(&item).await?;
        head.path = item.path;
        head.mode = item.mode;
        head.owner = self.owner.unwrap_or(head.owner);
        if head.kind == HeadKind::Link {
            head.target = item.target.unwrap_or_default();
        }
        if head.kind == HeadKind::File {
            self.content = Some(head.size);
        }
        Ok(Some((tar::head(&head)?, 0)))
    }
}
