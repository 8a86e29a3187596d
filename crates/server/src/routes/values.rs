//! Values that bodies of several resources have.

use crate::error::Error;
use crate::extract::{Parameters, QueryShape, shown};
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ContentEncoding, UniqueMap};
use podlane_service::WithLabels;
use std::collections::BTreeMap;

/// Labels of a thing to be made.
pub(crate) fn labels(wire: Option<UniqueMap<String>>) -> Result<BTreeMap<String, String>, Refusal> {
    let labels = wire.unwrap_or_default().0;
    for (key, value) in &labels {
        if key.is_empty() || key.contains(char::is_control) || value.contains('\0') {
            let message = format!(
                "labels[\"{}\"] is no label: a key must not be empty nor contain control characters, and a value no NUL",
                shown(key)
            );
            return Err(Refusal::field("labels", message));
        }
    }
    Ok(labels)
}

/// Bytes as they are written in JSON.
pub(crate) fn bytes(
    field: &'static str,
    text: String,
    encoding: Option<ContentEncoding>,
) -> Result<Vec<u8>, Refusal> {
    match encoding.unwrap_or_default() {
        ContentEncoding::Text => Ok(text.into_bytes()),
        ContentEncoding::Base64 => STANDARD.decode(text).map_err(|_| {
            let message = format!("the {field} is not Base64 (with padding, without line breaks)");
            Refusal::field(field, message)
        }),
    }
}

/// Whether text is a host name: parts of letters, digits, `-` and `_`, with dots between.
pub(crate) fn is_host(text: &str) -> bool {
    let ends = |part: &str| {
        let end = |c: char| c.is_ascii_alphanumeric();
        part.starts_with(end) && part.ends_with(end)
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() <= 253
        && text
            .split('.')
            .all(|part| part.len() <= 63 && ends(part) && part.bytes().all(plain))
}

/// `?label=course=net-101&label=team`
pub(crate) struct Labelled(Vec<String>);

impl QueryShape for Labelled {
    const NAMES: &'static [&'static str] = &["label"];
    const REPEATED: &'static [&'static str] = &["label"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        Ok(Self(parameters.all("label").to_vec()))
    }
}

impl Labelled {
    /// The labels that a thing must have.
    pub(crate) fn labels(&self) -> Result<WithLabels, Error> {
        Ok(WithLabels::parse(self.0.iter().map(String::as_str))?)
    }
}
