//! `POST /api/v1/build`

use super::name;
use crate::App;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape, Upload, media};
use crate::refusal::Refusal;
use crate::routes::registries::named;
use crate::stream::{Form, making};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use podlane_api::{ImageEvent, MadeImage};
use podlane_engine::{NewBuild, RegistryName};
use podlane_service::Call;
use std::collections::BTreeMap;

/// `?image=localhost/app:1&dockerfile=docker/Dockerfile&target=run&arg=VERSION=2&label=team=blue&no_cache=true`
pub(crate) struct Wanted(NewBuild, Option<RegistryName>);

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &[
        "image",
        "dockerfile",
        "target",
        "arg",
        "label",
        "no_cache",
        "registry",
    ];
    const REPEATED: &'static [&'static str] = &["arg", "label"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let image = parameters.get("image").unwrap_or_default();
        let dockerfile = parameters.get("dockerfile");
        if dockerfile.is_some_and(|path| !is_inside(path)) {
            let message = "query parameter `dockerfile` must be a path in the context, such as docker/Dockerfile";
            return Err(Refusal::field("dockerfile", message));
        }
        let new = NewBuild {
            image: name("image", image)?,
            dockerfile: dockerfile.map(str::to_owned),
            target: parameters.get("target").map(str::to_owned),
            arguments: pairs("arg", parameters)?,
            labels: pairs("label", parameters)?,
            no_cache: parameters.flag("no_cache")?.unwrap_or_default(),
            login: None,
        };
        Ok(Self(new, named(parameters.get("registry"))?))
    }
}

/// Whether a path stays in the directory that it begins in.
fn is_inside(path: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= 1024 && !path.contains(char::is_control) && path.split('/').all(plain)
}

/// `name=value`, each name once.
fn pairs(name: &'static str, parameters: &Parameters) -> Result<BTreeMap<String, String>, Refusal> {
    let mut pairs = BTreeMap::new();
    for text in parameters.all(name) {
        let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            let message = format!("query parameter `{name}` must be name=value");
            Refusal::field(name, message)
        })?;
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = format!("query parameter `{name}` has one name twice");
            return Err(Refusal::field(name, message));
        }
    }
    Ok(pairs)
}

/// Build an image of an uploaded context.
///
/// As one answer when it is there, within the request's time; or as events while it is built, within an
/// hour. A client that goes away cancels it.
#[utoipa::path(
    post,
    path = "/api/v1/build",
    tag = "images",
    params(
        ("image" = String, Query, description = "The image's name."),
        ("dockerfile" = Option<String>, Query, description = "Where in the context the instructions are; `Containerfile` or `Dockerfile` if left out."),
        ("target" = Option<String>, Query, description = "The stage to stop at; the last if left out."),
        ("arg" = Vec<String>, Query, description = "A build argument, `name=value`. May be repeated."),
        ("label" = Vec<String>, Query, description = "A label, `name=value`. May be repeated."),
        ("no_cache" = Option<bool>, Query, description = "Whether steps that were done before are done anew. Not if left out."),
        ("registry" = Option<String>, Query, description = "The name of a registry that is known, with whose password images of that registry are fetched."),
    ),
    request_body(content = String, content_type = "application/x-tar", description = "The context as a tar archive."),
    responses((status = 200, description = "The image, or by `Accept` the events of its making.", content((MadeImage = "application/json"), (ImageEvent = "text/event-stream"), (ImageEvent = "application/x-ndjson"))))
)]
pub(crate) async fn build_image(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Query(Wanted(new, registry)): Query<Wanted>,
    form: Form,
    request: Request,
) -> Result<Response> {
    media::require_tar(request.headers())?;
    let context = Upload::new(request, &app.settings).pieces();
    let service = &app.service;
    let building = service.build_image(&call, new, registry.as_ref(), context);
    let building = building.await?;
    making(form, &call, building).await
}
