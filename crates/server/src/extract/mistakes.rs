//! What a JSON body got wrong, in words that name the field.
//!
//! serde tells the kind of a mistake in its text only, so it is read from there; tests hold each
//! wording fast. A wrong value is never repeated: it may be a password.

use super::nearest::{nearest, shown};
use crate::refusal::Refusal;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// Fields of ours that have fields themselves; what is inside others are names of the caller's.
const OBJECTS: [&str; 5] = [
    "limits",
    "restart",
    "capabilities",
    "healthcheck",
    "terminal",
];

/// The refusal for a body that is not what it should be.
pub(crate) fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let path = Where::of(error.path());
    let inner = error.inner();
    let text = inner.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    if inner.classify() != Category::Data {
        return broken(&path, inner, text);
    }
    if let Some(unknown) = text
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.strip_suffix("`, there are no fields"))
    {
        return unknown_name(&path, unknown, &[]);
    }
    if let Some((unknown, known)) = unknown_field(text) {
        return unknown_name(&path, unknown, &known);
    }
    if let Some(missing) = quoted_after(text, "missing field `") {
        let place = path.inside(missing);
        return Refusal::field(place.field, format!("field `{}` is required", place.text));
    }
    if let Some(twice) = quoted_after(text, "duplicate field `") {
        let place = path.inside(twice);
        return Refusal::field(
            place.field,
            format!("field `{}` stands there twice", place.text),
        );
    }
    if let Some(twice) = quoted_after(text, "duplicate key `") {
        let message = format!("`{}` has the key \"{}\" twice", path.text, shown(twice));
        return Refusal::field(path.field, message);
    }
    // What is left are rules of our own types, which repeat no value either.
    let what = wrong_value(text).unwrap_or_else(|| format!("is wrong: {text}"));
    match path.field.as_str() {
        "" => Refusal::Json {
            message: format!("the body {what}"),
        },
        _ => Refusal::field(path.field, format!("`{}` {what}", path.text)),
    }
}

/// Not JSON at all, or JSON that no string or number of ours can hold.
fn broken(path: &Where, error: &serde_json::Error, text: &str) -> Refusal {
    let message = format!(
        "the body is not valid JSON: {} at line {} column {}",
        shown(text),
        error.line(),
        error.column()
    );
    match path.field.as_str() {
        "" => Refusal::Json { message },
        _ => Refusal::field(path.field.clone(), message),
    }
}

fn unknown_name(path: &Where, unknown: &str, known: &[&str]) -> Refusal {
    let place = path.without(unknown).inside(unknown);
    let message = format!("unknown field `{}`", place.text);
    let hint = match nearest(unknown, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "no fields are known here".to_owned(),
        None => format!("the known fields are {}", known.join(", ")),
    };
    Refusal::Field {
        field: place.field.into(),
        message,
        hint: Some(hint),
    }
}

/// ``unknown field `x`, expected one of `a`, `b` ``: the name and the known ones.
fn unknown_field(text: &str) -> Option<(&str, Vec<&str>)> {
    let rest = text.strip_prefix("unknown field `")?;
    // The unknown name may hold anything; the list after it holds our own names only.
    let (unknown, known) = rest.rsplit_once("`, expected ")?;
    Some((unknown, known.split('`').skip(1).step_by(2).collect()))
}

fn quoted_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?.strip_suffix('`')
}

/// ``invalid type: integer `5`, expected a string``: "must be a string, not an integer".
pub(crate) fn wrong_value(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        let (_, known) = rest.rsplit_once("`, expected ")?;
        return Some(format!("must be {}", known.replace('`', "\"")));
    }
    let rest = text
        .strip_prefix("invalid type: ")
        .or_else(|| text.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "f64" | "f32" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        "a sequence" => "an array",
        "a map" => "an object",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    let found = match found.split(['`', '"']).next().unwrap_or_default().trim() {
        "integer" => "an integer",
        "floating point" => "a floating point number",
        "string" | "character" => "that string",
        "boolean" => "a boolean",
        "map" => "an object",
        "sequence" => "an array",
        other => other,
    };
    let found = if text.starts_with("invalid value") {
        "that value"
    } else {
        found
    };
    Some(format!("must be {expected}, not {found}"))
}

/// A place in a body: its field, and the way to it.
#[derive(Debug, Clone, Default)]
struct Where {
    field: String,
    text: String,
}

impl Where {
    fn of(path: &Path) -> Self {
        path.iter()
            .fold(Self::default(), |place, segment| match segment {
                Segment::Map { key } => place.inside(key),
                Segment::Seq { index } => Self {
                    text: format!("{}[{index}]", place.text),
                    ..place
                },
                Segment::Enum { .. } | Segment::Unknown => place,
            })
    }

    /// The place called `key` in this one.
    fn inside(&self, key: &str) -> Self {
        if OBJECTS.contains(&self.field.as_str()) && self.text == self.field {
            let field = format!("{}.{}", self.field, shown(key));
            let text = field.clone();
            return Self { field, text };
        }
        if self.field.is_empty() {
            return Self {
                field: shown(key),
                text: shown(key),
            };
        }
        Self {
            field: self.field.clone(),
            text: format!("{}[\"{}\"]", self.text, shown(key)),
        }
    }

    /// The same without `key` at its end: some errors count the key as part of the way, some don't.
    fn without(&self, key: &str) -> Self {
        if self.text == shown(key) {
            return Self::default();
        }
        let within = self.text.strip_suffix(&format!(".{}", shown(key)));
        if let Some(object) = within.filter(|object| OBJECTS.contains(object)) {
            return Self {
                field: object.to_owned(),
                text: object.to_owned(),
            };
        }
        let end = format!("[\"{}\"]", shown(key));
        Self {
            field: self.field.clone(),
            text: self
                .text
                .strip_suffix(&end)
                .unwrap_or(&self.text)
                .to_owned(),
        }
    }
}
