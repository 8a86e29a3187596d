//! Secrets.

use super::{WithLabels, check_labels};
use crate::containers::shown_labels;
use crate::finding::missing;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{NewSecret, Resource, Secret, SecretName};

/// What Podman takes: less than 512,000 bytes.
const MAX: usize = 511_999;

impl Service {
    /// Keeps a secret.
    pub async fn create_secret(&self, call: &Call, mut new: NewSecret) -> Result<Secret> {
        call.may(Scope::SecretsWrite)?;
        check_labels(&new.labels)?;
        call.sign(&mut new.labels);
        if new.value.is_empty() || new.value.len() > MAX {
            let message = format!("`value` must have 1 to {MAX} bytes");
            return Err(Error::invalid("value", message));
        }
        self.change(call, |engine, call| async move {
            Ok(engine.create_secret(&call, &new).await?)
        })
        .await
    }

    /// Every secret with these labels, by name.
    pub async fn secrets(&self, call: &Call, labels: &WithLabels) -> Result<Vec<Secret>> {
        call.may(Scope::SecretsRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut secrets = self.0.engine.secrets(call).await?;
        secrets.retain(|secret| call.owns(&secret.labels) && labels.are_among(&secret.labels));
        for secret in &mut secrets {
            shown_labels(&mut secret.labels);
        }
        secrets.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(secrets)
    }

    /// What is known of one secret.
    pub async fn secret(&self, call: &Call, name: &SecretName) -> Result<Secret> {
        call.may(Scope::SecretsRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut secret = self.own_secret(call, name).await?;
        shown_labels(&mut secret.labels);
        Ok(secret)
    }

    /// One that is the caller's to see.
    pub(crate) async fn own_secret(&self, call: &Call, name: &SecretName) -> Result<Secret> {
        let secret = self.0.engine.secret(call, name).await?;
        if call.owns(&secret.labels) {
            return Ok(secret);
        }
        Err(missing(Resource::Secret, name).into())
    }

    /// Forgets a secret.
    pub async fn remove_secret(&self, call: &Call, name: SecretName) -> Result<()> {
        call.may(Scope::SecretsWrite)?;
        let service = self.clone();
        self.change(call, |engine, call| async move {
            service.own_secret(&call, &name).await?;
            Ok(engine.remove_secret(&call, &name).await?)
        })
        .await
    }
}
