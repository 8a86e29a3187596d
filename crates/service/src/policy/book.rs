//! Places in quotas, taken before something is made and given back when it is gone.

use super::{Finding, Quota};
use crate::containers::{TENANT_LABEL, TOKEN_LABEL};
use crate::{Call, Error, NewContainer, Result, Service, Tenant, Who};
use podlane_engine::{ContainerSummary, Limits, NewPod};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Who has a quota.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Tenant(Tenant),
    /// A token's ID.
    Token(String),
}

impl Holder {
    /// Whether a container with these labels counts.
    fn has(&self, labels: &BTreeMap<String, String>) -> bool {
        let (label, value) = match self {
            Self::Tenant(tenant) => (TENANT_LABEL, tenant.as_str()),
            Self::Token(id) => (TOKEN_LABEL, id.as_str()),
        };
        labels.get(label).is_some_and(|own| own == value)
    }

    fn whose(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "the tenant",
            Self::Token(_) => "the token",
        }
    }
}

/// What a container takes of its tenant's quota.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    memory: Option<u64>,
    milli_cpus: Option<u64>,
    ports: u64,
}

impl Share {
    fn new(limits: Limits, ports: usize) -> Self {
        Self {
            memory: limits.memory,
            milli_cpus: limits.milli_cpus,
            ports: ports as u64,
        }
    }

    /// The larger one of each.
    fn or_more(self, other: Self) -> Self {
        Self {
            memory: self.memory.zip(other.memory).map(|(one, two)| one.max(two)),
            milli_cpus: self
                .milli_cpus
                .zip(other.milli_cpus)
                .map(|(one, two)| one.max(two)),
            ports: self.ports.max(other.ports),
        }
    }
}

/// Containers that are being made, by whose quota, in the order in which they were asked for.
pub(crate) type Bookings = Arc<Mutex<HashMap<Holder, Vec<Entry>>>>;

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: String,
    share: Share,
}

/// A place in a quota for a container that is being made. Dropped once the engine lists it, or there is none.
#[derive(Debug)]
pub(crate) struct Booking {
    bookings: Bookings,
    holder: Holder,
    name: String,
}

impl Drop for Booking {
    fn drop(&mut self) {
        let mut all = self.bookings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = all.get_mut(&self.holder) {
            if let Some(at) = entries.iter().position(|entry| entry.name == self.name) {
                entries.remove(at);
            }
            if entries.is_empty() {
                all.remove(&self.holder);
            }
        }
    }
}

/// Commands under way, by whose quota.
pub(crate) type Allowances = Arc<Mutex<HashMap<Holder, u64>>>;

/// One of somebody's commands.
#[derive(Debug)]
pub(crate) struct Allowance {
    allowances: Allowances,
    holder: Holder,
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let mut all = self
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.holder);
            }
        }
    }
}

fn exceeded(holder: &Holder, field: &'static str, would: u64, most: u64) -> Finding {
    Finding {
        rule: "quota".into(),
        field,
        value: would.to_string(),
        reason: format!("{} would have more than its quota", holder.whose()),
        allowed: Some(vec![format!("up to {most} together")]),
        denied: Vec::new(),
    }
}

fn unlimited(holder: &Holder, field: &'static str) -> Finding {
    Finding {
        rule: "quota".into(),
        field,
        value: "no limit".into(),
        reason: format!(
            "{} has a quota, so that each container must say how much it may use",
            holder.whose()
        ),
        allowed: Some(vec!["a number".into()]),
        denied: Vec::new(),
    }
}

impl Service {
    /// Whose quotas hold for a caller.
    fn quotas(&self, call: &Call) -> Vec<(Holder, Quota)> {
        let Some(quotas) = self.policy().map(|policy| &policy.quotas) else {
            return Vec::new();
        };
        let tenant = call.tenant().map(|tenant| {
            let quota = quotas.of.get(tenant).copied().unwrap_or(quotas.each);
            (Holder::Tenant(tenant.clone()), quota)
        });
        let token = match call.caller().who() {
            Who::Token { id, .. } => Some((Holder::Token(id.clone()), quotas.token)),
            Who::Anonymous | Who::Server => None,
        };
        tenant.into_iter().chain(token).collect()
    }

    /// Takes places in the caller's quotas for a new container, or says what is used up.
    pub(crate) async fn book(&self, call: &Call, new: &NewContainer) -> Result<Vec<Booking>> {
        let share = Share::new(new.settings.limits, new.ports.len());
        self.book_all(call, new.name.as_str(), share, new.replace)
            .await
    }

    /// The same for a new pod: what holds it together counts as a container, and has its ports.
    pub(crate) async fn book_pod(&self, call: &Call, new: &NewPod) -> Result<Vec<Booking>> {
        let share = Share {
            memory: Some(0),
            milli_cpus: Some(0),
            ports: new.ports.len() as u64,
        };
        self.book_all(call, new.name.as_str(), share, false).await
    }

    async fn book_all(
        &self,
        call: &Call,
        name: &str,
        own: Share,
        replace: bool,
    ) -> Result<Vec<Booking>> {
        let mut booked = Vec::new();
        for (holder, quota) in self.quotas(call) {
            let booking = self.book_of(call, name, own, replace, holder, quota).await;
            booked.extend(booking?);
        }
        Ok(booked)
    }

    async fn book_of(
        &self,
        call: &Call,
        name: &str,
        own: Share,
        replace: bool,
        holder: Holder,
        quota: Quota,
    ) -> Result<Option<Booking>> {
        let execs = quota.execs;
        if quota
            == (Quota {
                execs,
                ..Quota::default()
            })
        {
            return Ok(None);
        }
        let name = name.to_owned();
        // Those before this one, seen before the engine is asked: whatever is made meanwhile is in its list.
        let before = {
            let mut all = self
                .0
                .bookings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let entries = all.entry(holder.clone()).or_default();
            let before = entries.clone();
            let name = name.clone();
            entries.push(Entry { name, share: own });
            before
        };
        let booking = Booking {
            bookings: Arc::clone(&self.0.bookings),
            holder,
            name: name.clone(),
        };
        let besides = Some(name.as_str()).filter(|_| replace);
        let mut shares = self.shares(call, &booking.holder, quota, besides).await?;
        shares.extend(before.into_iter().map(|entry| (entry.name, entry.share)));
        shares.insert(name, own);
        self.rule_on(call, over(&booking.holder, quota, &shares, own))?;
        Ok(Some(booking))
    }

    /// Refuses limits for one of the caller's containers that are more than its quotas leave.
    pub(crate) async fn permit_share(&self, call: &Call, name: &str, limits: Limits) -> Result<()> {
        for (holder, quota) in self.quotas(call) {
            let asked = Quota {
                memory: quota.memory.filter(|_| limits.memory.is_some()),
                milli_cpus: quota.milli_cpus.filter(|_| limits.milli_cpus.is_some()),
                ..Quota::default()
            };
            if asked == Quota::default() {
                continue;
            }
            let own = Share::new(limits, 0);
            let mut shares = self.shares(call, &holder, asked, Some(name)).await?;
            shares.insert(name.to_owned(), own);
            self.rule_on(call, over(&holder, asked, &shares, own))?;
        }
        Ok(())
    }

    /// What somebody's containers take, but for one.
    async fn shares(
        &self,
        call: &Call,
        holder: &Holder,
        quota: Quota,
        besides: Option<&str>,
    ) -> Result<BTreeMap<String, Share>> {
        let mut listed = self.0.engine.list(call).await?;
        listed.retain(|one| holder.has(&one.labels) && Some(one.name.as_str()) != besides);
        let mut shares = BTreeMap::new();
        for container in listed {
            let ports = own_ports(&container);
            let mut share = Share::new(Limits::default(), ports);
            // Only what is asked for costs a look at each.
            if quota.memory.is_some() || quota.milli_cpus.is_some() {
                let found = self.0.engine.inspect(call, &(&container.id).into()).await;
                match found {
                    // It may be started anew without asking us.
                    Ok(found) => {
                        share = Share::new(found.settings.limits, ports)
                            .or_more(Share::new(found.first_limits, ports));
                    }
                    Err(podlane_engine::Error::NotFound { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            shares.insert(container.name, share);
        }
        Ok(shares)
    }

    /// Takes places for a command in the caller's quotas.
    pub(crate) fn allow_exec(&self, call: &Call) -> Result<Vec<Allowance>> {
        let mut allowed = Vec::new();
        for (holder, quota) in self.quotas(call) {
            let Some(most) = quota.execs else {
                continue;
            };
            let mut all = self
                .0
                .allowances
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = all.entry(holder.clone()).or_default();
            if *count >= most && !self.policy().is_some_and(|policy| policy.warns) {
                if *count == 0 {
                    all.remove(&holder);
                }
                // Those taken so far are given back without this lock.
                drop(all);
                return Err(Error::TooMany {
                    what: "commands of this caller are under way",
                    limit: most,
                    retry_after: Duration::from_secs(1),
                });
            }
            *count += 1;
            drop(all);
            allowed.push(Allowance {
                allowances: Arc::clone(&self.0.allowances),
                holder,
            });
        }
        Ok(allowed)
    }
}

/// How many published ports are a container's. Those of a pod are shown with all that is in it, and are those of
/// what holds it together.
fn own_ports(container: &ContainerSummary) -> usize {
    if container.pod.is_some() && !container.infra {
        return 0;
    }
    container.ports.len()
}

fn over(
    holder: &Holder,
    quota: Quota,
    shares: &BTreeMap<String, Share>,
    own: Share,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut hold = |field, sum: u64, most: Option<u64>| {
        if let Some(most) = most.filter(|most| sum > *most) {
            findings.push(exceeded(holder, field, sum, most));
        }
    };
    let sum = |of: fn(&Share) -> u64| shares.values().map(of).fold(0, u64::saturating_add);
    hold("name", shares.len() as u64, quota.containers);
    hold("ports", sum(|share| share.ports), quota.ports);
    hold(
        "limits.memory",
        sum(|share| share.memory.unwrap_or(0)),
        quota.memory,
    );
    hold(
        "limits.cpus",
        sum(|share| share.milli_cpus.unwrap_or(0)),
        quota.milli_cpus,
    );
    if quota.memory.is_some() && own.memory.is_none() {
        findings.push(unlimited(holder, "limits.memory"));
    }
    if quota.milli_cpus.is_some() && own.milli_cpus.is_none() {
        findings.push(unlimited(holder, "limits.cpus"));
    }
    findings
}
