//! The layer that has a request with an `Idempotency-Key` done once, however often it is sent: a repetition gets the
//! first one's answer (draft-ietf-httpapi-idempotency-key-header).
//!
//! It stands before the audit, which has a repetition as one entry and not as work.

use crate::App;
use crate::audit;
use crate::error::{Answer, Error, Result};
use crate::extract::{body, media};
use crate::refusal::Refusal;
use crate::scopes;
use crate::serve::Framing;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use podlane_api::ErrorType;
use podlane_service::{Call, Claim, Claimed, IdempotencyKey, KeptAnswer, Keyed};
use serde::{Deserialize, Serialize};

/// The header with the key.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is an earlier one.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The largest answer that is kept.
const LARGEST: u64 = 1 << 20;

const PASSED_ON: &str = "its body is passed on as it comes and never held as a whole";

/// The operations that take no key, and why.
#[rustfmt::skip]
pub(crate) const WITHOUT: [(&str, &str); 3] = [
    ("/api/v1/build", PASSED_ON),
    ("/api/v1/load", PASSED_ON),
    ("/api/v1/execs/{id}/stdin", PASSED_ON),
];

/// Why a path takes no key, if it takes none.
pub(crate) fn without(path: &str) -> Option<&'static str> {
    let row = WITHOUT.iter().find(|row| row.0 == path);
    row.map(|row| row.1)
}

/// Does a request with a key once.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let changes = [Method::POST, Method::PATCH].contains(request.method());
    if !changes || !request.headers().contains_key(KEY) || !may(&request) {
        return next.run(request).await;
    }
    let done = with_key(&app, request, next).await;
    done.unwrap_or_else(IntoResponse::into_response)
}

/// Whether there is such an operation and the caller may ask for it: else its handler says so, and nothing is kept.
fn may(request: &Request) -> bool {
    let Some(route) = request.extensions().get::<MatchedPath>() else {
        return false;
    };
    let scope = scopes::scope(request.method().as_str(), route.as_str());
    let call = request.extensions().get::<Call>();
    scope.is_some_and(|scope| call.is_some_and(|call| call.may(scope).is_ok()))
}

async fn with_key(app: &App, request: Request, next: Next) -> Result<Response> {
    let (key, request, content) = read(app, request).await?;
    let call = request.extensions().get::<Call>().cloned();
    let call = call.unwrap_or_else(|| unreachable!("the edge gives every request its call"));
    let target = request.uri().path_and_query();
    let keyed = Keyed {
        key,
        operation: format!(
            "{} {}",
            request.method(),
            target.map_or("/", |target| target.as_str())
        ),
        forms: [CONTENT_TYPE, ACCEPT]
            .map(|name| values(request.headers(), &name))
            .into(),
        content,
    };
    let audited = audit::audited(app, &request);
    match app.service.claim(&call, keyed).await? {
        Claimed::Before(answer) => {
            audit::repeated(app, audited, answer.status).await?;
            Ok(replay(answer))
        }
        Claimed::Now(claim) => {
            let work = async { keep(next.run(request).await, claim).await };
            Ok(app.service.do_once(work).await?)
        }
    }
}

/// The key of a request, the request, and its content, which it still has.
async fn read(app: &App, request: Request) -> Result<(IdempotencyKey, Request, Bytes)> {
    let wrong = |message: String| Refusal::field("Idempotency-Key", message);
    let mut keys = request.headers().get_all(KEY).iter();
    let key = keys.next().filter(|_| keys.next().is_none());
    let key = key.and_then(|key| IdempotencyKey::parse(key.to_str().ok()?));
    let key = key.ok_or_else(|| {
        let longest = IdempotencyKey::LONGEST;
        wrong(format!(
            "the header Idempotency-Key must be one key of 1 to {longest} visible ASCII characters"
        ))
    })?;
    let route = request.extensions().get::<MatchedPath>();
    if let Some(reason) = route.and_then(|route| without(route.as_str())) {
        return Err(wrong(format!("this operation takes no Idempotency-Key: {reason}")).into());
    }
    if media::is(request.headers(), "multipart/form-data") {
        let message = format!("a form takes no Idempotency-Key: {PASSED_ON}");
        return Err(wrong(message).into());
    }
    let (parts, body) = request.into_parts();
    let call = parts.extensions.get::<Call>().cloned();
    let call = call.unwrap_or_else(|| unreachable!("the edge gives every request its call"));
    let limit = app.settings.body_bytes;
    let content = body::read(&parts.headers, body, &app.settings, limit, &call).await?;
    let content = Bytes::from(content);
    // The framing of the body is known only now.
    Framing::check(&parts.extensions)?;
    let request = Request::from_parts(parts, Body::from(content.clone()));
    Ok((key, request, content))
}

/// All values of a header, each with an end.
fn values(headers: &HeaderMap, name: &HeaderName) -> Bytes {
    let values = headers.get_all(name).iter();
    let values: Vec<u8> = values
        .flat_map(|value| [value.as_bytes(), b"\n"].concat())
        .collect();
    values.into()
}

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
async fn keep(response: Response, claim: Claim) -> Response {
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
fn replay(kept: KeptAnswer) -> Response {
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
