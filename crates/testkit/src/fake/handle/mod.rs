//! What each route does. One file a resource.

mod archive;
mod create;
mod events;
mod exec;
mod exec_start;
pub(super) mod health;
mod images;
mod inspect;
mod kept;
mod kube;
mod lifecycle;
mod list;
mod logs;
mod networks;
mod observe;
mod pods;
mod remove;
mod secrets;
mod system;
mod volumes;

pub(super) use events::of as event_of;

use super::Route;
use super::answer::{Answer, Handled};
use super::route::Query;
use super::state::{Core, Status};
use bytes::Bytes;
use std::sync::Arc;

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) core: Arc<Core>,
    pub(super) route: Route,
    /// The name or ID in the path.
    pub(super) name: String,
    pub(super) query: Query,
    /// Path and query as they came.
    pub(super) target: String,
    pub(super) body: Bytes,
}

/// Does what a request asks for.
pub(super) async fn handle(request: &Request) -> Handled {
    match request.route {
        Route::Any => Ok(Answer::no_route()),
        Route::Ping => Ok(system::ping(request)),
        Route::Version => Ok(system::version(request)),
        Route::Info => Ok(system::info(request)),
        Route::DiskUsage => Ok(system::disk_usage(request)),
        Route::Events => events::events(request),
        Route::ImageInspect => images::inspect(request),
        Route::ImageExists => images::exists(request),
        Route::ImagePull => Ok(images::pull(request)),
        Route::ImageList => Ok(images::list(request)),
        Route::ImageTag => images::tag(request),
        Route::ImageRemove => images::remove(request),
        Route::ImageImport => images::import(request),
        Route::VolumeCreate => volumes::create(request),
        Route::VolumeList => Ok(volumes::list(request)),
        Route::VolumeInspect => volumes::inspect(request),
        Route::VolumeRemove => volumes::remove(request),
        Route::NetworkCreate => networks::create(request),
        Route::NetworkList => Ok(networks::list(request)),
        Route::NetworkInspect => networks::inspect(request),
        Route::NetworkRemove => networks::remove(request),
        Route::NetworkConnect => networks::connect(request),
        Route::NetworkDisconnect => networks::disconnect(request),
        Route::KubeGenerate => kube::generate(request),
        Route::PodCreate => pods::create(request),
        Route::PodList => Ok(pods::list(request)),
        Route::PodInspect => pods::inspect(request),
        Route::PodStart => pods::start(request),
        Route::PodStop => pods::stop(request).await,
        Route::PodKill => pods::kill(request),
        Route::PodPause => pods::pause(request, Status::Running, Status::Paused),
        Route::PodUnpause => pods::pause(request, Status::Paused, Status::Running),
        Route::PodRemove => pods::remove(request).await,
        Route::SecretCreate => secrets::create(request),
        Route::SecretList => Ok(secrets::list(request)),
        Route::SecretInspect => secrets::inspect(request),
        Route::SecretRemove => secrets::remove(request),
        Route::ContainerCreate => create::create(request),
        Route::ContainerList | Route::ContainersChecked => list::list(request),
        Route::ContainerInspect => inspect::inspect(request),
        Route::ContainerExists => inspect::exists(request),
        Route::ContainerStart => lifecycle::start(request),
        Route::ContainerStop => lifecycle::stop(request).await,
        Route::ContainerRestart => lifecycle::restart(request).await,
        Route::ContainerKill => lifecycle::kill(request),
        Route::ContainerPause => lifecycle::pause(request),
        Route::ContainerUnpause => lifecycle::unpause(request),
        Route::ContainerRename => lifecycle::rename(request),
        Route::ContainerUpdate => observe::update(request),
        Route::ContainerCheck => health::check(request).await,
        Route::ContainerTop => observe::top(request),
        Route::ContainerChanges => observe::changes(request),
        Route::ContainerExport => observe::export(request),
        Route::ContainerStats => observe::stats(request),
        Route::ContainerWait => lifecycle::wait(request).await,
        Route::ContainerRemove => remove::remove(request).await,
        Route::ContainerLogs => logs::logs(request),
        Route::ArchiveStat | Route::ArchiveGet => archive::get(request),
        Route::ArchivePut => archive::put(request),
        Route::ExecCreate => exec::create(request),
        Route::ExecStart => exec_start::start(request),
        Route::ExecInspect => exec::inspect(request),
        Route::ExecRemove => exec::remove(request),
        Route::ExecResize => exec::resize(request),
    }
}

/// Does what even a failing start does: noting why.
pub(super) fn note_fault(request: &Request, fault: Option<&super::Fault>) {
    let (Route::ContainerStart, Some(super::Fault::Fails(message))) = (request.route, fault) else {
        return;
    };
    if let Ok(container) = request.core.state().find(&request.name) {
        lifecycle::note_failure(&request.core, container, message);
    }
}
