//! An error as bytes: the contract's JSON, or RFC 9457 for who asks for it.

use crate::error::Answer;
use crate::timestamp;
use axum::Json;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use podlane_api::{Disconnected, ErrorDetail, Failure, False, Problem, Unhealthy, UnhealthyWord};
use podlane_engine::RequestId;

/// How the caller wants to read errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As the contract has it.
    Contract,
    /// `application/problem+json`.
    Problem,
}

impl Format {
    /// RFC 9457 if it is accepted by name, and not less than plain JSON.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut problem, mut json) = (0.0_f32, 0.0_f32);
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
            if name.eq_ignore_ascii_case("application/problem+json") {
                problem = weight;
            } else if name.eq_ignore_ascii_case("application/json") {
                json = weight;
            }
        }
        if problem > 0.0 && problem >= json {
            Self::Problem
        } else {
            Self::Contract
        }
    }
}

/// Writes an error's body. What the response has of headers (`Allow`) stays.
pub(crate) fn render(
    answer: &Answer,
    id: &RequestId,
    format: Format,
    response: Response,
) -> Response {
    let mut rendered = match format {
        Format::Problem => problem(answer, id),
        Format::Contract => match &answer.unhealthy {
            Some(illness) => Json(Unhealthy {
                success: False,
                status: UnhealthyWord::Unhealthy,
                podman: Disconnected::Disconnected,
                reason: illness.reason.clone(),
                checks: illness.checks.clone(),
                error: detail(answer),
                timestamp: timestamp::now(),
                request_id: id.to_string(),
            })
            .into_response(),
            None => Json(failure(answer, id)).into_response(),
        },
    };
    let (old, _) = response.into_parts();
    *rendered.status_mut() = answer.status;
    for (name, value) in &old.headers {
        if !rendered.headers().contains_key(name) && !name.as_str().starts_with("content-") {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
    }
    if answer.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"podlane\"");
        rendered.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(wait) = answer.retry_after {
        let seconds = wait.as_secs().max(1);
        rendered
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    rendered
}

/// An error in the contract's form.
pub(crate) fn failure(answer: &Answer, id: &RequestId) -> Failure {
    Failure {
        success: False,
        error: detail(answer),
        timestamp: timestamp::now(),
        request_id: id.to_string(),
    }
}

/// An error as bodies and messages have it.
pub(crate) fn detail(answer: &Answer) -> ErrorDetail {
    ErrorDetail {
        message: answer.message.clone(),
        code: answer.status.as_u16(),
        kind: answer.kind,
        field: answer.field.clone(),
        hint: answer.hint.clone(),
    }
}

fn problem(answer: &Answer, id: &RequestId) -> Response {
    let body = Problem {
        kind: "about:blank".into(),
        title: answer
            .status
            .canonical_reason()
            .unwrap_or("Error")
            .to_owned(),
        status: answer.status.as_u16(),
        detail: answer.message.clone(),
        error_type: answer.kind,
        field: answer.field.clone(),
        hint: answer.hint.clone(),
        timestamp: timestamp::now(),
        request_id: id.to_string(),
    };
    let mut response = Json(body).into_response();
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_for_those_who_name_them() {
        let format = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            Format::of(&headers)
        };
        assert_eq!(format("application/problem+json"), Format::Problem);
        assert_eq!(
            format("application/json, Application/Problem+JSON"),
            Format::Problem
        );
        for contract in [
            "*/*",
            "application/json",
            "application/problem+json;q=0",
            "application/json, application/problem+json;q=0.5",
            "",
        ] {
            assert_eq!(format(contract), Format::Contract, "{contract}");
        }
    }
}
