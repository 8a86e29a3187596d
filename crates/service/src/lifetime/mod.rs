//! How long containers live: an end that is given when they are made, and one for those that nobody uses.
//!
//! What was asked for stands in a label, so that it is known to whichever server comes next. What was changed
//! since then is kept by the one server that keeps the container's time.

mod activity;
mod expire;
mod extend;
mod kept;
mod label;
mod life;
mod reaper;
mod settle;
mod table;

pub(crate) use activity::InUse;
pub(crate) use label::LIFE_LABEL;
pub(crate) use settle::settle;
pub(crate) use table::Lives;

use std::time::{Duration, SystemTime};

/// What becomes of a container whose time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnExpiry {
    /// It is removed, running or not.
    #[default]
    Remove,
    /// It is stopped, and stays.
    Stop,
}

impl OnExpiry {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Stop => "stop",
        }
    }

    /// What that word means.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Remove, Self::Stop]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// How long a new container shall live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewLifetime {
    /// From its start; for ever if `None`.
    pub ttl: Option<Duration>,
    /// How far that can be extended, from its start too: `ttl` if `None`. The engine keeps to this by itself.
    pub max_ttl: Option<Duration>,
    /// How long nobody may use it.
    pub idle_timeout: Option<Duration>,
    /// What becomes of it then.
    pub on_expiry: Option<OnExpiry>,
}

/// How long a container lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it expires; never by time alone if `None`.
    pub expires: Option<SystemTime>,
    /// How far that can be extended.
    pub latest: Option<SystemTime>,
    /// How long nobody may use it.
    pub idle_timeout: Option<Duration>,
    /// When that would be over, if nobody did from now on; `None` if it is not looked after here.
    pub idle_expires: Option<SystemTime>,
    /// What becomes of it then.
    pub on_expiry: OnExpiry,
}

/// How long a policy lets containers live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LifeLimits {
    /// From their start.
    pub ttl: Option<Duration>,
    /// Without being used.
    pub idle_timeout: Option<Duration>,
}

/// Why a container's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It was to live so long.
    Ttl,
    /// Nobody has used it for so long.
    Idle,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ttl => "ttl",
            Self::Idle => "idle_timeout",
        }
    }
}
