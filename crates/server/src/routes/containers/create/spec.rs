//! The body of a create, field by field, to the service's own noun.

use super::super::{environment, fields, lifetime};
use super::{command, ports, settings, volumes};
use crate::refusal::Refusal;
use crate::routes::registries::pull_as;
use crate::routes::values;
use podlane_api::{CreateContainer, Init, Pull};
use podlane_engine::{ContainerName, ImageRef, PodName};
use podlane_service::{InitChoice, NewContainer, PullPolicy};
use std::time::Duration;

pub(crate) fn new_container(
    mut body: CreateContainer,
    most: Duration,
) -> Result<NewContainer, Refusal> {
    let settings = settings::settings(&mut body, most)?;
    let lifetime = lifetime::asked(&body)?;
    let (agent, warm) = (body.agent.unwrap_or(true), body.warm_agent == Some(true));
    if warm && !agent {
        let message = "`warm_agent` starts what `agent: false` forbids";
        return Err(Refusal::field("warm_agent", message));
    }
    Ok(NewContainer {
        image: ImageRef::parse(&body.image).map_err(Refusal::in_field("image"))?,
        name: ContainerName::parse(&body.name).map_err(Refusal::in_field("name"))?,
        entrypoint: command::words("entrypoint", body.entrypoint.take())?,
        command: command::words("command", body.command.take())?,
        environment: environment::variables(body.environment)?,
        ports: ports::mappings(&body.ports.unwrap_or_default())?,
        mounts: volumes::mounts(&body.volumes.unwrap_or_default())?,
        user: fields::user(body.user.as_deref())?,
        workdir: fields::workdir(body.workdir.as_deref())?,
        labels: values::labels(body.labels)?,
        init: match body.init.unwrap_or_default() {
            Init::Auto => InitChoice::Auto,
            Init::On => InitChoice::On,
            Init::Off => InitChoice::Off,
        },
        agent,
        warm,
        pull: body.pull.map(|pull| match pull {
            Pull::Never => PullPolicy::Never,
            Pull::Missing => PullPolicy::Missing,
            Pull::Always => PullPolicy::Always,
        }),
        pull_as: pull_as(body.registry.as_deref())?,
        replace: body.replace.unwrap_or_default(),
        pod: body
            .pod
            .as_deref()
            .map(PodName::parse)
            .transpose()
            .map_err(Refusal::in_field("pod"))?,
        settings,
        lifetime,
    })
}
