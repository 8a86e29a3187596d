//! Who asks: the layer that knows it before any handler does.
//!
//! A token stands in a header, never in the request's address: addresses are kept in logs, histories and
//! bookmarks.

use crate::App;
use crate::edge::Subject;
use crate::error::Result;
use crate::headers::is_docs;
use crate::refusal::Refusal;
use crate::serve::Peer;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use podlane_service::{Call, Caller, Presented, Tenant, TicketAction};

/// The header for who can't send `Authorization`.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The header that says for which tenant a caller acts who sees everything.
pub(crate) const TENANT: HeaderName = HeaderName::from_static("x-tenant");

/// What the subprotocol begins with that is a ticket.
pub(crate) const TICKET: &str = "podlane.ticket.";

/// Finds out who asks, and gives it to the handlers with the call.
pub(crate) async fn authenticate(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    if !is_open(request.uri().path()) {
        let peer = request.extensions().get::<Peer>().copied();
        let identified = identify(&app, &request, peer);
        // Who guesses is counted by address, before it is told that it was wrong.
        let unknown = Caller::anonymous();
        let caller = identified.as_ref().unwrap_or(&unknown);
        let checked = app.rates.as_ref().map(|rates| rates.check(caller, peer));
        let answered = match &checked {
            Some(Err(wait)) => Err(Refusal::TooOften { wait: *wait }.into_response()),
            _ => Ok(()),
        };
        // Told with every answer, a refusal too.
        let left = checked.map(|checked| checked.unwrap_or(0));
        let tell = |mut response: Response| {
            if let (Some(rates), Some(left)) = (&app.rates, left) {
                rates.tell(left, response.headers_mut());
            }
            response
        };
        if let Err(response) = answered {
            return tell(response);
        }
        let caller = match identified {
            Ok(caller) => acting(caller, request.headers()),
            Err(error) => Err(error.into()),
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(error) => return tell(error.into_response()),
        };
        if let Some(subject) = request.extensions().get::<Subject>() {
            subject.by(&caller);
        }
        if let Some(call) = request.extensions_mut().remove::<Call>() {
            request.extensions_mut().insert(call.by(caller));
        }
        return tell(next.run(request).await);
    }
    next.run(request).await
}

/// Who asks: the holder of a ticket, a token or a certificate.
fn identify(app: &App, request: &Request, peer: Option<Peer>) -> podlane_service::Result<Caller> {
    let address = peer.map(|peer| peer.address);
    let presented = presented(request.headers());
    match (presented, ticket(request.headers())) {
        (Presented::Nothing, Some(ticket)) => {
            let route = request.extensions().get::<MatchedPath>();
            let action = match route.map(MatchedPath::as_str) {
                Some(route) if route.ends_with("/exec/ws") => Some(TicketAction::Exec),
                Some(route) if route.ends_with("/attach/ws") => Some(TicketAction::Attach),
                _ => None,
            };
            app.service.redeem(ticket, action, address)
        }
        (Presented::Nothing, None) => {
            let shown = peer.and_then(|peer| peer.certificate);
            let shown = shown.map_or(Presented::Nothing, Presented::Certificate);
            app.service.identify(shown, address)
        }
        (_, Some(_)) => Err(podlane_service::Error::Unidentified {
            reason: "the request has a token and a ticket",
        }),
        (presented, None) => app.service.identify(presented, address),
    }
}

/// The ticket among the subprotocols of a WebSocket: the only header that a page can choose.
fn ticket(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    names.find_map(|name| name.trim().strip_prefix(TICKET))
}

/// The caller, for the tenant that the request names.
fn acting(caller: Caller, headers: &HeaderMap) -> Result<Caller> {
    let mut values = headers.get_all(TENANT).iter();
    let Some(value) = values.next() else {
        return Ok(caller);
    };
    let alone = values.next().is_none();
    let tenant = value
        .to_str()
        .ok()
        .filter(|_| alone)
        .and_then(Tenant::parse);
    let tenant = tenant.ok_or_else(|| {
        let message = "the header X-Tenant must be one tenant's name: 1 to 63 lower-case letters, digits, `-`, `_` and `.`";
        Refusal::field("X-Tenant", message)
    })?;
    Ok(caller.acting_for(tenant)?)
}

/// What anybody may see: probes, and what the API is.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/openapi.json") || is_docs(path)
}

/// The token in a request's headers.
fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| (value, true))
        .chain(headers.get_all(API_KEY).iter().map(|value| (value, false)));
    let Some((value, scheme)) = values.next() else {
        return Presented::Nothing;
    };
    if values.next().is_some() {
        return Presented::Unreadable("the request has more than one token");
    }
    let Ok(text) = value.to_str() else {
        return Presented::Unreadable("the token can't be read");
    };
    if !scheme {
        return Presented::Token(text);
    }
    match text.split_once(' ') {
        Some((word, token)) if word.eq_ignore_ascii_case("bearer") => {
            Presented::Token(token.trim_start_matches(' '))
        }
        _ => Presented::Unreadable("the header Authorization must be `Bearer` and a token"),
    }
}
