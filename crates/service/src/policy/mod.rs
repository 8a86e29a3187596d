//! What may be created: rules as data, each with a name and a reason, and limits.
//!
//! Everything that a caller can ask of a new container is taken apart in [`values::asked`] without a rest, so
//! that nothing new can be asked for without a decision here.

mod book;
mod judge;
mod pattern;
mod permit;
mod quota;
mod values;

pub(crate) use book::{Allowance, Allowances, Booking, Bookings};
pub use pattern::Pattern;
pub use quota::{Quota, Quotas};

use crate::{LifeLimits, NewLifetime, Tenant};
use podlane_engine::Limits;
use std::fmt;

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The image: `[registry/]repository[:tag][@digest]`.
    Image,
    /// Directories of the host: the path without links, `:ro` behind it if it can't be written.
    Mounts,
    /// Volumes by name.
    Volumes,
    /// Networks by name; `default` for the engine's own choice, `none` for none.
    Networks,
    /// Published ports: `[address:]port[-port][/protocol]`; port 0 for one of the engine's choice.
    Ports,
    /// Capabilities that are added: `CAP_...` or `ALL`.
    Capabilities,
    /// Devices: the path on the host, or the name of the Container Device Interface.
    Devices,
    /// The user of the main process, without its group; `root` for 0.
    User,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Image,
        Self::Mounts,
        Self::Volumes,
        Self::Networks,
        Self::Ports,
        Self::Capabilities,
        Self::Devices,
        Self::User,
    ];

    /// Its word in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Mounts => "mounts",
            Self::Volumes => "volumes",
            Self::Networks => "networks",
            Self::Ports => "ports",
            Self::Capabilities => "capabilities",
            Self::Devices => "devices",
            Self::User => "user",
        }
    }

    /// The field of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }

    /// Where a request has it.
    fn on_the_wire(self) -> &'static str {
        match self {
            Self::Mounts => "volumes",
            Self::Capabilities => "capabilities.add",
            other => other.as_str(),
        }
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, which stays.
    pub id: String,
    /// Why there is such a rule, for whoever is refused.
    pub reason: String,
    /// What it looks at.
    pub field: Field,
    /// What may be asked for; anything if `None`.
    pub allow: Option<Vec<Pattern>>,
    /// What may not, although it is allowed.
    pub deny: Vec<Pattern>,
    /// For whom it is; for everybody if empty.
    pub tenants: Vec<Tenant>,
}

/// What may be created.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Whether what it forbids is only written to the log.
    pub warns: bool,
    /// Whether containers get less than the engine's own rights.
    pub hardened: bool,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// The limits of containers that ask for none.
    pub usual: Limits,
    /// The highest limits.
    pub most: Limits,
    /// The lifetime of containers that ask for none.
    pub usual_life: LifeLimits,
    /// The longest lifetime.
    pub most_life: LifeLimits,
    /// How much a tenant may have at once.
    pub quotas: Quotas,
}

/// Something that a policy forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// The field of the request.
    pub field: &'static str,
    /// What was asked for.
    pub value: String,
    /// Why it is forbidden.
    pub reason: String,
    /// What would be allowed; `None` where anything is but `denied`.
    pub allowed: Option<Vec<String>>,
    /// What is not.
    pub denied: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            value,
            reason,
            allowed,
            denied,
            ..
        } = self;
        write!(f, "the rule \"{rule}\" forbids \"{value}\": {reason}")?;
        match allowed.as_deref() {
            Some([]) => f.write_str("; nothing of that kind is allowed")?,
            Some(allowed) => write!(f, "; allowed: {}", allowed.join(", "))?,
            None => {}
        }
        if !denied.is_empty() {
            write!(f, "; not allowed: {}", denied.join(", "))?;
        }
        Ok(())
    }
}

/// What would become of a create.
#[derive(Debug)]
pub struct Explained {
    /// Whether it would be done, as far as the policy is concerned.
    pub allowed: bool,
    /// What the policy forbids; in warn mode it is done all the same.
    pub findings: Vec<Finding>,
    /// What the container could use at most.
    pub limits: Limits,
    /// How long it would live.
    pub lifetime: NewLifetime,
    /// Capabilities it would not have.
    pub dropped_capabilities: Vec<String>,
    /// Whether its programs could gain no rights by being started.
    pub no_new_privileges: bool,
    /// Whether the image is there.
    pub image_present: bool,
}

#[cfg(test)]
mod tests;
