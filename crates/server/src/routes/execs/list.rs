//! `GET /api/v1/execs`

use super::convert;
use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use axum::{Extension, Json, extract};
use podlane_api::{ExecList, ExecState, True};
use podlane_engine::ContainerRef;
use podlane_service::{Call, Filter, Service, State};

/// `?container=name&state=running`
pub(crate) struct Wanted(Filter);

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] = &["container", "state"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let container = parameters.get("container").map(ContainerRef::parse);
        let container = container
            .transpose()
            .map_err(Refusal::in_field("container"))?;
        let state = parameters.get("state").map(state).transpose()?;
        Ok(Self(Filter {
            container: container.map(|name| name.as_str().to_owned()),
            state,
        }))
    }
}

fn state(word: &str) -> Result<State, Refusal> {
    match word {
        "running" => Ok(State::Running),
        "exited" => Ok(State::Exited),
        "lost" => Ok(State::Lost),
        _ => {
            let message = "query parameter `state` must be running, exited or lost";
            Err(Refusal::field("state", message))
        }
    }
}

/// List background commands, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/execs",
    tag = "execs",
    params(
        ("container" = Option<String>, Query, description = "Only those of this container: its name as it was given at the start, or the beginning of its ID."),
        ("state" = Option<ExecState>, Query, description = "Only those in this state."),
    ),
    responses((status = 200, description = "All that are kept.", body = ExecList))
)]
pub(crate) async fn list_execs(
    extract::State(service): extract::State<Service>,
    Extension(call): Extension<Call>,
    Query(Wanted(filter)): Query<Wanted>,
) -> Result<Json<ExecList>> {
    let execs = service.list_execs(&call, &filter).await?;
    Ok(Json(ExecList {
        success: True,
        execs: execs.into_iter().map(convert::exec).collect(),
    }))
}
