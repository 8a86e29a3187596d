//! Tickets for `WebSocket`s.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A ticket to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTicket {
    /// What it is for.
    pub action: TicketFor,
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TicketFor {
    /// `GET /api/v1/containers/{name}/exec/ws`
    Exec,
    /// `GET /api/v1/containers/{name}/attach/ws`
    Attach,
}

/// A ticket, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTicket {
    /// Always true.
    pub success: True,
    /// The ticket, for the subprotocol `podlane.ticket.TICKET`.
    #[schema(value_type = String, pattern = "^[0-9a-f]{40}$")]
    pub ticket: Hidden,
    /// The seconds for which it is good.
    #[schema(example = 30)]
    pub expires_in: u64,
}
