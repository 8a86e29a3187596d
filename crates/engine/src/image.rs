//! Images.

use crate::{Archive, Call, ContainerId, ImageRef, RegistryHost, Result, Upload};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::collections::BTreeMap;
use std::fmt;

/// An image the engine holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Its ID, 64 hexadecimal digits.
    pub id: String,
    /// The names that lead to it, with their tags.
    pub names: Vec<String>,
    /// The names with its digest.
    pub digests: Vec<String>,
    /// When it was made, if it says so: RFC 3339.
    pub created: Option<String>,
    /// Its size in bytes, with what it shares with others.
    pub size: u64,
    /// The processors that it is for: `amd64`, `arm64` ...
    pub architecture: String,
    /// The operating system that it is for.
    pub os: String,
    /// Who made it, if it says so.
    pub author: String,
    /// What its maker said about it.
    pub comment: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The program that its containers start with, if it names one.
    pub entrypoint: Vec<String>,
    /// Its default command.
    pub command: Vec<String>,
    /// The environment of its containers.
    pub environment: Vec<(String, String)>,
    /// The user that its containers run as; empty for root.
    pub user: String,
    /// The directory that its containers start in.
    pub workdir: String,
    /// The ports that it is known to listen on: `80/tcp`.
    pub ports: Vec<String>,
    /// The places that want a volume.
    pub volumes: Vec<String>,
    /// The digests of its layers, the lowest first.
    pub layers: Vec<String>,
    /// How it was made, the oldest step first.
    pub history: Vec<ImageHistory>,
}

/// A step in the making of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageHistory {
    /// When, if that is known: RFC 3339.
    pub created: Option<String>,
    /// By what command.
    pub created_by: String,
    /// What was said about it.
    pub comment: String,
}

/// A row of the image list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its ID, 64 hexadecimal digits.
    pub id: String,
    /// The names that lead to it, with their tags; none for one that a newer one has replaced.
    pub names: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Its size in bytes, with what it shares with others.
    pub size: u64,
    /// How many containers are made of it.
    pub containers: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What an engine tells while it fetches or makes an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageStep {
    /// What it does, in its own words.
    Says(String),
    /// How far it is with a layer, or with the image's configuration.
    Layer {
        /// What it does with it, in its own words.
        text: String,
        /// The first 12 digits of its digest.
        layer: String,
        /// Bytes that have come, where that is known.
        current: Option<u64>,
        /// Bytes that it has, where that is known.
        total: Option<u64>,
    },
    /// It is there, with this ID. The last step.
    Done(String),
}

/// The steps of an image's transfer or build. Dropping it cancels both.
pub type ImageWork = BoxStream<'static, Result<ImageStep>>;

/// Who asks a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryLogin {
    /// Somebody with a password, or with a token in its place.
    Password {
        /// The name there.
        username: String,
        /// The password or token there.
        password: String,
    },
    /// Whoever has a token that the registry gave for later logins.
    IdentityToken(String),
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryLogin(..)")
    }
}

/// An image to be made of a container.
#[derive(Debug, Clone)]
pub struct NewCommit {
    /// Its name.
    pub image: ImageRef,
    /// Who made it.
    pub author: Option<String>,
    /// What is said about it.
    pub comment: Option<String>,
    /// Whether the container stands still meanwhile; `None` for where that can be done.
    pub pause: Option<bool>,
    /// What is different in it, as instructions of a Dockerfile: `CMD ["true"]`.
    pub changes: Vec<String>,
}

/// An image to be built.
#[derive(Debug, Clone)]
pub struct NewBuild {
    /// Its name.
    pub image: ImageRef,
    /// Where in the context the instructions are; `None` for the engine's own choice of names.
    pub dockerfile: Option<String>,
    /// The stage to stop at.
    pub target: Option<String>,
    /// Build arguments.
    pub arguments: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Whether steps that were done before are done anew.
    pub no_cache: bool,
    /// Who asks a registry for images that it is built of. No other registry is told.
    pub login: Option<(RegistryHost, RegistryLogin)>,
}

/// What the removal of an image did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovedImage {
    /// The names that lead to nothing now.
    pub untagged: Vec<String>,
    /// The IDs of what is gone; none while another name leads to it.
    pub deleted: Vec<String>,
}

/// What a clearing away of images did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrunedImages {
    /// The IDs of what is gone.
    pub deleted: Vec<String>,
    /// How many bytes that has freed.
    pub reclaimed: u64,
}

/// The part of an engine that keeps images.
#[async_trait]
pub trait Images {
    /// Looks an image up by reference. [`Error::NotFound`](crate::Error::NotFound) if the engine does not hold it.
    async fn image(&self, call: &Call, image: &ImageRef) -> Result<Image>;

    /// Every image, but for what lies only below others.
    async fn images(&self, call: &Call) -> Result<Vec<ImageSummary>>;

    /// Fetches an image from its registry.
    async fn pull(
        &self,
        call: &Call,
        image: &ImageRef,
        login: Option<&RegistryLogin>,
    ) -> Result<ImageWork>;

    /// Gives an image a name more, taken from another one that may have it.
    async fn tag(&self, call: &Call, image: &ImageRef, name: &ImageRef) -> Result<()>;

    /// Takes a name away, and the image with its last one. By `force` an ID goes with all its names, and
    /// containers with their image.
    async fn remove_image(
        &self,
        call: &Call,
        image: &ImageRef,
        force: bool,
    ) -> Result<RemovedImage>;

    /// Removes images that no container is made of: those without a name, or `all` of them; with one of the
    /// labels (`name`, `name=value`) if any is given.
    async fn prune_images(&self, call: &Call, all: bool, labels: &[String])
    -> Result<PrunedImages>;

    /// Takes images out of an archive that [`Images::save`], Docker or Podman made. Answers their names.
    async fn load(&self, call: &Call, archive: Upload) -> Result<Vec<String>>;

    /// Puts images into one archive, in Docker's form.
    async fn save(&self, call: &Call, images: &[ImageRef]) -> Result<Archive>;

    /// Builds an image of a context: a tar archive with the instructions and what they need.
    async fn build(&self, call: &Call, new: &NewBuild, context: Upload) -> Result<ImageWork>;

    /// Makes an image of a container's file system. Answers its ID.
    async fn commit(&self, call: &Call, id: &ContainerId, new: &NewCommit) -> Result<String>;
}
