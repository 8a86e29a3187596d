//! A policy as it is written: TOML.

use crate::refusal::Refusal;
use crate::routes::containers::lifetime;
use crate::routes::limits;
use podlane_api::{Limits, Size};
use podlane_service::{Field, LifeLimits, Pattern, Policy, Quota, Quotas, Rule, Tenant};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// A number of processors that nobody has.
const PROCESSORS: f64 = 1_000_000.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    limits: WrittenLimits,
    #[serde(default)]
    lifetime: WrittenLifetimes,
    #[serde(default)]
    rules: Vec<WrittenRule>,
    #[serde(default)]
    quota: WrittenQuotas,
    #[serde(default)]
    tenants: BTreeMap<String, WrittenTenant>,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Enforce,
    Warn,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Profile {
    #[default]
    Engine,
    Hardened,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    #[serde(default)]
    default: Limits,
    #[serde(default)]
    maximum: Limits,
}

/// Seconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLifetime {
    ttl: Option<u64>,
    idle_timeout: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLifetimes {
    #[serde(default)]
    default: WrittenLifetime,
    #[serde(default)]
    maximum: WrittenLifetime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    reason: String,
    field: String,
    allow: Option<Vec<String>>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    tenants: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenQuota {
    containers: Option<u64>,
    memory: Option<Size>,
    cpus: Option<f64>,
    ports: Option<u64>,
    execs: Option<u64>,
}

/// What is written below `[quota]`: that of each tenant, and of each token.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenQuotas {
    #[serde(default)]
    tenant: WrittenQuota,
    #[serde(default)]
    token: WrittenQuota,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTenant {
    quota: WrittenQuota,
}

/// A policy; the error is what would be right, and where.
pub(super) fn parse(text: &str) -> Result<Policy, String> {
    let written: Written = toml::from_str(text).map_err(|error| {
        let before = error.span().map_or(0, |span| span.start);
        let line = text.get(..before).unwrap_or_default().matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    let rules: Result<Vec<_>, _> = written.rules.into_iter().map(rule).collect();
    let rules = rules?;
    let mut ids = HashSet::new();
    if let Some(twice) = rules.iter().find(|rule| !ids.insert(rule.id.clone())) {
        return Err(format!("two rules have the id \"{}\"", twice.id));
    }
    let limit = |name: &str, written: &Limits| {
        limits::limits(written).map_err(|refusal| about(&format!("[limits.{name}]"), &refusal))
    };
    let of = written.tenants.into_iter().map(|(name, written)| {
        let place = format!("[tenants.{name}.quota]");
        Ok((tenant(&place, &name)?, quota(&place, &written.quota)?))
    });
    Ok(Policy {
        warns: written.mode == Mode::Warn,
        hardened: written.profile == Profile::Hardened,
        rules,
        usual: limit("default", &written.limits.default)?,
        most: limit("maximum", &written.limits.maximum)?,
        usual_life: life("[lifetime.default]", &written.lifetime.default)?,
        most_life: life("[lifetime.maximum]", &written.lifetime.maximum)?,
        quotas: Quotas {
            each: quota("[quota.tenant]", &written.quota.tenant)?,
            token: quota("[quota.token]", &written.quota.token)?,
            of: of.collect::<Result<_, String>>()?,
        },
    })
}

fn about(place: &str, refusal: &Refusal) -> String {
    format!("{place}: {refusal}")
}

fn life(place: &str, written: &WrittenLifetime) -> Result<LifeLimits, String> {
    let time =
        |field, seconds| lifetime::time(field, seconds).map_err(|refusal| about(place, &refusal));
    Ok(LifeLimits {
        ttl: time("ttl", written.ttl)?,
        idle_timeout: time("idle_timeout", written.idle_timeout)?,
    })
}

fn tenant(place: &str, name: &str) -> Result<Tenant, String> {
    Tenant::parse(name).ok_or_else(|| {
        format!("{place}: \"{name}\" is no tenant: 1 to 63 lower-case letters, digits, -, _ and .")
    })
}

fn rule(written: WrittenRule) -> Result<Rule, String> {
    let place = format!("the rule \"{}\"", written.id);
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if written.id.is_empty() || written.id.len() > 64 || !written.id.bytes().all(plain) {
        return Err(format!(
            "{place}: an id has 1 to 64 lower-case letters, digits, -, _ and ."
        ));
    }
    if written.reason.trim().is_empty() {
        return Err(format!(
            "{place}: it has no reason, which whoever is refused will read"
        ));
    }
    if written.allow.is_none() && written.deny.is_empty() {
        return Err(format!("{place}: it has neither allow nor deny"));
    }
    let field = Field::parse(&written.field).ok_or_else(|| {
        let all = Field::ALL.map(Field::as_str).join(", ");
        format!(
            "{place}: there is no field \"{}\"; there are {all}",
            written.field
        )
    })?;
    let patterns = |texts: Vec<String>| {
        let patterns = texts.iter().map(|text| {
            Pattern::parse(field, text).map_err(|why| format!("{place}: \"{text}\": {why}"))
        });
        patterns.collect::<Result<Vec<_>, _>>()
    };
    let tenants = written.tenants.iter().map(|name| tenant(&place, name));
    Ok(Rule {
        tenants: tenants.collect::<Result<_, _>>()?,
        allow: written.allow.map(patterns).transpose()?,
        deny: patterns(written.deny)?,
        id: written.id,
        reason: written.reason,
        field,
    })
}

fn quota(place: &str, written: &WrittenQuota) -> Result<Quota, String> {
    let memory = written
        .memory
        .as_ref()
        .map(|size| limits::bytes("memory", size));
    let milli_cpus = written.cpus.map(|cpus| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked"
        )]
        match cpus {
            0.0..=PROCESSORS => Ok((cpus * 1000.0).round() as u64),
            _ => Err(format!("{place}: cpus must be a number of processors")),
        }
    });
    Ok(Quota {
        containers: written.containers,
        memory: memory
            .transpose()
            .map_err(|refusal| about(place, &refusal))?,
        milli_cpus: milli_cpus.transpose()?,
        ports: written.ports,
        execs: written.execs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_policy() {
        let policy = parse(include_str!("../../../../docs/policy.example.toml")).expect("a policy");
        assert!(!policy.warns && policy.hardened);
        assert!(policy.rules.len() > 3 && policy.quotas.of.len() == 1);
        assert!(policy.most.memory > policy.usual.memory);
        assert!(policy.most_life.ttl > policy.usual_life.ttl);
        assert!(parse("").expect("nothing is forbidden").rules.is_empty());
    }

    #[test]
    fn mistakes_say_where_and_what() {
        let rule = |more: &str| format!("[[rules]]\nid = \"a\"\nreason = \"b\"\n{more}");
        for (text, says) in [
            ("mode = \"off\"".to_owned(), "line 1"),
            ("\n\nrule = 1".into(), "line 3"),
            (rule("field = \"image\""), "neither allow nor deny"),
            (rule("field = \"images\"\nallow = []"), "there are image"),
            (rule("field = \"ports\"\nallow = [\"x\"]"), "8080"),
            (
                rule("field = \"mounts\"\nallow = [\"/a/../b\"]"),
                "absolute path",
            ),
            (rule("field = \"user\"\nallow = [\"\"]"), "character"),
            (
                rule("field = \"user\"\nallow = [\"a\"]\ntenants = [\"A\"]"),
                "no tenant",
            ),
            (
                format!("{0}\n{0}", rule("field = \"user\"\nallow = []")),
                "two rules",
            ),
            (
                "[limits.maximum]\nmemory = \"1k\"".into(),
                "[limits.maximum]",
            ),
            ("[quota.token]\nmemory = \"x\"".into(), "[quota.token]"),
            ("[lifetime.default]\nttl = 0".into(), "[lifetime.default]"),
            (
                "[lifetime.maximum]\nidle_timeout = 99999999".into(),
                "[lifetime.maximum]",
            ),
            ("[quota.tenant]\ncpus = -1.0".into(), "cpus"),
            ("[quota.tenant]\ncontainers = -1".into(), "line 2"),
        ] {
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
