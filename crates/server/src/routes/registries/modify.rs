//! `PATCH /api/v1/registries/{registry}`

use super::{account, answer, secret};
use crate::error::Result;
use crate::extract::{Json, Query, Registry};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{ModifyRegistry, OneRegistry, True};
use podlane_engine::RegistryLogin;
use podlane_service::{Call, RegistryChanges, Service};

/// Change what a registry is asked with.
#[utoipa::path(
    patch,
    path = "/api/v1/registries/{registry}",
    tag = "registries",
    params(("registry" = String, Path, description = "Its name.")),
    request_body = ModifyRegistry,
    responses((status = 200, description = "The registry as it is now.", body = OneRegistry))
)]
pub(crate) async fn modify_registry(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Registry(name): Registry,
    Query(()): Query<()>,
    Json(body): Json<ModifyRegistry>,
) -> Result<axum::Json<OneRegistry>> {
    let changes = match (body.username, body.password, body.identity_token) {
        (Some(username), Some(password), None) => {
            RegistryChanges::Login(account(username, password)?)
        }
        (None, Some(password), None) => RegistryChanges::Password(secret("password", password)?),
        (None, None, Some(token)) => {
            let token = secret("identity_token", token)?;
            RegistryChanges::Login(RegistryLogin::IdentityToken(token))
        }
        (_, _, None) => {
            let message = "`password` is required, or `identity_token`";
            return Err(Refusal::field("password", message).into());
        }
        (_, _, Some(_)) => {
            let message = "`identity_token` stands in the place of `username` and `password`";
            return Err(Refusal::field("identity_token", message).into());
        }
    };
    let registry = service.modify_registry(&call, &name, changes).await?;
    Ok(axum::Json(OneRegistry {
        success: True,
        registry: answer(registry),
    }))
}
