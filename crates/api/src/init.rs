//! Who is PID 1.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Who is PID 1 in a container: `"auto"`, `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Init {
    /// The engine's init if the image has no entrypoint.
    #[default]
    Auto,
    /// The engine's init.
    On,
    /// The command itself.
    Off,
}

impl Serialize for Init {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Init {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InitVisitor)
    }
}

struct InitVisitor;

impl Visitor<'_> for InitVisitor {
    type Value = Init;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"auto\", true or false")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Init, E> {
        Ok(if on { Init::On } else { Init::Off })
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Init, E> {
        match word {
            "auto" => Ok(Init::Auto),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }
}

impl PartialSchema for Init {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Boolean]))
            .enum_values(Some([
                serde_json::json!("auto"),
                serde_json::json!(true),
                serde_json::json!(false),
            ]))
            .description(Some(
                "Who is PID 1: the engine's init (true), the command itself (false), or the engine's init for images without an entrypoint (\"auto\").",
            ))
            .into()
    }
}

impl ToSchema for Init {}
