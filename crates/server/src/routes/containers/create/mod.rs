//! `POST /api/v1/containers`
//!
//! Creates and starts: both, or nothing is left behind. With `dry_run=true` nothing is made, and the answer says what the
//! policy would make of it.

mod command;
pub(crate) mod networks;
pub(crate) mod ports;
mod privileges;
mod settings;
pub(crate) mod spec;
mod volumes;

use super::{answers, kept, lifetime};
use crate::edge::Subject;
use crate::error::Result;
use crate::extract::{Json, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use podlane_api::{
    CreateAnswer, CreateContainer, Created, CreatedContainer, DryRun, Finding, True,
};
use podlane_service::{Call, Explained, Service};

/// Create and start a container.
#[utoipa::path(
    post,
    path = "/api/v1/containers",
    tag = "containers",
    params(("dry_run" = Option<bool>, Query, description = "True: say what the policy would make of it, and make nothing. False if left out.")),
    request_body = CreateContainer,
    responses((status = 200, description = "The container runs; with `dry_run`: what would become of it.", body = CreateAnswer))
)]
pub(crate) async fn create_container(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Extension(subject): Extension<Subject>,
    Query(Dry(dry)): Query<Dry>,
    Json(body): Json<CreateContainer>,
) -> Result<axum::Json<CreateAnswer>> {
    let new = spec::new_container(body, call.limit)?;
    subject.set(new.name.as_str());
    if dry {
        let explained = service.explain_container(&call, new).await?;
        return Ok(axum::Json(CreateAnswer::DryRun(told(explained))));
    }
    let (container, life) = service.create_container(&call, new).await?;
    let (expires_at, lifetime) = lifetime::told(life);
    Ok(axum::Json(CreateAnswer::Created(CreatedContainer {
        success: True,
        container: Created {
            id: container.id.short().to_owned(),
            name: container.name,
            status: container.status.to_string(),
            image: container.image,
            ports: answers::ports(&container.ports),
            expires_at,
            lifetime,
        },
    })))
}

/// `?dry_run=true`
pub(crate) struct Dry(bool);

impl QueryShape for Dry {
    const NAMES: &'static [&'static str] = &["dry_run"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("dry_run")?.unwrap_or_default()))
    }
}

fn told(explained: Explained) -> DryRun {
    let findings = explained.findings.into_iter().map(|finding| Finding {
        rule: finding.rule,
        field: finding.field.to_owned(),
        value: finding.value,
        reason: finding.reason,
        allowed: finding.allowed,
        denied: finding.denied,
    });
    DryRun {
        success: True,
        dry_run: True,
        allowed: explained.allowed,
        findings: findings.collect(),
        limits: kept::limits(explained.limits),
        ttl: explained.lifetime.ttl.map(|time| time.as_secs()),
        max_ttl: explained.lifetime.max_ttl.map(|time| time.as_secs()),
        idle_timeout: explained.lifetime.idle_timeout.map(|time| time.as_secs()),
        dropped_capabilities: explained.dropped_capabilities,
        no_new_privileges: explained.no_new_privileges,
        image_present: explained.image_present,
    }
}
