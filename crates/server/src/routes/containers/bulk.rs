//! `POST /api/v1/bulk/containers`

use crate::error::{Error, Result};
use crate::extract::{Json, Query};
use crate::refusal::Refusal;
use crate::render;
use axum::Extension;
use axum::extract::State;
use podlane_api::{Bulk, BulkAction, BulkReport, BulkResult, True};
use podlane_engine::{Change, ContainerRef, Signal};
use podlane_service::{BulkRow, Call, Chosen, Service, Verb, WithLabels};
use std::time::Duration;

/// How many names may be given.
const MOST: usize = 1000;

/// Do the same to many containers, chosen by name or label.
///
/// What fails for one is told in its row; the others go on.
#[utoipa::path(
    post,
    path = "/api/v1/bulk/containers",
    tag = "containers",
    request_body = Bulk,
    responses((status = 200, description = "What became of each.", body = BulkReport))
)]
pub(crate) async fn bulk(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
    Json(body): Json<Bulk>,
) -> Result<axum::Json<BulkReport>> {
    let verb = verb(&body)?;
    let rows = service.bulk(&call, chosen(body)?, verb).await?;
    let results: Vec<BulkResult> = rows.into_iter().map(result).collect();
    let failed = results.iter().filter(|row| row.error.is_some()).count();
    Ok(axum::Json(BulkReport {
        success: True,
        done: results.len() - failed,
        failed,
        results,
    }))
}

fn result(row: BulkRow) -> BulkResult {
    match row.result {
        Ok(acted) => BulkResult {
            name: row.name,
            id: Some(acted.id.short().to_owned()),
            changed: acted.change == Change::Done,
            error: None,
        },
        Err(error) => BulkResult {
            name: row.name,
            id: None,
            changed: false,
            error: Some(render::detail(&Error::from(error).answer())),
        },
    }
}

fn chosen(body: Bulk) -> Result<Chosen> {
    let names = match (body.names, body.labels) {
        (Some(names), None) => names,
        (None, Some(labels)) if !labels.0.is_empty() => {
            let labels = labels.0.iter();
            let labels: Vec<String> = labels
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let labels = WithLabels::parse(labels.iter().map(String::as_str))?;
            return Ok(Chosen::Labels(labels));
        }
        (Some(_), Some(_)) => {
            let message = "either `names` or `labels` is needed, not both";
            return Err(Refusal::field("names", message).into());
        }
        _ => {
            let message = "one of `names` and `labels` is needed, and `labels` must not be empty";
            return Err(Refusal::field("names", message).into());
        }
    };
    if names.is_empty() || names.len() > MOST {
        let message = format!("`names` must have 1 to {MOST} names");
        return Err(Refusal::field("names", message).into());
    }
    let names = names.iter().enumerate().map(|(at, name)| {
        ContainerRef::parse(name)
            .map_err(|wrong| Refusal::field(format!("names[{at}]"), wrong.to_string()))
    });
    Ok(Chosen::Names(names.collect::<Result<_, _>>()?))
}

fn verb(body: &Bulk) -> Result<Verb, Refusal> {
    let action = body.action;
    let stops = matches!(action, BulkAction::Stop | BulkAction::Restart);
    for (field, given, fits) in [
        ("timeout", body.timeout.is_some(), stops),
        ("signal", body.signal.is_some(), action == BulkAction::Kill),
        ("force", body.force.is_some(), action == BulkAction::Remove),
    ] {
        if given && !fits {
            let message = format!("`{field}` says nothing about this action");
            return Err(Refusal::field(field, message));
        }
    }
    let grace = body.timeout.map(Duration::from_secs);
    Ok(match action {
        BulkAction::Start => Verb::Start,
        BulkAction::Stop => Verb::Stop(grace),
        BulkAction::Restart => Verb::Restart(grace),
        BulkAction::Pause => Verb::Pause,
        BulkAction::Unpause => Verb::Unpause,
        BulkAction::Remove => Verb::Remove {
            force: body.force.unwrap_or(false),
        },
        BulkAction::Kill => {
            let signal = body.signal.as_deref().map(Signal::parse);
            let message = "`signal` must be a signal's name, such as TERM, or its number, 1 to 64";
            let wrong = || Refusal::field("signal", message);
            Verb::Kill(signal.unwrap_or(Some(Signal::KILL)).ok_or_else(wrong)?)
        }
    })
}
