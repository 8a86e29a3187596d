//! Kubernetes documents, turned into what the API itself takes: bodies of creates of pods and containers.
//!
//! So nothing can be asked for by a document that can't be asked for by a create, and whatever judges creates judges
//! documents. The engine is never given what the caller wrote.

mod container;
mod document;
mod pod;
mod quantity;
#[cfg(test)]
mod tests;
mod variables;
mod yaml;

pub(crate) use yaml::{documents, text};

use crate::extract::{mistakes, shown};
use crate::refusal::Refusal;
use document::{Claim, ConfigMap, Deployment, Metadata, Pod};
use podlane_engine::{NewVolume, VolumeName};
use podlane_service::{KubeVolume, NewKube};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most containers in one body.
const CONTAINERS: usize = 100;

/// Variables by the name of the map that has them.
type Maps = BTreeMap<String, BTreeMap<String, String>>;

/// What the documents of a body ask for. A stop may take the time `most`.
pub(crate) fn read(body: &[u8], most: Duration) -> Result<NewKube, Refusal> {
    let mut new = NewKube::default();
    let (mut maps, mut pods) = (Maps::new(), Vec::new());
    for document in documents(body)? {
        match kind(&document)?.as_str() {
            "Pod" => {
                let Pod { metadata, spec, .. } = parse(document)?;
                let name = name(&metadata)?;
                pods.push((name, metadata, spec));
            }
            "Deployment" => {
                let Deployment { metadata, spec, .. } = parse(document)?;
                if spec.replicas.is_some_and(|replicas| replicas != 1) {
                    let message =
                        "`spec[\"replicas\"]` must be 1: a pod has its ports and names alone";
                    return Err(Refusal::field("spec", message));
                }
                annotations(&metadata)?;
                let name = format!("{}-pod", name(&metadata)?);
                let of_pod = spec.template.metadata.unwrap_or_default();
                pods.push((name, of_pod, spec.template.spec));
            }
            "PersistentVolumeClaim" => {
                let Claim { metadata, .. } = parse(document)?;
                annotations(&metadata)?;
                new.volumes.push(KubeVolume {
                    new: volume("metadata", &name(&metadata)?, metadata.labels)?,
                    scratch: false,
                });
            }
            _ => {
                let ConfigMap { metadata, data, .. } = parse(document)?;
                maps.insert(name(&metadata)?, data);
            }
        }
    }
    for (name, metadata, spec) in pods {
        annotations(&metadata)?;
        pod::add(&mut new, &maps, &name, &metadata.labels, spec, most)?;
    }
    let containers = new.pods.iter().map(|pod| pod.1.len());
    if new.pods.is_empty() && new.volumes.is_empty() {
        let message = "the body has neither a Pod, nor a Deployment, nor a PersistentVolumeClaim";
        return Err(Refusal::field("body", message));
    }
    if containers.sum::<usize>() > CONTAINERS {
        let message = format!("the body has more than {CONTAINERS} containers");
        return Err(Refusal::field("body", message));
    }
    Ok(new)
}

/// The kind of a document, if it is one of those that are understood.
fn kind(document: &Value) -> Result<String, Refusal> {
    const KINDS: [(&str, &str); 4] = [
        ("Pod", "v1"),
        ("Deployment", "apps/v1"),
        ("PersistentVolumeClaim", "v1"),
        ("ConfigMap", "v1"),
    ];
    if !document.is_object() {
        return Err(Refusal::field("body", "a document is no mapping"));
    }
    let text = |key: &str| document[key].as_str().unwrap_or_default();
    let known = KINDS.iter().find(|(kind, _)| *kind == text("kind"));
    let Some((kind, version)) = known else {
        let message = format!(
            "`kind` must be Pod, Deployment, PersistentVolumeClaim or ConfigMap, not \"{}\"",
            shown(text("kind"))
        );
        return Err(Refusal::field("kind", message));
    };
    if text("apiVersion") != *version {
        let message = format!("`apiVersion` of a {kind} must be \"{version}\"");
        return Err(Refusal::field("apiVersion", message));
    }
    Ok((*kind).to_owned())
}

fn parse<T: DeserializeOwned>(document: Value) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(document).map_err(|error| mistakes::refusal(&error))
}

fn name(metadata: &Metadata) -> Result<String, Refusal> {
    let message = "`metadata[\"name\"]` is required";
    let name = metadata.name.clone();
    name.ok_or_else(|| Refusal::field("metadata", message))
}

/// Annotations are notes. Those that ask Podman for something ask for what a create has no word for.
fn annotations(metadata: &Metadata) -> Result<(), Refusal> {
    let asks = |(key, value): &(&String, &String)| {
        key.starts_with("io.podman.") && !value.eq_ignore_ascii_case("false")
    };
    match metadata.annotations.iter().find(asks) {
        None => Ok(()),
        Some((key, _)) => {
            let message = format!(
                "metadata[\"annotations\"][\"{}\"] asks Podman for something, and can't be given",
                shown(key)
            );
            Err(Refusal::field("metadata", message))
        }
    }
}

fn volume(
    field: &'static str,
    name: &str,
    labels: BTreeMap<String, String>,
) -> Result<NewVolume, Refusal> {
    Ok(NewVolume {
        name: VolumeName::parse(name).map_err(Refusal::in_field(field))?,
        labels,
    })
}

/// A document as the engine describes what is there, in the form in which it can be asked for again.
pub(crate) fn plain(mut document: Value) -> Value {
    if let Some(all) = document.as_object_mut() {
        all.remove("status");
    }
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    let begin = format!("{name}-");
    let metadata = document.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
        metadata.remove("annotations");
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|label, _| !label.starts_with("io.podlane."));
        }
    }
    let containers = document.pointer_mut("/spec/containers");
    let containers = containers.and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let short = container["name"].as_str();
        if let Some(short) = short.and_then(|name| name.strip_prefix(&begin)) {
            container["name"] = short.into();
        }
    }
    document
}
