//! `/api/v1/volumes`

pub(crate) mod create;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod remove;

use podlane_api::Volume;

fn answer(volume: podlane_engine::Volume) -> Volume {
    Volume {
        name: volume.name,
        driver: volume.driver,
        labels: volume.labels,
        created: volume.created,
    }
}
