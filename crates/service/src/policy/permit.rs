//! Where operations ask the policy.

use super::values::{self, Value};
use super::{Explained, Field, Finding, Policy};
use crate::lifetime::settle;
use crate::{Call, Error, NewContainer, Result, Scope, Service};
use podlane_engine::{ImageRef, Limits, NetworkName, NewPod};

impl Service {
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.0.limits.policy.as_deref()
    }

    /// An error if the policy forbids any of it; in warn mode a line in the log.
    pub(super) fn rule_on(&self, call: &Call, findings: Vec<Finding>) -> Result<()> {
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
        findings.extend(policy.limit_life(&mut new.lifetime));
        policy.harden(new);
        Ok(findings)
    }

    /// Refuses a new container that the policy forbids, before anything is asked of the engine.
    pub(crate) async fn permit(&self, call: &Call, new: &mut NewContainer) -> Result<()> {
        let findings = self.weigh(call, new).await?;
        self.rule_on(call, findings)
    }

    /// Refuses a new pod that the policy forbids.
    pub(crate) fn permit_pod(&self, call: &Call, new: &NewPod) -> Result<()> {
        let Some(policy) = self.policy() else {
            return Ok(());
        };
        self.rule_on(
            call,
            policy.judge(call.tenant(), &values::asked_of_pod(new)),
        )
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
        self.joined(call, new.pod.as_ref()).await?;
        let mut findings = self.weigh(call, &mut new).await?;
        settle(&mut new)?;
        self.login(call, &new.image, &new.pull_as).await?;
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
            lifetime: new.lifetime,
            dropped_capabilities: new.settings.dropped_capabilities,
            no_new_privileges: new.settings.no_new_privileges,
            image_present: image.is_some(),
        })
    }
}
