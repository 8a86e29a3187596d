//! `POST /api/v1/registries`

use super::{account, answer, secret};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateRegistry, OneRegistry, True};
use podlane_engine::{RegistryHost, RegistryLogin, RegistryName};
use podlane_service::{Call, NewRegistry, Service};

/// Keep what a registry is asked with, under a name.
///
/// Where images are fetched, `registry` names it. Nobody is told its password again.
#[utoipa::path(
    post,
    path = "/api/v1/registries",
    tag = "registries",
    request_body = CreateRegistry,
    responses((status = 200, description = "The registry.", body = OneRegistry))
)]
pub(crate) async fn create_registry(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateRegistry>,
) -> Result<axum::Json<OneRegistry>> {
    let login = match (body.username, body.password, body.identity_token) {
        (Some(username), Some(password), None) => account(username, password)?,
        (None, None, Some(token)) => RegistryLogin::IdentityToken(secret("identity_token", token)?),
        (_, _, None) => {
            let message = "`username` and `password` are required, or `identity_token`";
            return Err(Refusal::field("password", message).into());
        }
        (_, _, Some(_)) => {
            let message = "`identity_token` stands in the place of `username` and `password`";
            return Err(Refusal::field("identity_token", message).into());
        }
    };
    let new = NewRegistry {
        name: RegistryName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        host: RegistryHost::parse(&body.host).map_err(Refusal::in_field("host"))?,
        login,
    };
    let registry = service.create_registry(&call, new).await?;
    Ok(axum::Json(OneRegistry {
        success: True,
        registry: answer(registry),
    }))
}
