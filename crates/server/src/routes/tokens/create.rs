//! `POST /api/v1/tokens`
//!
//! Nobody can give more than they have.

use super::created;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateToken, CreatedToken};
use podlane_service::{
    Bounds, Call, Fingerprint, NamePrefix, NewToken, Role, Scope, Service, Tenant, network,
};
use std::time::Duration;

/// Make a token.
///
/// The answer shows it, this once. Once there is a token, every request needs one, if the server was not told
/// otherwise.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "tokens",
    request_body = CreateToken,
    responses((status = 200, description = "The token.", body = CreatedToken))
)]
pub(crate) async fn create_token(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<CreateToken>,
) -> Result<axum::Json<CreatedToken>> {
    let made = service.create_token(&call, wanted(body)?).await?;
    Ok(axum::Json(created(made)))
}

fn wanted(body: CreateToken) -> Result<NewToken, Refusal> {
    let role = body.role.as_deref().map(|role| {
        let message = "`role` must be viewer, operator or admin";
        Role::parse(role).ok_or_else(|| Refusal::field("role", message))
    });
    let scope = |(at, scope): (usize, &String)| {
        let message = "is no scope; the scopes are those of openapi.json, such as containers:read";
        Scope::parse(scope).ok_or_else(|| Refusal::field(format!("scopes[{at}]"), message))
    };
    let net = |(at, text): (usize, &String)| {
        let message = "must be an IP address, or a network such as 10.0.0.0/8";
        network(text).ok_or_else(|| Refusal::field(format!("networks[{at}]"), message))
    };
    let bounds = Bounds {
        tenant: body.tenant.as_deref().map(tenant).transpose()?,
        prefix: body.name_prefix.as_deref().map(prefix).transpose()?,
        container: None,
    };
    let (scopes, networks) = (
        body.scopes.unwrap_or_default(),
        body.networks.unwrap_or_default(),
    );
    Ok(NewToken {
        name: body.name,
        role: role.transpose()?,
        scopes: scopes
            .iter()
            .enumerate()
            .map(scope)
            .collect::<Result<_, _>>()?,
        networks: networks
            .iter()
            .enumerate()
            .map(net)
            .collect::<Result<_, _>>()?,
        certificate: body.certificate.as_deref().map(certificate).transpose()?,
        bounds,
        life: body.expires_in.map(Duration::from_secs),
    })
}

fn certificate(text: &str) -> Result<Fingerprint, Refusal> {
    let message =
        "`certificate` must be a certificate's SHA-256 fingerprint: 64 hexadecimal digits";
    Fingerprint::parse(text).ok_or_else(|| Refusal::field("certificate", message))
}

fn tenant(text: &str) -> Result<Tenant, Refusal> {
    let message = "`tenant` must be 1 to 63 lower-case letters, digits, `-`, `_` and `.`, a letter or digit first";
    Tenant::parse(text).ok_or_else(|| Refusal::field("tenant", message))
}

fn prefix(text: &str) -> Result<NamePrefix, Refusal> {
    let message =
        "`name_prefix` must be 1 to 63 letters, digits, `-`, `_` and `.`, a letter or digit first";
    NamePrefix::parse(text).ok_or_else(|| Refusal::field("name_prefix", message))
}
