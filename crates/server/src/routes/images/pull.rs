//! `POST /api/v1/pull`

use super::reference;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use crate::routes::registries::pull_as;
use crate::stream::{Form, making};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use podlane_api::{ImageEvent, MadeImage, PullImage};
use podlane_engine::RegistryLogin;
use podlane_service::{Call, PullAs, Service};

/// The longest name or password for a registry.
const LONGEST: usize = 8192;

/// Fetch an image from its registry.
///
/// As one answer when it is there, within the request's time; or as events while it comes, within an hour.
/// A client that goes away cancels it.
#[utoipa::path(
    post,
    path = "/api/v1/pull",
    tag = "images",
    request_body = PullImage,
    responses((status = 200, description = "The image, or by `Accept` the events of its transfer.", content((MadeImage = "application/json"), (ImageEvent = "text/event-stream"), (ImageEvent = "application/x-ndjson"))))
)]
pub(crate) async fn pull_image(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    form: Form,
    Json(body): Json<PullImage>,
) -> Result<Response> {
    let image = reference("image", &body.image)?;
    let pull_as = match (body.login, body.registry) {
        (Some(_), Some(_)) => {
            let message = "`registry` stands in the place of `login`";
            return Err(Refusal::field("registry", message).into());
        }
        (Some(login), None) => PullAs::Given(given(login)?),
        (None, registry) => pull_as(registry.as_deref())?,
    };
    let pulling = service.pull_image(&call, &image, &pull_as).await?;
    making(form, &call, pulling).await
}

fn given(login: podlane_api::RegistryLogin) -> Result<RegistryLogin, Refusal> {
    let (username, password) = (login.username, login.password.0);
    if username.is_empty() || username.len().max(password.len()) > LONGEST {
        let message =
            format!("`login` must have a `username`, and at most {LONGEST} bytes of each");
        return Err(Refusal::field("login", message));
    }
    Ok(RegistryLogin::Password { username, password })
}
