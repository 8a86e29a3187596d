//! An answer as it is kept, and as it is given again.

use super::REPLAYED;
use crate::error::{Answer, Error};
use axum::body::{Body, HttpBody, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use podlane_api::ErrorType;
use podlane_service::{Claim, KeptAnswer};
use serde::{Deserialize, Serialize};

/// The largest answer that is kept.
const LARGEST: u64 = 1 << 20;

/// An error as it is kept: everything but what is written anew for each request.
#[derive(Serialize, Deserialize)]
struct Failure {
    kind: ErrorType,
    message: String,
    field: Option<String>,
    hint: Option<String>,
    rule: Option<String>,
}

/// Has an answer kept, unless it says that nothing was done: then the same key may be tried again.
pub(super) async fn keep(response: Response, claim: Claim) -> Response {
    let (parts, body) = response.into_parts();
    let mut kept = KeptAnswer {
        status: parts.status.as_u16(),
        failure: false,
        headers: headers(&parts.headers),
        body: None,
    };
    if let Some(answer) = parts.extensions.get::<Answer>() {
        if answer.nothing_done {
            claim.release().await;
        } else {
            let failure = Failure {
                kind: answer.kind,
                message: answer.message.clone(),
                field: answer.field.clone(),
                hint: answer.hint.clone(),
                rule: answer.rule.clone(),
            };
            kept.failure = true;
            kept.body = serde_json::to_vec(&failure).ok().map(Bytes::from);
            claim.keep(kept).await;
        }
        return Response::from_parts(parts, body);
    }
    // What has no length is a stream.
    let Some(length) = body.size_hint().exact().filter(|length| *length <= LARGEST) else {
        claim.keep(kept).await;
        return Response::from_parts(parts, body);
    };
    let whole = to_bytes(body, usize::try_from(length).unwrap_or(usize::MAX)).await;
    let Ok(bytes) = whole else {
        return Error::Bare(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    kept.body = Some(bytes.clone());
    claim.keep(kept).await;
    Response::from_parts(parts, Body::from(bytes))
}

/// What a handler says of its answer beside the body.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let all = headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    all.filter_map(text).collect()
}

/// A kept answer, as it was; an error is written anew, with this request's ID.
pub(super) fn replay(kept: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = kept.body.unwrap_or_default();
    let mut response = status.into_response();
    if kept.failure {
        let Ok(failure) = serde_json::from_slice::<Failure>(&body) else {
            return Error::Bare(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        };
        response.extensions_mut().insert(Answer {
            status,
            kind: failure.kind,
            message: failure.message,
            field: failure.field,
            hint: failure.hint,
            // It will be the same whenever it is asked for.
            retry_after: None,
            rule: failure.rule,
            unhealthy: None,
            nothing_done: false,
            log: "the answer to an earlier request with the same key".into(),
        });
    } else {
        *response.body_mut() = Body::from(body);
    }
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
