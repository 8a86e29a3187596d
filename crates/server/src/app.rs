//! What every handler and layer may ask for.

use crate::rates::Rates;
use crate::{Metrics, Settings};
use axum::extract::FromRef;
use podlane_service::Service;
use std::sync::Arc;

/// The server's parts, shared by all requests.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) service: Service,
    pub(crate) settings: Arc<Settings>,
    pub(crate) metrics: Metrics,
    pub(crate) rates: Option<Rates>,
}

impl App {
    /// A server of `service` within `settings`, counting into `metrics`.
    pub fn new(service: Service, settings: Settings, metrics: Metrics) -> Self {
        Self {
            rates: settings.rate.map(Rates::new),
            service,
            settings: Arc::new(settings),
            metrics,
        }
    }
}

impl FromRef<App> for Service {
    fn from_ref(app: &App) -> Self {
        app.service.clone()
    }
}

impl FromRef<App> for Metrics {
    fn from_ref(app: &App) -> Self {
        app.metrics.clone()
    }
}
