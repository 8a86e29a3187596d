//! Environment variables in their two forms.

use crate::map;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// Environment variables: an object, or an array of `NAME=value`.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Environment {
    /// Values by name; numbers and booleans become text.
    Map(BTreeMap<String, Scalar>),
    /// `NAME=value` each.
    List(Vec<String>),
}

impl fmt::Debug for Environment {
    /// Shows the names only: values are where people keep secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(map) => f.debug_set().entries(map.keys()).finish(),
            Self::List(list) => {
                let name = |entry: &'_ String| entry.split('=').next().map(str::to_owned);
                f.debug_set().entries(list.iter().filter_map(name)).finish()
            }
        }
    }
}

/// The value of an environment variable.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// Text, used as it is.
    Text(String),
    /// A number, written in decimal.
    #[schema(value_type = f64)]
    Number(serde_json::Number),
    /// `true` or `false`.
    Flag(bool),
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EnvironmentVisitor)
    }
}

struct EnvironmentVisitor;

impl<'de> Visitor<'de> for EnvironmentVisitor {
    type Value = Environment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of \"NAME=value\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Environment, A::Error> {
        map::read(entries).map(Environment::Map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Environment, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_element()? {
            all.push(entry);
        }
        Ok(Environment::List(all))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        // Beyond 2^53 a double has lost digits that the caller wrote.
        let exact = number.abs() <= 9_007_199_254_740_992.0;
        serde_json::Number::from_f64(number)
            .filter(|_| exact)
            .map(Scalar::Number)
            .ok_or_else(|| E::custom("a number as large as this must be written as a string"))
    }
}
