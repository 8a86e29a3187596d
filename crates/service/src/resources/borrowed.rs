//! What a tenant's new container uses of what the engine keeps: its own, and nobody else's.

use crate::{Call, Error, NewContainer, Result, Service};
use podlane_engine::{
    Error as EngineError, Membership, MountSource, NetworkName, NewVolume, SecretName, VolumeName,
};
use std::collections::BTreeMap;

impl Service {
    /// Finds out that all volumes, networks and secrets are the tenant's. A volume that is missing, which the
    /// engine would make as nobody's, is made as the tenant's. Answers those that were made.
    pub(crate) async fn borrow(&self, call: &Call, new: &NewContainer) -> Result<Vec<VolumeName>> {
        if call.tenant().is_none() {
            return Ok(Vec::new());
        }
        let networks = new.settings.networks.as_ref();
        self.borrow_networks(call, networks).await?;
        for secret in &new.settings.secrets {
            let secret = SecretName::parse(&secret.name).map_err(Error::name_in("secrets"))?;
            self.own_secret(call, &secret).await?;
        }
        let mut made = Vec::new();
        for mount in &new.mounts {
            let MountSource::Volume(name) = &mount.source else {
                continue;
            };
            let done = match VolumeName::parse(name).map_err(Error::name_in("volumes")) {
                Ok(name) => self.provide_volume(call, name).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(new) => made.extend(new),
                Err(error) => {
                    self.give_back(call, made).await;
                    return Err(error);
                }
            }
        }
        Ok(made)
    }

    /// Finds out that all networks are the tenant's.
    pub(crate) async fn borrow_networks(
        &self,
        call: &Call,
        networks: Option<&BTreeMap<String, Membership>>,
    ) -> Result<()> {
        for network in networks.into_iter().flat_map(BTreeMap::keys) {
            let network = NetworkName::parse(network).map_err(Error::name_in("networks"))?;
            self.usable_network(call, &network).await?;
        }
        Ok(())
    }

    /// The volume's name, if it had to be made.
    async fn provide_volume(&self, call: &Call, name: VolumeName) -> Result<Option<VolumeName>> {
        match self.0.engine.volume(call, &name).await {
            Ok(_) => self.own_volume(call, &name).await.map(|_| None),
            Err(EngineError::NotFound { .. }) => {
                let mut labels = BTreeMap::new();
                call.sign(&mut labels);
                let new = NewVolume { name, labels };
                self.0.engine.create_volume(call, &new).await?;
                Ok(Some(new.name))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what was made for a container that there is none of.
    pub(crate) async fn give_back(&self, call: &Call, volumes: Vec<VolumeName>) {
        let call = call.extended(self.0.limits.request_timeout);
        for volume in volumes {
            if let Err(error) = self.0.engine.remove_volume(&call, &volume).await {
                tracing::warn!(request_id = %call.request_id, %error, "a volume stays that was made for a container");
            }
        }
    }
}
