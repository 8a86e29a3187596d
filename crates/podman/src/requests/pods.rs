//! Pods.

use super::create::PortMapping;
use super::settings::{Namespace, Place, hosts, namespace, place};
use super::{POD_LABEL, Request};
use crate::instance::Attempt;
use http::Method;
use podlane_engine::{KubeOf, NewPod, PodId, PodName, Resource, Signal};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The part of libpod's `PodSpecGenerator` that we use. Source: `pkg/specgen/podspecgen.go`.
///
/// What is left out keeps the pod's own: network, IPC and host name are shared among its containers and with
/// nothing else, processes are not.
#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    portmappings: Vec<PortMapping>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<Namespace>,
    #[serde(rename = "Networks", skip_serializing_if = "BTreeMap::is_empty")]
    networks: BTreeMap<&'a str, Place<'a>>,
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    dns_server: &'a [IpAddr],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hostadd: Vec<String>,
}

pub(crate) fn create_pod(new: &NewPod, attempt: &Attempt) -> Request {
    let NewPod {
        name,
        labels,
        ports,
        hostname,
        networks,
        dns,
        hosts: entries,
    } = new;
    let labels = labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let body = Create {
        name: name.as_str(),
        labels: labels.chain([(POD_LABEL, attempt.as_str())]).collect(),
        hostname: hostname.as_deref(),
        portmappings: ports.iter().map(PortMapping::from).collect(),
        netns: networks.as_ref().map(namespace),
        networks: networks.iter().flatten().map(place).collect(),
        dns_server: dns,
        hostadd: hosts(entries),
    };
    Request::post("creating the pod", "/pods/create")
        .json(&body)
        .kept(Resource::Pod, name)
}

pub(crate) fn list_pods() -> Request {
    Request::get("listing the pods", "/pods/json")
}

pub(crate) fn inspect_pod(name: &PodName) -> Request {
    Request::get("looking up the pod", &format!("/pods/{name}/json")).kept(Resource::Pod, name)
}

fn act(step: &'static str, id: &PodId, verb: &str) -> Request {
    Request::post(step, &format!("/pods/{id}/{verb}")).kept(Resource::Pod, id.short())
}

pub(crate) fn start_pod(id: &PodId) -> Request {
    act("starting the pod", id, "start")
}

pub(crate) fn stop_pod(id: &PodId, grace: Option<Duration>) -> Request {
    let seconds = grace.map(|grace| ("t", grace.as_secs().to_string()));
    act("stopping the pod", id, "stop").query(seconds)
}

pub(crate) fn kill_pod(id: &PodId, signal: Signal) -> Request {
    act("sending the signal to the pod", id, "kill")
        .query([("signal", signal.number().to_string())])
}

pub(crate) fn pause_pod(id: &PodId) -> Request {
    act("pausing the pod", id, "pause")
}

pub(crate) fn unpause_pod(id: &PodId) -> Request {
    act("unpausing the pod", id, "unpause")
}

/// By force means at once, as with a container.
pub(crate) fn remove_pod(id: &PodId, force: bool) -> Request {
    let query = if force {
        &[("force", "true"), ("timeout", "0")][..]
    } else {
        &[]
    };
    Request::new("removing the pod", Method::DELETE, &format!("/pods/{id}"))
        .query(query.iter().copied())
        .kept(Resource::Pod, id.short())
}

pub(crate) fn generate_kube(of: &KubeOf) -> Request {
    let request = |id: &str| {
        Request::get("describing by a document", "/generate/kube").query([("names", id)])
    };
    match of {
        KubeOf::Pod(id) => request(id.as_str()).kept(Resource::Pod, id.short()),
        KubeOf::Container(id) => request(id.as_str()).container(id.short()),
    }
}
