//! "Did you mean": the known name next to an unknown one.

/// The known name that `unknown` was probably meant to be.
pub(crate) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer than any name there is; comparing costs the product of the lengths.
    if unknown.len() > 64 {
        return None;
    }
    let unknown = unknown.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Untrusted text in a message: short, control characters as escapes.
pub(crate) fn shown(text: &str) -> String {
    let mut head: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        head.push('…');
    }
    head
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_errors_find_their_name() {
        let known = [
            "image",
            "name",
            "command",
            "environment",
            "ports",
            "volumes",
        ];
        for (unknown, meant) in [
            ("imgae", Some("image")),
            ("Image", Some("image")),
            ("env", Some("environment")),
            ("port", Some("ports")),
            ("privileged", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, known), meant, "{unknown}");
        }
    }
}
