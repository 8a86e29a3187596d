//! `POST /api/v1/containers/{name}/tickets`

use crate::error::Result;
use crate::extract::{Json, Name, Query};
use axum::Extension;
use axum::extract::State;
use podlane_api::{CreateTicket, CreatedTicket, Hidden, TicketFor, True};
use podlane_service::{Call, Service, TicketAction};

/// Make a ticket for one WebSocket.
///
/// For who can't send a token with it, as a web page: the ticket goes with the request for the WebSocket as a
/// subprotocol, `podlane.ticket.` and the ticket.
#[utoipa::path(
    post,
    path = "/api/v1/containers/{name}/tickets",
    tag = "containers",
    request_body = CreateTicket,
    responses((status = 200, description = "The ticket.", body = CreatedTicket))
)]
pub(crate) async fn create_ticket(
    State(service): State<Service>,
    Extension(call): Extension<Call>,
    Name(name): Name,
    Query(()): Query<()>,
    Json(body): Json<CreateTicket>,
) -> Result<axum::Json<CreatedTicket>> {
    let action = match body.action {
        TicketFor::Exec => TicketAction::Exec,
        TicketFor::Attach => TicketAction::Attach,
    };
    let ticket = service.create_ticket(&call, &name, action).await?;
    Ok(axum::Json(CreatedTicket {
        success: True,
        ticket: Hidden(ticket.reveal().to_owned()),
        expires_in: ticket.life().as_secs(),
    }))
}
