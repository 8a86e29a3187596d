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

/// How a pull is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// In words.
    Said,
    /// Not at all.
    Quietly,
    /// As Docker does.
    Counted,
}

impl Told {
    /// The lines of an image's transfer, and the last one.
    fn lines(self, reference: &str, image: &Image) -> (Vec<Value>, Value) {
        if self == Self::Counted {
            let row = |status: &str, id: &str, detail: Value| json!({"status": status, "progressDetail": detail, "id": id[..12]});
            let layer = new_id();
            let steps = vec![
                row("Pulling fs layer", &layer, json!({})),
                row(
                    "Downloading",
                    &layer,
                    json!({"current": 1024, "total": 2048}),
                ),
                row("Download complete", &layer, json!({})),
                row("Pulling fs layer", &image.id, json!({})),
                row("Download complete", &image.id, json!({})),
            ];
            return (steps, row("Download complete", &image.id, json!({})));
        }
        let steps = [
            format!("Trying to pull {reference}...\n"),
            "Getting image source signatures\n".to_owned(),
            format!("Copying blob sha256:{}\n", new_id()),
            format!("Copying config sha256:{}\n", image.id),
            "Writing manifest to image destination\n".to_owned(),
        ];
        let steps = steps.into_iter().filter(|_| self == Self::Said);
        let steps = steps.map(|text| json!({"stream": text})).collect();
        (steps, json!({"images": [image.id], "id": image.id}))
    }

    fn failure(self, words: &str) -> Value {
        if self == Self::Counted {
            return json!({"progressDetail": {}, "errorDetail": {"message": words}, "error": words});
        }
        json!({"error": words})
    }
}

/// A pull answers 200 and says in its last line how it ended; but where it is counted, newer versions have a status of their
/// own for one that has not begun. The image is there only after the last line was taken: a client that leaves cancels the
/// pull.
pub(super) fn pull(request: &Request) -> Answer {
    let query = |key: &str| request.query.get(key);
    let (docker, old) = (query("fromImage"), request.core.version.is_old());
    let reference = docker.or(query("reference")).unwrap_or_default().to_owned();
    let policy = query("policy").unwrap_or("always").to_owned();
    let flag = |key: &str| request.query.flag(key).unwrap_or(false);
    let told = match (
        flag("quiet"),
        docker.is_some() || !old && flag("compatMode"),
    ) {
        (_, true) => Told::Counted,
        (true, false) => Told::Quietly,
        (false, false) => Told::Said,
    };
    let core = request.core.clone();
    let (local, remote) = {
        let state = core.state();
        let remote = state.registry.iter().find(|image| image.is(&reference));
        (state.image(&reference).cloned(), remote.cloned())
    };
    let local = local.filter(|_| policy == "missing" || policy == "never");
    if told == Told::Counted && !old && local.is_none() && remote.is_none() {
        let body = json!({"message": "manifest unknown"});
        return Answer::json(StatusCode::NOT_FOUND, &body);
    }
    let (to, pieces) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let say = async |value: Value| to.send(format!("{value}\n").into()).await.is_ok();
        let image = match (local, remote) {
            (Some(image), _) => image,
            (None, _) if policy == "never" => {
                say(told.failure(&format!("{reference}: image not known"))).await;
                return;
            }
            _ if reference.is_empty() || reference.starts_with('/') || reference.contains("//") => {
                say(told.failure("invalid reference format")).await;
                return;
            }
            (None, None) => {
                let first = format!("Trying to pull {reference}...\n");
                if told != Told::Said || say(json!({"stream": first})).await {
                    say(told.failure(&not_found(old, &reference))).await;
                }
                return;
            }
            (None, Some(image)) => {
                for step in told.lines(&reference, &image).0 {
                    if !say(step).await {
                        return;
                    }
                }
                image
            }
        };
        let last = told.lines(&reference, &image).1;
        if to.is_closed() {
            return;
        }
        core.state().add_image(image);
        say(last).await;
    });
    if old {
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
