//! What a policy finds, and what it adds.

use super::values::Value;
use super::{Field, Finding, Pattern, Policy};
use crate::{NewContainer, Tenant};
use podlane_engine::Limits;

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
    pub(super) fn judge(&self, tenant: Option<&Tenant>, asked: &[(Field, Value)]) -> Vec<Finding> {
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
    pub(super) fn limit(&self, limits: &mut Limits) -> Vec<Finding> {
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
    pub(super) fn harden(&self, new: &mut NewContainer) {
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
