//! Secrets.

use super::Request;
use http::Method;
use podlane_engine::{NewSecret, Resource, SecretName};

/// The secret goes in the body and nowhere else.
pub(crate) fn create_secret(new: &NewSecret) -> Request {
    let labels = serde_json::to_string(&new.labels).unwrap_or_default();
    let mut request = Request::post("creating the secret", "/secrets/create")
        .query([("name", new.name.as_str()), ("labels", &labels)])
        .kept(Resource::Secret, &new.name);
    request.body = new.value.clone();
    request.content_type = Some("application/octet-stream");
    request
}

pub(crate) fn list_secrets() -> Request {
    Request::get("listing the secrets", "/secrets/json")
}

pub(crate) fn inspect_secret(name: &str) -> Request {
    Request::get("looking up the secret", &format!("/secrets/{name}/json"))
        .kept(Resource::Secret, name)
}

pub(crate) fn remove_secret(name: &SecretName) -> Request {
    let path = format!("/secrets/{name}");
    Request::new("removing the secret", Method::DELETE, &path).kept(Resource::Secret, name)
}
