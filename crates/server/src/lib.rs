//! Podlane's HTTP server: it takes a request, asks one service function and answers.
//!
//! [`serve`] runs the whole on listeners; [`router`] is the same without sockets. Everything of HTTP
//! is here and nothing of containers: no engine is named, no rule about containers is kept.

mod app;
mod audit;
mod authenticate;
pub mod config;
mod edge;
mod error;
mod extract;
mod guard;
mod headers;
mod idempotency;
mod kube;
mod metrics;
#[cfg(test)]
mod openapi;
mod rates;
mod refusal;
mod render;
mod router;
mod routes;
mod scopes;
mod serve;
mod settings;
mod stream;
mod terminal;
mod timestamp;

pub use app::App;
#[cfg(feature = "fuzzing")]
pub use extract::fuzz_form;
pub use guard::{HostRule, InvalidHost, InvalidOrigin, Origin};
pub use metrics::{EngineMetrics, Metrics, WebhookMetrics};
pub use rates::Rate;
pub use router::router;
pub use serve::{Listener, Tls, TlsError, TlsFiles, serve};
pub use settings::Settings;

/// The OpenAPI document, as the server serves it. A test sees to it that it is what the routes say of themselves.
pub const OPENAPI_JSON: &str = include_str!("../../../openapi.json");
