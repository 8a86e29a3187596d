//! Query parameters that several routes of files have.

use super::convert;
use crate::extract::Parameters;
use crate::refusal::Refusal;
use podlane_engine::{ContainerRef, InnerPath, UserSpec};
use podlane_service::At;

/// `path`, which must be there.
pub(super) fn path(parameters: &Parameters) -> Result<InnerPath, Refusal> {
    let text = parameters.get("path");
    let text = text.ok_or_else(|| Refusal::field("path", "query parameter `path` is required"))?;
    InnerPath::parse(text).map_err(Refusal::in_field("path"))
}

/// `user`: as whom.
pub(super) fn user(parameters: &Parameters) -> Result<Option<UserSpec>, Refusal> {
    let parse = |text| UserSpec::parse(text).map_err(Refusal::in_field("user"));
    parameters.get("user").map(parse).transpose()
}

/// `owner`: whose what is made is.
pub(super) fn owner(parameters: &Parameters) -> Result<Option<(u32, u32)>, Refusal> {
    parameters.get("owner").map(convert::owner).transpose()
}

/// A shell pattern, which must be whole: a part of one fits nothing.
pub(super) fn pattern(
    parameters: &Parameters,
    name: &'static str,
) -> Result<Option<String>, Refusal> {
    let Some(text) = parameters.get(name) else {
        return Ok(None);
    };
    if is_whole(text) {
        return Ok(Some(text.to_owned()));
    }
    let message =
        format!("query parameter `{name}` is no whole pattern: a `[`, `{{` or `\\` is left open");
    Err(Refusal::field(name, message))
}

fn is_whole(pattern: &str) -> bool {
    let mut characters = pattern.chars();
    // Of a class whether it may still be negated, and whether it has something in it.
    let (mut braces, mut class) = (0_u32, None::<(bool, bool)>);
    while let Some(character) = characters.next() {
        match (character, class) {
            ('\\', _) => {
                if characters.next().is_none() {
                    return false;
                }
                class = class.map(|_| (false, true));
            }
            // What comes first is one of the class, also a bracket.
            ('!' | '^', Some((true, _))) => class = Some((false, false)),
            (']', Some((_, true))) => class = None,
            (_, Some(_)) => class = Some((false, true)),
            ('[', None) => class = Some((true, false)),
            ('{', None) => braces += 1,
            ('}', None) => braces = braces.saturating_sub(1),
            _ => {}
        }
    }
    braces == 0 && class.is_none()
}

/// A path of a container.
pub(super) fn at(container: ContainerRef, path: InnerPath, user: Option<UserSpec>) -> At {
    At {
        container,
        path,
        user,
    }
}

/// `form=json`, or `form=raw`, which is usual.
pub(super) fn is_json(parameters: &Parameters) -> Result<bool, Refusal> {
    match parameters.get("form") {
        None | Some("raw") => Ok(false),
        Some("json") => Ok(true),
        Some(_) => Err(Refusal::field(
            "form",
            "query parameter `form` must be raw or json",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_pattern_has_its_ends() {
        for whole in [
            "", "*", "**/*.rs", "[ab]", "[!a]", "[]a]", "[^]]", "[!!]", "[^!]*", "{a,b}",
            "{a,[{]}", "a]", "a}", "\\[a",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for part in ["[", "[a", "[]", "[!]", "{a", "{a,{b}", "a\\", "[a\\]"] {
            assert!(!is_whole(part), "{part}");
        }
    }
}
