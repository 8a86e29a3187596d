//! Where values come from: the layers of defaults, files, environment and flags, not yet checked.

use super::error::{Error, Problem};
use super::setting::{self, SETTINGS};
use super::{Environment, Flags};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In that file, on that line.
    File(PathBuf, usize),
    /// By that environment variable.
    Variable(&'static str),
    /// By that flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// Words of an environment variable or a flag, whose type is what the setting makes of them.
    Words(String),
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Raw>),
    /// Something that no setting takes: a date, a table.
    Other(&'static str),
}

/// A value and where it was set.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

/// The values by key.
pub(super) type Layer = BTreeMap<&'static str, Given>;

/// The values of a TOML text.
///
/// `origin` gives a value's origin by its line; `name` is what errors call the text.
pub(super) fn from_toml(
    text: &str,
    name: &Path,
    origin: impl Fn(usize) -> Origin,
) -> Result<Layer, Error> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Problem::Syntax {
            file: name.to_path_buf(),
            line,
            reason: error.message().to_owned(),
        }
    })?;
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    let mut take = |key: String, at: usize, value: &DeValue<'_>| {
        let line = line_of(text, at);
        match setting::by_key(&key) {
            Some(setting) => {
                let given = Given {
                    raw: raw(value),
                    origin: origin(line),
                };
                layer.insert(setting.key, given);
            }
            None => problems.push(Problem::UnknownKey {
                nearest: setting::nearest(&key, SETTINGS.iter().map(|s| s.key)),
                file: name.to_path_buf(),
                line,
                key,
            }),
        }
    };
    for (key, value) in document.get_ref() {
        let (outer, at) = (key.get_ref(), key.span().start);
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    let inner = key.get_ref();
                    take(
                        format!("{outer}.{inner}"),
                        key.span().start,
                        value.get_ref(),
                    );
                }
            }
            // An empty [limits] says nothing.
            DeValue::Table(_) if ["limits", "webhooks"].contains(&outer.as_ref()) => {}
            value => take(outer.to_string(), at, value),
        }
    }
    Error::unless_empty(problems).map(|()| layer)
}

/// The values of a file.
pub(super) fn from_file(path: &Path) -> Result<Layer, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem::Unreadable {
        file: path.to_path_buf(),
        reason: error.to_string(),
    })?;
    from_toml(&text, path, |line| Origin::File(path.to_path_buf(), line))
}

/// The values of environment variables.
pub(super) fn from_environment(environment: &Environment) -> Result<Layer, Error> {
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for setting in &SETTINGS {
        let Some(value) = environment.get(setting.variable) else {
            continue;
        };
        let origin = Origin::Variable(setting.variable);
        match value.to_str() {
            Some(text) => {
                let raw = Raw::Words(text.to_owned());
                layer.insert(setting.key, Given { raw, origin });
            }
            None => problems.push(Problem::Value {
                key: setting.key,
                shown: value.display().to_string(),
                origin,
                right: "it must be UTF-8 text".to_owned(),
            }),
        }
    }
    Error::unless_empty(problems).map(|()| layer)
}

/// The values of flags.
pub(super) fn from_flags(flags: &Flags) -> Layer {
    let given = SETTINGS.iter().filter_map(|setting| {
        let flag = setting.flag?;
        let raw = Raw::Words(flags.get(flag)?.to_owned());
        let origin = Origin::Flag(flag);
        Some((setting.key, Given { raw, origin }))
    });
    given.collect()
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a number that is too long"), Raw::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Raw::Other("not a number"), Raw::Float),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(text) | Self::Text(text) => write!(f, "{text:?}"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Other(what) => f.write_str(what),
        }
    }
}
