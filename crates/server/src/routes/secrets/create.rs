//! `POST /api/v1/secrets`

use super::answer;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use crate::routes::values;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateSecret, OneSecret, True};
use podlane_engine::{NewSecret, SecretName};
use podlane_service::{Call, Service};

/// Keep a secret.
///
/// Containers see it as a file; nobody is told it again.
#[utoipa::path(
    post,
    path = "/api/v1/secrets",
    tag = "secrets",
    request_body = CreateSecret,
    responses((status = 200, description = "The secret.", body = OneSecret))
)]
pub(crate) async fn create_secret(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateSecret>,
) -> Result<axum::Json<OneSecret>> {
    let new = NewSecret {
        name: SecretName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        value: values::bytes("value", body.value.0, body.encoding)?.into(),
        labels: values::labels(body.labels)?,
    };
    let secret = service.create_secret(&call, new).await?;
    Ok(axum::Json(OneSecret {
        success: True,
        secret: answer(secret),
    }))
}
