//! Environments: written down, or out of a `ConfigMap` of the same body.

use super::Maps;
use super::document::{Container, KeyRef, MapRef};
use crate::extract::shown;
use crate::refusal::Refusal;
use podlane_api::{Environment, Scalar};
use std::collections::BTreeMap;

/// What stands in the container itself goes before what a whole map has.
pub(super) fn environment(container: &Container, maps: &Maps) -> Result<Environment, Refusal> {
    let mut all = BTreeMap::new();
    for from in &container.env_from {
        let map = whole(&from.config_map_ref, maps)?;
        for (name, value) in map.into_iter().flatten() {
            all.insert(format!("{}{name}", from.prefix), value.clone());
        }
    }
    for variable in &container.env {
        let value = match (&variable.value, &variable.value_from) {
            (Some(_), Some(_)) => {
                let message = format!(
                    "the variable {} has both a `value` and a `valueFrom`",
                    shown(&variable.name)
                );
                return Err(Refusal::field("env", message));
            }
            (_, Some(from)) => one(&from.config_map_key_ref, maps)?,
            (value, None) => Some(value.clone().unwrap_or_default()),
        };
        if let Some(value) = value {
            all.insert(variable.name.clone(), value);
        }
    }
    let all = all.into_iter();
    Ok(Environment::Map(
        all.map(|(name, value)| (name, Scalar::Text(value)))
            .collect(),
    ))
}

fn whole<'m>(
    wanted: &MapRef,
    maps: &'m Maps,
) -> Result<Option<&'m BTreeMap<String, String>>, Refusal> {
    match maps.get(&wanted.name) {
        None if !wanted.optional => Err(missing(&wanted.name)),
        found => Ok(found),
    }
}

fn one(wanted: &KeyRef, maps: &Maps) -> Result<Option<String>, Refusal> {
    let found = maps.get(&wanted.name);
    if found.is_none() && !wanted.optional {
        return Err(missing(&wanted.name));
    }
    match found.and_then(|map| map.get(&wanted.key)) {
        None if !wanted.optional => {
            let message = format!(
                "the ConfigMap \"{}\" has no key \"{}\"",
                shown(&wanted.name),
                shown(&wanted.key)
            );
            Err(Refusal::field("env", message))
        }
        value => Ok(value.cloned()),
    }
}

fn missing(name: &str) -> Refusal {
    let message = format!("there is no ConfigMap \"{}\" in the body", shown(name));
    Refusal::field("env", message)
}
