//! `GET /api/v1/recordings`

use crate::error::Result;
use crate::extract::Query;
use crate::timestamp;
use axum::extract::State;
use axum::{Extension, Json};
use podlane_api::{Recording, RecordingList, True};
use podlane_service::{Call, Service};

/// List the recordings.
#[utoipa::path(
    get,
    path = "/api/v1/recordings",
    tag = "recordings",
    responses((status = 200, description = "The recordings, the newest first; none where nothing is recorded.", body = RecordingList))
)]
pub(crate) async fn list_recordings(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Query(()): Query<()>,
) -> Result<Json<RecordingList>> {
    let recordings = service.recordings(&call).await?;
    let row = |recording: podlane_service::Recording| Recording {
        id: recording.id,
        title: recording.title,
        started_at: timestamp::format(recording.started),
        duration_ms: u64::try_from(recording.duration.as_millis()).unwrap_or(u64::MAX),
        bytes: recording.bytes,
    };
    Ok(Json(RecordingList {
        success: True,
        recordings: recordings.into_iter().map(row).collect(),
    }))
}
