//! Images.

use podlane_engine::{Image, ImageHistory, ImageStep, ImageSummary};
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

/// One line of a pull's progress as Docker tells it, or in place of all of them why nothing came.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CountedLine {
    #[serde(default)]
    status: String,
    #[serde(default)]
    id: String,
    #[serde(default, rename = "progressDetail")]
    detail: Detail,
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
    /// libpod's own refusals have it.
    #[serde(default)]
    cause: Option<String>,
}

/// Bytes; less than zero where they are not known.
#[derive(Debug, Default, Deserialize)]
struct Detail {
    #[serde(default)]
    current: i64,
    #[serde(default)]
    total: i64,
}

impl CountedLine {
    /// Why the pull has failed, if it has.
    pub(crate) fn failure(&self) -> Option<&str> {
        let words = [&self.error, &self.message];
        let said = words.into_iter().find(|words| !words.is_empty());
        said.filter(|_| self.cause.is_none()).map(String::as_str)
    }

    /// Whether all is there of what it is about.
    pub(crate) fn is_complete(&self) -> bool {
        ["Download complete", "Pull complete"].contains(&self.status.as_str())
    }

    /// What it tells, if it is about something.
    pub(crate) fn step(self) -> Option<ImageStep> {
        let known = |bytes| u64::try_from(bytes).ok().filter(|bytes| *bytes > 0);
        (!self.id.is_empty()).then(|| ImageStep::Layer {
            text: self.status,
            layer: self.id,
            current: known(self.detail.current),
            total: known(self.detail.total),
        })
    }
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

    /// Lines of 4.3.1, 5.4.2 and 5.8.6.
    #[test]
    fn a_pull_is_counted() {
        let read = |text: &str| -> CountedLine { serde_json::from_str(text).expect("a line") };
        let layer = |text: &str, current, total| ImageStep::Layer {
            text: text.into(),
            layer: "4af8861aa917".into(),
            current,
            total,
        };
        for (line, step, complete) in [
            (
                r#"{"status":"Pulling fs layer","progressDetail":{},"id":"4af8861aa917"}"#,
                layer("Pulling fs layer", None, None),
                false,
            ),
            (
                r#"{"status":"Downloading","progressDetail":{"current":1753088,"total":14238887},"progress":"[======\u003e ]","id":"4af8861aa917"}"#,
                layer("Downloading", Some(1_753_088), Some(14_238_887)),
                false,
            ),
            (
                r#"{"status":"Downloading","progressDetail":{"current":9,"total":-1},"id":"4af8861aa917"}"#,
                layer("Downloading", Some(9), None),
                false,
            ),
            (
                r#"{"status":"Download complete","progressDetail":{},"id":"4af8861aa917"}"#,
                layer("Download complete", None, None),
                true,
            ),
        ] {
            let line = read(line);
            assert_eq!((line.failure(), line.is_complete()), (None, complete));
            assert_eq!(line.step(), Some(step));
        }
        let words = "manifest unknown";
        for line in [
            r#"{"progressDetail":{},"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}"#,
            r#"{"message":"manifest unknown"}"#,
        ] {
            assert_eq!(read(line).failure(), Some(words));
        }
        // What libpod itself refuses is no word of a registry's.
        let refusal = r#"{"cause":"bad policy","message":"bad policy","response":400}"#;
        assert_eq!(read(refusal).failure(), None);
        assert_eq!(read(refusal).step(), None);
    }
}
