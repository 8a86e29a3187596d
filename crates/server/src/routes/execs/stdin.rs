//! `POST /api/v1/execs/{id}/stdin`
//!
//! The body is what the command reads, as it is: it passes through as fast as the command reads, and
//! is never held as a whole.

use super::Id;
use crate::App;
use crate::error::{Error, Result};
use crate::extract::{Parameters, Query, QueryShape, body};
use crate::refusal::Refusal;
use crate::serve::Framing;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::{Extension, Json};
use podlane_api::{Stdin, True, WroteStdin};
use podlane_service::Call;

/// `?close=true`
pub(crate) struct Close(bool);

impl QueryShape for Close {
    const NAMES: &'static [&'static str] = &["close"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.flag("close")?.unwrap_or_default()))
    }
}

/// Write to a background command's standard input.
#[utoipa::path(
    post,
    path = "/api/v1/execs/{id}/stdin",
    tag = "execs",
    params(("close" = Option<bool>, Query, description = "Whether standard input ends after that.")),
    request_body(content = String, content_type = "application/octet-stream", description = "What the command is to read, as it is."),
    responses((status = 200, description = "All of it was written.", body = WroteStdin))
)]
pub(crate) async fn write_stdin(
    State(app): State<App>,
    Extension(call): Extension<Call>,
    Id(id): Id,
    Query(Close(close)): Query<Close>,
    request: Request,
) -> Result<Json<WroteStdin>> {
    let (parts, mut body) = request.into_parts();
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(Error::Refused(Refusal::MediaType {
            header: "Content-Encoding",
            message: "the body must not be compressed".into(),
            hint: "send it as it is",
        }));
    }
    let mut writer = app.service.write_exec(&call, &id).await?;
    loop {
        let piece = body::piece(&mut body, &app.settings, Some(&call)).await;
        match piece.map_err(Error::InPassing)? {
            Some(piece) => writer.write(&piece).await?,
            None => break,
        }
    }
    writer.flush().await;
    // How the body was framed is known only now.
    Framing::check(&parts.extensions).map_err(Error::InPassing)?;
    let bytes = writer.written();
    if close {
        writer.close().await;
    }
    let stdin = Stdin {
        bytes,
        closed: close,
    };
    Ok(Json(WroteStdin {
        success: True,
        stdin,
    }))
}
