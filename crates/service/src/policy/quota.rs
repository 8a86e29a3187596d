//! How much a tenant may have at once.

use super::Finding;
use crate::{Call, Error, NewContainer, Result, Service, Tenant};
use podlane_engine::{Limits, Status};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much one tenant may have at once; any amount of what is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Containers, running or not.
    pub containers: Option<u64>,
    /// Bytes of memory, of all containers together.
    pub memory: Option<u64>,
    /// Thousandths of processors, likewise.
    pub milli_cpus: Option<u64>,
    /// Published ports, likewise.
    pub ports: Option<u64>,
    /// Commands and terminals under way.
    pub execs: Option<u64>,
}

/// The quotas of tenants.
#[derive(Debug, Clone, Default)]
pub struct Quotas {
    /// Of each that has no other.
    pub each: Quota,
    /// Of some.
    pub of: BTreeMap<Tenant, Quota>,
}

impl Quotas {
    fn of(&self, tenant: &Tenant) -> Quota {
        self.of.get(tenant).copied().unwrap_or(self.each)
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
}

/// Containers that are being made, by tenant, in the order in which they were asked for.
pub(crate) type Bookings = Arc<Mutex<HashMap<Tenant, Vec<Entry>>>>;

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: String,
    share: Share,
}

/// A place in a quota for a container that is being made. Dropped once the engine lists it, or there is none.
#[derive(Debug)]
pub(crate) struct Booking {
    bookings: Bookings,
    tenant: Tenant,
    name: String,
}

impl Drop for Booking {
    fn drop(&mut self) {
        let mut all = self.bookings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = all.get_mut(&self.tenant) {
            if let Some(at) = entries.iter().position(|entry| entry.name == self.name) {
                entries.remove(at);
            }
            if entries.is_empty() {
                all.remove(&self.tenant);
            }
        }
    }
}

/// Commands under way, by tenant.
pub(crate) type Allowances = Arc<Mutex<HashMap<Tenant, u64>>>;

/// One of a tenant's commands.
#[derive(Debug)]
pub(crate) struct Allowance {
    allowances: Allowances,
    tenant: Tenant,
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let mut all = self
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.tenant);
            }
        }
    }
}

fn exceeded(field: &'static str, would: u64, most: u64) -> Finding {
    Finding {
        rule: "quota".into(),
        field,
        value: would.to_string(),
        reason: "the tenant would have more than its quota".into(),
        allowed: Some(vec![format!("up to {most} together")]),
        denied: Vec::new(),
    }
}

fn unlimited(field: &'static str) -> Finding {
    Finding {
        rule: "quota".into(),
        field,
        value: "no limit".into(),
        reason: "the tenant has a quota, so that each container must say how much it may use"
            .into(),
        allowed: Some(vec!["a number".into()]),
        denied: Vec::new(),
    }
}

impl Service {
    fn quota(&self, call: &Call) -> Option<(Tenant, Quota)> {
        let tenant = call.tenant()?;
        let quota = self.policy()?.quotas.of(tenant);
        Some((tenant.clone(), quota))
    }

    /// Takes a place in the tenant's quota for a new container, or says what is used up.
    pub(crate) async fn book(&self, call: &Call, new: &NewContainer) -> Result<Option<Booking>> {
        let Some((tenant, quota)) = self.quota(call) else {
            return Ok(None);
        };
        if quota
            == (Quota {
                execs: quota.execs,
                ..Quota::default()
            })
        {
            return Ok(None);
        }
        let name = new.name.to_string();
        let own = Share::new(new.settings.limits, new.ports.len());
        // Those before this one, seen before the engine is asked: whatever is made meanwhile is in its list.
        let before = {
            let mut all = self
                .0
                .bookings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let entries = all.entry(tenant.clone()).or_default();
            let before = entries.clone();
            let share = own;
            entries.push(Entry {
                name: name.clone(),
                share,
            });
            before
        };
        let booking = Booking {
            bookings: Arc::clone(&self.0.bookings),
            tenant,
            name: name.clone(),
        };
        let mut shares: BTreeMap<String, Share> = BTreeMap::new();
        let besides = Some(name.as_str()).filter(|_| new.replace);
        for (name, share) in self.shares(call, quota, besides).await? {
            shares.insert(name, share);
        }
        for entry in before {
            shares.insert(entry.name, entry.share);
        }
        shares.insert(name, own);
        let findings = over(quota, &shares, own);
        if findings.is_empty() {
            return Ok(Some(booking));
        }
        self.rule_on(call, findings).map(|()| Some(booking))
    }

    /// Refuses limits for a container of the tenant's that are more than its quota leaves.
    pub(crate) async fn permit_share(&self, call: &Call, name: &str, limits: Limits) -> Result<()> {
        let Some((_, quota)) = self.quota(call) else {
            return Ok(());
        };
        let own = Share::new(limits, 0);
        let mut shares: BTreeMap<_, _> = self.shares(call, quota, Some(name)).await?.collect();
        shares.insert(name.to_owned(), own);
        let asked = Quota {
            containers: None,
            ports: None,
            execs: None,
            memory: quota.memory.filter(|_| limits.memory.is_some()),
            milli_cpus: quota.milli_cpus.filter(|_| limits.milli_cpus.is_some()),
        };
        self.rule_on(call, over(asked, &shares, own))
    }

    /// What the tenant's containers take, but for one.
    async fn shares(
        &self,
        call: &Call,
        quota: Quota,
        besides: Option<&str>,
    ) -> Result<impl Iterator<Item = (String, Share)>> {
        let mut listed = self.0.engine.list(call).await?;
        listed.retain(|one| call.owns(&one.labels) && Some(one.name.as_str()) != besides);
        let mut shares = Vec::with_capacity(listed.len());
        for container in listed {
            let mut share = Share::new(Limits::default(), container.ports.len());
            // Only what is asked for costs a look at each.
            let limited = quota.memory.is_some() || quota.milli_cpus.is_some();
            if limited && container.status != Status::Removing {
                let found = self.0.engine.inspect(call, &(&container.id).into()).await;
                match found {
                    Ok(found) => share = Share::new(found.settings.limits, found.ports.len()),
                    Err(podlane_engine::Error::NotFound { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            shares.push((container.name, share));
        }
        Ok(shares.into_iter())
    }

    /// Takes one of the tenant's places for commands.
    pub(crate) fn allow_exec(&self, call: &Call) -> Result<Option<Allowance>> {
        let Some((
            tenant,
            Quota {
                execs: Some(most), ..
            },
        )) = self.quota(call)
        else {
            return Ok(None);
        };
        let mut all = self
            .0
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(tenant.clone()).or_default();
        if *count >= most && !self.policy().is_some_and(|policy| policy.warns) {
            return Err(Error::TooMany {
                what: "commands of this tenant are under way",
                limit: most,
                retry_after: Duration::from_secs(1),
            });
        }
        *count += 1;
        Ok(Some(Allowance {
            allowances: Arc::clone(&self.0.allowances),
            tenant,
        }))
    }
}

fn over(quota: Quota, shares: &BTreeMap<String, Share>, own: Share) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut hold = |field, sum: u64, most: Option<u64>| {
        if let Some(most) = most.filter(|most| sum > *most) {
            findings.push(exceeded(field, sum, most));
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
        findings.push(unlimited("limits.memory"));
    }
    if quota.milli_cpus.is_some() && own.milli_cpus.is_none() {
        findings.push(unlimited("limits.cpus"));
    }
    findings
}
