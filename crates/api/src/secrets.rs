//! Secrets.

use crate::{ContentEncoding, Hidden, True, UniqueMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A secret to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "flag", "value": "s3cret" }))]
pub struct CreateSecret {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    pub name: String,
    /// What it is: 1 to 511,999 bytes.
    #[schema(value_type = String)]
    pub value: Hidden,
    /// How `value` is written; `text` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<ContentEncoding>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: Option<UniqueMap<String>>,
}

/// What is known of a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Its name.
    #[schema(example = "flag")]
    pub name: String,
    /// Its ID.
    #[schema(example = "5afbf71344c3aa53690c173a1")]
    pub id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made: RFC 3339.
    pub created: String,
}

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneSecret {
    /// Always true.
    pub success: True,
    /// What is known of it.
    pub secret: Secret,
}

/// The secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretList {
    /// Always true.
    pub success: True,
    /// By name.
    pub secrets: Vec<Secret>,
}
