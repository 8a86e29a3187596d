//! `GET /livez`
//!
//! Asks nobody: a server whose engine is down must not be restarted for it.

use axum::Json;
use podlane_api::{Live, LiveWord};

/// Check that the server's process answers.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "system",
    responses((status = 200, description = "It does.", body = Live))
)]
pub(crate) async fn livez() -> Json<Live> {
    Json(Live {
        status: LiveWord::Alive,
    })
}
