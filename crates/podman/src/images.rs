//! Images.

use crate::PodmanEngine;
use crate::answers::{
    Created, InspectedImage, ListedImage, LoadReport, PrunedImage, RemoveReport, WorkLine,
};
use crate::body::body;
use crate::capabilities::PAUSE;
use crate::failure;
use crate::image_work::{Reading, no_result, steps};
use crate::requests::{self, Request};
use async_trait::async_trait;
use podlane_engine::{
    Archive, Call, ContainerId, Error, Image, ImageRef, ImageStep, ImageSummary, ImageWork, Images,
    NewBuild, NewCommit, PrunedImages, RegistryLogin, RemovedImage, Result, Upload,
};

/// How a work that made it says so.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// In a line that has the ID.
    Told,
    /// With the ID as the last thing that it says.
    Said,
}

/// A work that says what it does in words.
struct Words {
    image: ImageRef,
    step: &'static str,
    ending: Ending,
    said: String,
}

impl Words {
    fn new(image: &ImageRef, step: &'static str, ending: Ending) -> Self {
        Self {
            image: image.clone(),
            step,
            ending,
            said: String::new(),
        }
    }
}

#[async_trait]
impl Reading for Words {
    fn line(&mut self, line: &[u8]) -> Result<Vec<ImageStep>> {
        let line: WorkLine = serde_json::from_slice(line).unwrap_or_default();
        if !line.error.is_empty() {
            return Err(match self.ending {
                Ending::Told => failure::of_pull(&self.image, line.error),
                Ending::Said => failure::of_build(&line.error),
            });
        }
        if !line.id.is_empty() {
            self.said = line.id;
        } else if !line.stream.is_empty() {
            let text = line.stream.trim_end();
            if matches!(self.ending, Ending::Said) {
                text.clone_into(&mut self.said);
            }
            return Ok(vec![ImageStep::Says(text.to_owned())]);
        }
        Ok(Vec::new())
    }

    /// Good only if it has said the image's ID.
    async fn end(&mut self) -> Result<String> {
        let is_id = self.said.len() == 64 && self.said.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            Ok(std::mem::take(&mut self.said))
        } else {
            Err(no_result(self.step))
        }
    }
}

impl PodmanEngine {
    /// Fetches an image that nothing is counted of.
    pub(crate) async fn pull_said(
        &self,
        call: &Call,
        image: &ImageRef,
        request: &Request,
    ) -> Result<ImageWork> {
        let response = self.connection().send(call, request).await?;
        let pieces = body(call, request.step, response);
        Ok(steps(pieces, Words::new(image, request.step, Ending::Told)))
    }
}

#[async_trait]
impl Images for PodmanEngine {
    async fn image(&self, call: &Call, image: &ImageRef) -> Result<Image> {
        let request = requests::inspect_image(image);
        let found: InspectedImage = self.connection().json(call, &request).await?;
        Ok(found.into())
    }

    async fn images(&self, call: &Call) -> Result<Vec<ImageSummary>> {
        let request = requests::list_images();
        let all: Option<Vec<ListedImage>> = self.connection().json(call, &request).await?;
        let all = all.unwrap_or_default().into_iter();
        Ok(all.map(Into::into).collect())
    }

    async fn pull(
        &self,
        call: &Call,
        image: &ImageRef,
        login: Option<&RegistryLogin>,
    ) -> Result<ImageWork> {
        self.pull_counted(call, image, login).await
    }

    async fn tag(&self, call: &Call, image: &ImageRef, name: &ImageRef) -> Result<()> {
        let (repository, tag) = name.repository_and_tag().unwrap_or_default();
        let request = requests::tag_image(image, repository, tag);
        self.done(call, request).await
    }

    async fn remove_image(
        &self,
        call: &Call,
        image: &ImageRef,
        force: bool,
    ) -> Result<RemovedImage> {
        let request = requests::remove_image(image, force);
        let report: RemoveReport = self.connection().json(call, &request).await?;
        Ok(RemovedImage {
            untagged: report.untagged.unwrap_or_default(),
            deleted: report.deleted.unwrap_or_default(),
        })
    }

    async fn prune_images(
        &self,
        call: &Call,
        all: bool,
        labels: &[String],
    ) -> Result<PrunedImages> {
        let request = requests::prune_images(all, labels);
        let rows: Option<Vec<PrunedImage>> = self.connection().json(call, &request).await?;
        let rows = rows.unwrap_or_default();
        Ok(PrunedImages {
            reclaimed: rows.iter().map(|row| row.size).sum(),
            deleted: rows.into_iter().map(|row| row.id).collect(),
        })
    }

    async fn load(&self, call: &Call, archive: Upload) -> Result<Vec<String>> {
        let request = requests::load_images();
        let response = self.connection().send_archive(call, &request, archive);
        let response = response.await?;
        let answer = self.connection().collect(call, &request, response).await?;
        let report: LoadReport =
            serde_json::from_slice(&answer).map_err(|error| Error::Garbled {
                step: request.step.into(),
                reason: error.to_string(),
            })?;
        Ok(report.names.unwrap_or_default())
    }

    async fn save(&self, call: &Call, images: &[ImageRef]) -> Result<Archive> {
        // Podman does not say of which image it speaks.
        for image in images {
            self.image(call, image).await?;
        }
        let request = requests::save_images(images);
        let response = self.connection().send(call, &request).await?;
        Ok(body(call, request.step, response))
    }

    async fn build(&self, call: &Call, new: &NewBuild, context: Upload) -> Result<ImageWork> {
        let request = requests::build_image(new);
        let response = self.connection().send_archive(call, &request, context);
        let pieces = body(call, request.step, response.await?);
        Ok(steps(
            pieces,
            Words::new(&new.image, request.step, Ending::Said),
        ))
    }

    async fn commit(&self, call: &Call, id: &ContainerId, new: &NewCommit) -> Result<String> {
        let pause = match new.pause {
            Some(pause) => {
                if pause {
                    self.needs(call, PAUSE).await?;
                }
                pause
            }
            None => self.supports(call, PAUSE).await?,
        };
        let request = requests::commit(id, new, pause);
        let made: Created = self.connection().json(call, &request).await?;
        Ok(made.id)
    }
}
