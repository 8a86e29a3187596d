//! How long containers live, asked for and told.

use crate::refusal::Refusal;
use crate::timestamp;
use podlane_api::{CreateContainer, Lifetime, OnExpiry};
use podlane_service::NewLifetime;
use std::time::{Duration, SystemTime};

/// The longest time: a year.
const MOST_SECONDS: u64 = 365 * 24 * 3600;

/// A time of a body.
pub(crate) fn time(field: &'static str, seconds: Option<u64>) -> Result<Option<Duration>, Refusal> {
    match seconds {
        Some(seconds) if !(1..=MOST_SECONDS).contains(&seconds) => {
            let message = format!("`{field}` must be from 1 to {MOST_SECONDS} seconds");
            Err(Refusal::field(field, message))
        }
        seconds => Ok(seconds.map(Duration::from_secs)),
    }
}

/// What a create asks for.
pub(super) fn asked(body: &CreateContainer) -> Result<NewLifetime, Refusal> {
    Ok(NewLifetime {
        ttl: time("ttl", body.ttl)?,
        max_ttl: time("max_ttl", body.max_ttl)?,
        idle_timeout: time("idle_timeout", body.idle_timeout)?,
        on_expiry: body.on_expiry.map(|on_expiry| match on_expiry {
            OnExpiry::Remove => podlane_service::OnExpiry::Remove,
            OnExpiry::Stop => podlane_service::OnExpiry::Stop,
        }),
    })
}

/// What an answer has of it: when it expires, and the rest.
pub(super) fn told(life: Option<podlane_service::Lifetime>) -> (Option<String>, Option<Lifetime>) {
    let at = |time: Option<SystemTime>| time.map(|time| timestamp::format(time.into()));
    let expires = at(life.and_then(|life| life.expires));
    let rest = life.map(|life| Lifetime {
        max_expires_at: at(life.latest),
        idle_timeout: life.idle_timeout.map(|time| time.as_secs()),
        idle_expires_at: at(life.idle_expires),
        on_expiry: match life.on_expiry {
            podlane_service::OnExpiry::Remove => OnExpiry::Remove,
            podlane_service::OnExpiry::Stop => OnExpiry::Stop,
        },
    });
    (expires, rest)
}
