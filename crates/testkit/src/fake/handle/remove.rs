//! `DELETE containers/{name}`.

use super::{Request, events, lifecycle};
use crate::fake::answer::{Answer, Handled, Refusal};
use http::StatusCode;
use serde_json::json;

pub(super) async fn remove(request: &Request) -> Handled {
    let query = &request.query;
    let (force, ignore) = (query.flag("force")?, query.flag("ignore")?);
    query.flag("v")?;
    let timeout = query.number("timeout")?;
    let version = request.core.version;
    let (id, grace) = {
        let mut state = request.core.state();
        let container = match state.find(&request.name) {
            Ok(container) => container,
            Err(_) if ignore => return Ok(Answer::json(StatusCode::OK, &json!([]))),
            Err(_) => {
                let message = version.nothing_to_remove(&request.name);
                return Err(Refusal::new(404, "no such container", message));
            }
        };
        if container.infra {
            let text = format!(
                "container {} is the infra container of pod {} and cannot be removed without removing the pod",
                container.id,
                container.pod.as_deref().unwrap_or_default()
            );
            return Err(Refusal::plain(500, text));
        }
        if container.status.is_live() && !force {
            let (id, status) = (&container.id, container.status.as_str());
            let text = format!(
                "cannot remove container {id} as it is {status} - running or paused containers cannot be removed without force"
            );
            return Err(Refusal::state(500, &text));
        }
        let timeout = timeout.map(|timeout| u64::try_from(timeout).unwrap_or_default());
        (
            container.id.clone(),
            timeout.unwrap_or(container.stop_timeout),
        )
    };
    lifecycle::end(&request.core, &id, grace).await;
    let mut state = request.core.state();
    let event = state.find(&id).ok().map(|gone| events::of(gone, "remove"));
    if let Some(event) = event {
        request.core.happens(&mut state, event);
    }
    state.containers.retain(|container| container.id != id);
    state.execs.retain(|_, exec| exec.container != id);
    let mut row = json!({"Id": id});
    if version.is_old() {
        row["RawInput"] = json!(request.name);
    }
    Ok(Answer::json(StatusCode::OK, &json!([row])))
}
