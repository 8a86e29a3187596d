//! Registries of images, and what they are asked with.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registry to be kept: with `username` and `password`, or with `identity_token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "team", "host": "registry.example.org:5000", "username": "ci", "password": "..." }))]
pub struct CreateRegistry {
    /// Its name: 1 to 64 letters, digits, `_`, `.`, `-`, the first a letter or digit.
    pub name: String,
    /// Its host and port, as the names of its images begin.
    pub host: String,
    /// Who one is there.
    #[serde(default)]
    pub username: Option<String>,
    /// The password there, or a token in its place. It is kept encrypted, and in no answer.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub password: Option<Hidden>,
    /// A token that the registry gave for later logins, kept likewise.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub identity_token: Option<Hidden>,
}

/// What a registry is asked with from now on: `password`, with `username` or as who it was so far; or
/// `identity_token`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "..." }))]
pub struct ModifyRegistry {
    /// Who one is there; as before if left out.
    #[serde(default)]
    pub username: Option<String>,
    /// The password there, or a token in its place.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub password: Option<Hidden>,
    /// A token that the registry gave for later logins.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub identity_token: Option<Hidden>,
}

/// What is known of a registry; never its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registry {
    /// Its name.
    #[schema(example = "team")]
    pub name: String,
    /// Its host and port.
    #[schema(example = "registry.example.org:5000")]
    pub host: String,
    /// Who one is there; `null` with an identity token.
    #[schema(required)]
    pub username: Option<String>,
    /// For whom it was made; `null` for nobody in particular.
    #[schema(required)]
    pub tenant: Option<String>,
    /// When it was made, in UTC.
    pub created: String,
    /// When its password was changed last.
    pub changed: String,
}

/// One registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneRegistry {
    /// Always true.
    pub success: True,
    /// What is known of it.
    pub registry: Registry,
}

/// The registries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryList {
    /// Always true.
    pub success: True,
    /// By name.
    pub registries: Vec<Registry>,
}
