//! What a container's label says of its lifetime.
//!
//! Containers have the labels of their images, and images those of the containers that they were made of. So
//! each label has a number of its own, and one that the image has too is not the container's.

use super::{NewLifetime, OnExpiry};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The label.
pub(crate) const LIFE_LABEL: &str = "io.podlane.life";

/// What was agreed on when a container was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The server that keeps its time.
    pub(super) keeper: String,
    /// What no other label has.
    pub(super) number: u64,
    pub(super) expires: Option<SystemTime>,
    pub(super) latest: Option<SystemTime>,
    pub(super) idle: Option<Duration>,
    pub(super) on_expiry: OnExpiry,
}

impl Terms {
    /// Those of a container that is made now; `None` if it lives for ever.
    pub(super) fn of(new: &NewLifetime, keeper: &str, number: u64) -> Option<Self> {
        if new.ttl.is_none() && new.idle_timeout.is_none() {
            return None;
        }
        let now = now();
        Some(Self {
            keeper: keeper.to_owned(),
            number,
            expires: new.ttl.map(|ttl| now + ttl),
            latest: new.max_ttl.or(new.ttl).map(|ttl| now + ttl),
            idle: new.idle_timeout,
            on_expiry: new.on_expiry.unwrap_or_default(),
        })
    }

    /// What a label says, if it is one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut terms = Self {
            keeper: String::new(),
            number: 0,
            expires: None,
            latest: None,
            idle: None,
            on_expiry: OnExpiry::default(),
        };
        for word in text.split(' ') {
            let (name, value) = word.split_once('=')?;
            match name {
                "keeper" => value.clone_into(&mut terms.keeper),
                "number" => terms.number = u64::from_str_radix(value, 16).ok()?,
                "expires" => terms.expires = Some(time(value.parse().ok()?)?),
                "latest" => terms.latest = Some(time(value.parse().ok()?)?),
                "idle" => terms.idle = Some(Duration::from_secs(value.parse().ok()?)),
                "then" => terms.on_expiry = OnExpiry::parse(value)?,
                _ => return None,
            }
        }
        // What can be extended by nobody is to expire, and what expires can be so at the latest.
        let sound = terms.expires.is_some() == terms.latest.is_some()
            && (terms.expires.is_some() || terms.idle.is_some());
        (sound && !terms.keeper.is_empty()).then_some(terms)
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keeper={} number={:016x}", self.keeper, self.number)?;
        if let Some(expires) = self.expires {
            write!(f, " expires={}", millis(expires))?;
        }
        if let Some(latest) = self.latest {
            write!(f, " latest={}", millis(latest))?;
        }
        if let Some(idle) = self.idle {
            write!(f, " idle={}", idle.as_secs())?;
        }
        write!(f, " then={}", self.on_expiry.as_str())
    }
}

/// The time now, as exactly as it is written down.
pub(super) fn now() -> SystemTime {
    let now = SystemTime::now();
    time(millis(now)).unwrap_or(now)
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn time(millis: i64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(millis).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let second = Duration::from_secs(1);
        for (ttl, max_ttl, idle_timeout, on_expiry) in [
            (Some(second), None, None, None),
            (
                Some(second),
                Some(second * 5),
                Some(second),
                Some(OnExpiry::Stop),
            ),
            (None, None, Some(second), Some(OnExpiry::Remove)),
        ] {
            let new = NewLifetime {
                ttl,
                max_ttl,
                idle_timeout,
                on_expiry,
            };
            let terms = Terms::of(&new, "0a", 7).expect("an end");
            let read = Terms::parse(&terms.to_string()).expect("the same");
            assert_eq!(read.to_string(), terms.to_string());
            assert_eq!(read.latest.is_some(), ttl.is_some());
            assert_eq!(read.idle, idle_timeout);
        }
        assert_eq!(Terms::of(&NewLifetime::default(), "0a", 7), None);
    }

    #[test]
    fn what_is_not_ours_is_no_label() {
        for text in [
            "",
            "keeper=a",
            "keeper=a number=1 then=remove",
            "keeper=a number=1 expires=5 then=remove",
            "keeper=a number=1 latest=5 then=remove",
            "number=1 expires=5 latest=5 then=remove",
            "keeper=a number=1 expires=-5 latest=5 then=remove",
            "keeper=a number=1 expires=99999999999999999999 latest=5 then=remove",
            "keeper=a number=1 idle=5 then=explode",
            "keeper=a number=1 idle=5 then=remove more=1",
            "keeper=a number=x idle=5 then=remove",
        ] {
            assert_eq!(Terms::parse(text), None, "{text}");
        }
    }
}
