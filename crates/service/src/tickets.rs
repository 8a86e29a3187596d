//! Tickets: for once, for half a minute, for one thing with one container. Who can't send a header, as a web page that
//! opens a WebSocket, shows one instead of a token.

use crate::{Bounds, Call, Caller, Error, Result, Scope, Service};
use podlane_engine::ContainerRef;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a ticket is good.
const LIFE: Duration = Duration::from_secs(30);
/// How many there are at once.
const MANY: usize = 10_000;

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketAction {
    /// Run a command over a WebSocket.
    Exec,
    /// Join the main process over a WebSocket.
    Attach,
}

/// A ticket that has just been made.
#[derive(Clone)]
pub struct Ticket {
    text: String,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl Ticket {
    /// It, for whoever asked for it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// How long it is good.
    pub fn life(&self) -> Duration {
        LIFE
    }
}

/// Tickets that nobody has used yet.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, Kept>>);

#[derive(Debug)]
struct Kept {
    caller: Caller,
    action: TicketAction,
    until: Instant,
}

impl Service {
    /// Makes a ticket for the caller, bound to a container as it is now.
    pub async fn create_ticket(
        &self,
        call: &Call,
        container: &ContainerRef,
        action: TicketAction,
    ) -> Result<Ticket> {
        call.may(Scope::ExecRun)?;
        let _worker = self.0.gate.enter(call).await?;
        let id = self.resolve(call, container).await?;
        let mut bits = [0_u8; 20];
        getrandom::fill(&mut bits).map_err(|error| Error::Internal {
            step: "drawing a random number",
            reason: error.to_string(),
        })?;
        let text = bits.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let caller = call.caller();
        let bounds = Bounds {
            container: Some(id),
            ..caller.bounds().clone()
        };
        let kept = Kept {
            caller: Caller::new(caller.who().clone(), caller.scopes(), bounds),
            action,
            until: Instant::now() + LIFE,
        };
        let mut tickets = self
            .0
            .tickets
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= MANY {
            let now = Instant::now();
            tickets.retain(|_, kept| kept.until > now);
        }
        if tickets.len() >= MANY {
            return Err(Error::TooMany {
                what: "tickets are waiting to be used",
                limit: MANY as u64,
                retry_after: LIFE,
            });
        }
        tickets.insert(text.clone(), kept);
        Ok(Ticket { text })
    }

    /// Who may do that with this ticket, which is good no more from now on.
    pub fn redeem(
        &self,
        text: &str,
        action: Option<TicketAction>,
        peer: Option<IpAddr>,
    ) -> Result<Caller> {
        let wrong = || Error::Unidentified {
            reason: "this ticket is not valid: it is for once, for thirty seconds and for what it was made for",
        };
        let mut tickets = self
            .0
            .tickets
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kept = tickets.remove(text).ok_or_else(wrong)?;
        drop(tickets);
        if kept.until <= Instant::now() || Some(kept.action) != action {
            return Err(wrong());
        }
        // What has been revoked since lets nobody in.
        self.0.tokens.still_good(kept.caller.who(), peer)?;
        Ok(kept.caller)
    }
}
