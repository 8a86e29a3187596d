//! Pulls with bytes, where Podman counts them.
//!
//! From 4.8 on libpod tells a pull as Docker does if it is asked to (`compatMode`). Before, only Docker's own call does, and
//! there a name without a registry is one of docker.io: it is asked for images whose registry is named, and for others libpod's,
//! which tells no bytes. Before anything has come of an image the newer one answers nothing, and a failure with a status and
//! the innermost reason alone. Sources: `pkg/api/handlers/compat/images.go`, from 4.8 on `pkg/api/handlers/utils/images.go`.

use crate::answers::CountedLine;
use crate::body::body;
use crate::engine::packed;
use crate::failure::{self, Failure};
use crate::image_work::{Reading, no_result, steps};
use crate::pool::Answer;
use crate::requests::Request;
use crate::{PodmanEngine, requests};
use async_trait::async_trait;
use futures_util::future::{BoxFuture, FutureExt, ready};
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::{Response, StatusCode};
use podlane_engine::{
    Archive, Call, Error, ImageRef, ImageStep, ImageWork, Images, RegistryLogin, Resource, Result,
};
use std::time::Duration;
use tokio::time::timeout;

/// How long it is waited for a Podman that is not there to be found out.
const PROMPT: Duration = Duration::from_millis(250);

/// How Podman is asked for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In libpod's way, which has no numbers.
    Said,
    /// In libpod's way, told as Docker does.
    Counted,
    /// In Docker's way.
    Docker,
}

impl Way {
    /// The way to an image on a Podman of that version, as [`packed`].
    fn to(image: &ImageRef, version: u32) -> Self {
        let named = image.registry().is_some() && !image.as_str().contains('@');
        match version {
            version if version >= packed(4, 8) => Self::Counted,
            _ if named => Self::Docker,
            _ => Self::Said,
        }
    }
}

/// What is fetched, and from whom.
#[derive(Clone)]
struct Wanted {
    engine: PodmanEngine,
    call: Call,
    image: ImageRef,
    request: Request,
}

/// A pull that tells numbers.
struct Counted {
    wanted: Wanted,
    /// What was said to be complete last: at the end that is the image, before that a layer.
    complete: Option<ImageStep>,
}

#[async_trait]
impl Reading for Counted {
    fn line(&mut self, line: &[u8]) -> Result<Vec<ImageStep>> {
        let line: CountedLine = serde_json::from_slice(line).unwrap_or_default();
        if let Some(words) = line.failure() {
            return Err(failure::of_pull(&self.wanted.image, words.to_owned()));
        }
        let complete = line.is_complete();
        let Some(step) = line.step() else {
            return Ok(Vec::new());
        };
        let mut steps = Vec::from_iter(self.complete.take());
        if complete {
            self.complete = Some(step);
        } else {
            steps.push(step);
        }
        Ok(steps)
    }

    /// Good only if the image is there.
    async fn end(&mut self) -> Result<String> {
        match self.complete.take() {
            Some(ImageStep::Layer { layer, .. }) => self.wanted.find(&layer).await,
            _ => Err(no_result(self.wanted.request.step)),
        }
    }
}

impl PodmanEngine {
    /// Fetches an image, with numbers if this Podman has them.
    pub(crate) async fn pull_counted(
        &self,
        call: &Call,
        image: &ImageRef,
        login: Option<&RegistryLogin>,
    ) -> Result<ImageWork> {
        self.know_version(call).await?;
        let way = Way::to(image, self.version_number());
        let request = requests::pull_image(image, login, way);
        if way == Way::Said {
            return self.pull_said(call, image, &request).await;
        }
        let wanted = Wanted {
            engine: self.clone(),
            call: call.clone(),
            image: image.clone(),
            request,
        };
        let pieces = wanted.clone().pieces().await?;
        let complete = None;
        Ok(steps(pieces, Counted { wanted, complete }))
    }
}

impl Wanted {
    /// The answer, whose head may come late. That Podman is not there is an error at once.
    async fn pieces(self) -> Result<Archive> {
        let this = self.clone();
        let mut asking = async move {
            this.engine
                .connection()
                .ask(&this.call, &this.request)
                .await
        }
        .boxed();
        let answer: BoxFuture<'static, Result<Response<Answer>>> =
            match timeout(PROMPT, &mut asking).await {
                Ok(Err(error)) => return Err(error),
                Ok(answer) => ready(answer).boxed(),
                Err(_later) => asking,
            };
        let pieces = async move {
            let response = answer.await?;
            let status = response.status();
            if status.is_success() {
                return Ok(body(&self.call, self.request.step, response));
            }
            let connection = self.engine.connection();
            let text = connection.collect(&self.call, &self.request, response);
            Err(self.refused(status, &text.await?))
        };
        Ok(stream::once(pieces).try_flatten().boxed())
    }

    /// What it means that nothing came: the registry's word for it, or that the request is wrong.
    fn refused(&self, status: StatusCode, text: &[u8]) -> Error {
        let line: CountedLine = serde_json::from_slice(text).unwrap_or_default();
        let Some(words) = line.failure() else {
            return Failure::parse(status, text).meaning(&self.call, &self.request);
        };
        if status == StatusCode::NOT_FOUND {
            let (resource, name) = (Resource::Image, self.image.to_string());
            return Error::NotFound { resource, name };
        }
        match failure::of_pull(&self.image, words.to_owned()) {
            // Alone it does not say what it is about.
            Error::Registry { message } => Error::Registry {
                message: format!("fetching {}: {message}", self.image),
            },
            error => error,
        }
    }

    /// The whole ID of what was fetched. Another image may be called as this one's ID begins.
    async fn find(&self, begin: &str) -> Result<String> {
        let by_id = ImageRef::parse(begin).ok();
        for name in by_id.iter().chain([&self.image]) {
            match self.engine.image(&self.call, name).await {
                Ok(image) if image.id.starts_with(begin) => return Ok(image.id),
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(no_result(self.request.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_podman_is_asked_as_it_counts() {
        for (image, version, way) in [
            ("quay.io/app:1", packed(4, 3), Way::Docker),
            ("127.0.0.1:5000/app", packed(4, 7), Way::Docker),
            ("localhost/app", packed(4, 3), Way::Docker),
            ("alpine", packed(4, 3), Way::Said),
            ("team/app:1", packed(4, 3), Way::Said),
            ("alpine", packed(4, 8), Way::Counted),
            ("quay.io/app:1", packed(5, 4), Way::Counted),
        ] {
            let image = ImageRef::parse(image).expect("a reference");
            assert_eq!(Way::to(&image, version), way, "{image} {version:x}");
        }
        let digest = format!("quay.io/app@sha256:{}", "0".repeat(64));
        let image = ImageRef::parse(&digest).expect("a reference");
        assert_eq!(Way::to(&image, packed(4, 3)), Way::Said);
    }
}
