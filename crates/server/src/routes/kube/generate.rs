//! `GET /api/v1/kube/generate`

use crate::error::{Error, Result};
use crate::extract::{Parameters, Query, QueryShape};
use crate::kube;
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use podlane_engine::{Error as EngineError, PodName};
use podlane_service::{Call, Service};

/// How many can be described at once.
const MOST: usize = 20;

/// `?name=shop&name=db`
pub(crate) struct Wanted(Vec<PodName>);

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["name"];
    const REPEATED: &'static [&'static str] = &["name"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let names = parameters.all("name");
        if names.is_empty() || names.len() > MOST {
            let message = format!("query parameter `name` must stand there 1 to {MOST} times");
            return Err(Refusal::field("name", message));
        }
        let names = names.iter().map(|name| PodName::parse(name));
        let names = names.collect::<Result<_, _>>();
        names.map(Self).map_err(Refusal::in_field("name"))
    }
}

/// Describe pods, or containers that are in none, by Kubernetes documents.
///
/// They tell the environment.
#[utoipa::path(
    get,
    path = "/api/v1/kube/generate",
    tag = "pods",
    params(("name" = Vec<String>, Query, description = "A pod's or container's name or ID. May be repeated.")),
    responses((status = 200, description = "The documents.", content_type = "application/yaml", body = String))
)]
pub(crate) async fn generate_kube(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(Wanted(names)): Query<Wanted>,
) -> Result<Response> {
    let mut text = String::new();
    for described in service.kube_of(&call, names).await? {
        let documents =
            kube::documents(described.as_bytes()).map_err(|refusal| garbled(&refusal))?;
        for document in documents {
            text.push_str("---\n");
            text.push_str(&kube::text(&kube::plain(document)));
        }
    }
    Ok(([(CONTENT_TYPE, "application/yaml")], text).into_response())
}

fn garbled(refusal: &Refusal) -> Error {
    let garbled = EngineError::Garbled {
        step: "describing by a document".into(),
        reason: refusal.to_string(),
    };
    Error::Operation(garbled.into())
}
