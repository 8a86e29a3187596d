//! `/api/v1/images`, and what makes images or moves them.

pub(crate) mod build;
pub(crate) mod commit;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod pull;
pub(crate) mod remove;
pub(crate) mod save;
pub(crate) mod tag;

use crate::refusal::Refusal;
use podlane_api::{Image, ImageHistory};
use podlane_engine::ImageRef;

fn answer(image: podlane_engine::Image) -> Image {
    let step = |step: podlane_engine::ImageHistory| ImageHistory {
        created: step.created,
        created_by: step.created_by,
        comment: step.comment,
    };
    Image {
        id: image.id.chars().take(12).collect(),
        full_id: image.id,
        names: image.names,
        digests: image.digests,
        created: image.created,
        size_bytes: image.size,
        architecture: image.architecture,
        os: image.os,
        author: image.author,
        comment: image.comment,
        labels: image.labels,
        entrypoint: image.entrypoint,
        command: image.command,
        environment: image.environment.into_iter().collect(),
        user: image.user,
        workdir: image.workdir,
        ports: image.ports,
        volumes: image.volumes,
        layers: image.layers,
        history: image.history.into_iter().map(step).collect(),
    }
}

/// An image that is there, in a field of a body or a query.
fn reference(field: &'static str, text: &str) -> Result<ImageRef, Refusal> {
    ImageRef::parse(text).map_err(Refusal::in_field(field))
}

/// The name of an image to be made.
fn name(field: &'static str, text: &str) -> Result<ImageRef, Refusal> {
    let name = reference(field, text)?;
    if name.repository_and_tag().is_none() {
        let message =
            format!("`{field}` must be a name with or without a tag: nobody can choose a digest");
        return Err(Refusal::field(field, message));
    }
    Ok(name)
}
