//! `POST /api/v1/containers/{name}/kill`

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Name, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::ChangedContainer;
use podlane_engine::Signal;
use podlane_service::{Call, Service};

/// `?signal=TERM`
pub(crate) struct Which(pub(crate) Signal);

impl QueryShape for Which {
    const NAMES: &'static [&'static str] = &["signal"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let Some(text) = parameters.get("signal") else {
            return Ok(Self(Signal::KILL));
        };
        let message = "query parameter `signal` must be a signal's name, such as TERM, or its number, 1 to 64";
        let wrong = || Refusal::field("signal", message);
        // A plus that is not encoded is a space in a query.
        let text = text.replace(' ', "+");
        Signal::parse(&text).map(Self).ok_or_else(wrong)
    }
}

/// Send a signal to a container's main process.
///
/// With `KILL` the answer comes when the container has ended.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/kill",
    tag = "containers",
    params(("signal" = Option<String>, Query, description = "A signal's name, with or without `SIG`, or its number; `KILL` if left out.")),
    responses((status = 200, description = "It was sent.", body = ChangedContainer))
)]
pub(crate) async fn kill_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(Which(signal)): Query<Which>,
    NoBody: NoBody,
) -> Result<Json<ChangedContainer>> {
    let altered = service.kill_container(&call, &name, signal).await?;
    Ok(Json(changed(altered)))
}
