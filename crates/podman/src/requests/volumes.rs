//! Volumes.

use super::Request;
use http::Method;
use podlane_engine::{NewVolume, Resource, VolumeName};
use serde_json::json;

pub(crate) fn create_volume(new: &NewVolume) -> Request {
    Request::post("creating the volume", "/volumes/create")
        .json(&json!({ "Name": new.name.as_str(), "Labels": new.labels }))
        .kept(Resource::Volume, &new.name)
}

pub(crate) fn list_volumes() -> Request {
    Request::get("listing the volumes", "/volumes/json")
}

pub(crate) fn inspect_volume(name: &VolumeName) -> Request {
    Request::get("looking up the volume", &format!("/volumes/{name}/json"))
        .kept(Resource::Volume, name)
}

pub(crate) fn remove_volume(name: &VolumeName) -> Request {
    let path = format!("/volumes/{name}");
    Request::new("removing the volume", Method::DELETE, &path).kept(Resource::Volume, name)
}
