//! `POST /api/v1/containers/{name}/extend`

use super::lifetime;
use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{ExtendContainer, Extended, ExtendedContainer, True};
use podlane_service::{Call, Service};

/// Give a container more time, or less: it expires so many seconds from now.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/extend",
    tag = "containers",
    request_body = ExtendContainer,
    responses((status = 200, description = "It lives so long.", body = ExtendedContainer))
)]
pub(crate) async fn extend_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<ExtendContainer>,
) -> Result<axum::Json<ExtendedContainer>> {
    let ttl = lifetime::time("ttl", body.ttl)?;
    let (container, life) = service.extend_container(&call, &name, ttl).await?;
    let (expires_at, lifetime) = lifetime::told(Some(life));
    Ok(axum::Json(ExtendedContainer {
        success: True,
        container: Extended {
            id: container.id.short().to_owned(),
            name: container.name,
            expires_at,
            lifetime,
        },
    }))
}
