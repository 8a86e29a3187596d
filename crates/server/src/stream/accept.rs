//! Which form of an output the caller wants.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use std::convert::Infallible;

/// The forms of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON document.
    Document,
    /// Server-sent events.
    EventStream,
    /// One JSON object a line.
    Lines,
    /// Docker's frames.
    Multiplexed,
}

const FORMS: [(Form, &str); 4] = [
    (Form::Document, "application/json"),
    (Form::EventStream, "text/event-stream"),
    (Form::Lines, "application/x-ndjson"),
    (
        Form::Multiplexed,
        "application/vnd.docker.multiplexed-stream",
    ),
];

impl Form {
    /// The form of the highest weight that is accepted by name, the first of equals; one document if
    /// none is.
    fn of(headers: &HeaderMap) -> Self {
        let mut best = (Self::Document, 0.0_f32);
        let values = headers.get_all(ACCEPT).into_iter();
        for range in values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
        {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let form = FORMS
                .iter()
                .find(|(_, known)| name.eq_ignore_ascii_case(known));
            if let Some((form, _)) = form
                && weight > best.1
            {
                best = (*form, weight);
            }
        }
        best.0
    }

    /// Its media type.
    pub(crate) fn media_type(self) -> HeaderValue {
        let name = FORMS.iter().find(|(form, _)| *form == self);
        HeaderValue::from_static(name.map_or("application/json", |(_, name)| name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_highest_weight() {
        for (accept, form) in [
            ("", Form::Document),
            ("*/*", Form::Document),
            ("image/png", Form::Document),
            ("text/event-stream", Form::EventStream),
            ("Application/X-NDJSON; charset=utf-8", Form::Lines),
            ("application/json, text/event-stream", Form::Document),
            ("text/event-stream, application/json", Form::EventStream),
            ("application/json;q=0.5, application/x-ndjson", Form::Lines),
            ("text/event-stream;q=0", Form::Document),
            (
                "application/vnd.docker.multiplexed-stream",
                Form::Multiplexed,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::of(&headers), form, "{accept}");
        }
    }
}
