//! `GET containers/{name}/healthcheck`: runs the check and notes what comes of it.

use super::Request;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::run::{self, Role, Sink, Start, Stdin};
use crate::fake::state::{Container, Status};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the checks of a container have said.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct Said {
    well: Option<bool>,
    failures: u64,
}

/// Whether it has a check.
pub(super) fn has_check(container: &Container) -> bool {
    let test = &container.spec["healthconfig"]["Test"];
    test.is_array() && test[0] != "NONE"
}

/// The word for what its checks have said.
pub(super) fn status(container: &Container) -> &'static str {
    match container.health.well {
        _ if !has_check(container) => "",
        None => "starting",
        Some(true) => "healthy",
        Some(false) => "unhealthy",
    }
}

pub(super) async fn check(request: &Request) -> Handled {
    let (id, end) = {
        let mut state = request.core.state();
        let container = state.find(&request.name)?;
        let id = container.id.clone();
        if container.status != Status::Running {
            return Err(Refusal::plain(
                409,
                format!("container {id} is not running"),
            ));
        }
        if !has_check(container) {
            let text = format!("container {id} has no defined healthcheck");
            return Err(Refusal::plain(409, text));
        }
        let account = container.inside.account(&container.user);
        let start = Start {
            argv: argv(&container.spec["healthconfig"]["Test"]),
            environment: container.environment.clone(),
            directory: container.workdir.clone(),
            account: account.map_err(|text| Refusal::wrapped(500, &text))?,
            stdin: Stdin::Empty,
            stdout: Sink::Null,
            stderr: Sink::Null,
            role: Role::Other,
        };
        let inside = Arc::clone(&container.inside);
        (id, run::start(&inside, start).ok())
    };
    let well = match end {
        Some((_, end)) => end.await.is_ok_and(|code| code == 0),
        None => false,
    };
    if let Ok(container) = request.core.state().find(&id) {
        let retries = container.spec["healthconfig"]["Retries"]
            .as_u64()
            .unwrap_or(3);
        let said = &mut container.health;
        said.failures = if well { 0 } else { said.failures + 1 };
        if well || said.failures >= retries {
            said.well = Some(well);
        }
    }
    let word = if well { "healthy" } else { "unhealthy" };
    let body = json!({"Status": word, "FailingStreak": 0, "Log": null});
    Ok(Answer::json(StatusCode::OK, &body))
}

fn argv(test: &Value) -> Vec<String> {
    let words = test.as_array().into_iter().flatten();
    let words: Vec<String> = words.filter_map(Value::as_str).map(str::to_owned).collect();
    match words.split_first() {
        Some((kind, line)) if kind == "CMD-SHELL" => {
            vec!["/bin/sh".into(), "-c".into(), line.join(" ")]
        }
        Some((kind, command)) if kind == "CMD" => command.to_vec(),
        _ => words,
    }
}
