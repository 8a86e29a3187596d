//! What a request can have got wrong before any operation was asked for.

use axum::http::StatusCode;
use std::borrow::Cow;
use std::time::Duration;
use thiserror::Error;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at this path")]
    Route,
    #[error("this path can't be used with {method}")]
    Method { method: String },
    #[error("{message}")]
    Field {
        field: Cow<'static, str>,
        message: String,
        hint: Option<String>,
    },
    #[error("{message}")]
    Json { message: String },
    #[error("the form can't be read: {message}")]
    Form { message: String },
    #[error("the file has {size} bytes, and none in that range")]
    Range { size: u64 },
    #[error("{message}")]
    MediaType {
        header: &'static str,
        message: String,
        hint: &'static str,
    },
    #[error("the request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the request body did not arrive: nothing came for {} seconds", .silence.as_secs_f64())]
    BodySilent { silence: Duration },
    #[error("the request body did not arrive within {} seconds", .limit.as_secs_f64())]
    BodySlow { limit: Duration },
    #[error("the request body ended before its end")]
    BodyCut,
    #[error("the request can be read in two ways: {what}")]
    Ambiguous { what: &'static str },
    #[error("the request can't be read as HTTP: {what}")]
    Unreadable { what: &'static str },
    #[error("the request's head is too large: {what}")]
    HeadTooLarge { what: &'static str },
    #[error("{message}")]
    Host { message: String },
    #[error("\"{host}\" is not a name of this server")]
    Misdirected { host: String },
    #[error("this caller asks too often; it may again in {} seconds", .wait.as_secs_f64().ceil())]
    TooOften { wait: Duration },
    #[error("web pages of {origin} may not use this server")]
    Origin { origin: String },
    #[error("other web sites may not use this server ({site})")]
    CrossSite { site: String },
}

impl Refusal {
    /// A wrong value of `field`.
    pub(crate) fn field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// A wrong value of `field`, whose error says what would be right; for `map_err`.
    pub(crate) fn in_field<E: std::error::Error>(field: &'static str) -> impl Fn(E) -> Self {
        move |wrong| Self::field(field, wrong.to_string())
    }

    /// Refuses a time in `field` that is above the server's bound.
    pub(crate) fn unless_within(
        field: &'static str,
        time: Option<Duration>,
        limit: Duration,
    ) -> Result<(), Self> {
        if time.is_none_or(|time| time <= limit) {
            return Ok(());
        }
        Err(Self::Field {
            field: field.into(),
            message: format!(
                "`{field}` must be at most {} seconds, the server's request time-out",
                limit.as_secs_f64()
            ),
            hint: Some("REQUEST_TIMEOUT sets that bound".into()),
        })
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Route => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Field { .. }
            | Self::Json { .. }
            | Self::Form { .. }
            | Self::BodyCut
            | Self::Ambiguous { .. }
            | Self::Unreadable { .. }
            | Self::Host { .. } => StatusCode::BAD_REQUEST,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodySilent { .. } | Self::BodySlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Misdirected { .. } => StatusCode::MISDIRECTED_REQUEST,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Origin { .. } | Self::CrossSite { .. } => StatusCode::FORBIDDEN,
        }
    }

    /// The field, parameter or header that is wrong.
    pub(crate) fn what(&self) -> Option<&str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::MediaType { header, .. } => Some(header),
            Self::Range { .. } => Some("Range"),
            Self::Host { .. } | Self::Misdirected { .. } => Some("Host"),
            Self::Origin { .. } => Some("Origin"),
            Self::CrossSite { .. } => Some("Sec-Fetch-Site"),
            _ => None,
        }
    }

    /// After how long the same request may be fine.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooOften { wait } => Some(*wait),
            _ => None,
        }
    }

    /// What can be done about it.
    pub(crate) fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Route => Some("the endpoints are listed at /docs".into()),
            Self::Field { hint, .. } => hint.clone().map(Cow::Owned),
            Self::MediaType { hint, .. } => Some((*hint).into()),
            Self::Misdirected { .. } => Some(
                "if this name is meant to lead to this server, add it to allowed_hosts in the server's configuration".into(),
            ),
            Self::TooOften { .. } => Some(
                "if it must ask that often, raise limits.rate and limits.burst in the server's configuration".into(),
            ),
            Self::Origin { .. } | Self::CrossSite { .. } => Some(
                "if these pages are meant to use this server, add their origin to cors_origins in the server's configuration".into(),
            ),
            _ => None,
        }
    }

    /// The kind of refusal for the log, without a word of the caller's.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Route => "no such path",
            Self::Method { .. } => "wrong method",
            Self::Field { .. } => "invalid field",
            Self::Json { .. } => "invalid JSON",
            Self::Form { .. } => "invalid form",
            Self::Range { .. } => "no such range",
            Self::MediaType { .. } => "wrong media type",
            Self::BodyTooLarge { .. } => "body too large",
            Self::BodySilent { .. } | Self::BodySlow { .. } => "slow body",
            Self::BodyCut => "cut body",
            Self::Ambiguous { what } | Self::Unreadable { what } | Self::HeadTooLarge { what } => {
                what
            }
            Self::Host { .. } => "invalid host",
            Self::Misdirected { .. } => "unknown host",
            Self::TooOften { .. } => "too many requests",
            Self::Origin { .. } => "foreign origin",
            Self::CrossSite { .. } => "cross-site request",
        }
    }
}
