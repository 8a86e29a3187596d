//! Tokens.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to be made. One of `role` and `scopes` is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What people call it: up to 100 characters.
    #[schema(example = "ci")]
    pub name: String,
    /// A usual set of scopes: viewer, operator or admin.
    #[serde(default)]
    #[schema(example = "operator")]
    pub role: Option<String>,
    /// What its holder may do, scope by scope, such as `containers:read`.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The networks that it may come from, as addresses or in CIDR notation; anywhere if left out.
    #[serde(default)]
    #[schema(example = json!(["10.0.0.0/8"]))]
    pub networks: Option<Vec<String>>,
    /// For whom its holder acts: things are made for this tenant, and only those are seen that were. Lower-case
    /// letters, digits, `-`, `_` and `.`; the maker's own if left out.
    #[serde(default)]
    #[schema(example = "class-7")]
    pub tenant: Option<String>,
    /// What the names of its holder's containers begin with; the maker's own if left out.
    #[serde(default)]
    #[schema(example = "lab-")]
    pub name_prefix: Option<String>,
    /// The SHA-256 fingerprint of a client certificate, in hexadecimal: its holder needs no token. Only with TLS and
    /// `tls_client_ca`.
    #[serde(default)]
    pub certificate: Option<String>,
    /// The seconds after which it ends; never if left out.
    #[serde(default)]
    #[schema(example = 2_592_000)]
    pub expires_in: Option<u64>,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its public part: 12 hexadecimal digits.
    #[schema(example = "4f1c2ab9d03e", pattern = "^[0-9a-f]{12}$")]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The role that it was made with; `null` if it was made with scopes.
    #[schema(required)]
    pub role: Option<String>,
    /// What its holder may do.
    pub scopes: Vec<String>,
    /// The networks that it may come from; empty for anywhere.
    pub networks: Vec<String>,
    /// For whom its holder acts; `null` if that is nobody in particular, who sees everything.
    #[schema(required)]
    pub tenant: Option<String>,
    /// What the names of its holder's containers begin with; `null` for anything.
    #[schema(required)]
    pub name_prefix: Option<String>,
    /// The fingerprint of the client certificate whose holder needs no token; `null` for none.
    #[schema(required)]
    pub certificate: Option<String>,
    /// When it was made, in UTC.
    pub created: String,
    /// When it ends, in UTC; `null` if never.
    #[schema(required)]
    pub expires: Option<String>,
    /// When it was revoked, in UTC; `null` if it was not.
    #[schema(required)]
    pub revoked: Option<String>,
}

/// A token with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// Always true.
    pub success: True,
    /// What is known of it.
    pub token: Token,
    /// The token itself, for the header `Authorization: Bearer ...`.
    #[schema(value_type = String, example = "pdl_4f1c2ab9d03e_...")]
    pub secret: Hidden,
}

/// The tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// Always true.
    pub success: True,
    /// The oldest first, revoked ones too.
    pub tokens: Vec<Token>,
}

/// The answer to a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedToken {
    /// Always true.
    pub success: True,
    /// The token that is good no more.
    pub token: Token,
}
