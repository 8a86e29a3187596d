//! `ETag`s, and what a request makes of them. Source: RFC 9110, sections 8.8.3 and 13.

use crate::refusal::Refusal;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName};
use podlane_engine::inside::{Expectation, Version};

/// The `ETag` of a file's content: when it was last changed, and its size.
pub(super) fn etag(version: Version) -> String {
    let (seconds, nanoseconds) = version.modified;
    format!("\"{seconds}.{nanoseconds}-{}\"", version.size)
}

/// The version that an `ETag` of ours is of.
pub(super) fn version(tag: &str) -> Option<Version> {
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    let (modified, size) = tag.rsplit_once('-')?;
    let (seconds, nanoseconds) = modified.split_once('.')?;
    Some(Version {
        modified: (seconds.parse().ok()?, nanoseconds.parse().ok()?),
        size: size.parse().ok()?,
    })
}

/// What a header lists.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Version>),
}

/// What a request expects to be there.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    matching: Option<Tags>,
    none: Option<Tags>,
}

impl Conditions {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        Ok(Self {
            matching: tags(headers, &IF_MATCH, false)?,
            none: tags(headers, &IF_NONE_MATCH, true)?,
        })
    }

    /// Whether only what was not there before may be written.
    pub(super) fn is_new(&self) -> bool {
        self.none == Some(Tags::Any)
    }

    /// What must be there for a change.
    pub(super) fn expectation(self) -> Result<Expectation, Refusal> {
        match (self.matching, self.none) {
            (None, None) => Ok(Expectation::Any),
            (Some(Tags::Any), None) => Ok(Expectation::Present),
            (Some(Tags::These(these)), None) => Ok(Expectation::Versions(these)),
            (None, Some(Tags::Any)) => Ok(Expectation::Absent),
            (None, Some(Tags::These(these))) => Ok(Expectation::NoneOf(these)),
            (Some(_), Some(_)) => Err(Refusal::field(
                "If-None-Match",
                "`If-Match` and `If-None-Match` can't be used together",
            )),
        }
    }

    /// Whether what is there is what `If-Match` asks for.
    pub(super) fn holds(&self, version: Version) -> bool {
        match &self.matching {
            None | Some(Tags::Any) => true,
            Some(Tags::These(these)) => these.contains(&version),
        }
    }

    /// Whether the caller has what is there, by `If-None-Match`.
    pub(super) fn is_known(&self, version: Version) -> bool {
        match &self.none {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(these)) => these.contains(&version),
        }
    }
}

/// The `ETag`s in a header; weak ones count only where `weak` says so. One that is none of ours matches
/// nothing.
fn tags(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Result<Option<Tags>, Refusal> {
    let mut these = None;
    for value in headers.get_all(name) {
        let wrong = || {
            let message = format!("`{name}` must be `*` or a list of ETags");
            Refusal::field(name.as_str().to_owned(), message)
        };
        for tag in value.to_str().map_err(|_| wrong())?.split(',') {
            let tag = tag.trim();
            if tag == "*" {
                return Ok(Some(Tags::Any));
            }
            let (strong, opaque) = match tag.strip_prefix("W/") {
                Some(opaque) => (weak, opaque),
                None => (true, tag),
            };
            let quoted = opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"');
            if !quoted {
                return Err(wrong());
            }
            let these: &mut Vec<Version> = these.get_or_insert_default();
            these.extend(version(opaque).filter(|_| strong));
        }
    }
    Ok(these.map(Tags::These))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_read_back() {
        for modified in [(0, 0), (1_700_000_000, 999_999_999), (-1, 5)] {
            let one = Version {
                modified,
                size: 12_345,
            };
            assert_eq!(version(&etag(one)), Some(one));
        }
        for foreign in ["", "\"\"", "\"abc\"", "abc", "\"1.2-\"", "\"1-2\""] {
            assert_eq!(version(foreign), None, "{foreign}");
        }
    }

    fn read(name: HeaderName, value: &'static str) -> Result<Conditions, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        Conditions::of(&headers)
    }

    #[test]
    fn lists_stars_and_weak_ones() {
        let one = version("\"1.2-3\"").expect("ours");
        let both = read(IF_MATCH, "\"x\", \"1.2-3\"").expect("fine");
        assert!(both.holds(one));
        assert!(!read(IF_MATCH, "W/\"1.2-3\"").expect("fine").holds(one));
        assert!(
            read(IF_NONE_MATCH, "W/\"1.2-3\"")
                .expect("fine")
                .is_known(one)
        );
        assert!(read(IF_NONE_MATCH, "*").expect("fine").is_new());
        assert!(!read(IF_MATCH, "\"x\"").expect("fine").holds(one));
        assert_eq!(
            read(IF_MATCH, "\"x\"").expect("fine").expectation(),
            Ok(Expectation::Versions(Vec::new()))
        );
        for wrong in ["", "x", "\"x", "\"x\",", "W/x"] {
            assert!(read(IF_MATCH, wrong).is_err(), "{wrong}");
        }
    }
}
