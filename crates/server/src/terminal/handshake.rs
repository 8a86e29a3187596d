//! The request that asks for a WebSocket, refused in the contract's form.

use super::{MESSAGE, Opening, Protocol, Session, View};
use crate::App;
use crate::authenticate::TICKET;
use crate::edge::Subject;
use crate::refusal::Refusal;
use crate::serve::{Framing, Lease};
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection as Rejection;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::response::Response;
use podlane_service::Call;
use std::time::Duration;

/// What is read and written at once. The library's own default would hold 256 KiB for each session.
const BUFFER: usize = 16 * 1024;

/// A request for a WebSocket that can be granted.
#[derive(Debug)]
pub(crate) struct Handshake {
    upgrade: WebSocketUpgrade,
    protocol: Protocol,
    framing: Framing,
    lease: Lease,
    call: Call,
    subject: Subject,
    idle: Duration,
}

impl Handshake {
    /// Which subprotocol has been agreed on.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Grants it.
    pub(crate) fn grant(self, opening: Opening, view: View) -> Response {
        let session = Session {
            protocol: self.protocol,
            idle: self.idle,
            view,
            lease: self.lease,
            call: self.call,
            subject: self.subject,
        };
        self.framing.leave_http();
        self.upgrade
            .on_upgrade(move |socket| session.run(socket, opening))
    }
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        // What follows the head belongs to the WebSocket, and must be nothing else for anybody.
        let length = parts.headers.get(CONTENT_LENGTH);
        if length.is_some_and(|length| length != "0") {
            return Err(Refusal::field(
                "Content-Length",
                "a request for a WebSocket has no body",
            ));
        }
        if parts.headers.contains_key(TRANSFER_ENCODING) {
            return Err(Refusal::field(
                "Transfer-Encoding",
                "a request for a WebSocket has no body",
            ));
        }
        let upgrade = WebSocketUpgrade::from_request_parts(parts, app).await;
        let upgrade = upgrade
            .map_err(|wrong| refusal(&wrong))?
            .protocols(Protocol::NAMES)
            // A message that is a little too long is refused with words, by who reads it.
            .max_message_size(2 * MESSAGE)
            .max_frame_size(2 * MESSAGE)
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER);
        let selected = upgrade.selected_protocol();
        let is_ticket = |name: &HeaderValue| name.as_bytes().starts_with(TICKET.as_bytes());
        let wanted = upgrade.requested_protocols().any(|name| !is_ticket(name));
        if selected.is_none() && wanted {
            let known = Protocol::NAMES.join(", ");
            return Err(Refusal::field(
                "Sec-WebSocket-Protocol",
                format!("the subprotocols are {known}; without one, messages are plain bytes"),
            ));
        }
        let protocol = Protocol::of(selected.and_then(|name| name.to_str().ok()));
        let Ok(lease) = Lease::from_request_parts(parts, app).await;
        let call = parts.extensions.get::<Call>().cloned();
        Ok(Self {
            upgrade,
            protocol,
            framing: parts.extensions.get().cloned().unwrap_or_default(),
            lease,
            call: call.unwrap_or_else(|| unreachable!("the edge gives every request its call")),
            subject: parts.extensions.get().cloned().unwrap_or_default(),
            idle: app.settings.terminal_idle,
        })
    }
}

fn refusal(wrong: &Rejection) -> Refusal {
    let (field, message) = match wrong {
        Rejection::InvalidWebSocketVersionHeader(_) => (
            "Sec-WebSocket-Version",
            "the version of the WebSocket protocol must be 13",
        ),
        Rejection::WebSocketKeyHeaderMissing(_) => (
            "Sec-WebSocket-Key",
            "the header Sec-WebSocket-Key is required",
        ),
        Rejection::InvalidConnectionHeader(_) => (
            "Connection",
            "a WebSocket begins with `Connection: Upgrade`",
        ),
        _ => (
            "Upgrade",
            "this endpoint is a WebSocket: it begins with `Upgrade: websocket`",
        ),
    };
    Refusal::field(field, message)
}
