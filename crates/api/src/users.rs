//! User accounts in a container.

use crate::{Hidden, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user account to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "newuser", "password": "password123", "shell": "/bin/bash"}))]
pub struct AddUser {
    /// Its name: 1 to 32 lower-case letters, digits, `_` and `-`.
    pub username: String,
    /// Its password; without one nobody can log in with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Hidden>,
    /// Its login shell; if left out `/bin/bash`, or `/bin/sh` where that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
}

/// The answer to an added user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedUser {
    /// Always true.
    pub success: True,
    /// The account.
    pub user: User,
}

/// A user account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its name.
    #[schema(example = "newuser")]
    pub username: String,
    /// Always true.
    pub created: True,
    /// Its home directory.
    #[schema(example = "/home/newuser")]
    pub home: String,
    /// Its login shell.
    #[schema(example = "/bin/bash")]
    pub shell: String,
}
