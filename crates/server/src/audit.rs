//! The layer that has everything written down that changes something, before it is done and after.

use crate::App;
use crate::error::{Answer, Error};
use crate::scopes;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use podlane_service::{Audited, Call, Service};
use std::time::Instant;

/// Has the request written down, if it is one that changes something. What can't be, is not done.
pub(crate) async fn audit(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some((call, what)) = audited(&app, &request) else {
        return next.run(request).await;
    };
    if let Err(error) = app.service.write_down(&call, &what, "begun").await {
        return Error::Unaudited(error).into_response();
    }
    let mut ending = Ending {
        service: app.service,
        open: Some((call, what)),
    };
    let begun = Instant::now();
    let response = next.run(request).await;
    if let Some((call, mut what)) = ending.open.take() {
        what.detail = call.noted().map(str::to_owned);
        what.took = Some(begun.elapsed());
        let mut outcome = response.status().as_u16().to_string();
        let answer = response.extensions().get::<Answer>();
        if let Some(rule) = answer.and_then(|answer| answer.rule.as_deref()) {
            outcome.push_str(" by ");
            outcome.push_str(rule);
        }
        if let Err(error) = ending.service.write_down(&call, &what, &outcome).await {
            tracing::error!(request_id = %call.request_id, %error, "the end of a request is not in the audit");
        }
    }
    response
}

/// Has it written down that a request was answered as an earlier one with the same key was.
pub(crate) async fn repeated(
    app: &App,
    audited: Option<(Call, Audited)>,
    status: u16,
) -> Result<(), Error> {
    if let Some((call, what)) = audited {
        let outcome = format!("replayed {status}");
        let written = app.service.write_down(&call, &what, &outcome).await;
        written.map_err(Error::Unaudited)?;
    }
    Ok(())
}

/// What is written down of a request, if it is one that changes something.
pub(crate) fn audited(app: &App, request: &Request) -> Option<(Call, Audited)> {
    if !app.service.is_audited() {
        return None;
    }
    let route = request.extensions().get::<MatchedPath>()?;
    let (method, route) = (request.method().as_str(), route.as_str().replace("{*", "{"));
    let scope = scopes::scope(method, &route)?;
    if scope.as_str().ends_with(":read") {
        return None;
    }
    let call = request.extensions().get::<Call>()?.clone();
    let what = Audited {
        action: format!("{method} {route}"),
        target: request.uri().path().to_owned(),
        detail: None,
        took: None,
    };
    Some((call, what))
}

/// A request that goes away unanswered is written down as that.
struct Ending {
    service: Service,
    open: Option<(Call, Audited)>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some((call, mut what)) = self.open.take() {
            what.detail = call.noted().map(str::to_owned);
            self.service
                .write_down_later(call, what, "abandoned".into());
        }
    }
}
