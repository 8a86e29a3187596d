//! What webhooks are to be told: waiting, delivered or dead, with bounds on how many there are of each.

use super::WebhookStore;
use crate::Result;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// How many may wait for one webhook; what comes then is dead at once.
pub(super) const WAITING: usize = 1000;
/// How many dead ones are kept of one webhook, the newest.
pub(super) const DEAD: usize = 1000;
/// How many delivered ones are kept of one webhook, the newest.
pub(super) const DELIVERED: usize = 100;
/// For how long dead and delivered ones are kept: a week, in milliseconds.
const KEPT: i64 = 7 * 86_400_000;
/// Why one is dead that did not fit in.
const FULL: &str = "too many were waiting for this webhook";

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is sent as soon as its time has come.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Something that a webhook is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Which webhook.
    pub webhook: String,
    /// What tells it from all others of this webhook; the same event has the same, always.
    pub id: String,
    /// What is sent.
    pub body: String,
}

/// What became of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handled {
    /// What is to be told of them.
    pub deliveries: Vec<NewDelivery>,
    /// What health checks say now; `None` for a container without one, or without having said something.
    pub health: Vec<(String, Option<String>)>,
    /// The time of the last of them, in nanoseconds since 1970.
    pub place: i64,
}

/// Something that a webhook was or is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its place among all.
    pub number: i64,
    /// Which webhook.
    pub webhook: String,
    /// What tells it from all others of this webhook.
    pub id: String,
    /// What is sent.
    pub body: String,
    /// When it came: milliseconds since 1970.
    pub created: i64,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, if it is: milliseconds since 1970.
    pub next: Option<i64>,
    /// When it was tried last.
    pub last: Option<i64>,
    /// The status that was answered then.
    pub status: Option<u16>,
    /// Why that was no success.
    pub error: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When: milliseconds since 1970.
    pub at: i64,
    /// What follows of it.
    pub state: DeliveryState,
    /// When the next one is, if one is.
    pub next: Option<i64>,
    /// The status that was answered.
    pub status: Option<u16>,
    /// Why it was no success.
    pub error: Option<String>,
}

/// How much there is for a webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// How many wait.
    pub waiting: usize,
    /// How many are dead.
    pub dead: usize,
}

const COLUMNS: &str =
    "number, webhook, id, body, created, state, attempts, next, last, status, error";

fn record(row: &Row) -> rusqlite::Result<DeliveryRecord> {
    let state: String = row.get(5)?;
    Ok(DeliveryRecord {
        number: row.get(0)?,
        webhook: row.get(1)?,
        id: row.get(2)?,
        body: row.get(3)?,
        created: row.get(4)?,
        // What a later version has written and this one does not know is not touched.
        state: DeliveryState::parse(&state).unwrap_or(DeliveryState::Dead),
        attempts: row.get(6)?,
        next: row.get(7)?,
        last: row.get(8)?,
        status: row.get(9)?,
        error: row.get(10)?,
    })
}

pub(super) fn write_place(connection: &Connection, at: i64) -> rusqlite::Result<()> {
    let sql = "REPLACE INTO place (one, at) VALUES (1, ?1)";
    connection.prepare_cached(sql)?.execute([at]).map(drop)
}

fn count(change: &Connection, webhook: &str, state: DeliveryState) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM delivery WHERE webhook = ?1 AND state = ?2";
    let mut ask = change.prepare_cached(sql)?;
    let count: i64 = ask.query_row(params![webhook, state.as_str()], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Forgets what is more than is kept of one webhook, or too old.
fn prune(change: &Transaction, webhook: &str, now: i64) -> rusqlite::Result<()> {
    for (state, most) in [
        (DeliveryState::Dead, DEAD),
        (DeliveryState::Delivered, DELIVERED),
    ] {
        let sql = "DELETE FROM delivery WHERE webhook = ?1 AND state = ?2 AND (created < ?3 OR number <= (\
             SELECT number FROM delivery WHERE webhook = ?1 AND state = ?2 \
             ORDER BY number DESC LIMIT 1 OFFSET ?4))";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let values = params![webhook, state.as_str(), now - KEPT, most];
        change.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

impl WebhookStore {
    /// Keeps what is to be told of events, and that they are handled: all or nothing. What is there already
    /// stays as it is. How many are new.
    pub fn handle(&self, handled: &Handled, now: i64) -> Result<usize> {
        self.with(|connection| {
            let change = connection.transaction()?;
            let mut new = 0;
            for delivery in &handled.deliveries {
                let full = count(&change, &delivery.webhook, DeliveryState::Waiting)? >= WAITING;
                let state = if full {
                    DeliveryState::Dead
                } else {
                    DeliveryState::Waiting
                };
                let sql = "INSERT OR IGNORE INTO delivery \
                     (webhook, id, body, created, state, attempts, next, error) \
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)";
                new += change.prepare_cached(sql)?.execute(params![
                    delivery.webhook,
                    delivery.id,
                    delivery.body,
                    now,
                    state.as_str(),
                    (!full).then_some(now),
                    full.then_some(FULL)
                ])?;
                if full {
                    prune(&change, &delivery.webhook, now)?;
                }
            }
            for (container, status) in &handled.health {
                match status {
                    Some(status) => {
                        let sql = "REPLACE INTO health (container, status) VALUES (?1, ?2)";
                        change.execute(sql, params![container, status])?
                    }
                    None => {
                        change.execute("DELETE FROM health WHERE container = ?1", [container])?
                    }
                };
            }
            write_place(&change, handled.place)?;
            change.commit()?;
            Ok(new)
        })
    }

    /// What is to be sent to a webhook now, so many at most, what waits longest first.
    pub fn due(&self, webhook: &str, now: i64, limit: usize) -> Result<Vec<DeliveryRecord>> {
        self.with(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM delivery WHERE webhook = ?1 AND state = 'waiting' AND next <= ?2 \
                 ORDER BY next, number LIMIT ?3"
            );
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut ask = connection.prepare_cached(&sql)?;
            ask.query_map(params![webhook, now, limit], record)?
                .collect()
        })
    }

    /// When the first of those is to be sent that need not be yet.
    pub fn next_after(&self, now: i64) -> Result<Option<i64>> {
        self.with(|connection| {
            let sql = "SELECT min(next) FROM delivery WHERE state = 'waiting' AND next > ?1";
            connection
                .prepare_cached(sql)?
                .query_row([now], |row| row.get(0))
        })
    }

    /// Writes down how an attempt went.
    pub fn tried(&self, delivery: &DeliveryRecord, attempt: &Attempt) -> Result<()> {
        self.with(|connection| {
            let change = connection.transaction()?;
            let sql = "UPDATE delivery SET state = ?2, attempts = attempts + 1, next = ?3, last = ?4, \
                 status = ?5, error = ?6 WHERE number = ?1";
            change.prepare_cached(sql)?.execute(params![
                delivery.number,
                attempt.state.as_str(),
                attempt.next,
                attempt.at,
                attempt.status,
                attempt.error
            ])?;
            prune(&change, &delivery.webhook, attempt.at)?;
            change.commit()
        })
    }

    /// Deliveries of a webhook, the newest first: those before a place among all, so many at most.
    pub fn deliveries(
        &self,
        webhook: &str,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        self.with(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM delivery WHERE webhook = ?1 AND (?2 IS NULL OR state = ?2) \
                 AND number < ?3 ORDER BY number DESC LIMIT ?4"
            );
            let values = params![
                webhook,
                state.map(DeliveryState::as_str),
                before.unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX)
            ];
            connection
                .prepare_cached(&sql)?
                .query_map(values, record)?
                .collect()
        })
    }

    /// One of them.
    pub fn delivery(&self, webhook: &str, id: &str) -> Result<Option<DeliveryRecord>> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM delivery WHERE webhook = ?1 AND id = ?2");
            let mut ask = connection.prepare_cached(&sql)?;
            ask.query_row([webhook, id], record).optional()
        })
    }

    /// Sends again, as if it were new: one delivery that does not wait, or all dead ones, as far as there is room,
    /// the oldest first. How many.
    pub fn redeliver(&self, webhook: &str, id: Option<&str>, now: i64) -> Result<usize> {
        self.with(|connection| {
            let change = connection.transaction()?;
            let room = WAITING.saturating_sub(count(&change, webhook, DeliveryState::Waiting)?);
            let room = i64::try_from(room).unwrap_or(i64::MAX);
            let sql = "UPDATE delivery SET state = 'waiting', attempts = 0, next = ?3, error = NULL, \
                 status = NULL WHERE number IN (SELECT number FROM delivery WHERE webhook = ?1 \
                 AND (id = ?2 AND state <> 'waiting' OR ?2 IS NULL AND state = 'dead') \
                 ORDER BY number LIMIT ?4)";
            let again = change.execute(sql, params![webhook, id, now, room])?;
            change.commit()?;
            Ok(again)
        })
    }

    /// How much there is for a webhook.
    pub fn counts(&self, webhook: &str) -> Result<WebhookCounts> {
        self.with(|connection| {
            Ok(WebhookCounts {
                waiting: count(connection, webhook, DeliveryState::Waiting)?,
                dead: count(connection, webhook, DeliveryState::Dead)?,
            })
        })
    }
}
