//! Query parameters that several routes of files have.

use super::convert;
use crate::extract::Parameters;
use crate::refusal::Refusal;
use podlane_engine::{ContainerRef, InnerPath, UserSpec};
use podlane_service::At;

/// `path`, which must be there.
pub(super) fn path(parameters: &Parameters) -> Result<InnerPath, Refusal> {
    let text = parameters.get("path");
    let text = text.ok_or_else(|| Refusal::field("path", "query parameter `path` is required"))?;
    InnerPath::parse(text).map_err(Refusal::in_field("path"))
}

/// `user`: as whom.
pub(super) fn user(parameters: &Parameters) -> Result<Option<UserSpec>, Refusal> {
    let parse = |text| UserSpec::parse(text).map_err(Refusal::in_field("user"));
    parameters.get("user").map(parse).transpose()
}

/// `owner`: whose what is made is.
pub(super) fn owner(parameters: &Parameters) -> Result<Option<(u32, u32)>, Refusal> {
    parameters.get("owner").map(convert::owner).transpose()
}

/// A path of a container.
pub(super) fn at(container: ContainerRef, path: InnerPath, user: Option<UserSpec>) -> At {
    At {
        container,
        path,
        user,
    }
}

/// `form=json`, or `form=raw`, which is usual.
pub(super) fn is_json(parameters: &Parameters) -> Result<bool, Refusal> {
    match parameters.get("form") {
        None | Some("raw") => Ok(false),
        Some("json") => Ok(true),
        Some(_) => Err(Refusal::field(
            "form",
            "query parameter `form` must be raw or json",
        )),
    }
}
