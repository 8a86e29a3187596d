//! Permission bits, owners and times changed.

use super::resolve::Link;
use super::{Archived, failure};
use crate::files::change::NewAttributes;
use crate::files::tar::{self, Head, HeadKind};
use crate::{Error, Result};
use bytes::BytesMut;
use podlane_engine::inside::Reason;
use podlane_engine::{FileKind, InnerPath, Ownership, Upload};

impl Archived {
    /// A file is given a second name for a moment, and with it all that an entry of an archive says.
    pub(in crate::files) async fn change(
        self,
        path: InnerPath,
        new: NewAttributes,
        recursive: bool,
    ) -> Result<()> {
        let refuse = |what: &str| {
            let message = format!("{what} without an agent: start the container");
            Err(Error::Conflict { message })
        };
        if recursive {
            return refuse("what is in a directory can't be changed");
        }
        let Some(owner) = new.owner else {
            return refuse(
                "nothing can be changed but with the `owner`, which Podman does not tell,",
            );
        };
        let spot = self.resolve(&path, Link::Followed).await?;
        let stat = spot.found()?.clone();
        let (directory, name) = spot.directory(true)?;
        let mode = new.mode.unwrap_or(stat.mode);
        let modified = new.modified.unwrap_or(stat.modified);
        let temporary = super::temporary_name()?;
        let archive = match stat.kind {
            FileKind::Regular => {
                let link = tar::head(&Head {
                    path: temporary.clone().into_bytes(),
                    kind: HeadKind::Link,
                    size: 0,
                    mode,
                    owner,
                    modified,
                    target: name.into_bytes(),
                })?;
                [link, tar::end()].concat().into()
            }
            FileKind::Directory => {
                let head = tar::head(&Head {
                    path: name.into_bytes(),
                    kind: HeadKind::Directory,
                    size: 0,
                    mode,
                    owner,
                    modified,
                    target: Vec::new(),
                })?;
                let mut archive = BytesMut::from(&head[..]);
                archive.extend_from_slice(&tar::end());
                archive.freeze()
            }
            FileKind::Symlink | FileKind::Special => {
                return Err(failure(Reason::Special, spot.path.as_str()));
            }
        };
        let service = self.service.clone();
        let changed = async move {
            let archive = Upload::Whole(archive);
            let put = self.put(&directory, archive, Ownership::Archive);
            let put = put.await;
            if stat.kind == FileKind::Regular {
                self.discard(&directory.join(&temporary)).await;
            }
            put
        };
        service.to_the_end(changed).await
    }
}
