//! `GET /api/v1/containers/{name}/top`

use crate::error::Result;
use crate::extract::{Name, Query};
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{ContainerProcess, ProcessList, True};
use podlane_service::{Call, Service};

/// List the processes of a running container.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/top",
    tag = "containers",
    responses((status = 200, description = "Its processes.", body = ProcessList))
)]
pub(crate) async fn container_top(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Json<ProcessList>> {
    let processes = service.top(&call, &name).await?;
    Ok(Json(ProcessList {
        success: True,
        processes: processes.into_iter().map(row).collect(),
    }))
}

fn row(process: podlane_engine::ContainerProcess) -> ContainerProcess {
    ContainerProcess {
        pid: process.pid,
        ppid: process.ppid,
        user: process.user,
        state: process.state,
        cpu_percent: process.cpu_percent,
        cpu_seconds: process.cpu_time.as_secs_f64(),
        elapsed_seconds: process.elapsed.as_secs_f64(),
        memory_bytes: process.memory,
        tty: process.terminal,
        command: process.command,
    }
}
