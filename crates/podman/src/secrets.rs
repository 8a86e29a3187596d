//! Secrets.

use crate::PodmanEngine;
use crate::answers::{Created, KeptSecret};
use crate::requests;
use async_trait::async_trait;
use podlane_engine::{Call, Error, NewSecret, Result, Secret, SecretName, Secrets};

impl PodmanEngine {
    async fn inspect_secret(&self, call: &Call, name: &str) -> Result<Secret> {
        let request = requests::inspect_secret(name);
        let found: KeptSecret = self.connection().json(call, &request).await?;
        Ok(found.into())
    }
}

#[async_trait]
impl Secrets for PodmanEngine {
    async fn create_secret(&self, call: &Call, new: &NewSecret) -> Result<Secret> {
        let request = requests::create_secret(new);
        let _made: Created = self.connection().json(call, &request).await?;
        self.secret(call, &new.name).await
    }

    /// Podman 4.3 tells labels of one secret only, not of many.
    async fn secrets(&self, call: &Call) -> Result<Vec<Secret>> {
        let request = requests::list_secrets();
        let all: Option<Vec<KeptSecret>> = self.connection().json(call, &request).await?;
        let mut secrets = Vec::new();
        for secret in all.unwrap_or_default() {
            if secret.spec.labels.is_some() {
                secrets.push(secret.into());
                continue;
            }
            match self.inspect_secret(call, &secret.spec.name).await {
                Ok(secret) => secrets.push(secret),
                // Gone in the meantime.
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(secrets)
    }

    async fn secret(&self, call: &Call, name: &SecretName) -> Result<Secret> {
        self.inspect_secret(call, name.as_str()).await
    }

    async fn remove_secret(&self, call: &Call, name: &SecretName) -> Result<()> {
        self.done(call, requests::remove_secret(name)).await
    }
}
