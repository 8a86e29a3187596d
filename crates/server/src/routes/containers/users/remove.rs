//! `DELETE /api/v1/containers/{name}/users/{username}`
//!
//! The home directory goes with `remove_home` only.

use super::name::Names;
use crate::error::Result;
use crate::extract::{NoBody, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{RemovedAccount, RemovedUser, True};
use podlane_service::{Call, Service};

/// `?remove_home=true`
pub(crate) struct RemoveHome(bool);

impl QueryShape for RemoveHome {
    const NAMES: &'static [&'static str] = &["remove_home"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("remove_home")?.unwrap_or(false)))
    }
}

/// Remove a user account.
#[utoipa::path(
    delete,
    path = "/api/v1/containers/{name}/users/{username}",
    tag = "containers",
    params(("remove_home" = Option<bool>, Query, description = "Remove its home directory too. `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.")),
    responses((status = 200, description = "It is gone.", body = RemovedUser))
)]
pub(crate) async fn remove_user(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Names(name, user): Names,
    Query(RemoveHome(remove_home)): Query<RemoveHome>,
    NoBody: NoBody,
) -> Result<Json<RemovedUser>> {
    let removed = service.remove_user(&call, &name, user, remove_home).await?;
    Ok(Json(RemovedUser {
        success: True,
        user: RemovedAccount {
            username: removed.name,
            removed: True,
            home_left: removed.home_left,
        },
    }))
}
