//! Networks.

use super::Request;
use http::Method;
use podlane_engine::{ContainerId, Membership, NetworkName, NewNetwork, Resource, Subnet};
use serde_json::{Value, json};

pub(crate) fn create_network(new: &NewNetwork) -> Request {
    let subnet = |subnet: &Subnet| {
        let net = format!("{}/{}", subnet.address, subnet.prefix);
        match subnet.gateway {
            Some(gateway) => json!({ "subnet": net, "gateway": gateway }),
            None => json!({ "subnet": net }),
        }
    };
    let mut body = json!({
        "name": new.name.as_str(),
        "internal": new.internal,
        "ipv6_enabled": new.ipv6,
        "dns_enabled": new.dns,
        "labels": new.labels,
    });
    if new.isolated {
        body["options"] = json!({ "isolate": "true" });
    }
    if !new.subnets.is_empty() {
        body["subnets"] = new.subnets.iter().map(subnet).collect::<Value>();
    }
    Request::post("creating the network", "/networks/create")
        .json(&body)
        .kept(Resource::Network, &new.name)
}

pub(crate) fn list_networks() -> Request {
    Request::get("listing the networks", "/networks/json")
}

pub(crate) fn inspect_network(name: &NetworkName) -> Request {
    Request::get("looking up the network", &format!("/networks/{name}/json"))
        .kept(Resource::Network, name)
}

pub(crate) fn remove_network(name: &NetworkName) -> Request {
    let path = format!("/networks/{name}");
    Request::new("removing the network", Method::DELETE, &path).kept(Resource::Network, name)
}

pub(crate) fn connect(
    network: &NetworkName,
    container: &ContainerId,
    place: &Membership,
) -> Request {
    let mut body = json!({ "container": container.as_str(), "aliases": place.aliases });
    if let Some(ip) = place.ip {
        body["static_ips"] = json!([ip]);
    }
    Request::post(
        "connecting the container",
        &format!("/networks/{network}/connect"),
    )
    .json(&body)
    .kept(Resource::Network, network)
    .container(container.short())
}

pub(crate) fn disconnect(network: &NetworkName, container: &ContainerId) -> Request {
    Request::post(
        "disconnecting the container",
        &format!("/networks/{network}/disconnect"),
    )
    .json(&json!({ "Container": container.as_str() }))
    .kept(Resource::Network, network)
    .container(container.short())
}
