//! An answer as it is kept, and as it is given again.

use super::REPLAYED;
use super::streamed::Streamed;
use crate::error::{Answer, Error};
use axum::body::{Body, HttpBody, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use podlane_api::ErrorType;
use podlane_service::{Claim, KeptAnswer, Service};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// The largest answer that is kept.
pub(super) const LARGEST: usize = 1 << 20;

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
pub(super) async fn keep(response: Response, claim: Claim, service: Service) -> Response {
    let (parts, body) = response.into_parts();
    let mut kept = KeptAnswer {
        status: parts.status.as_u16(),
        failure: false,
        headers: headers(&parts.headers),
        trailers: Vec::new(),
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
    let length = body.size_hint().exact();
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        let body = Streamed::new(body, service, claim, kept);
        return Response::from_parts(parts, Body::new(body));
    };
    if length > LARGEST {
        claim.keep(kept).await;
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = to_bytes(body, length).await else {
        return Error::Bare(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    kept.body = Some(bytes.clone());
    claim.keep(kept).await;
    Response::from_parts(parts, Body::from(bytes))
}

/// What a handler says of its answer beside the body.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut all = texts(headers);
    all.retain(|(name, _)| *name != CONTENT_LENGTH.as_str());
    all
}

pub(super) fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn of_texts(texts: Vec<(String, String)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in texts {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn body_of(bytes: Bytes, trailers: HeaderMap) -> Body {
    if trailers.is_empty() {
        return Body::from(bytes);
    }
    let frames = [Frame::data(bytes), Frame::trailers(trailers)];
    let frames = frames.map(Ok::<_, Infallible>);
    Body::new(StreamBody::new(stream::iter(frames)))
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
        *response.body_mut() = body_of(body, of_texts(kept.trailers));
    }
    *response.headers_mut() = of_texts(kept.headers);
    let replayed = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, replayed);
    response
}
