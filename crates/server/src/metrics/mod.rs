//! What the server counts, for Prometheus. Labels are route templates and fixed words: no label's
//! values grow with what callers send.

mod process;

use axum::http::Method;
use podlane_engine::ExecPath;
use podlane_service::Load;
use process::Process;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds; a fast call of the engine takes about a millisecond, a pull takes minutes.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0,
];

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

type Latencies<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything the server counts. Clones count into the same place.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    began: Instant,
    pub(crate) requests: Requests,
    engine: EngineMetrics,
    execs: Family<PathLabels, Counter>,
    webhooks: WebhookMetrics,
    workers: Workers,
    process: Process,
}

impl Metrics {
    /// Counters at zero; the server's uptime begins here.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.register(
            "podlane_build",
            "The running version",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        let requests = Requests::register(&mut registry);
        let engine = EngineMetrics::register(&mut registry);
        let execs = Family::<PathLabels, Counter>::default();
        registry.register(
            "podlane_execs",
            "Commands executed, by the way on which they were started",
            execs.clone(),
        );
        let webhooks = WebhookMetrics::register(&mut registry);
        let workers = Workers::register(&mut registry);
        let process = Process::register(&mut registry);
        Self {
            registry: Arc::new(registry),
            began: Instant::now(),
            requests,
            engine,
            execs,
            webhooks,
            workers,
            process,
        }
    }

    /// Where calls of the engine are counted.
    pub fn engine(&self) -> EngineMetrics {
        self.engine.clone()
    }

    /// Where attempts to tell webhooks something are counted.
    pub fn webhooks(&self) -> WebhookMetrics {
        self.webhooks.clone()
    }

    /// Counts a command that was started on a way.
    pub(crate) fn executed(&self, path: ExecPath) {
        let path = path.as_str();
        self.execs.get_or_create(&PathLabels { path }).inc();
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// All metrics as `OpenMetrics` text.
    pub(crate) fn encode(&self, load: Load) -> String {
        self.workers.set(load);
        self.process.measure(self.uptime());
        let mut text = String::new();
        // Writing into a string can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabels {
    path: &'static str,
}

/// HTTP requests.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    total: Family<RequestLabels, Counter>,
    latency: Latencies<RouteLabels>,
    in_flight: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

impl RequestLabels {
    /// Labels of a request to a route template; `None` is one label for all unknown paths.
    pub(crate) fn new(method: &Method, route: Option<&str>, status: u16) -> Self {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        };
        Self {
            method,
            route: route.unwrap_or("(unknown)").to_owned(),
            status,
        }
    }
}

impl Requests {
    fn register(registry: &mut Registry) -> Self {
        let requests = Self {
            total: Family::default(),
            latency: Latencies::new_with_constructor(histogram),
            in_flight: Gauge::default(),
        };
        registry.register(
            "podlane_http_requests",
            "Requests answered",
            requests.total.clone(),
        );
        registry.register_with_unit(
            "podlane_http_request_duration",
            "Time from a request's headers to its answer's",
            Unit::Seconds,
            requests.latency.clone(),
        );
        registry.register(
            "podlane_http_requests_in_flight",
            "Requests under way",
            requests.in_flight.clone(),
        );
        requests
    }

    pub(crate) fn begun(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn ended(&self, labels: RequestLabels, took: Duration) {
        self.in_flight.dec();
        self.total.get_or_create(&labels).inc();
        let RequestLabels { method, route, .. } = labels;
        self.latency
            .get_or_create(&RouteLabels { method, route })
            .observe(took.as_secs_f64());
    }
}

/// Calls of the engine, counted by whoever makes them.
#[derive(Debug, Clone)]
pub struct EngineMetrics(Latencies<StepLabels>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: &'static str,
    outcome: &'static str,
}

impl EngineMetrics {
    fn register(registry: &mut Registry) -> Self {
        let steps = Latencies::new_with_constructor(histogram as fn() -> Histogram);
        registry.register_with_unit(
            "podlane_engine_call_duration",
            "Time that a call of the engine took",
            Unit::Seconds,
            steps.clone(),
        );
        Self(steps)
    }

    /// Counts one call: which step it was, how it ended, how long it took.
    pub fn observe(&self, step: &'static str, outcome: &'static str, took: Duration) {
        self.0
            .get_or_create(&StepLabels { step, outcome })
            .observe(took.as_secs_f64());
    }
}

/// Attempts to tell webhooks something, counted by whoever makes them.
#[derive(Debug, Clone)]
pub struct WebhookMetrics(Family<OutcomeLabels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

impl WebhookMetrics {
    fn register(registry: &mut Registry) -> Self {
        let attempts = Family::<OutcomeLabels, Counter>::default();
        registry.register(
            "podlane_webhook_attempts",
            "Attempts to send a message to a webhook, by what became of it",
            attempts.clone(),
        );
        Self(attempts)
    }

    /// Counts one by its outcome: delivered, retried or dead.
    pub fn count(&self, outcome: &'static str) {
        self.0.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}

/// The workers before the engine.
#[derive(Debug, Clone)]
struct Workers {
    busy: Gauge,
    all: Gauge,
    queued: Gauge,
    queue: Gauge,
}

impl Workers {
    fn register(registry: &mut Registry) -> Self {
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge: Gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            busy: gauge(
                registry,
                "podlane_workers_busy",
                "Operations under way in the engine",
            ),
            all: gauge(
                registry,
                "podlane_workers",
                "How many may be under way at once",
            ),
            queued: gauge(
                registry,
                "podlane_queue_depth",
                "Operations waiting for a worker",
            ),
            queue: gauge(registry, "podlane_queue_limit", "How many may wait"),
        }
    }

    fn set(&self, load: Load) {
        for (gauge, value) in [
            (&self.busy, load.busy),
            (&self.all, load.workers),
            (&self.queued, load.queued),
            (&self.queue, load.queue),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.requests.begun();
        let labels = RequestLabels::new(&Method::GET, Some("/api/v1/containers/{name}"), 404);
        metrics.requests.ended(labels, Duration::from_millis(3));
        let strange = Method::from_bytes(b"BREW").expect("a method");
        metrics.requests.begun();
        let labels = RequestLabels::new(&strange, None, 405);
        metrics.requests.ended(labels, Duration::ZERO);
        metrics
            .engine()
            .observe("inspect", "ok", Duration::from_millis(1));
        metrics.executed(ExecPath::Engine);
        metrics.webhooks().count("dead");
        let text = metrics.encode(Load {
            busy: 2,
            workers: 10,
            queued: 1,
            queue: 100,
        });
        for line in [
            r#"podlane_http_requests_total{method="GET",route="/api/v1/containers/{name}",status="404"} 1"#,
            r#"podlane_http_requests_total{method="other",route="(unknown)",status="405"} 1"#,
            "podlane_http_requests_in_flight 0",
            r#"podlane_engine_call_duration_seconds_count{step="inspect",outcome="ok"} 1"#,
            r#"podlane_webhook_attempts_total{outcome="dead"} 1"#,
            r#"podlane_execs_total{path="engine"} 1"#,
            "podlane_workers_busy 2",
            "podlane_queue_depth 1",
            "podlane_build_info{version=",
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "podlane_uptime_seconds ",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
