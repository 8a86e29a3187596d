//! `GET /api/v1/containers/{name}/attach/ws`

use super::container::{self, CONTAINER};
use super::query::size;
use crate::error::Result;
use crate::extract::{Name, Parameters, Query, QueryShape};
use crate::refusal::Refusal;
use crate::terminal::{Handshake, Opening, View};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use podlane_service::{Call, NewAttachment, Service};

/// What the query of an attachment says.
#[derive(Debug)]
pub(crate) struct Wanted {
    new: NewAttachment,
    view: View,
    container: Option<String>,
}

impl QueryShape for Wanted {
    const NAMES: &'static [&'static str] =
        &["columns", "rows", "stdin", "stdout", "stderr", CONTAINER];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self {
            new: NewAttachment {
                stdin: parameters.flag("stdin")?,
                size: size(parameters)?,
            },
            view: View {
                // It does not end with the server: nothing is to be waited for.
                interactive: true,
                stdout: parameters.flag("stdout")?.unwrap_or(true),
                stderr: parameters.flag("stderr")?.unwrap_or(true),
            },
            container: parameters.get(CONTAINER).map(str::to_owned),
        })
    }
}

/// Attach to a container's main process over a WebSocket.
#[utoipa::path(
    get,
    path = "/api/v1/containers/{name}/attach/ws",
    tag = "containers",
    params(
        ("columns" = Option<u16>, Query, description = "Characters in a line of its terminal, if it has one; as it is if left out."),
        ("rows" = Option<u16>, Query, description = "Lines of its terminal, if it has one; as it is if left out."),
        ("stdin" = Option<bool>, Query, description = "Whether it is to be written to. If left out, only if it has a terminal: any other's input ends with the attachment."),
        ("stdout" = Option<bool>, Query, description = "Whether standard output is wanted; true if left out."),
        ("stderr" = Option<bool>, Query, description = "Whether standard error is wanted; true if left out."),
        ("container" = Option<String>, Query, description = "For clients of Kubernetes alone: empty, or this container."),
    ),
    responses((status = 101, description = "Attached; messages are as the subprotocol says: `v5.channel.k8s.io`, `v4.channel.k8s.io`, `podlane.v1.json` (TerminalInput, TerminalOutput), or plain bytes without one."))
)]
pub(crate) async fn attach_terminal(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(wanted): Query<Wanted>,
    handshake: Handshake,
) -> Result<Response> {
    let said = wanted.container.as_deref();
    container::check(&service, &call, &name, said, &handshake).await?;
    let terminal = service.attach_terminal(&call, &name, wanted.new).await?;
    Ok(handshake.grant(Opening::Done(Box::new(terminal)), wanted.view))
}
