//! The same path of many containers, as one archive.

use super::download::name;
use super::repack::Repack;
use super::tar::{self, Head, HeadKind};
use super::{At, outside_kernel};
use crate::places::Place;
use crate::{Call, Error, Result, Scope, Service};
use bytes::Bytes;
use podlane_engine::{ContainerRef, Error as EngineError, InnerPath};
use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

/// A tar archive with a folder for each container, made as somebody takes it. Where a container has
/// nothing to give, it holds a file `NAME.error` that says why.
#[derive(Debug)]
pub struct Gathered {
    service: Service,
    call: Call,
    path: InnerPath,
    containers: VecDeque<ContainerRef>,
    /// What is under way, and of which container.
    part: Option<(String, Repack)>,
    ready: VecDeque<Bytes>,
    ended: bool,
    _place: Place,
}

impl Service {
    /// Takes what is at a path out of containers.
    pub fn gather(
        &self,
        call: &Call,
        path: &InnerPath,
        containers: Vec<ContainerRef>,
    ) -> Result<Gathered> {
        call.may(Scope::FilesRead)?;
        outside_kernel(path)?;
        Ok(Gathered {
            service: self.clone(),
            call: call.clone(),
            path: path.clone(),
            containers: containers.into(),
            part: None,
            ready: VecDeque::new(),
            ended: false,
            _place: self.0.streams.take()?,
        })
    }
}

impl Gathered {
    /// The next piece of the archive; `None` at its end. What breaks off in the middle of a file breaks
    /// off the archive.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if let Some((container, part)) = &mut self.part {
                match part.next().await {
                    Ok(Some(piece)) => return Ok(Some(piece)),
                    Ok(None) => self.part = None,
                    Err(error) if part.is_between() => {
                        let container = std::mem::take(container);
                        self.part = None;
                        self.report(&container, &error)?;
                    }
                    Err(error) => return Err(error),
                }
            } else if let Some(container) = self.containers.pop_front() {
                let folder = container.as_str().to_owned();
                match self.begin(container).await {
                    Ok(part) => self.part = Some((folder, part)),
                    Err(error) => self.report(&folder, &error)?,
                }
            } else {
                return Ok((!std::mem::replace(&mut self.ended, true)).then(tar::end));
            }
        }
    }

    async fn begin(&mut self, container: ContainerRef) -> Result<Repack> {
        let mut folder = container.as_str().as_bytes().to_vec();
        let name = name(&self.path);
        if !name.is_empty() {
            folder.push(b'/');
            folder.extend_from_slice(&name);
        }
        let at = At {
            container,
            path: self.path.clone(),
            user: None,
        };
        let call = self.call.extended(self.call.limit);
        let mut part = self.service.pack(&call, &at, folder).await?;
        part.prepare().await?;
        Ok(part)
    }

    fn report(&mut self, container: &str, error: &Error) -> Result<()> {
        let text = format!("{}\n", told(error));
        let size = text.len() as u64;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or_default());
        self.ready.push_back(tar::head(&Head {
            path: format!("{container}.error").into_bytes(),
            kind: HeadKind::File,
            size,
            mode: 0o644,
            owner: (0, 0),
            modified: (now, 0),
            target: Vec::new(),
        })?);
        self.ready.push_back(text.into());
        self.ready.push_back(tar::padding(size));
        Ok(())
    }
}

/// An error for people: what the engine says of itself is for the log.
fn told(error: &Error) -> String {
    match error {
        Error::Engine(EngineError::Unavailable { .. }) => "Podman can't be reached".into(),
        Error::Engine(EngineError::Garbled { .. }) => "Podman's answer makes no sense".into(),
        Error::Internal { .. } => "the server failed".into(),
        other => other.to_string(),
    }
}
