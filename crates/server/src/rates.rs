//! How often one caller may ask: so many requests a second, and so many at once before that.

use crate::serve::Peer;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use podlane_service::{Caller, Who};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a caller may ask, and what is left of it: draft-ietf-httpapi-ratelimit-headers-10.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// After so many requests those are forgotten who have not asked for a while.
const TIDY: u32 = 10_000;

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// The holder of a token, wherever it comes from.
    Token(String),
    /// Whoever has none, by address; `None` for a Unix socket.
    Address(Option<IpAddr>),
}

/// What one caller may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

/// Counts callers.
#[derive(Clone)]
pub(crate) struct Rates(Arc<Inner>);

type Limiter =
    RateLimiter<Key, DefaultKeyedStateStore<Key>, DefaultClock, StateInformationMiddleware>;

struct Inner {
    limiter: Limiter,
    clock: DefaultClock,
    asked: AtomicU32,
    rate: Rate,
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

impl Rates {
    pub(crate) fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self(Arc::new(Inner {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            rate,
            clock: DefaultClock::default(),
            asked: AtomicU32::new(0),
        }))
    }

    /// Whether a caller may ask now, and how often more at once; else after how long.
    pub(crate) fn check(&self, caller: &Caller, peer: Option<Peer>) -> Result<u32, Duration> {
        let Inner {
            limiter,
            clock,
            asked,
            ..
        } = &*self.0;
        if asked.fetch_add(1, Ordering::Relaxed) % TIDY == TIDY - 1 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        let key = match caller.who() {
            Who::Token { id, .. } => Key::Token(id.clone()),
            Who::Anonymous | Who::Server => Key::Address(peer.map(|peer| network(peer.address))),
        };
        let checked = limiter.check_key(&key);
        let checked = checked.map(|state| state.remaining_burst_capacity());
        checked.map_err(|early| early.wait_time_from(clock.now()))
    }

    /// The headers that tell a caller how often more it may ask.
    pub(crate) fn tell(&self, left: u32, headers: &mut HeaderMap) {
        let Rate { per_second, burst } = self.0.rate;
        let (per_second, burst) = (per_second.get(), burst.get());
        // The time after which all is as if it had not asked.
        let window = burst.div_ceil(per_second);
        let reset = (burst - left.min(burst)).div_ceil(per_second);
        let texts = [
            (POLICY, format!("\"caller\";q={burst};w={window}")),
            (LEFT, format!("\"caller\";r={left};t={reset}")),
        ];
        for (name, text) in texts {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Of IPv6 a machine has as many addresses as it likes, in a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count() {
        let rate = |number| NonZeroU32::new(number).expect("not zero");
        let rates = Rates::new(Rate {
            per_second: rate(1),
            burst: rate(3),
        });
        let caller = Caller::anonymous();
        let check = |text: &str| {
            let peer = Peer::at(text.parse().expect("an address"));
            rates.check(&caller, Some(peer))
        };
        for _ in 0..3 {
            assert!(check("192.0.2.1").is_ok());
        }
        let wait = check("192.0.2.1").expect_err("too many");
        assert!(wait <= Duration::from_secs(1) && !wait.is_zero());
        assert!(check("192.0.2.2").is_ok());
        assert!(check("::ffff:192.0.2.1").is_err(), "the same address");
        for host in ["1", "2", "3"] {
            assert!(check(&format!("2001:db8::{host}")).is_ok());
        }
        assert!(check("2001:db8::4").is_err(), "the same network");
        assert!(check("2001:db8:0:1::4").is_ok());
        assert!(rates.check(&caller, None).is_ok());
    }
}
