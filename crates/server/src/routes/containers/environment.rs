//! Environment variables: both forms of the wire to names and text.

use crate::extract::shown;
use crate::refusal::Refusal;
use podlane_api::{Environment, Scalar};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Reads variables. Messages name a variable, never its value.
pub(super) fn variables(wire: Option<Environment>) -> Result<BTreeMap<String, String>, Refusal> {
    let entries: Vec<(String, String)> = match wire {
        None => Vec::new(),
        Some(Environment::Map(map)) => {
            let text = |(name, value)| (name, text(value));
            map.into_iter().map(text).collect()
        }
        Some(Environment::List(list)) => list
            .iter()
            .enumerate()
            .map(|(index, entry)| split(index, entry))
            .collect::<Result<_, _>>()?,
    };
    let mut variables = BTreeMap::new();
    for (name, value) in entries {
        check(&name, &value)?;
        match variables.entry(name) {
            Entry::Vacant(place) => place.insert(value),
            Entry::Occupied(taken) => {
                let name = shown(taken.key());
                return Err(wrong(format!(
                    "environment has the variable \"{name}\" twice"
                )));
            }
        };
    }
    Ok(variables)
}

fn wrong(message: String) -> Refusal {
    Refusal::field("environment", message)
}

fn text(value: Scalar) -> String {
    match value {
        Scalar::Text(text) => text,
        Scalar::Number(number) => number.to_string(),
        Scalar::Flag(flag) => flag.to_string(),
    }
}

fn split(index: usize, entry: &str) -> Result<(String, String), Refusal> {
    match entry.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(wrong(format!(
            "environment[{index}] has no '=': write it like \"NAME=value\""
        ))),
    }
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(wrong(format!(
            "environment[\"{}\"] is no variable: a name must not be empty nor contain '=' or NUL",
            shown(name)
        )));
    }
    if value.contains('\0') {
        let name = shown(name);
        return Err(wrong(format!(
            "environment[\"{name}\"] must not contain NUL"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<BTreeMap<String, String>, Refusal> {
        variables(Some(serde_json::from_str(json).expect("JSON")))
    }

    #[test]
    fn both_forms_are_one() {
        let map = read(r#"{"A": "x=y", "N": 1, "F": 1.5, "B": true, "E": ""}"#).expect("fine");
        let list = read(r#"["A=x=y", "N=1", "F=1.5", "B=true", "E="]"#).expect("fine");
        assert_eq!(map, list);
        assert_eq!(variables(None), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_is_no_variable_is_named() {
        for (json, part) in [
            (r#"{"": "x"}"#, r#"environment[""]"#),
            (r#"{"A=B": "x"}"#, r#"environment["A=B"]"#),
            (r#"{"A\u0000": "x"}"#, r#"environment["A\0"]"#),
            (r#"{"A": "hidden\u0000"}"#, r#"environment["A"]"#),
            (r#"["A"]"#, "environment[0]"),
            (r#"["A=1", "=1"]"#, r#"environment[""]"#),
            (r#"["A=1", "A=2"]"#, "\"A\" twice"),
        ] {
            let refusal = read(json).expect_err(json);
            assert_eq!(refusal.what(), Some("environment"), "{json}");
            assert!(refusal.to_string().contains(part), "{json}: {refusal}");
            assert!(!refusal.to_string().contains("hidden"));
        }
    }
}
