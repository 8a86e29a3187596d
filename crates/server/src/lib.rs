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
mod openapi;
mod rates;
mod refusal;
mod render;
mod router;
mod routes;
mod serve;
mod settings;
mod stream;
mod terminal;
mod timestamp;

pub use app::App;
pub use guard::{HostRule, InvalidHost, InvalidOrigin, Origin};
pub use metrics::{EngineMetrics, Metrics, WebhookMetrics};
pub use openapi::openapi_json;
pub use rates::Rate;
pub use router::router;
pub use serve::{Listener, Tls, TlsError, TlsFiles, serve};
pub use settings::Settings;
