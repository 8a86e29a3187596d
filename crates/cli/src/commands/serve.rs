//! `podlane serve`: settings, then an engine, then the server, until a signal.

use crate::engine;
use crate::failure::Failure;
use crate::listening::Listening;
use crate::logging;
use crate::state;
use podlane_agent_program::PROGRAM;
use podlane_courier::HttpCourier;
use podlane_engine::RequestId;
use podlane_podman::PodmanEngine;
use podlane_server::Metrics;
use podlane_server::config::{Config, Environment, Flags};
use podlane_service::{Call, Caller, Error, Service, Tokens};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// When to look for what dead servers have left: at once, and while an engine may still be coming up.
const RECOVERY: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
];
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(environment: &Environment, flags: &Flags) -> Result<ExitCode, Failure> {
    let config = Config::load(environment, flags)?;
    logging::start(&config, environment);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    engine::runtime()?.block_on(serve(&config, environment))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Config, environment: &Environment) -> Result<(), Failure> {
    let state = state::directory(config, environment);
    // Who wants recordings wants them without a gap.
    config.check_recordings(state.as_deref(), false)?;
    let listening = Listening::bind(config).await?;
    for address in listening.addresses() {
        guard_listener(config, *address, state.clone())?;
    }
    let engine = engine::find_or_start(config, environment).await?;
    let metrics = Metrics::new();
    let observer = metrics.engine();
    let podman = PodmanEngine::new(
        engine.socket.clone(),
        Some(Arc::new(move |step, outcome, took| {
            observer.observe(step, outcome, took);
        })),
    );
    let podman = if config.exec_agent {
        podman
            .with_agents(PROGRAM, config.podman.clone())
            .map_err(|error| Failure::failed(format!("can't have agents: {error}")))?
    } else {
        podman
    };
    let podman = match engine.state() {
        None => podman,
        Some(state) => podman
            .with_service(state)
            .map_err(|error| Failure::failed(format!("can't watch the Podman service: {error}")))?,
    };
    let service = Service::new(Arc::new(podman), config.service_limits(state));
    check_secret_key(config, &service)?;
    let attempts = metrics.webhooks();
    service.tell_webhooks(
        Arc::new(HttpCourier::new()),
        Arc::new(move |outcome| attempts.count(outcome)),
    );
    let shutdown = CancellationToken::new();
    if let Some(id) = RequestId::parse("expiry") {
        let limit = config.request_timeout;
        service.keep_time(Call::new(id, limit, Arc::new(Caller::server())));
    }
    let recovery = tokio::spawn(recover(service.clone(), shutdown.clone()));
    if let Some(id) = RequestId::parse("health-checks") {
        let caller = Arc::new(Caller::server());
        service.keep_checking(&Call::new(id, RECOVERY_LIMIT, caller));
    }
    let signals = tokio::spawn(end_on_signal(shutdown.clone()));
    let mut settings = config.settings();
    settings.listen = listening.addresses().to_vec();
    listening.announce();
    podlane_server::serve(
        listening.listeners,
        service,
        metrics,
        settings,
        shutdown.clone(),
    )
    .await;
    shutdown.cancel();
    signals.abort();
    let _ = recovery.await;
    engine.stop().await;
    Ok(())
}

/// A key that was given must be good. Without one of its own a server works, all but for what is encrypted.
fn check_secret_key(config: &Config, service: &Service) -> Result<(), Failure> {
    match service.check_secret_key() {
        Err(error) if config.secret_key_file.is_some() => Err(error.into()),
        Err(Error::Unkept { message, reason }) => {
            tracing::error!(reason, "{message}");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Other machines may connect only if somebody can be told apart from anybody, or that is meant.
fn guard_listener(
    config: &Config,
    address: SocketAddr,
    state: Option<PathBuf>,
) -> Result<(), Failure> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    if config.tls_cert.is_none() && !config.insecure_no_auth {
        tracing::warn!(
            "other machines can connect to {}, and what they send can be read on the way, tokens too: set tls_cert and tls_key, or let a proxy speak TLS",
            address
        );
    }
    let tokens = Tokens::new(config.auth, state);
    let now = OffsetDateTime::now_utc();
    let known = tokens.list(&Caller::server())?;
    let usable = known.iter().any(|token| token.is_live(now));
    if tokens.is_needed()? && usable {
        return Ok(());
    }
    if config.insecure_no_auth {
        if !tokens.is_needed()? {
            tracing::warn!(
                "other machines can connect, and nobody has to prove who they are: whoever reaches {address} controls the containers"
            );
        }
        return Ok(());
    }
    Err(Failure::failed(format!(
        "other machines can connect to {address}, and there is no token to tell callers apart; make one with \
         `podlane token create --name me --role admin`, or say with --insecure-no-auth that anybody may use \
         the server"
    )))
}

/// Clears up after servers that died, as soon as the engine answers; and once more a little later,
/// because a dead server's last request may still have been under way in the engine.
async fn recover(service: Service, shutdown: CancellationToken) {
    for pause in RECOVERY {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
        let Some(id) = RequestId::parse("recovery") else {
            return;
        };
        let call = Call::new(id, RECOVERY_LIMIT, Arc::new(Caller::server()));
        let recovered = tokio::select! {
            recovered = service.recover(&call) => recovered,
            () = shutdown.cancelled() => return,
        };
        match recovered {
            Ok(done) => done.iter().for_each(|line| tracing::info!("{line}")),
            Err(error) => tracing::debug!(%error, "can't look for what a dead server left yet"),
        }
    }
}

/// Cancels `shutdown` at SIGINT or SIGTERM.
async fn end_on_signal(shutdown: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping; requests under way get a moment to finish");
    shutdown.cancel();
}
