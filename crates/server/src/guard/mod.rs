//! Browser and network safety: who may ask, before anything is asked.
//!
//! The server has no authentication on loopback, so every page that the user has open could drive it.
//! Three things stand against that: the name the server is asked by (a page that points its own name
//! at 127.0.0.1 still sends that name), the origin that a browser names, and what it says of the site.

mod host;
mod origin;

pub use host::{HostRule, InvalidHost};
pub use origin::{InvalidOrigin, Origin};

use crate::App;
use crate::headers::is_docs;
use crate::refusal::Refusal;
use crate::serve::Framing;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use host::Host;

/// The layer that refuses what no handler should see.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check(app: &App, request: &Request) -> Result<(), Refusal> {
    Framing::check(request.extensions())?;
    let method = request.method();
    if matches!(*method, Method::TRACE | Method::CONNECT) {
        return Err(Refusal::Method {
            method: method.to_string(),
        });
    }
    let host = Host::of(request)?;
    if !host.is_ours(&app.settings) {
        return Err(Refusal::Misdirected {
            host: host.to_string(),
        });
    }
    if listed_origin(app, request.headers(), &host)? {
        return Ok(());
    }
    same_site(request)
}

/// Whether the request comes from a page of a listed origin. A page of any other origin than our own
/// is refused.
fn listed_origin(app: &App, headers: &HeaderMap, host: &Host) -> Result<bool, Refusal> {
    let mut origins = headers.get_all("origin").iter();
    let Some(value) = origins.next() else {
        return Ok(false);
    };
    let text = value.to_str().unwrap_or("an unreadable origin");
    let foreign = || Refusal::Origin {
        origin: text.chars().take(100).collect(),
    };
    if origins.next().is_some() {
        return Err(foreign());
    }
    let origin = Origin::parse(text).map_err(|_| foreign())?;
    if app.settings.cors_origins.contains(&origin) {
        return Ok(true);
    }
    if origin.is_of(host) {
        return Ok(false);
    }
    Err(foreign())
}

/// Refuses what a browser calls a request from elsewhere, also where it names no origin. Following a
/// link to the documentation is fine.
fn same_site(request: &Request) -> Result<(), Refusal> {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    let headers = request.headers();
    let foreign = headers
        .get_all(SITE)
        .iter()
        .find(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    let Some(site) = foreign else {
        return Ok(());
    };
    let navigated = headers.get(MODE).is_some_and(|mode| mode == "navigate");
    if *request.method() == Method::GET && navigated && is_docs(request.uri().path()) {
        return Ok(());
    }
    Err(Refusal::CrossSite {
        site: site
            .to_str()
            .unwrap_or("unreadable")
            .chars()
            .take(40)
            .collect(),
    })
}
