//! What may be created: rules as data, each with a name and a reason, and limits.
//!
//! Everything that a caller can ask of a new container is taken apart in [`values::asked`] without a rest, so
//! that nothing new can be asked for without a decision here.

mod pattern;
mod quota;
mod values;

pub use pattern::Pattern;
pub(crate) use quota::{Allowance, Allowances, Bookings};
pub use quota::{Quota, Quotas};

use crate::{Call, Error, NewContainer, Result, Scope, Service, Tenant};
use podlane_engine::{ImageRef, Limits, NetworkName};
use std::fmt;
use values::Value;

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
    /// Capabilities it would not have.
    pub dropped_capabilities: Vec<String>,
    /// Whether its programs could gain no rights by being started.
    pub no_new_privileges: bool,
    /// Whether the image is there.
    pub image_present: bool,
}

/// Taken from containers by the hardened profile, besides the right to gain rights.
const HARDENED: [&str; 7] = [
    "CAP_AUDIT_WRITE",
    "CAP_FSETID",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_SYS_CHROOT",
];
/// How many processes a container of the hardened profile has at most, if nothing is said.
const HARDENED_PIDS: u64 = 512;

impl Policy {
    fn judge(&self, tenant: Option<&Tenant>, asked: &[(Field, Value)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in &self.rules {
            let concerned = rule.tenants.is_empty()
                || tenant.is_some_and(|tenant| rule.tenants.contains(tenant));
            if !concerned {
                continue;
            }
            let asked = asked.iter().filter(|(field, _)| *field == rule.field);
            for (_, value) in asked {
                let fits = |patterns: &[Pattern]| patterns.iter().any(|one| one.fits(value));
                let allowed = rule.allow.as_deref().is_none_or(fits);
                if allowed && !fits(&rule.deny) {
                    continue;
                }
                let texts = |patterns: &[Pattern]| {
                    let texts = patterns.iter();
                    texts.map(ToString::to_string).collect()
                };
                findings.push(Finding {
                    rule: rule.id.clone(),
                    field: rule.field.on_the_wire(),
                    value: value.to_string(),
                    reason: rule.reason.clone(),
                    allowed: rule.allow.as_deref().map(texts),
                    denied: texts(&rule.deny),
                });
            }
        }
        findings
    }

    /// Gives limits to what asks for none, and finds those that are too high.
    fn limit(&self, limits: &mut Limits) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut hold = |field: &'static str, asked: &mut Option<u64>, usual, most: Option<u64>| {
            *asked = asked.or(usual).or(most);
            if let (Some(value), Some(most)) = (*asked, most)
                && value > most
            {
                findings.push(Finding {
                    rule: "limits.maximum".into(),
                    field,
                    value: value.to_string(),
                    reason: "it is more than a container may use".into(),
                    allowed: Some(vec![format!("up to {most}")]),
                    denied: Vec::new(),
                });
            }
        };
        let (usual, most) = (self.usual, self.most);
        hold(
            "limits.memory",
            &mut limits.memory,
            usual.memory,
            most.memory,
        );
        let swap = (usual.memory_swap, most.memory_swap);
        hold(
            "limits.memory_swap",
            &mut limits.memory_swap,
            swap.0,
            swap.1,
        );
        // The two together are never less than one of them.
        limits.memory_swap = limits
            .memory_swap
            .max(limits.memory_swap.and(limits.memory));
        let cpus = (usual.milli_cpus, most.milli_cpus);
        hold("limits.cpus", &mut limits.milli_cpus, cpus.0, cpus.1);
        let profile = self.hardened.then_some(HARDENED_PIDS);
        hold(
            "limits.pids",
            &mut limits.pids,
            usual.pids.or(profile),
            most.pids,
        );
        let logs = (usual.log_bytes, most.log_bytes);
        hold("limits.log_size", &mut limits.log_bytes, logs.0, logs.1);
        let mut files = limits.open_files.map(|files| files.hard);
        let hard = |files: Option<podlane_engine::OpenFiles>| files.map(|files| files.hard);
        hold(
            "limits.nofile",
            &mut files,
            hard(usual.open_files),
            hard(most.open_files),
        );
        limits.open_files = limits.open_files.or(usual.open_files).or(most.open_files);
        findings
    }

    /// Takes from a container what the hardened profile does not give.
    fn harden(&self, new: &mut NewContainer) {
        if !self.hardened {
            return;
        }
        new.settings.no_new_privileges = true;
        let settings = &mut new.settings;
        for capability in HARDENED {
            let named = |list: &[String]| list.iter().any(|one| one == capability || one == "ALL");
            if !named(&settings.added_capabilities) && !named(&settings.dropped_capabilities) {
                settings.dropped_capabilities.push(capability.into());
            }
        }
    }
}

impl Service {
    fn policy(&self) -> Option<&Policy> {
        self.0.limits.policy.as_deref()
    }

    /// An error if the policy forbids any of it; in warn mode a line in the log.
    fn rule_on(&self, call: &Call, findings: Vec<Finding>) -> Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        if self.policy().is_none_or(|policy| policy.warns) {
            for finding in findings {
                let Finding { rule, field, .. } = &finding;
                tracing::warn!(request_id = %call.request_id, rule, field, "the policy forbids this, and only warns");
            }
            return Ok(());
        }
        Err(Error::Forbidden { findings })
    }

    /// Finds what the policy forbids of a new container, and gives it what the policy adds.
    async fn weigh(&self, call: &Call, new: &mut NewContainer) -> Result<Vec<Finding>> {
        let Some(policy) = self.policy() else {
            return Ok(Vec::new());
        };
        values::settle_mounts(new).await?;
        let mut findings = policy.judge(call.tenant(), &values::asked(new));
        findings.extend(policy.limit(&mut new.settings.limits));
        policy.harden(new);
        Ok(findings)
    }

    /// Refuses a new container that the policy forbids, before anything is asked of the engine.
    pub(crate) async fn permit(&self, call: &Call, new: &mut NewContainer) -> Result<()> {
        let findings = self.weigh(call, new).await?;
        self.rule_on(call, findings)
    }

    /// Refuses one whose image's own user the policy forbids.
    pub(crate) fn permit_user(
        &self,
        call: &Call,
        new: &NewContainer,
        image: &podlane_engine::Image,
    ) -> Result<()> {
        let Some(policy) = self.policy().filter(|_| new.user.is_none()) else {
            return Ok(());
        };
        let asked = [(Field::User, values::user(&image.user))];
        self.rule_on(call, policy.judge(call.tenant(), &asked))
    }

    /// Refuses an image that the policy forbids.
    pub(crate) fn permit_image(&self, call: &Call, image: &ImageRef) -> Result<()> {
        let Some(policy) = self.policy() else {
            return Ok(());
        };
        let asked = [(Field::Image, Value::Image(image.clone()))];
        self.rule_on(call, policy.judge(call.tenant(), &asked))
    }

    /// Refuses a network that the policy forbids.
    pub(crate) fn permit_network(&self, call: &Call, network: &NetworkName) -> Result<()> {
        let Some(policy) = self.policy() else {
            return Ok(());
        };
        let asked = [(Field::Networks, Value::Text(network.to_string()))];
        self.rule_on(call, policy.judge(call.tenant(), &asked))
    }

    /// Refuses limits for a container that are higher than the policy's.
    pub(crate) fn permit_limits(&self, call: &Call, mut limits: Limits) -> Result<()> {
        let Some(policy) = self.policy() else {
            return Ok(());
        };
        self.rule_on(call, policy.limit(&mut limits))
    }

    /// What would become of a create. Changes nothing.
    pub async fn explain_container(&self, call: &Call, mut new: NewContainer) -> Result<Explained> {
        call.may(Scope::ContainersWrite)?;
        crate::containers::check(call, &new)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut findings = self.weigh(call, &mut new).await?;
        let image = self.seen_image(call, &new.image).await.ok();
        if let (Some(policy), Some(image), None) = (self.policy(), &image, &new.user) {
            let asked = [(Field::User, values::user(&image.user))];
            findings.extend(policy.judge(call.tenant(), &asked));
        }
        if let Err(Error::Forbidden { findings: more }) = self.book(call, &new).await.map(drop) {
            findings.extend(more);
        }
        let warns = self.policy().is_some_and(|policy| policy.warns);
        Ok(Explained {
            allowed: warns || findings.is_empty(),
            findings,
            limits: new.settings.limits,
            dropped_capabilities: new.settings.dropped_capabilities,
            no_new_privileges: new.settings.no_new_privileges,
            image_present: image.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
