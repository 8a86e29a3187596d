//! `GET /api/v1/webhooks/{id}/deliveries`

use crate::error::Result;
use crate::extract::{Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::routes::recordings::Id;
use crate::timestamp;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Delivery, DeliveryList, True};
use podlane_service::{Call, DeliveryState, Service};
use time::OffsetDateTime;

/// The most of one answer.
const MOST: u64 = 100;

/// `?state=dead&before=1234&limit=50`
pub(crate) struct Part {
    state: Option<DeliveryState>,
    before: Option<i64>,
    limit: usize,
}

impl QueryShape for Part {
    const NAMES: &'static [&'static str] = &["state", "before", "limit"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let state = parameters.get("state").map(|word| {
            let message = "query parameter `state` must be waiting, delivered or dead";
            DeliveryState::parse(word).ok_or_else(|| Refusal::field("state", message))
        });
        let number = |name, rule| {
            let given = parameters.get(name);
            given.map(|_| parameters.count(name, rule)).transpose()
        };
        let rule = "a number from 1 to 100";
        let limit = number("limit", rule)?.unwrap_or(50);
        if !(1..=MOST).contains(&limit) {
            let message = format!("query parameter `limit` must be {rule}");
            return Err(Refusal::field("limit", message));
        }
        let before = number("before", "a delivery's number")?;
        Ok(Self {
            state: state.transpose()?,
            before: before.map(|before| i64::try_from(before).unwrap_or(i64::MAX)),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }
}

/// List a webhook's messages, the newest first: those that wait, were delivered, or are dead letters.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook's ID: 12 hexadecimal digits."),
        ("state" = Option<String>, Query, description = "Only these: waiting, delivered or dead."),
        ("before" = Option<i64>, Query, description = "Only those behind the one with this number in the list."),
        ("limit" = Option<u64>, Query, description = "At most so many, 1 to 100; 50 if left out."),
    ),
    responses((status = 200, description = "Messages.", body = DeliveryList))
)]
pub(crate) async fn list_deliveries(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(part): Query<Part>,
) -> Result<Json<DeliveryList>> {
    let deliveries = service.deliveries(&call, &id, part.state, part.before, part.limit);
    Ok(Json(DeliveryList {
        success: True,
        deliveries: deliveries.await?.into_iter().map(answer).collect(),
    }))
}

fn answer(delivery: podlane_service::Delivery) -> Delivery {
    Delivery {
        number: delivery.number,
        state: delivery.state.as_str().to_owned(),
        attempts: delivery.attempts,
        created: time(delivery.created),
        last_attempt: delivery.last.map(time),
        next_attempt: delivery.next.map(time),
        status: delivery.status,
        error: delivery.error,
        // We have written it ourselves.
        payload: serde_json::from_str(&delivery.body).unwrap_or_default(),
        id: delivery.id,
    }
}

fn time(milliseconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    timestamp::format(time.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}
