//! The layer that has a request with an `Idempotency-Key` done once, however often it is sent: a repetition gets the
//! first one's answer (draft-ietf-httpapi-idempotency-key-header).
//!
//! It stands before the audit, which has a repetition as one entry and not as work. It holds no body: which request it
//! is, is hashed as its handler reads it, and a repetition is read as far and compared.

mod kept;
mod passing;
mod streamed;

use crate::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::extract::Upload;
use crate::refusal::Refusal;
use crate::scopes;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use kept::{keep, replay};
use passing::Passing;
use podlane_service::{Before, Call, Claimed, IdempotencyKey, KeptAnswer, Keyed};

/// The header with the key.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is an earlier one.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Does a request with a key once, and to its end although its client may go away.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let changes = [Method::POST, Method::PATCH].contains(request.method());
    if !changes || !request.headers().contains_key(KEY) || !may(&request) {
        return next.run(request).await;
    }
    let service = app.service.clone();
    let work = async move {
        let done = with_key(&app, request, next).await;
        done.unwrap_or_else(IntoResponse::into_response)
    };
    let done = service.do_once(work).await;
    done.unwrap_or_else(|error| Error::from(error).into_response())
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
    let audited = audit::audited(app, &request);
    let claimed = match keyed(&request) {
        Ok((call, keyed)) => app.service.claim(&call, keyed).await.map_err(Error::from),
        Err(refusal) => Err(refusal.into()),
    };
    match claimed {
        Ok(Claimed::Now(claim)) => {
            let request = request.map(|body| Body::new(Passing::new(body, claim.seen())));
            let response = next.run(request).await;
            Ok(keep(response, claim, app.service.clone()).await)
        }
        Ok(Claimed::Before(before)) => {
            let answer = compare(Upload::new(request, &app.settings), before).await?;
            audit::repeated(app, audited, answer.status).await?;
            Ok(replay(answer))
        }
        Err(error) => {
            // Its client may be sending.
            drop(Upload::new(request, &app.settings));
            Err(error)
        }
    }
}

fn keyed(request: &Request) -> Result<(Call, Keyed), Refusal> {
    let call = request.extensions().get::<Call>().cloned();
    let call = call.unwrap_or_else(|| unreachable!("the edge gives every request its call"));
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let keyed = Keyed {
        key: key(request.headers())?,
        operation: format!("{} {target}", request.method()),
        forms: [CONTENT_TYPE, ACCEPT]
            .map(|name| values(request.headers(), &name))
            .into(),
    };
    Ok((call, keyed))
}

fn key(headers: &HeaderMap) -> Result<IdempotencyKey, Refusal> {
    let mut keys = headers.get_all(KEY).iter();
    let key = keys.next().filter(|_| keys.next().is_none());
    let key = key.and_then(|key| IdempotencyKey::parse(key.to_str().ok()?));
    key.ok_or_else(|| {
        let longest = IdempotencyKey::LONGEST;
        Refusal::field(
            "Idempotency-Key",
            format!(
                "the header Idempotency-Key must be one key of 1 to {longest} visible ASCII characters"
            ),
        )
    })
}

/// All values of a header, each with an end.
fn values(headers: &HeaderMap, name: &HeaderName) -> Bytes {
    let values = headers.get_all(name).iter();
    let values: Vec<u8> = values
        .flat_map(|value| [value.as_bytes(), b"\n"].concat())
        .collect();
    values.into()
}

/// Reads a repetition as far as the first request was read, and holds nothing of it.
async fn compare(mut content: Upload, mut before: Before) -> Result<KeptAnswer> {
    while before.wants_more() {
        match content.next().await? {
            Some(piece) => before.piece(&piece),
            None => before.end(),
        }
    }
    Ok(before.answer()?)
}
