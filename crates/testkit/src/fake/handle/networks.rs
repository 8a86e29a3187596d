//! Networks. Those that the tests ask for; addresses are noted, and lead nowhere.

use super::Request;
use super::inspect::time;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::state::{Container, State, new_id};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::net::{IpAddr, Ipv4Addr};
use time::OffsetDateTime;

/// The network that every engine has.
const DEFAULT: &str = "podman";

pub(super) fn create(request: &Request) -> Handled {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = body["name"].as_str().unwrap_or_default();
    let mut state = request.core.state();
    if name == DEFAULT || state.networks.contains_key(name) {
        let message = format!("network name {name} already used: network already exists");
        return Err(Refusal::wrapped(409, &message));
    }
    let subnets = if let Some(given) = body["subnets"].as_array() {
        given
            .iter()
            .map(|asked| subnet(asked, body["internal"] == true))
            .collect::<Result<_, _>>()?
    } else {
        let next = state.networks.len() % 256;
        vec![json!({"subnet": format!("10.89.{next}.0/24"), "gateway": format!("10.89.{next}.1")})]
    };
    let mut taken = state.networks.values().flat_map(|network| {
        let subnets = network["subnets"].as_array().into_iter().flatten();
        subnets.map(|subnet| &subnet["subnet"])
    });
    if let Some(twice) = taken.find(|taken| subnets.iter().any(|new| new["subnet"] == **taken)) {
        let net = twice.as_str().unwrap_or_default();
        let message = format!("subnet {net} is already used on the host or by another config");
        return Err(Refusal::plain(500, message));
    }
    let mut network = json!({
        "name": name,
        "id": new_id(),
        "driver": "bridge",
        "network_interface": "podman1",
        "created": time(Some(OffsetDateTime::now_utc())),
        "subnets": subnets,
        "ipv6_enabled": body["ipv6_enabled"] == true,
        "internal": body["internal"] == true,
        "dns_enabled": body["dns_enabled"] == true,
        "ipam_options": {"driver": "host-local"},
    });
    if body["options"].is_object() {
        network["options"] = body["options"].clone();
    }
    if body["labels"]
        .as_object()
        .is_some_and(|all| !all.is_empty())
    {
        network["labels"] = body["labels"].clone();
    }
    state.networks.insert(name.to_owned(), network.clone());
    Ok(Answer::json(StatusCode::OK, &network))
}

/// A subnet as asked for, with the first address after its own as the gateway if none is given, unless the
/// network is internal.
fn subnet(asked: &Value, internal: bool) -> Result<Value, Refusal> {
    let net = asked["subnet"].as_str().unwrap_or_default();
    let first = || match net.split('/').next()?.parse().ok()? {
        IpAddr::V4(address) => Some(Ipv4Addr::from(u32::from(address) + 1).to_string()),
        IpAddr::V6(address) => Some(format!("{address}1")),
    };
    if internal && asked["gateway"].is_null() {
        return Ok(json!({"subnet": net}));
    }
    let gateway = asked["gateway"].as_str().map(str::to_owned).or_else(first);
    let gateway = gateway.unwrap_or_default();
    if !within(&gateway, net) {
        let message = format!("gateway {gateway} not in subnet {net}");
        return Err(Refusal::plain(500, message));
    }
    Ok(json!({"subnet": net, "gateway": gateway}))
}

/// Whether an address is one of an IPv4 network; of IPv6 all are.
fn within(address: &str, net: &str) -> bool {
    let parts = net.split_once('/').and_then(|(net, prefix)| {
        let net: Ipv4Addr = net.parse().ok()?;
        Some((u32::from(net), prefix.parse::<u32>().ok()?))
    });
    match (parts, address.parse::<Ipv4Addr>()) {
        (Some((net, prefix)), Ok(address)) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or_default();
            net & mask == u32::from(address) & mask
        }
        (parts, _) => parts.is_none(),
    }
}

fn default_network() -> Value {
    json!({
        "name": DEFAULT,
        "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
        "driver": "bridge",
        "network_interface": "podman0",
        "created": "2026-11-24T10:35:43.635780046Z",
        "subnets": [{"subnet": "10.88.0.0/16", "gateway": "10.88.0.1"}],
        "ipv6_enabled": false,
        "internal": false,
        "dns_enabled": false,
        "ipam_options": {"driver": "host-local"},
    })
}

pub(super) fn list(request: &Request) -> Answer {
    let state = request.core.state();
    let own = state.networks.values().cloned();
    let all: Vec<Value> = own.chain([default_network()]).collect();
    Answer::json(StatusCode::OK, &json!(all))
}

pub(super) fn inspect(request: &Request) -> Handled {
    if request.name == DEFAULT {
        return Ok(Answer::json(StatusCode::OK, &default_network()));
    }
    match request.core.state().networks.get(&request.name) {
        Some(network) => Ok(Answer::json(StatusCode::OK, network)),
        None => Err(Refusal::plain(404, "network not found")),
    }
}

fn unknown(name: &str) -> Refusal {
    let message = format!("unable to find network with name or ID {name}: network not found");
    Refusal::wrapped(404, &message)
}

fn places(container: &Container) -> Option<&Map<String, Value>> {
    container.spec["Networks"].as_object()
}

pub(super) fn remove(request: &Request) -> Handled {
    let name = &request.name;
    if name == DEFAULT {
        let error = "default network podman cannot be removed";
        let row = json!([{"Name": name, "Err": error}]);
        return Ok(Answer::json(StatusCode::OK, &row));
    }
    let mut state = request.core.state();
    let used = |container: &Container| places(container).is_some_and(|all| all.contains_key(name));
    if state.containers.iter().any(used) {
        let message = format!(
            "\"{name}\" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used"
        );
        return Err(Refusal::wrapped(500, &message));
    }
    if state.networks.remove(name).is_none() {
        return Err(unknown(name));
    }
    let row = json!([{"Name": name, "Err": null}]);
    Ok(Answer::json(StatusCode::OK, &row))
}

/// A network and a container that are there.
fn both<'s>(
    state: &'s mut State,
    network: &str,
    container: &Value,
) -> Result<(Value, &'s mut Container), Refusal> {
    let default = (network == DEFAULT).then(default_network);
    let found = default.or_else(|| state.networks.get(network).cloned());
    let container = state.find(container.as_str().unwrap_or_default())?;
    found
        .map(|found| (found, container))
        .ok_or_else(|| unknown(network))
}

/// As with Podman, a place that can't be is noted all the same.
pub(super) fn connect(request: &Request) -> Handled {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = &request.name;
    let mut state = request.core.state();
    let (network, container) = both(&mut state, name, &body["container"])?;
    if container.pod.is_some() {
        let message = "\"\" is not supported: invalid network mode";
        return Err(Refusal::wrapped(500, message));
    }
    if places(container).is_some_and(|all| all.contains_key(name)) {
        let message = format!(
            "container {} is already connected to network \"{name}\": network is already connected",
            container.id
        );
        return Err(Refusal::wrapped(500, &message));
    }
    if !container.spec["Networks"].is_object() {
        container.spec["Networks"] = json!({ DEFAULT: {} });
    }
    container.spec["Networks"][name] = json!({
        "aliases": body["aliases"], "static_ips": body["static_ips"],
    });
    let subnets = network["subnets"].as_array().into_iter().flatten();
    let nets: Vec<&str> = subnets.filter_map(|net| net["subnet"].as_str()).collect();
    let asked = body["static_ips"].as_array().into_iter().flatten();
    for ip in asked.filter_map(Value::as_str) {
        if !nets.iter().any(|net| within(ip, net)) {
            let message = format!("requested static ip {ip} not in any subnet on network {name}");
            return Err(Refusal::plain(500, message));
        }
    }
    Ok(Answer::typed(StatusCode::OK, "text/plain", "OK"))
}

pub(super) fn disconnect(request: &Request) -> Handled {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let name = &request.name;
    let mut state = request.core.state();
    let (_, container) = both(&mut state, name, &body["Container"])?;
    if container.pod.is_some() {
        let message = "\"\" is not supported: invalid network mode";
        return Err(Refusal::wrapped(500, message));
    }
    let places = container.spec["Networks"].as_object_mut();
    if places.and_then(|all| all.remove(name)).is_none() {
        let message = format!(
            "container {} is not connected to network {name}",
            container.id
        );
        return Err(Refusal::plain(500, message));
    }
    Ok(Answer::typed(StatusCode::OK, "text/plain", "OK"))
}
