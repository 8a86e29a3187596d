//! The table of contents: every route, one line each, and the layers around them.

mod table;

use crate::audit::audit;
use crate::authenticate::{API_KEY, TENANT, authenticate};
use crate::edge::{edge, panicked};
use crate::guard::guard;
use crate::idempotency::{self, once};
use crate::routes::containers::{
    bulk, changes, create, exec, export, extend, files, inspect, kill, list, logs, pause, remove,
    rename, restart, start, stats, stop, terminals, tickets, top, unpause, update, users, wait,
};
use crate::routes::events;
use crate::routes::execs;
use crate::routes::fallback::{method_not_allowed, not_found};
use crate::routes::images;
use crate::routes::kube;
use crate::routes::networks;
use crate::routes::pods;
use crate::routes::prune;
use crate::routes::recordings;
use crate::routes::registries;
use crate::routes::secrets;
use crate::routes::system::{
    capabilities, disk_usage, docs, health, livez, metrics, prometheus, readyz, version,
};
use crate::routes::tokens;
use crate::routes::volumes;
use crate::routes::webhooks;
use crate::{App, routes};
use axum::Router;
use axum::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
    IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use std::time::Duration;
use table::{Table, routes};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Every documented route.
pub(crate) fn table() -> Table {
    Table::default()
        .merge(containers())
        .merge(inside())
        .merge(kept())
        .merge(pods())
        .merge(server())
}

/// Containers.
fn containers() -> Table {
    Table::default()
        .routes(routes!(create::create_container))
        .routes(routes!(list::list_containers))
        .routes(routes!(inspect::inspect_container))
        .routes(routes!(start::start_container))
        .routes(routes!(stop::stop_container))
        .routes(routes!(restart::restart_container))
        .routes(routes!(kill::kill_container))
        .routes(routes!(pause::pause_container))
        .routes(routes!(unpause::unpause_container))
        .routes(routes!(rename::rename_container))
        .routes(routes!(wait::wait_for_container))
        .routes(routes!(update::update_container))
        .routes(routes!(extend::extend_container))
        .routes(routes!(top::container_top))
        .routes(routes!(changes::container_changes))
        .routes(routes!(stats::container_stats))
        .routes(routes!(stats::all_stats))
        .routes(routes!(export::export_container))
        .routes(routes!(bulk::bulk))
        .routes(routes!(remove::remove_container))
        .routes(routes!(logs::container_logs))
}

/// What is in a container: commands, terminals, accounts, files.
fn inside() -> Table {
    Table::default()
        .routes(routes!(exec::exec_command))
        .routes(routes!(execs::list::list_execs))
        .routes(routes!(execs::inspect::inspect_exec))
        .routes(routes!(execs::output::exec_output))
        .routes(routes!(execs::stdin::write_stdin))
        .routes(routes!(execs::signal::signal_exec))
        .routes(routes!(execs::resize::resize_exec))
        .routes(routes!(execs::wait::wait_exec))
        .routes(routes!(execs::remove::remove_exec))
        .routes(routes!(tickets::create_ticket))
        .routes(routes!(terminals::exec::exec_terminal))
        .routes(routes!(terminals::attach::attach_terminal))
        .routes(routes!(users::add::add_user, users::list::list_users))
        .routes(routes!(
            users::inspect::inspect_user,
            users::modify::modify_user,
            users::remove::remove_user
        ))
        .routes(routes!(files::add::add_file))
        .routes(routes!(
            files::read::read_file,
            files::write::write_file,
            files::remove::remove_file
        ))
        .routes(routes!(files::info::file_info))
        .routes(routes!(files::list::list_files))
        .routes(routes!(files::operate::operate_on_file))
        .routes(routes!(files::search::search_files))
        .routes(routes!(files::events::file_events))
        .routes(routes!(
            files::download::download_archive,
            files::upload::upload_archive
        ))
        .routes(routes!(files::gather::gather_files))
}

/// What the engine keeps beside containers.
fn kept() -> Table {
    Table::default()
        .routes(routes!(images::list::list_images))
        .routes(routes!(
            images::inspect::inspect_image,
            images::remove::remove_image
        ))
        .routes(routes!(images::pull::pull_image))
        .routes(routes!(images::build::build_image))
        .routes(routes!(images::load::load_images))
        .routes(routes!(images::save::save_images))
        .routes(routes!(images::tag::tag_image))
        .routes(routes!(images::commit::commit_container))
        .routes(routes!(prune::images::prune_images))
        .routes(routes!(
            volumes::create::create_volume,
            volumes::list::list_volumes
        ))
        .routes(routes!(
            volumes::inspect::inspect_volume,
            volumes::remove::remove_volume
        ))
        .routes(routes!(
            networks::create::create_network,
            networks::list::list_networks
        ))
        .routes(routes!(
            networks::inspect::inspect_network,
            networks::remove::remove_network
        ))
        .routes(routes!(networks::connect::connect))
        .routes(routes!(networks::disconnect::disconnect))
        .routes(routes!(
            secrets::create::create_secret,
            secrets::list::list_secrets
        ))
        .routes(routes!(
            secrets::inspect::inspect_secret,
            secrets::remove::remove_secret
        ))
        .routes(routes!(
            registries::create::create_registry,
            registries::list::list_registries
        ))
        .routes(routes!(
            registries::inspect::inspect_registry,
            registries::modify::modify_registry,
            registries::remove::remove_registry
        ))
        .routes(routes!(prune::containers::prune_containers))
        .routes(routes!(prune::volumes::prune_volumes))
        .routes(routes!(prune::networks::prune_networks))
}

/// Pods.
fn pods() -> Table {
    Table::default()
        .routes(routes!(pods::create::create_pod, pods::list::list_pods))
        .routes(routes!(
            pods::inspect::inspect_pod,
            pods::remove::remove_pod
        ))
        .routes(routes!(pods::start::start_pod))
        .routes(routes!(pods::stop::stop_pod))
        .routes(routes!(pods::restart::restart_pod))
        .routes(routes!(pods::kill::kill_pod))
        .routes(routes!(pods::pause::pause_pod))
        .routes(routes!(pods::unpause::unpause_pod))
        .routes(routes!(prune::pods::prune_pods))
        .routes(routes!(kube::up::kube_up))
        .routes(routes!(kube::down::kube_down))
        .routes(routes!(kube::generate::generate_kube))
}

/// The server itself.
fn server() -> Table {
    Table::default()
        .routes(routes!(events::events))
        .routes(routes!(
            webhooks::create::create_webhook,
            webhooks::list::list_webhooks
        ))
        .routes(routes!(
            webhooks::inspect::inspect_webhook,
            webhooks::modify::modify_webhook,
            webhooks::remove::remove_webhook
        ))
        .routes(routes!(webhooks::test::test_webhook))
        .routes(routes!(webhooks::deliveries::list_deliveries))
        .routes(routes!(webhooks::redeliver::redeliver_all))
        .routes(routes!(webhooks::redeliver::redeliver_one))
        .routes(routes!(routes::audit::list::list_audit))
        .routes(routes!(routes::audit::verify::verify_audit))
        .routes(routes!(recordings::list::list_recordings))
        .routes(routes!(
            recordings::read::read_recording,
            recordings::remove::remove_recording
        ))
        .routes(routes!(recordings::replay::replay_recording))
        .routes(routes!(
            tokens::create::create_token,
            tokens::list::list_tokens
        ))
        .routes(routes!(tokens::revoke::revoke_token))
        .routes(routes!(tokens::rotate::rotate_token))
        .routes(routes!(health::health))
        .routes(routes!(version::version))
        .routes(routes!(capabilities::capabilities))
        .routes(routes!(disk_usage::disk_usage))
        .routes(routes!(metrics::metrics))
        .routes(routes!(prometheus::prometheus))
        .routes(routes!(livez::livez))
        .routes(routes!(readyz::readyz))
}

/// The whole server but its sockets.
pub fn router(app: App) -> Router {
    let mut router = table()
        .into_router()
        .merge(docs::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    // The innermost first: a request meets the layers from the last to the first.
    router = router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), audit))
        .layer(from_fn_with_state(app.clone(), once))
        .layer(from_fn_with_state(app.clone(), authenticate));
    if let Some(cors) = cors(&app) {
        router = router.layer(cors);
    }
    router
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn_with_state(app.clone(), edge))
        .with_state(app)
}

/// Where a reader of events goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What pages of listed origins may do; without any listed, nothing says so.
fn cors(app: &App) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = app
        .settings
        .cors_origins
        .iter()
        .filter_map(crate::Origin::header)
        .collect();
    if origins.is_empty() {
        return None;
    }
    let id = crate::edge::REQUEST_ID;
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                ACCEPT,
                AUTHORIZATION,
                API_KEY,
                TENANT,
                CONTENT_TYPE,
                IF_MATCH,
                IF_NONE_MATCH,
                IF_RANGE,
                RANGE,
                LAST_EVENT_ID,
                idempotency::KEY,
                id.clone(),
            ])
            .expose_headers([
                ALLOW,
                CONTENT_RANGE,
                ETAG,
                LOCATION,
                RETRY_AFTER,
                id,
                crate::stream::EXEC_PATH,
                idempotency::REPLAYED,
            ])
            .max_age(Duration::from_secs(600)),
    )
}
