//! What is asked of a new container's lifetime, once the policy has had its say.

use super::NewLifetime;
use crate::{Error, Finding, NewContainer, Policy, Result};
use podlane_engine::Restart;
use std::time::Duration;

/// How much longer than a stop takes the engine waits, so that whoever can end a container in good order
/// does it first.
const AFTER: Duration = Duration::from_secs(5);
/// How long a stop takes if nothing is said. Source: `containers.conf`, `stop_timeout`.
const STOP: Duration = Duration::from_secs(10);

impl Policy {
    /// Gives a lifetime to what asks for none, and finds what is too long.
    pub(crate) fn limit_life(&self, asked: &mut NewLifetime) -> Vec<Finding> {
        let (usual, most) = (self.usual_life, self.most_life);
        let mut findings = Vec::new();
        let mut hold = |field: &'static str, asked: Option<Duration>, most: Option<Duration>| {
            if let (Some(asked), Some(most)) = (asked, most)
                && asked > most
            {
                findings.push(Finding {
                    rule: "lifetime.maximum".into(),
                    field,
                    value: asked.as_secs().to_string(),
                    reason: "it is longer than a container may live".into(),
                    allowed: Some(vec![format!("up to {} seconds", most.as_secs())]),
                    denied: Vec::new(),
                });
            }
        };
        asked.ttl = asked.ttl.or(usual.ttl).or(most.ttl);
        asked.idle_timeout = asked
            .idle_timeout
            .or(usual.idle_timeout)
            .or(most.idle_timeout);
        hold("ttl", asked.ttl, most.ttl);
        hold("max_ttl", asked.max_ttl, most.ttl);
        hold("idle_timeout", asked.idle_timeout, most.idle_timeout);
        findings
    }
}

/// Refuses what does not go together, and says until when the engine lets the container live.
pub(crate) fn settle(new: &mut NewContainer) -> Result<()> {
    let NewLifetime {
        ttl,
        max_ttl,
        idle_timeout,
        on_expiry,
    } = new.lifetime;
    let wrong = |field, message: &str| Err(Error::invalid(field, message));
    if max_ttl.is_some() && max_ttl < ttl.or(Some(Duration::MAX)) {
        let message = "`max_ttl` says how far `ttl` can be extended: `ttl` must be given too, and not be more";
        return wrong("max_ttl", message);
    }
    if on_expiry.is_some() && ttl.is_none() && idle_timeout.is_none() {
        return wrong(
            "on_expiry",
            "`on_expiry` goes only with `ttl` or `idle_timeout`",
        );
    }
    let restarted = !matches!(new.settings.restart, None | Some(Restart::No));
    if ttl.is_some() && restarted {
        let message = "`restart` does not go with `ttl`: the engine would start the container anew after its end";
        return wrong("restart", message);
    }
    new.settings.lifespan = max_ttl.or(ttl).map(|most| {
        let whole = Duration::from_secs(most.as_secs());
        whole + new.settings.stop_timeout.unwrap_or(STOP).max(STOP) + AFTER
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::LifeLimits;
    use super::*;

    fn asked(ttl: Option<u64>, max_ttl: Option<u64>, idle: Option<u64>) -> NewLifetime {
        NewLifetime {
            ttl: ttl.map(Duration::from_secs),
            max_ttl: max_ttl.map(Duration::from_secs),
            idle_timeout: idle.map(Duration::from_secs),
            on_expiry: None,
        }
    }

    fn limits(ttl: Option<u64>, idle: Option<u64>) -> LifeLimits {
        LifeLimits {
            ttl: ttl.map(Duration::from_secs),
            idle_timeout: idle.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_policy_gives_an_end_and_bounds_it() {
        let policy = Policy {
            usual_life: limits(Some(60), None),
            most_life: limits(Some(100), Some(10)),
            ..Policy::default()
        };
        for (wish, becomes, fields) in [
            (
                asked(None, None, None),
                asked(Some(60), None, Some(10)),
                &[][..],
            ),
            (
                asked(Some(100), None, Some(5)),
                asked(Some(100), None, Some(5)),
                &[],
            ),
            (
                asked(Some(101), None, None),
                asked(Some(101), None, Some(10)),
                &["ttl"],
            ),
            (
                asked(Some(5), Some(101), Some(11)),
                asked(Some(5), Some(101), Some(11)),
                &["max_ttl", "idle_timeout"],
            ),
        ] {
            let mut life = wish;
            let findings = policy.limit_life(&mut life);
            assert_eq!(life, becomes);
            let found: Vec<_> = findings.iter().map(|finding| finding.field).collect();
            assert_eq!(found, fields, "{wish:?}");
        }
        let mut free = asked(None, None, None);
        assert!(Policy::default().limit_life(&mut free).is_empty());
        assert_eq!(free, NewLifetime::default());
    }
}
