//! `GET /openapi.json` and the page at `/docs` that shows it.
//!
//! The page is compiled in and loads nothing from elsewhere.

use crate::OPENAPI_JSON;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The routes, for the router to merge.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let config = Config::new(["/openapi.json"])
        .validator_url("none")
        .try_it_out_enabled(true)
        .display_request_duration(true);
    let document = || async { ([(CONTENT_TYPE, "application/json")], OPENAPI_JSON) };
    Router::new()
        .route("/openapi.json", get(document))
        .merge(SwaggerUi::new("/docs").config(config))
}
