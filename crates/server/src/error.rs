//! One error for everything that can end a request, and the one place where it becomes an answer.
//!
//! The caller's text and the log's text are two values: causes of our own and the engine's addresses
//! are for the log only; a caller's own words are for the answer only.

use crate::refusal::Refusal;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use podlane_api::{ErrorType, HealthCheck};
use podlane_engine::inside::{Failure, Reason};
use podlane_engine::{Error as Engine, Resource};
use podlane_service::{Error as Service, Repetition, RowProblem};
use std::borrow::Cow;
use std::time::Duration;
use thiserror::Error;

/// The result of a handler.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request has no other answer.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The request is wrong in itself; no operation was asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request is wrong in itself, and a part of it had been passed on before that was seen.
    #[error(transparent)]
    InPassing(Refusal),
    /// The operation failed.
    #[error(transparent)]
    Operation(#[from] Service),
    /// The engine does not answer a health check.
    #[error("the engine does not answer")]
    Unhealthy(#[source] Ill),
    /// It can't be written down that it is to be done, so it is not done.
    #[error("the audit can't be written")]
    Unaudited(#[source] Service),
    /// Our own code panicked.
    #[error("a handler panicked: {0}")]
    Panicked(String),
    /// An answer was made outside our handlers, and it is no good one.
    #[error("answered with a bare {0}")]
    Bare(StatusCode),
}

/// What is the matter with the engine.
#[derive(Debug, Error)]
#[error("{cause}")]
pub(crate) struct Ill {
    /// Why it does not answer.
    pub(crate) cause: Service,
    /// Why, in plain words for everybody.
    pub(crate) reason: String,
    /// What was looked at, for who may see it.
    pub(crate) checks: Vec<HealthCheck>,
}

/// What the health check's answer has besides.
#[derive(Debug, Clone)]
pub(crate) struct Illness {
    pub(crate) reason: String,
    pub(crate) checks: Vec<HealthCheck>,
}

/// An error on its way out: everything but the request's ID and the wanted format.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: ErrorType,
    pub(crate) message: String,
    pub(crate) field: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The rule of the policy that forbids it.
    pub(crate) rule: Option<String>,
    /// If it is the health check's.
    pub(crate) unhealthy: Option<Illness>,
    /// Whether it says for certain that nothing was done, so that a key is good for another try.
    pub(crate) nothing_done: bool,
    /// What the log says, with all causes.
    pub(crate) log: String,
}

impl IntoResponse for Error {
    /// The edge writes the body: it alone knows the request's ID and the wanted format.
    fn into_response(self) -> Response {
        let answer = self.answer();
        let mut response = answer.status.into_response();
        if let Self::Refused(refusal) | Self::InPassing(refusal) = self
            && let Refusal::Ambiguous { .. }
            | Refusal::Unreadable { .. }
            | Refusal::HeadTooLarge { .. } = refusal
        {
            // Where the next request begins, nobody can say.
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(answer);
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Error::from(self).into_response()
    }
}

impl Error {
    /// What it says to the caller and to the log.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Self::Refused(refusal) => refused(refusal),
            Self::InPassing(refusal) => Answer {
                nothing_done: false,
                ..refused(refusal)
            },
            Self::Operation(error) => operation(error, chain(self)),
            Self::Unhealthy(ill) => {
                let cause = operation(&ill.cause, chain(self));
                Answer {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    unhealthy: Some(Illness {
                        reason: ill.reason.clone(),
                        checks: ill.checks.clone(),
                    }),
                    retry_after: cause.retry_after.or(Some(Duration::from_secs(1))),
                    ..cause
                }
            }
            Self::Unaudited(error) => Answer {
                nothing_done: true,
                ..operation(error, chain(self))
            },
            Self::Bare(status) if status.is_client_error() => Answer {
                kind: ErrorType::ValidationError,
                message: status.canonical_reason().unwrap_or("refused").to_owned(),
                ..plain(*status, chain(self))
            },
            Self::Bare(_) | Self::Panicked(_) => internal(chain(self)),
        }
    }
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn plain(status: StatusCode, log: String) -> Answer {
    Answer {
        status,
        kind: ErrorType::PodmanApiError,
        message: String::new(),
        field: None,
        hint: None,
        retry_after: None,
        rule: None,
        unhealthy: None,
        nothing_done: false,
        log,
    }
}

fn internal(log: String) -> Answer {
    Answer {
        kind: ErrorType::InternalError,
        message: "the server failed".into(),
        hint: Some("its log says why, under this request_id".into()),
        ..plain(StatusCode::INTERNAL_SERVER_ERROR, log)
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let log = match refusal {
        // Names of our own only: others are the caller's words.
        Refusal::Field {
            field: Cow::Borrowed(field),
            ..
        } => format!("{}: {field}", refusal.kind()),
        _ => refusal.kind().to_owned(),
    };
    Answer {
        kind: ErrorType::ValidationError,
        message: refusal.to_string(),
        field: refusal.what().map(str::to_owned),
        hint: refusal.hint().map(Into::into),
        retry_after: refusal.wait(),
        nothing_done: true,
        ..plain(refusal.status(), log)
    }
}

fn operation(error: &Service, log: String) -> Answer {
    let podman = |status| Answer {
        message: error.to_string(),
        ..plain(status, log.clone())
    };
    match error {
        Service::Engine(error) => engine(error, &log),
        Service::Invalid { field, .. } => Answer {
            kind: ErrorType::ValidationError,
            field: Some((*field).into()),
            log: format!("invalid field: {field}"),
            nothing_done: true,
            ..podman(StatusCode::BAD_REQUEST)
        },
        Service::Unidentified { .. } => Answer {
            kind: ErrorType::ValidationError,
            field: Some("Authorization".into()),
            hint: Some(
                "send a token: Authorization: Bearer pdl_...; `podlane token create` makes one"
                    .into(),
            ),
            nothing_done: true,
            ..podman(StatusCode::UNAUTHORIZED)
        },
        Service::Denied { .. } | Service::Bounded { .. } => Answer {
            kind: ErrorType::ValidationError,
            field: Some("Authorization".into()),
            nothing_done: true,
            ..podman(StatusCode::FORBIDDEN)
        },
        Service::Forbidden { findings } => Answer {
            kind: ErrorType::ValidationError,
            field: findings.first().map(|finding| finding.field.to_owned()),
            rule: findings.first().map(|finding| finding.rule.clone()),
            log: "the policy forbids it".into(),
            nothing_done: true,
            ..podman(StatusCode::FORBIDDEN)
        },
        Service::TooMany { retry_after, .. } => Answer {
            kind: ErrorType::ValidationError,
            retry_after: Some(*retry_after),
            rule: Some("quota".into()),
            nothing_done: true,
            ..podman(StatusCode::TOO_MANY_REQUESTS)
        },
        Service::Repeated(repetition) => repeated(*repetition, podman),
        Service::Conflict { .. } => podman(StatusCode::CONFLICT),
        Service::TooLarge { .. } => Answer {
            kind: ErrorType::ValidationError,
            ..podman(StatusCode::PAYLOAD_TOO_LARGE)
        },
        Service::Busy { retry_after, .. } => Answer {
            hint: Some("try again in a moment, or raise MAX_WORKERS".into()),
            nothing_done: true,
            ..later(podman, *retry_after)
        },
        Service::NoAgent { retry_after } => Answer {
            nothing_done: true,
            ..later(podman, *retry_after)
        },
        Service::Full { setting, .. } => Answer {
            hint: Some(format!("try again later, or raise {setting}")),
            nothing_done: true,
            ..later(podman, Duration::from_secs(1))
        },
        Service::Unkept { reason, .. } => Answer {
            hint: Some("state_dir or recordings_dir says where; the server's log says more".into()),
            log: format!("{error}: {reason}"),
            ..later(podman, Duration::from_secs(10))
        },
        Service::Rows(rows) => wrong_rows(rows, podman(StatusCode::BAD_REQUEST)),
        Service::NoExec { .. }
        | Service::NoUser { .. }
        | Service::NoRecording
        | Service::NoRegistry { .. }
        | Service::NoWebhook
        | Service::NoDelivery
        | Service::NoToken { .. } => podman(StatusCode::NOT_FOUND),
        Service::Lost { .. } => Answer {
            kind: ErrorType::InternalError,
            ..podman(StatusCode::GONE)
        },
        Service::Given(cause) => match cause.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(refusal) => refused(refusal),
            None => Answer {
                kind: ErrorType::ValidationError,
                ..podman(StatusCode::BAD_REQUEST)
            },
        },
        Service::Stopping => later(podman, Duration::from_secs(1)),
        Service::ExecTimeout { .. } => podman(StatusCode::REQUEST_TIMEOUT),
        Service::Inside { .. } => podman(StatusCode::INTERNAL_SERVER_ERROR),
        Service::File(failure) => in_the_way(failure, podman),
        Service::Internal { .. } => internal(log),
    }
}

/// What can't be done now, and may be after a while.
fn later(answer: impl Fn(StatusCode) -> Answer, wait: Duration) -> Answer {
    Answer {
        kind: ErrorType::InternalError,
        retry_after: Some(wait),
        ..answer(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// A request with a key that can't be done, and has no answer that could be given again.
fn repeated(repetition: Repetition, answer: impl Fn(StatusCode) -> Answer) -> Answer {
    let another = "look whether it was done; to have it done anew, send it with another key";
    let (status, hint) = match repetition {
        Repetition::Other => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "each request needs a key of its own; one that is sent again must be the same",
        ),
        Repetition::UnderWay => (StatusCode::CONFLICT, "ask again in a moment for its answer"),
        Repetition::Unknown | Repetition::Unkept(_) => (StatusCode::CONFLICT, another),
    };
    Answer {
        kind: ErrorType::ValidationError,
        field: Some("Idempotency-Key".into()),
        hint: Some(hint.into()),
        retry_after: (repetition == Repetition::UnderWay).then_some(Duration::from_secs(1)),
        ..answer(status)
    }
}

/// Rows against which something stands in the container are its conflict, if no other is wrong in itself.
fn wrong_rows(rows: &[RowProblem], answer: Answer) -> Answer {
    let first = rows.iter().find(|row| !row.conflict).or(rows.first());
    let conflict = rows.iter().all(|row| row.conflict);
    let (status, kind) = if conflict {
        (StatusCode::CONFLICT, ErrorType::PodmanApiError)
    } else {
        (StatusCode::BAD_REQUEST, ErrorType::ValidationError)
    };
    Answer {
        status,
        kind,
        field: first.map(|problem| format!("users[{}].{}", problem.row, problem.field)),
        log: format!("{} rows are wrong", rows.len()),
        ..answer
    }
}

/// What stands in the way of a work with files.
fn in_the_way(failure: &Failure, answer: impl Fn(StatusCode) -> Answer) -> Answer {
    let status = match failure.reason {
        Reason::NotFound => StatusCode::NOT_FOUND,
        Reason::NotDirectory
        | Reason::IsDirectory
        | Reason::Exists
        | Reason::NotEmpty
        | Reason::ReadOnly
        | Reason::Circle
        | Reason::Special
        | Reason::Busy => StatusCode::CONFLICT,
        Reason::NotPermitted => StatusCode::FORBIDDEN,
        Reason::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
        Reason::Changed => StatusCode::PRECONDITION_FAILED,
        Reason::Limit(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::TooLong | Reason::Kernel | Reason::Invalid(_) | Reason::Broken => {
            StatusCode::BAD_REQUEST
        }
        Reason::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let hint = match failure.reason {
        Reason::IsDirectory => Some(
            "a directory is read with Accept: application/x-tar, and written as an archive".into(),
        ),
        Reason::NotEmpty => Some("recursive=true removes it with all that is in it".into()),
        _ => None,
    };
    let mut answer = answer(status);
    if [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE].contains(&status) {
        answer.kind = ErrorType::ValidationError;
    }
    // A path may be a secret of the caller's.
    answer.log = format!("files: {status}");
    answer.hint = hint;
    answer
}

fn engine(error: &Engine, log: &str) -> Answer {
    let podman = |status| Answer {
        message: error.to_string(),
        ..plain(status, log.to_owned())
    };
    match error {
        Engine::NotFound { resource, name } => Answer {
            hint: match resource {
                Resource::Image => Some(format!(
                    "pull it with `podman pull {name}`, or create with \"pull\": \"missing\""
                )),
                _ => None,
            },
            ..podman(StatusCode::NOT_FOUND)
        },
        Engine::NameInUse { .. } => Answer {
            field: Some("name".into()),
            ..podman(StatusCode::CONFLICT)
        },
        Engine::WrongState { .. } | Engine::ReadOnly { .. } | Engine::InUse { .. } => podman(StatusCode::CONFLICT),
        Engine::Invalid {
            field, conflict, ..
        } => Answer {
            field: Some((*field).into()),
            ..if *conflict {
                podman(StatusCode::CONFLICT)
            } else {
                Answer {
                    kind: ErrorType::ValidationError,
                    ..podman(StatusCode::BAD_REQUEST)
                }
            }
        },
        Engine::Unsupported { .. } => Answer {
            hint: Some("GET /api/v1/capabilities says what can be done here".into()),
            ..podman(StatusCode::NOT_IMPLEMENTED)
        },
        Engine::NoSpace { .. } => podman(StatusCode::INSUFFICIENT_STORAGE),
        Engine::Timeout { .. } => podman(StatusCode::REQUEST_TIMEOUT),
        Engine::Unavailable { .. } => Answer {
            message: "Podman can't be reached".into(),
            hint: Some("check that the Podman service is running; the server's log says more, under this request_id".into()),
            retry_after: Some(Duration::from_secs(1)),
            ..podman(StatusCode::SERVICE_UNAVAILABLE)
        },
        Engine::Garbled { .. } => Answer {
            message: "Podman's answer makes no sense".into(),
            hint: Some("the server's log says more, under this request_id".into()),
            ..podman(StatusCode::BAD_GATEWAY)
        },
        Engine::Registry { .. } => podman(StatusCode::BAD_GATEWAY),
        Engine::Failed { .. } => podman(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
