//! The query parameter `container`: Kubernetes' clients name one of a pod's, which here the path does.

use crate::error::Result;
use crate::refusal::Refusal;
use crate::terminal::Handshake;
use podlane_engine::ContainerRef;
use podlane_service::{Call, Service};

/// Its name.
pub(super) const CONTAINER: &str = "container";

/// Refuses one that is not the container of the path, or that no client of Kubernetes says.
pub(super) async fn check(
    service: &Service,
    call: &Call,
    name: &ContainerRef,
    said: Option<&str>,
    handshake: &Handshake,
) -> Result<()> {
    let Some(said) = said else {
        return Ok(());
    };
    if !handshake.protocol().is_kubernetes() {
        let message = "`container` is for Kubernetes' subprotocols: the path names the container";
        return Err(Refusal::field(CONTAINER, message).into());
    }
    if said.is_empty() || said == name.as_str() {
        return Ok(());
    }
    let same = match ContainerRef::parse(said) {
        Ok(other) => service.is_container(call, name, &other).await?,
        Err(_wrong) => false,
    };
    if same {
        return Ok(());
    }
    let message = "`container` must be empty, or name the container that the path names";
    Err(Refusal::field(CONTAINER, message).into())
}
