//! Secrets, without what is secret in them.

use super::Request;
use super::inspect::time;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::state::new_id;
use http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(super) fn create(request: &Request) -> Handled {
    let query = &request.query;
    let name = query.get("name").unwrap_or_default();
    let labels: Value = serde_json::from_str(query.get("labels").unwrap_or("{}"))
        .map_err(|error| Refusal::plain(400, error.to_string()))?;
    let secrets = &mut request.core.state().secrets;
    if secrets.contains_key(name) {
        let message = format!("{name}: secret name in use");
        return Err(Refusal::wrapped(500, &message));
    }
    if request.body.is_empty() || request.body.len() >= 512_000 {
        let message = "secret data must be larger than 0 and less than 512000 bytes";
        return Err(Refusal::plain(500, message));
    }
    let (id, now) = (
        new_id()[..25].to_owned(),
        time(Some(OffsetDateTime::now_utc())),
    );
    let secret = json!({
        "ID": id,
        "CreatedAt": now,
        "UpdatedAt": now,
        "Spec": {"Name": name, "Driver": {"Name": "file", "Options": {}}, "Labels": labels},
    });
    secrets.insert(name.to_owned(), secret);
    Ok(Answer::json(StatusCode::OK, &json!({"ID": id})))
}

/// The old version leaves labels out.
pub(super) fn list(request: &Request) -> Answer {
    let state = request.core.state();
    let all = state.secrets.values().cloned().map(|mut secret| {
        if request.core.version.is_old() {
            secret["Spec"]["Labels"] = Value::Null;
        }
        secret
    });
    Answer::json(StatusCode::OK, &json!(all.collect::<Vec<_>>()))
}

fn unknown(name: &str) -> Refusal {
    let message = format!("no secret with name or id \"{name}\": no such secret");
    Refusal::wrapped(404, &message)
}

pub(super) fn inspect(request: &Request) -> Handled {
    let name = &request.name;
    let state = request.core.state();
    let secret = state.secrets.get(name).ok_or_else(|| unknown(name))?;
    Ok(Answer::json(StatusCode::OK, secret))
}

pub(super) fn remove(request: &Request) -> Handled {
    let name = &request.name;
    let removed = request.core.state().secrets.remove(name);
    removed.ok_or_else(|| unknown(name))?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
