//! Query parameters: only known ones, each once.

use super::nearest::{nearest, shown};
use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The query parameters of one endpoint.
pub(crate) trait QueryShape: Sized {
    /// The names it knows.
    const NAMES: &'static [&'static str];
    /// Those of them that may stand there more than once.
    const REPEATED: &'static [&'static str] = &[];

    /// Reads the values.
    fn read(parameters: &Parameters) -> Result<Self, Refusal>;
}

/// An endpoint without parameters.
impl QueryShape for () {
    const NAMES: &'static [&'static str] = &[];

    fn read(_: &Parameters) -> Result<Self, Refusal> {
        Ok(())
    }
}

/// `?timeout=seconds`
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl QueryShape for Timeout {
    const NAMES: &'static [&'static str] = &["timeout"];

    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let seconds = parameters.seconds("timeout")?;
        Ok(Self(seconds.map(Duration::from_secs)))
    }
}

/// The parameters as they were written, each once unless it may be repeated.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<&'static str, Vec<String>>);

impl Parameters {
    /// The decoded value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The decoded values of a parameter that may be repeated, in their order.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// A switch: `true|1|yes|on` or `false|0|no|off`, in any case.
    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Some(true)),
            "false" | "0" | "no" | "off" => Ok(Some(false)),
            _ => Err(Refusal::field(
                name,
                format!("query parameter `{name}` must be true or false"),
            )),
        }
    }

    /// A non-negative integer; one larger than any number of ours is the largest.
    pub(crate) fn count(&self, name: &'static str, rule: &str) -> Result<u64, Refusal> {
        let digits = self.get(name).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!("query parameter `{name}` must be {rule}");
            return Err(Refusal::field(name, message));
        }
        Ok(digits.parse().unwrap_or(u64::MAX))
    }

    /// A time: RFC 3339, or whole seconds since 1970.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<SystemTime>, Refusal> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let time = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = text.parse().ok();
            seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        } else {
            OffsetDateTime::parse(text, &Rfc3339).ok()
        };
        time.map(|time| Some(time.into())).ok_or_else(|| {
            let message = format!(
                "query parameter `{name}` must be a time like 2026-11-23T15:54:16Z, or whole seconds since 1970"
            );
            Refusal::field(name, message)
        })
    }

    /// A number of whole seconds.
    pub(crate) fn seconds(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => self.count(name, "a number of whole seconds").map(Some),
        }
    }

    fn parse(
        query: &str,
        known: &'static [&'static str],
        repeated: &[&str],
    ) -> Result<Self, Refusal> {
        let mut parameters = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let Some(known) = known.iter().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            match parameters.0.entry(known) {
                Entry::Vacant(place) => {
                    place.insert(vec![value.into_owned()]);
                }
                Entry::Occupied(mut place) if repeated.contains(known) => {
                    place.get_mut().push(value.into_owned());
                }
                Entry::Occupied(_) => {
                    let message = format!("query parameter `{known}` stands there twice");
                    return Err(Refusal::field(*known, message));
                }
            }
        }
        Ok(parameters)
    }
}

fn unknown(name: &str, known: &[&str]) -> Refusal {
    let hint = match (nearest(name, known.iter().copied()), known) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, []) => "this endpoint has none".to_owned(),
        (None, known) => format!("this endpoint knows {}", known.join(", ")),
    };
    Refusal::Field {
        field: shown(name).into(),
        message: format!("unknown query parameter `{}`", shown(name)),
        hint: Some(hint),
    }
}

/// The names of an endpoint's query parameters, for whoever finds them elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) &'static [&'static str]);

/// An endpoint's query parameters.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: QueryShape, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.insert(Names(T::NAMES));
        let query = parts.uri.query().unwrap_or_default();
        T::read(&Parameters::parse(query, T::NAMES, T::REPEATED)?).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["force", "tail"];

    #[test]
    fn known_ones_once() {
        let parameters = Parameters::parse("tail=5&force=a%20b", KNOWN, &[]).expect("fine");
        assert_eq!(parameters.get("tail"), Some("5"));
        assert_eq!(parameters.get("force"), Some("a b"));
        assert!(Parameters::parse("", KNOWN, &[]).is_ok());
    }

    #[test]
    fn repeated_ones_keep_their_order() {
        let parameters =
            Parameters::parse("tail=a&force=1&tail=&tail=b", KNOWN, &["tail"]).expect("fine");
        assert_eq!(parameters.all("tail"), ["a", "", "b"]);
        assert_eq!(parameters.all("force"), ["1"]);
    }

    #[test]
    fn times_in_two_forms() {
        let time = |text: &str| {
            let query = format!("tail={text}");
            Parameters::parse(&query, KNOWN, &[])?.time("tail")
        };
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_449_256);
        for text in [
            "1795449256",
            "2026-11-23T15:54:16Z",
            "2026-11-23T17:54:16.000%2B02:00",
        ] {
            assert_eq!(time(text).expect(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "-1",
            "1.5",
            "yesterday",
            "2026-11-23",
            "99999999999999999999",
        ] {
            assert_eq!(time(text).expect_err(text).what(), Some("tail"), "{text}");
        }
    }

    #[test]
    fn others_are_named() {
        for (query, field, hint) in [
            ("froce=1", "froce", "did you mean `force`?"),
            ("Tail=1", "Tail", "did you mean `tail`?"),
            ("x=1", "x", "this endpoint knows force, tail"),
            ("force=1&x=", "x", "this endpoint knows force, tail"),
        ] {
            let refusal = Parameters::parse(query, KNOWN, &[]).expect_err(query);
            assert_eq!(refusal.what(), Some(field));
            assert_eq!(refusal.hint().as_deref(), Some(hint));
        }
        let twice = Parameters::parse("tail=1&%74ail=2", KNOWN, &[]).expect_err("twice");
        assert_eq!(twice.what(), Some("tail"));
    }
}
