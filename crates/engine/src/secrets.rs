//! Secrets that the engine keeps and shows to containers as files.

use crate::{Call, Result, SecretName};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;

/// A secret to be kept.
#[derive(Clone)]
pub struct NewSecret {
    /// Its name.
    pub name: SecretName,
    /// What it is: 1 to 512,000 bytes.
    pub value: Bytes,
    /// Labels for the engine to keep.
    pub labels: BTreeMap<String, String>,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("name", &self.name)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

/// What is known of a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ID: 25 hexadecimal digits.
    pub id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made: RFC 3339.
    pub created: String,
}

/// The part of an engine that keeps secrets.
#[async_trait]
pub trait Secrets {
    /// Keeps a secret. [`Error::NameInUse`](crate::Error::NameInUse) if there is one of that name.
    async fn create_secret(&self, call: &Call, new: &NewSecret) -> Result<Secret>;

    /// Every secret.
    async fn secrets(&self, call: &Call) -> Result<Vec<Secret>>;

    /// Looks a secret up.
    async fn secret(&self, call: &Call, name: &SecretName) -> Result<Secret>;

    /// Forgets a secret. Containers that were made with it keep it.
    async fn remove_secret(&self, call: &Call, name: &SecretName) -> Result<()>;
}
