//! For whom a caller acts, and which containers it may name.

use super::Call;
use crate::containers::TENANT_LABEL;
use crate::{Error, Result};
use podlane_engine::ContainerId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The longest name of a tenant, and the longest beginning of a container's name.
const LONGEST: usize = 63;

/// Somebody for whom things are kept: a class, a team, a program. What is one tenant's, another does not see.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// A name of up to 63 lower-case letters, digits, `-`, `_` and `.`, of which the first is a letter or digit.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
        let good = (1..=LONGEST).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text
                .bytes()
                .all(|b| plain(b) || matches!(b, b'-' | b'_' | b'.'));
        good.then(|| Self(text.into()))
    }

    /// One that there is not.
    pub(crate) fn nobody() -> Self {
        Self("?".into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a caller's containers' names begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePrefix(String);

impl NamePrefix {
    /// What a container's name can begin with.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric();
        let good = (1..=LONGEST).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text
                .bytes()
                .all(|b| plain(b) || matches!(b, b'-' | b'_' | b'.'));
        good.then(|| Self(text.to_owned()))
    }

    /// One that no name begins with.
    pub(crate) fn of_none() -> Self {
        Self("?".into())
    }

    /// It.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a caller is kept within.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// For whom it acts; `None` for whoever sees everything.
    pub tenant: Option<Tenant>,
    /// What the names of its containers begin with; `None` for anything.
    pub prefix: Option<NamePrefix>,
    /// The one container that it may use; `None` for any.
    pub container: Option<ContainerId>,
}

impl Bounds {
    /// Whether all that is within `others` is within these.
    pub(crate) fn hold(&self, others: &Self) -> bool {
        let begins = |prefix: &NamePrefix| {
            let other = others.prefix.as_ref();
            other.is_some_and(|other| other.0.starts_with(&prefix.0))
        };
        (self.container.is_none() || self.container == others.container)
            && (self.tenant.is_none() || self.tenant == others.tenant)
            && self.prefix.as_ref().is_none_or(begins)
    }
}

impl Call {
    /// For whom the caller acts.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.caller().bounds().tenant.as_ref()
    }

    /// What the names of the caller's containers begin with.
    pub(crate) fn prefix(&self) -> Option<&NamePrefix> {
        self.caller().bounds().prefix.as_ref()
    }

    /// Whether a thing with these labels is the caller's to see.
    pub(crate) fn owns(&self, labels: &BTreeMap<String, String>) -> bool {
        let owner = labels.get(TENANT_LABEL).map(String::as_str);
        self.tenant()
            .is_none_or(|tenant| owner == Some(tenant.as_str()))
    }

    /// Whether a container is the one that the caller may use, if it is kept to one.
    pub(crate) fn is_for(&self, id: &ContainerId) -> bool {
        let only = self.caller().bounds().container.as_ref();
        only.is_none_or(|only| only == id)
    }

    /// Whether a container is the caller's to see.
    pub(crate) fn owns_container(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.owns(labels)
            && self
                .prefix()
                .is_none_or(|prefix| name.starts_with(&prefix.0))
    }

    /// Writes on a new thing whose it is.
    pub(crate) fn sign(&self, labels: &mut BTreeMap<String, String>) {
        if let Some(tenant) = self.tenant() {
            labels.insert(TENANT_LABEL.into(), tenant.to_string());
        }
    }

    /// An error for whoever must not give a container that name.
    pub(crate) fn may_name(&self, name: &str) -> Result<()> {
        match self.prefix() {
            Some(prefix) if !name.starts_with(&prefix.0) => {
                let message = format!(
                    "this token's containers have names that begin with {}",
                    prefix.0
                );
                Err(Error::invalid("name", message))
            }
            _ => Ok(()),
        }
    }

    /// An error for whoever sees a part of the machine only: `what` is about all of it.
    pub(crate) fn sees_all(&self, what: &'static str) -> Result<()> {
        if *self.caller().bounds() == Bounds::default() {
            return Ok(());
        }
        Err(Error::Bounded { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(tenant: &str, prefix: &str) -> Bounds {
        Bounds {
            tenant: Tenant::parse(tenant),
            prefix: NamePrefix::parse(prefix),
            container: None,
        }
    }

    #[test]
    fn names_of_tenants() {
        for good in ["a", "class-7", "net_101.b", &"x".repeat(63)] {
            assert!(Tenant::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", "é", "a\n", &"x".repeat(64)] {
            assert!(Tenant::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn bounds_hold_narrower_ones_only() {
        let (all, class) = (Bounds::default(), bounds("a", ""));
        let lab = bounds("a", "lab-");
        assert!(all.hold(&all) && all.hold(&class) && all.hold(&lab));
        assert!(class.hold(&lab) && class.hold(&class));
        assert!(!class.hold(&all) && !class.hold(&bounds("b", "lab-")));
        assert!(lab.hold(&bounds("a", "lab-7-")) && lab.hold(&lab));
        assert!(!lab.hold(&class) && !lab.hold(&bounds("a", "la")));
        assert!(!lab.hold(&bounds("", "lab-7")));
    }
}
