//! `POST /api/v1/containers/{name}/rename`

use super::answers::changed;
use crate::error::Result;
use crate::extract::{Name, NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::ChangedContainer;
use podlane_engine::ContainerName;
use podlane_service::{Call, Service};

/// `?to=web`
pub(crate) struct To(ContainerName);

impl QueryShape for To {
    const NAMES: &'static [&'static str] = &["to"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let Some(text) = parameters.get("to") else {
            let message = "query parameter `to` is missing: the new name";
            return Err(Refusal::field("to", message));
        };
        let name = ContainerName::parse(text).map_err(Refusal::in_field("to"))?;
        Ok(Self(name))
    }
}

/// Give a container another name, whether it runs or not.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/rename",
    tag = "containers",
    params(("to" = String, Query, description = "The new name.")),
    responses((status = 200, description = "It has that name.", body = ChangedContainer))
)]
pub(crate) async fn rename_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(To(new)): Query<To>,
    NoBody: NoBody,
) -> Result<Json<ChangedContainer>> {
    let altered = service.rename_container(&call, &name, new).await?;
    Ok(Json(changed(altered)))
}
