//! Images.

use crate::containers::{TENANT_LABEL, shown_labels};
use crate::finding::missing;
use crate::motion::{Motion, late, patient};
use crate::places::Place;
use crate::{Call, Error, PullAs, Result, Scope, Service, WithLabels};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use podlane_engine::{
    Archive, ContainerRef, Error as EngineError, Image, ImageRef, ImageStep, ImageSummary,
    ImageWork, NewBuild, NewCommit, PrunedImages, RegistryName, RemovedImage, Resource, Upload,
};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout_at;

/// The time that a transfer or a build gets at most.
const TRANSFER: Duration = Duration::from_secs(3600);

/// An image that is being fetched or built. Dropping it cancels that.
pub struct ImageMaking {
    steps: ImageWork,
    name: ImageRef,
    given: Broken,
    _place: Place,
}

impl fmt::Debug for ImageMaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageMaking")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An archive that comes piece by piece.
pub struct Outgoing {
    archive: Archive,
    _place: Place,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

impl Outgoing {
    /// The same archive; that nothing comes for so long is an error.
    pub(crate) fn new(
        archive: Archive,
        step: &'static str,
        silence: Duration,
        place: Place,
    ) -> Self {
        Self {
            archive: patient(archive, step, silence),
            _place: place,
        }
    }

    /// The next piece; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.archive.next().await.transpose()?)
    }
}

/// Why what the caller gave broke off, if it did.
#[derive(Debug, Clone, Default)]
struct Broken(Arc<Mutex<Option<io::Error>>>);

impl Broken {
    /// The pieces for the engine.
    fn watch(
        &self,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        step: &'static str,
    ) -> Archive {
        let this = self.clone();
        pieces
            .map(move |piece| {
                piece.map_err(|error| {
                    *this.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    EngineError::Failed {
                        step: step.into(),
                        message: "what was sent broke off".into(),
                    }
                })
            })
            .boxed()
    }

    /// What went wrong: on the caller's side, if something did there.
    fn instead_of(&self, error: EngineError) -> Error {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        given.map_or_else(|| error.into(), Error::Given)
    }
}

impl Service {
    /// Every image with these labels, the newest first.
    pub async fn images(&self, call: &Call, labels: &WithLabels) -> Result<Vec<ImageSummary>> {
        call.may(Scope::ImagesRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut images = self.0.engine.images(call).await?;
        images.retain(|image| sees(call, &image.labels) && labels.are_among(&image.labels));
        for image in &mut images {
            shown_labels(&mut image.labels);
        }
        images.sort_by(|one, other| (other.created, &one.id).cmp(&(one.created, &other.id)));
        Ok(images)
    }

    /// One image in full.
    pub async fn image(&self, call: &Call, image: &ImageRef) -> Result<Image> {
        call.may(Scope::ImagesRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut image = self.seen_image(call, image).await?;
        shown_labels(&mut image.labels);
        Ok(image)
    }

    /// An image that the caller may see and use: its own, or everybody's.
    pub(crate) async fn seen_image(&self, call: &Call, name: &ImageRef) -> Result<Image> {
        let image = self.0.engine.image(call, name).await?;
        if sees(call, &image.labels) {
            return Ok(image);
        }
        Err(missing(Resource::Image, name).into())
    }

    /// Gives an image a name more.
    pub async fn tag_image(&self, call: &Call, image: ImageRef, name: ImageRef) -> Result<Image> {
        call.may(Scope::ImagesWrite)?;
        self.permit_image(call, &image)?;
        may_call(call, "name", &name)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.seen_image(&call, &image).await?;
            engine.tag(&call, &image, &name).await?;
            let mut image = engine.image(&call, &image).await?;
            shown_labels(&mut image.labels);
            Ok(image)
        })
        .await
    }

    /// Takes a name away, and the image with its last one.
    pub async fn remove_image(
        &self,
        call: &Call,
        image: ImageRef,
        force: bool,
    ) -> Result<RemovedImage> {
        call.may(Scope::ImagesWrite)?;
        let service = self.clone();
        self.change(call, move |engine, call| async move {
            let labels = service.seen_image(&call, &image).await?.labels;
            if !call.owns(&labels) {
                call.sees_all("removing an image that all share")?;
            }
            Ok(engine.remove_image(&call, &image, force).await?)
        })
        .await
    }

    /// Removes images that no container is made of: those without a name, or `all` of them; with one of the
    /// labels if any is given.
    pub async fn prune_images(
        &self,
        call: &Call,
        all: bool,
        labels: Vec<String>,
    ) -> Result<PrunedImages> {
        call.may(Scope::ImagesWrite)?;
        call.sees_all("clearing images away")?;
        self.change(call, move |engine, call| async move {
            Ok(engine.prune_images(&call, all, &labels).await?)
        })
        .await
    }

    /// Makes an image of a container's file system.
    pub async fn commit_container(
        &self,
        call: &Call,
        name: ContainerRef,
        new: NewCommit,
    ) -> Result<Image> {
        call.may(Scope::ImagesWrite)?;
        may_call(call, "image", &new.image)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            let id = service.find(&call, &name).await?.id;
            engine.commit(&call, &id, &new).await?;
            let mut image = engine.image(&call, &new.image).await?;
            shown_labels(&mut image.labels);
            Ok(image)
        })
        .await
    }

    /// Fetches an image. No worker is held: a slow registry keeps nobody waiting.
    pub async fn pull_image(
        &self,
        call: &Call,
        image: &ImageRef,
        pull_as: &PullAs,
    ) -> Result<ImageMaking> {
        call.may(Scope::ImagesWrite)?;
        call.note(|| match pull_as {
            PullAs::Kept(registry) => format!("{image} with the registry {registry}"),
            _ => image.to_string(),
        });
        self.permit_image(call, image)?;
        let login = self.login(call, image, pull_as).await?;
        let place = self.0.streams.take()?;
        let long = call.extended(TRANSFER);
        let begun = self.0.engine.pull(&long, image, login.as_ref());
        let begun = timeout_at(call.deadline, begun).await;
        let steps = begun.map_err(|_| late("pulling the image", call.limit))??;
        Ok(ImageMaking {
            steps,
            name: image.clone(),
            given: Broken::default(),
            _place: place,
        })
    }

    /// Builds an image of a context that comes piece by piece. Images of a registry that is named are asked for with
    /// what is kept of it.
    pub async fn build_image(
        &self,
        call: &Call,
        mut new: NewBuild,
        registry: Option<&RegistryName>,
        context: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<ImageMaking> {
        call.may(Scope::ImagesWrite)?;
        // Its instructions name images, and nobody can say beforehand whose they are.
        call.sees_all("building images")?;
        if let Some(registry) = registry {
            new.login = Some(self.login_for_build(call, registry).await?);
        }
        let place = self.0.streams.take()?;
        let given = Broken::default();
        let limit = self.0.limits.request_timeout;
        let (context, motion) = Motion::of(given.watch(context, "building the image"));
        let long = call.extended(TRANSFER);
        let begun = tokio::select! {
            begun = self.0.engine.build(&long, &new, Upload::Pieces(context)) => begun,
            () = motion.stands_still(limit) => Err(late("building the image", limit)),
        };
        let steps = begun.map_err(|error| given.instead_of(error))?;
        Ok(ImageMaking {
            steps,
            name: new.image,
            given,
            _place: place,
        })
    }

    /// Takes images out of an archive that comes piece by piece. Answers their names.
    pub async fn load_images(
        &self,
        call: &Call,
        archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Vec<String>> {
        call.may(Scope::ImagesWrite)?;
        call.sees_all("loading images")?;
        let _place = self.0.streams.take()?;
        let given = Broken::default();
        let limit = self.0.limits.request_timeout;
        let (pieces, motion) = Motion::of(given.watch(archive, "loading images"));
        let long = call.extended(TRANSFER);
        let loaded = tokio::select! {
            loaded = self.0.engine.load(&long, Upload::Pieces(pieces)) => loaded,
            () = motion.stands_still(limit) => Err(late("loading images", limit)),
        };
        loaded.map_err(|error| given.instead_of(error))
    }

    /// Puts images into one archive.
    pub async fn save_images(&self, call: &Call, images: &[ImageRef]) -> Result<Outgoing> {
        call.may(Scope::ImagesRead)?;
        let place = self.0.streams.take()?;
        if call.tenant().is_some() {
            for image in images {
                self.seen_image(call, image).await?;
            }
        }
        let long = call.extended(TRANSFER);
        let archive = self.0.engine.save(&long, images).await?;
        Ok(Outgoing::new(archive, "saving images", TRANSFER, place))
    }
}

impl ImageMaking {
    /// What it is to be called.
    pub fn name(&self) -> &ImageRef {
        &self.name
    }

    /// What comes next; nothing after [`ImageStep::Done`] or an error. Cancel safe.
    pub async fn next(&mut self) -> Result<ImageStep> {
        match self.steps.next().await {
            Some(Ok(step)) => Ok(step),
            Some(Err(error)) => Err(self.given.instead_of(error)),
            None => Err(EngineError::Garbled {
                step: "making the image".into(),
                reason: "it ended without a result".into(),
            }
            .into()),
        }
    }
}

/// Whether an image is the caller's to see: its own, or one that nobody made for a tenant.
fn sees(call: &Call, labels: &BTreeMap<String, String>) -> bool {
    let shared = labels.get(TENANT_LABEL).is_none_or(String::is_empty);
    shared || call.owns(labels)
}

/// An error for a tenant's image with a name that others would take for their own.
fn may_call(call: &Call, field: &'static str, name: &ImageRef) -> Result<()> {
    let Some(tenant) = call.tenant() else {
        return Ok(());
    };
    let begin = format!("localhost/{tenant}/");
    if name.as_str().starts_with(&begin) {
        return Ok(());
    }
    let message = format!("the names of this tenant's images begin with {begin}");
    Err(Error::invalid(field, message))
}

/// Drives a work to its end. Answers the image's ID.
pub(crate) async fn finish(mut steps: ImageWork) -> Result<String> {
    while let Some(step) = steps.next().await {
        if let ImageStep::Done(id) = step? {
            return Ok(id);
        }
    }
    Err(EngineError::Garbled {
        step: "pulling the image".into(),
        reason: "it ended without a result".into(),
    }
    .into())
}
