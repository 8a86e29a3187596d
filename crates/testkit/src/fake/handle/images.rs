//! Images: inspect, pull, import.

use super::Request;
use crate::fake::ImageKind;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::archive;
use crate::fake::image::Image;
use crate::fake::state::new_id;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

pub(super) fn inspect(request: &Request) -> Handled {
    let state = request.core.state();
    let image = state.image(&request.name);
    let image = image.ok_or_else(|| unknown(&request.name))?;
    let names = state.names_of(&image.id);
    let mut config = Map::new();
    let mut put = |key: &str, value: Value| {
        if !matches!(&value, Value::Array(list) if list.is_empty()) && value != json!("") {
            config.insert(key.to_owned(), value);
        }
    };
    put("User", json!(image.user));
    put("Env", json!(image.environment));
    put("Entrypoint", json!(image.entrypoint));
    put("Cmd", json!(image.command));
    put("WorkingDir", json!(image.workdir));
    let labels: Map<String, Value> = image
        .labels
        .iter()
        .map(|(k, v)| (k.clone(), json!(v)))
        .collect();
    if !labels.is_empty() {
        config.insert("Labels".into(), json!(labels));
    }
    let body = json!({
        "Id": image.id,
        "Digest": format!("sha256:{}", image.id),
        "RepoTags": names,
        "RepoDigests": [],
        "Parent": "",
        "Created": "2026-11-23T12:55:42.524912414Z",
        "Config": config,
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 2_141_255,
        "VirtualSize": 2_141_255,
        "Labels": if labels.is_empty() { Value::Null } else { json!(labels) },
        "User": image.user,
        "NamesHistory": [image.name],
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

pub(super) fn exists(request: &Request) -> Handled {
    let name = &request.name;
    if request.core.state().image(name).is_some() {
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    Err(unknown(name))
}

fn unknown(name: &str) -> Refusal {
    let message = format!("failed to find image {name}: {name}: image not known");
    Refusal::new(404, "image not known", message)
}

/// One row an image, with all its names.
pub(super) fn list(request: &Request) -> Answer {
    let state = request.core.state();
    let mut ids: Vec<&str> = state.images.iter().map(|image| image.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = ids.into_iter().map(|id| {
        let containers = state.containers.iter();
        let containers = containers.filter(|container| container.image_id == id);
        json!({
            "Id": id,
            "ParentId": "",
            "RepoTags": state.names_of(id),
            "Created": 1_795_516_537,
            "Size": 2_141_255,
            "Labels": null,
            "Containers": containers.count(),
        })
    });
    Answer::json(StatusCode::OK, &json!(rows.collect::<Vec<_>>()))
}

pub(super) fn tag(request: &Request) -> Handled {
    let query = |key: &str| request.query.get(key).unwrap_or_default();
    let mut state = request.core.state();
    let image = state.image(&request.name).cloned();
    let mut image = image.ok_or_else(|| unknown(&request.name))?;
    image.name = format!("{}:{}", query("repo"), query("tag"));
    state.add_image(image);
    Ok(Answer::empty(StatusCode::CREATED))
}

pub(super) fn remove(request: &Request) -> Handled {
    let name = &request.name;
    let force = request.query.flag("force")?;
    let mut state = request.core.state();
    let Some(image) = state.image(name).cloned() else {
        let message = format!("{name}: image not known");
        return Err(Refusal::wrapped(404, &message));
    };
    let names = state.names_of(&image.id);
    let by_id = image.id.starts_with(name.as_str());
    if by_id && names.len() > 1 && !force {
        let message = format!(
            "unable to delete image \"{name}\" by ID with more than one tag ([{}]): please force removal",
            names.join(" ")
        );
        return Err(Refusal::plain(500, message));
    }
    let last = by_id || names.len() == 1;
    let user = state.containers.iter();
    let user = user.map(|container| (&container.id, &container.image_id));
    if last && let Some((user, _)) = user.into_iter().find(|(_, of)| **of == image.id) {
        let cause = "image is in use by a container";
        let hint = "consider listing external containers and force-removing image";
        let message = format!("image used by {user}: {cause}: {hint}");
        return Err(Refusal::new(409, cause, message));
    }
    let gone = if by_id { names } else { vec![image.name] };
    state.images.retain(|image| !gone.contains(&image.name));
    let deleted = last.then_some(image.id);
    let body =
        json!({"Deleted": deleted.as_slice(), "Untagged": gone, "ExitCode": 0, "Errors": []});
    Ok(Answer::json(StatusCode::OK, &body))
}

/// A pull answers 200 whatever comes, and says in its last line how it ended. The image is there only
/// after that line was taken: a client that leaves cancels the pull.
pub(super) fn pull(request: &Request) -> Answer {
    let reference = request
        .query
        .get("reference")
        .unwrap_or_default()
        .to_owned();
    let policy = request.query.get("policy").unwrap_or("always").to_owned();
    let quiet = request.query.flag("quiet").unwrap_or(false);
    let core = request.core.clone();
    let (to, pieces) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let say = async |value: Value| to.send(format!("{value}\n").into()).await.is_ok();
        let (local, remote) = {
            let state = core.state();
            let remote = state.registry.iter().find(|image| image.is(&reference));
            (state.image(&reference).cloned(), remote.cloned())
        };
        let local = local.filter(|_| policy == "missing" || policy == "never");
        let image = match (local, remote) {
            (Some(image), _) => image,
            (None, _) if policy == "never" => {
                say(json!({"error": format!("{reference}: image not known")})).await;
                return;
            }
            _ if reference.is_empty() || reference.starts_with('/') || reference.contains("//") => {
                say(json!({"error": "invalid reference format"})).await;
                return;
            }
            (None, remote) => {
                let first = format!("Trying to pull {reference}...\n");
                if !quiet && !say(json!({"stream": first})).await {
                    return;
                }
                let Some(image) = remote else {
                    say(json!({"error": not_found(core.version.is_old(), &reference)})).await;
                    return;
                };
                let steps = [
                    "Getting image source signatures\n".to_owned(),
                    format!("Copying blob sha256:{}\n", new_id()),
                    format!("Copying config sha256:{}\n", image.id),
                    "Writing manifest to image destination\n".to_owned(),
                ];
                for step in steps {
                    if !quiet && !say(json!({"stream": step})).await {
                        return;
                    }
                }
                image
            }
        };
        let last = json!({"images": [image.id], "id": image.id});
        if to.is_closed() {
            return;
        }
        core.state().add_image(image);
        say(last).await;
    });
    if request.core.version.is_old() {
        Answer::stream(pieces)
    } else {
        Answer::stream(pieces).with("content-type", "application/json")
    }
}

fn not_found(old: bool, reference: &str) -> String {
    let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let source =
        format!("initializing source docker://{reference}: reading manifest {tag} in {name}");
    if old {
        format!("{source}: manifest unknown: manifest unknown")
    } else {
        format!("unable to copy from source docker://{reference}: {source}: manifest unknown")
    }
}

/// An import takes the archive as a file system if the fake can read it; its programs are the fake's own,
/// so the tree of a busybox lies below. A tar without `bin/sh` has no shell.
pub(super) fn import(request: &Request) -> Handled {
    let reference = request.query.get("reference").unwrap_or_default();
    let has_shell = tar::Archive::new(&request.body[..])
        .entries()
        .is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let path = entry.path_bytes();
                let path = String::from_utf8_lossy(&path);
                matches!(
                    path.trim_start_matches("./").trim_start_matches('/'),
                    "bin/sh" | "bin/busybox" | "usr/bin/sh"
                )
            })
        });
    let kind = if has_shell {
        ImageKind::Busybox
    } else {
        ImageKind::Scratch
    };
    let mut image = Image::new(new_id(), reference, kind);
    image.command.clear();
    if !has_shell {
        archive::unpack(&mut image.tree, "/", &request.body, None)?;
    }
    for change in request.query.all("changes") {
        if !image.change(change) {
            return Err(Refusal::plain(500, format!("invalid change \"{change}\"")));
        }
    }
    let id = format!("sha256:{}", image.id);
    request.core.state().add_image(image);
    Ok(Answer::json(StatusCode::OK, &json!({"Id": id})))
}
