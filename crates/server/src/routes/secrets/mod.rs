//! `/api/v1/secrets`

pub(crate) mod create;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod remove;

use podlane_api::Secret;

fn answer(secret: podlane_engine::Secret) -> Secret {
    Secret {
        name: secret.name,
        id: secret.id,
        labels: secret.labels,
        created: secret.created,
    }
}
