//! Which bodies are JSON: by their media type, charset and content coding.

use crate::refusal::Refusal;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Refuses a body that does not say that it is JSON in UTF-8, as it is.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let wrong = |message: String| Refusal::MediaType {
        header: "Content-Type",
        message,
        hint: "send the header Content-Type: application/json",
    };
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return Err(wrong("one Content-Type header is required".into()));
    };
    let value = value
        .to_str()
        .map_err(|_| wrong("the Content-Type is not readable".into()))?;
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !is_json(&media) {
        return Err(wrong(format!(
            "the body must be application/json, not {}",
            if media.is_empty() {
                "of no type"
            } else {
                &media
            }
        )));
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return Err(wrong(format!("JSON is UTF-8, not {value}")));
        }
    }
    require_plain(headers)
}

fn is_json(media: &str) -> bool {
    media == "application/json"
        || media
            .strip_prefix("application/")
            .and_then(|subtype| subtype.strip_suffix("+json"))
            .is_some_and(|name| !name.is_empty())
}

/// Whether a body says that it is of a media type.
pub(crate) fn is(headers: &HeaderMap, media: &str) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return false;
    };
    let value = value.to_str().unwrap_or_default();
    let name = value.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case(media)
}

/// Refuses a body that does not say that it is a plain tar archive.
pub(crate) fn require_tar(headers: &HeaderMap) -> Result<(), Refusal> {
    if is(headers, "application/x-tar") || is(headers, "application/octet-stream") {
        return require_plain(headers);
    }
    Err(Refusal::MediaType {
        header: "Content-Type",
        message: "the body must be a tar archive".into(),
        hint: "send the header Content-Type: application/x-tar",
    })
}

/// Refuses a body that does not say that it is plain YAML or JSON.
pub(crate) fn require_yaml(headers: &HeaderMap) -> Result<(), Refusal> {
    let media = [
        "application/yaml",
        "application/x-yaml",
        "text/yaml",
        "text/x-yaml",
        "application/json",
    ];
    if media.iter().any(|media| is(headers, media)) {
        return require_plain(headers);
    }
    Err(Refusal::MediaType {
        header: "Content-Type",
        message: "the body must be YAML or JSON".into(),
        hint: "send the header Content-Type: application/yaml",
    })
}

/// Refuses a body that is compressed.
pub(crate) fn require_plain(headers: &HeaderMap) -> Result<(), Refusal> {
    let coded = headers.get_all(CONTENT_ENCODING).iter().any(|value| {
        !value
            .to_str()
            .is_ok_and(|coding| coding.trim().eq_ignore_ascii_case("identity"))
    });
    if coded {
        return Err(Refusal::MediaType {
            header: "Content-Encoding",
            message: "compressed request bodies are not accepted".into(),
            hint: "send the body as it is, without Content-Encoding",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(media: &'static str) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        require_json(&headers)
    }

    #[test]
    fn json_in_utf_8_only() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/merge-patch+json",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "application/+json",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "application/json, text/plain",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
