//! What is at a path and below it, as the engine packs it.

use super::{Archived, TRANSFER, meaning};
use crate::files::tar::{Head, HeadKind, Reader};
use crate::motion::{late, patient};
use crate::{Call, Error, Result, Service};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use podlane_engine::{ContainerId, Error as EngineError, FileKind, InnerPath};
use tokio::time::timeout;

/// A file or a directory with all that is in it: paths are relative to it, and empty for itself.
#[derive(Debug)]
pub(in crate::files) struct Tree {
    reader: Reader,
    service: Service,
    call: Call,
    id: ContainerId,
    path: InnerPath,
    /// How long the name is that the engine puts before all paths; `None` before the first.
    top: Option<usize>,
    /// The file that came last, and its size.
    last: Option<(Vec<u8>, u64)>,
    /// A name that nothing in it may have.
    foreign: Option<String>,
}

impl Archived {
    /// What is at a path and below it; the path has no links.
    pub(in crate::files) async fn tree(&self, path: &InnerPath) -> Result<Tree> {
        let call = self.call.extended(TRANSFER);
        let engine = &self.service.0.engine;
        let limit = self.service.0.limits.request_timeout;
        let archive = timeout(limit, engine.read_archive(&call, &self.id, path)).await;
        let archive = archive.unwrap_or_else(|_elapsed| Err(late("reading files", limit)));
        let archive = archive.map_err(|error| meaning(error, path))?;
        let archive = patient(archive, "reading files", limit);
        Ok(Tree {
            reader: Reader::new(archive.map_err(Error::from).boxed(), garbled),
            service: self.service.clone(),
            call,
            id: self.id.clone(),
            path: path.clone(),
            top: None,
            last: None,
            foreign: None,
        })
    }
}

impl Tree {
    /// The same, which must not hold what has a name.
    pub(super) fn without(self, name: &str) -> Self {
        Self {
            foreign: Some(name.to_owned()),
            ..self
        }
    }

    /// The next thing; `None` after the last, if it is known that there are no more.
    pub(in crate::files) async fn next(&mut self) -> Result<Option<Head>> {
        let Some(mut head) = self.reader.next().await? else {
            self.check_end().await?;
            return Ok(None);
        };
        let first = first_name(&head.path).len();
        // Only the root directory has no name.
        let root = self.top.is_none() && matches!(first_name(&head.path), b"" | b".");
        let top = *self.top.get_or_insert(if root { 0 } else { first });
        head.path = below(&head.path, top);
        if head.kind == HeadKind::Link {
            head.target = below(&head.target, top);
        }
        if let Some(foreign) = &self.foreign
            && head.path.rsplit(|byte| *byte == b'/').next() == Some(foreign.as_bytes())
        {
            return Err(super::into_itself(&self.path));
        }
        let file = head.kind == HeadKind::File;
        self.last = file.then(|| (head.path.clone(), head.size));
        Ok(Some(head))
    }

    /// The next piece of a file's content; `None` at its end.
    pub(in crate::files) async fn content(&mut self) -> Result<Option<Bytes>> {
        self.reader.content().await
    }

    /// Podman stops behind a file that grew while it was read, and still ends the archive as if that were
    /// all. Source: buildah's `copier/copier.go`, `copierHandlerGet`, which closes its writer in any case.
    async fn check_end(&mut self) -> Result<()> {
        let Some((below, size)) = self.last.take() else {
            return Ok(());
        };
        // Behind a file that is all there is nothing; and the engine can't be asked for every name.
        let below = std::str::from_utf8(&below).unwrap_or_default();
        let path = self.path.as_str().trim_end_matches('/');
        let path = InnerPath::parse(&format!("{path}/{below}")).ok();
        let Some(path) = path.filter(|path| !below.is_empty() && !path.as_str().contains('*'))
        else {
            return Ok(());
        };
        let limit = self.service.0.limits.request_timeout;
        let call = self.call.extended(limit);
        let stat = self.service.0.engine.stat(&call, &self.id, &path).await?;
        let same = stat.is_some_and(|stat| stat.kind == FileKind::Regular && stat.size == size);
        if same {
            return Ok(());
        }
        let message = format!(
            "{path} was changed while it was read, and Podman leaves out what comes behind it: try again, stop what writes to it, or let an agent be in the container"
        );
        Err(Error::Conflict { message })
    }
}

/// The first name in a path.
fn first_name(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'/').next().unwrap_or_default()
}

fn below(path: &[u8], top: usize) -> Vec<u8> {
    let rest = path.get(top..).unwrap_or_default();
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    rest.strip_suffix(b"/").unwrap_or(rest).to_vec()
}

fn garbled(reason: &'static str) -> Error {
    EngineError::Garbled {
        step: "reading files".into(),
        reason: reason.into(),
    }
    .into()
}
