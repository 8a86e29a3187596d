//! Images.

use super::Request;
use crate::pull::Way;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::{HeaderName, HeaderValue, Method};
use podlane_engine::{ContainerId, ImageRef, NewBuild, NewCommit, RegistryLogin, Resource};
use serde_json::{Value, json};

pub(crate) fn inspect_image(image: &ImageRef) -> Request {
    Request::get("looking up the image", &format!("/images/{image}/json")).image(image)
}

pub(crate) fn list_images() -> Request {
    Request::get("listing the images", "/images/json")
}

/// Without a login Podman asks with what its own files say. Docker's way always asks the registry.
pub(crate) fn pull_image(image: &ImageRef, login: Option<&RegistryLogin>, way: Way) -> Request {
    let step = "pulling the image";
    let mut request = match way {
        Way::Docker => {
            Request::post_docker(step, "/images/create").query([("fromImage", image.as_str())])
        }
        Way::Said | Way::Counted => {
            let counted = (way == Way::Counted).then_some(("compatMode", "true"));
            let query = [("reference", image.as_str()), ("policy", "always")];
            Request::post(step, "/images/pull").query(query.into_iter().chain(counted))
        }
    }
    .image(image);
    request.login = login.and_then(|login| header("x-registry-auth", &credentials(login)));
    request
}

fn credentials(login: &RegistryLogin) -> Value {
    match login {
        RegistryLogin::Password { username, password } => {
            json!({ "username": username, "password": password })
        }
        RegistryLogin::IdentityToken(token) => json!({ "identitytoken": token }),
    }
}

fn header(name: &'static str, content: &Value) -> Option<(HeaderName, HeaderValue)> {
    let text = URL_SAFE.encode(content.to_string());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_static(name), value))
}

pub(crate) fn tag_image(image: &ImageRef, repository: &str, tag: &str) -> Request {
    Request::post("tagging the image", &format!("/images/{image}/tag"))
        .query([("repo", repository), ("tag", tag)])
        .image(image)
}

pub(crate) fn remove_image(image: &ImageRef, force: bool) -> Request {
    let path = format!("/images/{image}");
    Request::new("removing the image", Method::DELETE, &path)
        .query(force.then_some(("force", "true")))
        .image(image)
        .kept(Resource::Image, image)
}

pub(crate) fn prune_images(all: bool, labels: &[String]) -> Request {
    let mut query = vec![("all", all.to_string())];
    if !labels.is_empty() {
        query.push(("filters", json!({ "label": labels }).to_string()));
    }
    Request::post("clearing away images", "/images/prune").query(query)
}

pub(crate) fn load_images() -> Request {
    let mut request = Request::post("loading images", "/images/load");
    request.content_type = Some("application/x-tar");
    request
}

pub(crate) fn save_images(images: &[ImageRef]) -> Request {
    let images = images.iter().map(|image| ("references", image.as_str()));
    Request::get("saving images", "/images/export")
        .query(images.chain([("format", "docker-archive")]))
}

pub(crate) fn build_image(new: &NewBuild) -> Request {
    let json = |map| serde_json::to_string(map).unwrap_or_default();
    let mut query = vec![
        ("t", new.image.to_string()),
        ("buildargs", json(&new.arguments)),
        ("labels", json(&new.labels)),
        ("nocache", new.no_cache.to_string()),
    ];
    query.extend(new.dockerfile.clone().map(|path| ("dockerfile", path)));
    query.extend(new.target.clone().map(|stage| ("target", stage)));
    let mut request = Request::post("building the image", "/build")
        .query(query)
        .image(&new.image);
    request.content_type = Some("application/x-tar");
    // In the other header it would be for every registry that the instructions name.
    request.login = new.login.as_ref().and_then(|(host, login)| {
        header(
            "x-registry-config",
            &json!({ host.as_str(): credentials(login) }),
        )
    });
    request
}

/// Only in Docker's form can an image have a comment.
pub(crate) fn commit(id: &ContainerId, new: &NewCommit, pause: bool) -> Request {
    let (repository, tag) = new.image.repository_and_tag().unwrap_or_default();
    let mut query = vec![
        ("container", id.as_str()),
        ("repo", repository),
        ("tag", tag),
        ("pause", if pause { "true" } else { "false" }),
    ];
    if let Some(comment) = &new.comment {
        query.extend([("comment", comment.as_str()), ("format", "docker")]);
    }
    query.extend(new.author.as_deref().map(|author| ("author", author)));
    query.extend(
        new.changes
            .iter()
            .map(|change| ("changes", change.as_str())),
    );
    Request::post("committing the container", "/commit")
        .query(query)
        .container(id.short())
}
