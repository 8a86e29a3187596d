//! `/api/v1/registries`

pub(crate) mod create;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod modify;
pub(crate) mod remove;

use crate::refusal::Refusal;
use crate::timestamp;
use podlane_api::{Hidden, Registry};
use podlane_engine::{RegistryLogin, RegistryName};
use podlane_service::PullAs;

/// The longest name or password for a registry.
const LONGEST: usize = 8192;

fn answer(registry: podlane_service::Registry) -> Registry {
    Registry {
        name: registry.name,
        host: registry.host,
        username: registry.username,
        tenant: registry.tenant,
        created: timestamp::format(registry.created),
        changed: timestamp::format(registry.changed),
    }
}

/// Somebody with a password.
fn account(username: String, password: Hidden) -> Result<RegistryLogin, Refusal> {
    let fits = |text: &str| (1..=LONGEST).contains(&text.len()) && !text.contains(char::is_control);
    // HTTP puts one behind the other, with a colon between.
    if !fits(&username) || username.contains(':') {
        let message = format!(
            "`username` must be 1 to {LONGEST} bytes without colons and control characters"
        );
        return Err(Refusal::field("username", message));
    }
    Ok(RegistryLogin::Password {
        username,
        password: secret("password", password)?,
    })
}

/// A password or a token.
fn secret(field: &'static str, text: Hidden) -> Result<String, Refusal> {
    if (1..=LONGEST).contains(&text.0.len()) && !text.0.contains(char::is_control) {
        return Ok(text.0);
    }
    let message = format!("`{field}` must be 1 to {LONGEST} bytes without control characters");
    Err(Refusal::field(field, message))
}

/// `"registry": "NAME"`, wherever images are fetched.
pub(crate) fn named(name: Option<&str>) -> Result<Option<RegistryName>, Refusal> {
    let name = name.map(RegistryName::parse).transpose();
    name.map_err(Refusal::in_field("registry"))
}

/// Who is kept under that name, if there is one.
pub(crate) fn pull_as(name: Option<&str>) -> Result<PullAs, Refusal> {
    Ok(named(name)?.map_or(PullAs::Engine, PullAs::Kept))
}
