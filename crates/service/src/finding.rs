//! How every operation finds its container: the one place that knows whom a container is for.

use crate::containers::TENANT_LABEL;
use crate::{Call, Result, Service, Tenant};
use podlane_engine::{Container, ContainerId, ContainerRef, Error as EngineError, Resource};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many containers are remembered.
const MOST: usize = 10_000;

/// Whose the containers are that were used. What is true of one stays so for as long as it exists.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<HashMap<ContainerId, Option<Tenant>>>);

impl Service {
    /// A container of the caller's that something can be done with, in full.
    pub(crate) async fn find(&self, call: &Call, name: &ContainerRef) -> Result<Container> {
        Ok(self.look_at(call, name).await?.usable()?)
    }

    /// A container of the caller's, to be looked at.
    pub(crate) async fn look_at(&self, call: &Call, name: &ContainerRef) -> Result<Container> {
        let container = self.0.engine.inspect(call, name).await?;
        if call.owns_container(&container.name, &container.labels) && call.is_for(&container.id) {
            return Ok(container);
        }
        Err(missing(Resource::Container, name).into())
    }

    /// The ID of a container of the caller's; quicker than [`Service::find`] for one in constant use.
    pub(crate) async fn resolve(&self, call: &Call, name: &ContainerRef) -> Result<ContainerId> {
        if call.prefix().is_some() {
            return Ok(self.find(call, name).await?.id);
        }
        let id = self.0.engine.resolve(call, name).await?;
        let foreign =
            call.tenant().is_some() && self.owner(call, &id).await?.as_ref() != call.tenant();
        if foreign || !call.is_for(&id) {
            return Err(missing(Resource::Container, name).into());
        }
        Ok(id)
    }

    /// Whose a container is; nobody's if `None`.
    pub(crate) async fn owner(&self, call: &Call, id: &ContainerId) -> Result<Option<Tenant>> {
        let owners = || {
            let owners = self.0.owners.0.lock();
            owners.unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(owner) = owners().get(id) {
            return Ok(owner.clone());
        }
        let labels = self.0.engine.inspect(call, &id.into()).await?.labels;
        let owner = labels
            .get(TENANT_LABEL)
            .and_then(|label| Tenant::parse(label));
        let mut owners = owners();
        if owners.len() >= MOST {
            owners.clear();
        }
        owners.insert(id.clone(), owner.clone());
        Ok(owner)
    }
}

/// What is somebody else's is not there.
pub(crate) fn missing(resource: Resource, name: &impl ToString) -> EngineError {
    EngineError::NotFound {
        resource,
        name: name.to_string(),
    }
}
