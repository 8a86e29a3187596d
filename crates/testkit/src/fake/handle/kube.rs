//! `GET generate/kube`: a pod, or a container alone, as a document of Kubernetes'. JSON is YAML too.

use super::Request;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::state::Container;
use http::StatusCode;
use serde_json::{Value, json};

pub(super) fn generate(request: &Request) -> Handled {
    let name = request.query.get("names").unwrap_or_default();
    let mut state = request.core.state();
    let (pod, containers): (String, Vec<Value>) = if let Ok(pod) = state.pod(name) {
        let members = state.of_pod(pod).filter(|one| !one.infra).map(shown);
        (pod.name.clone(), members.collect())
    } else {
        let message = format!("generating YAML: name or ID \"{name}\" not found");
        let missing = |_| Refusal::plain(500, message);
        let container = state.find(name).map_err(missing)?;
        (format!("{}-pod", container.name), vec![shown(container)])
    };
    let document = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {"io.podman.annotations.autoremove": "FALSE"},
            "creationTimestamp": "2026-11-29T16:09:23Z",
            "labels": {"app": pod},
            "name": pod,
        },
        "spec": {"containers": containers, "enableServiceLinks": false, "restartPolicy": "Never"},
        "status": {},
    });
    Ok(Answer::typed(
        StatusCode::OK,
        "text/vnd.yaml",
        document.to_string(),
    ))
}

fn shown(container: &Container) -> Value {
    json!({"name": container.name, "image": container.image, "command": container.argv()})
}
