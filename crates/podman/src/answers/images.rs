//! Images.

use podlane_engine::{Image, ImageHistory, ImageSummary};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

type Labels = Option<BTreeMap<String, String>>;

/// An image need not say when it was made. Source: the image specification, `config.md`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedImage {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    config: Option<ImageConfig>,
    #[serde(default, rename = "RootFS")]
    root: Option<RootFileSystem>,
    #[serde(default)]
    history: Option<Vec<HistoryRow>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    working_dir: String,
    #[serde(default)]
    exposed_ports: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    volumes: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootFileSystem {
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct HistoryRow {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

impl From<InspectedImage> for Image {
    fn from(image: InspectedImage) -> Self {
        let config = image.config.unwrap_or_default();
        let keys = |map: Option<BTreeMap<String, Value>>| {
            let map = map.unwrap_or_default();
            map.into_keys().collect()
        };
        let variable = |text: String| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (text, String::new()),
        };
        let step = |row: HistoryRow| ImageHistory {
            created: row.created,
            created_by: row.created_by,
            comment: row.comment,
        };
        Self {
            id: image.id,
            names: image.repo_tags.unwrap_or_default(),
            digests: image.repo_digests.unwrap_or_default(),
            created: image.created,
            size: image.size,
            architecture: image.architecture,
            os: image.os,
            author: image.author,
            comment: image.comment,
            labels: image.labels.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
            environment: config
                .env
                .unwrap_or_default()
                .into_iter()
                .map(variable)
                .collect(),
            user: config.user,
            workdir: config.working_dir,
            ports: keys(config.exposed_ports),
            volumes: keys(config.volumes),
            layers: image.root.unwrap_or_default().layers.unwrap_or_default(),
            history: image
                .history
                .unwrap_or_default()
                .into_iter()
                .map(step)
                .collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedImage {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    containers: u64,
    #[serde(default)]
    labels: Labels,
}

impl From<ListedImage> for ImageSummary {
    fn from(image: ListedImage) -> Self {
        Self {
            id: image.id,
            names: image.repo_tags.unwrap_or_default(),
            created: image.created,
            size: image.size,
            containers: image.containers,
            labels: image.labels.unwrap_or_default(),
        }
    }
}

/// One line of a pull's or a build's progress; the last ones carry the result.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WorkLine {
    #[serde(default)]
    pub(crate) stream: String,
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveReport {
    #[serde(default)]
    pub(crate) deleted: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) untagged: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PrunedImage {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) size: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadReport {
    #[serde(default)]
    pub(crate) names: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_need_not_say_when_it_was_made() {
        let text = r#"{"Id": "1", "Created": null, "History": [{"created_by": "/bin/sh"}, {"created": null}]}"#;
        let image: InspectedImage = serde_json::from_str(text).expect("an image");
        let image = Image::from(image);
        let steps: Vec<_> = image.history.iter().map(|step| &step.created).collect();
        assert_eq!((image.created, steps), (None, vec![&None, &None]));
    }
}
