//! Containers: create, list, inspect, start, stop, remove.

use crate::command::check_workdir;
use crate::images::finish;
use crate::lifetime::{self, LIFE_LABEL};
use crate::resources::check_labels;
use crate::{Call, Error, Lifetime, NewLifetime, PullAs, Result, Scope, Service, Who};
use podlane_engine::{
    Change, Container, ContainerId, ContainerName, ContainerRef, ContainerSpec,
    Error as EngineError, Image, ImageRef, Init, InnerPath, Mount, Pod, PodName, PodPlace,
    PortMapping, RegistryLogin, Resource, Settings, UserSpec,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Labels that begin with this are Podlane's own: nobody may set them, and no answer shows them.
pub(crate) const OWN_LABELS: &str = "io.podlane.";
/// Whose token a container was made with.
pub(crate) const TOKEN_LABEL: &str = "io.podlane.token";
/// The one of them that is shown: whose a thing is.
pub(crate) const TENANT_LABEL: &str = "io.podlane.tenant";

/// A container to be created and started.
#[derive(Debug, Clone)]
pub struct NewContainer {
    /// The image.
    pub image: ImageRef,
    /// The name.
    pub name: ContainerName,
    /// The program that gets the command's words; empty for the image's own.
    pub entrypoint: Vec<String>,
    /// The argument vector; empty for the image's command.
    pub command: Vec<String>,
    /// Variables on top of the image's.
    pub environment: BTreeMap<String, String>,
    /// Published ports.
    pub ports: Vec<PortMapping>,
    /// Host directories and volumes.
    pub mounts: Vec<Mount>,
    /// The user; `None` for the image's.
    pub user: Option<UserSpec>,
    /// The working directory; `None` for the image's.
    pub workdir: Option<InnerPath>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Who is PID 1.
    pub init: InitChoice,
    /// Whether an agent may run commands in it.
    pub agent: bool,
    /// Whether that agent is to be there before the first command.
    pub warm: bool,
    /// What to do about an image that is not there; `None` for the server's policy.
    pub pull: Option<PullPolicy>,
    /// Who asks for it.
    pub pull_as: PullAs,
    /// Whether a container of that name is removed first.
    pub replace: bool,
    /// The pod that it joins: its ports, networks, host name, name servers and hosts are the pod's then.
    pub pod: Option<PodName>,
    /// How it is kept.
    pub settings: Settings,
    /// How long it shall live.
    pub lifetime: NewLifetime,
}

/// Who is PID 1 in a new container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitChoice {
    /// The engine's init if there is no entrypoint, else that.
    #[default]
    Auto,
    /// The engine's init.
    On,
    /// The command.
    Off,
}

/// What a create does about its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Uses the image that is there.
    #[default]
    Never,
    /// Fetches it if it is not there.
    Missing,
    /// Fetches it in any case.
    Always,
}

/// A container that an operation was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// Its ID.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Whether there was something to do.
    pub change: Change,
}

impl Service {
    /// Creates and starts a container: both, or nothing is left behind, also if the caller goes away.
    pub async fn create_container(
        &self,
        call: &Call,
        mut new: NewContainer,
    ) -> Result<(Container, Option<Lifetime>)> {
        call.may(Scope::ContainersWrite)?;
        call.note(|| format!("{} of {}", new.name, new.image));
        check(call, &new)?;
        let worker = self.0.gate.enter(call).await?;
        let pod = self.joined(call, new.pod.as_ref()).await?;
        self.permit(call, &mut new).await?;
        lifetime::settle(&mut new)?;
        let login = self.login(call, &new.image, &new.pull_as).await?;
        let booking = self.book(call, &new).await?;
        // Giving up here, with the caller, cancels the transfer.
        let image = self.provide_image(call, &new, login.as_ref()).await?;
        self.permit_user(call, &new, &image)?;
        let (service, call) = (self.clone(), call.clone());
        self.to_the_end(async move {
            let (_worker, _booking) = (worker, booking);
            let mut changing = service.0.view.changing();
            let warm = new.warm;
            let replaced = if new.replace {
                service.make_room(&call, &new.name).await?
            } else {
                None
            };
            let run = service.run_in(&call, &new, &image, pod.as_ref()).await;
            let (container, lifetime) = run.map_err(|error| by_entrypoint(&new, error))?;
            // Into a pod it comes with whatever holds that together.
            if new.pod.is_none() {
                let known = [Some(&container.id), replaced.as_ref()];
                known
                    .into_iter()
                    .flatten()
                    .for_each(|id| changing.is_of(id));
            }
            if warm {
                service.warm(&call, container.id.clone());
            }
            Ok((shown(container), lifetime))
        })
        .await
    }

    /// Creates and starts what has been judged, and keeps its time.
    pub(crate) async fn run_in(
        &self,
        call: &Call,
        new: &NewContainer,
        image: &Image,
        pod: Option<&Pod>,
    ) -> Result<(Container, Option<Lifetime>)> {
        let keeper = self.0.lives.keeper(&new.lifetime).await?;
        let mut spec = spec(call, new, image, pod);
        let borrowed = self.borrow(call, new).await?;
        let terms = keeper.and_then(|keeper| keeper.agree(&new.lifetime));
        if let Some(terms) = &terms {
            spec.labels.insert(LIFE_LABEL.into(), terms.to_string());
        }
        let ran = self.0.engine.run(call, &spec).await;
        if ran.is_err() {
            self.give_back(call, borrowed).await;
        }
        let container = ran?;
        let lifetime = terms.and_then(|terms| self.0.lives.begin(&container.id, terms));
        Ok((container, lifetime))
    }

    /// Removes the container that has a name, and none whose ID begins with it.
    async fn make_room(&self, call: &Call, name: &ContainerName) -> Result<Option<ContainerId>> {
        let engine = &self.0.engine;
        let container = match engine.inspect(call, &name.into()).await {
            Ok(container) if container.name == name.as_str() => {
                if !call.owns(&container.labels) {
                    let name = name.to_string();
                    let resource = Resource::Container;
                    return Err(EngineError::NameInUse { resource, name }.into());
                }
                container
            }
            Ok(_) | Err(EngineError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match engine.remove(call, &container.id, true).await {
            Ok(()) | Err(EngineError::NotFound { .. }) => Ok(Some(container.id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new container ready for commands. Nobody waits for that.
    fn warm(&self, call: &Call, id: ContainerId) {
        let call = call.extended(self.0.limits.request_timeout);
        let (engine, stopping) = (Arc::clone(&self.0.engine), self.0.stopping.clone());
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = engine.warm(&call, &id) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// The image of a new container, fetched if the policy says so.
    pub(crate) async fn provide_image(
        &self,
        call: &Call,
        new: &NewContainer,
        login: Option<&RegistryLogin>,
    ) -> Result<Image> {
        let engine = &self.0.engine;
        let policy = new.pull.unwrap_or(self.0.limits.pull);
        if policy == PullPolicy::Always {
            finish(engine.pull(call, &new.image, login).await?).await?;
        }
        match self.seen_image(call, &new.image).await {
            Err(Error::Engine(EngineError::NotFound {
                resource: Resource::Image,
                ..
            })) if policy == PullPolicy::Missing => {
                finish(engine.pull(call, &new.image, login).await?).await?;
                self.seen_image(call, &new.image).await
            }
            other => other,
        }
    }

    /// One container in full, and how long it lives.
    pub async fn inspect_container(
        &self,
        call: &Call,
        name: &ContainerRef,
    ) -> Result<(Container, Option<Lifetime>)> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let container = self.look_at(call, name).await?;
        let lifetime = self
            .lifetime(call, &container.id, &container.labels)
            .await?;
        Ok((shown(container), lifetime))
    }

    /// Starts a container that does not run.
    pub async fn start_container(&self, call: &Call, name: &ContainerRef) -> Result<Acted> {
        call.may(Scope::ContainersWrite)?;
        self.act(call, name, |service, call, id| async move {
            service.revive(&id)?;
            Ok(service.0.engine.start(&call, &id).await?)
        })
        .await
    }

    /// Stops a running container: its PID 1 is asked to end and is killed after `grace` (`None`: the
    /// container's own stop time-out).
    pub async fn stop_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        grace: Option<Duration>,
    ) -> Result<Acted> {
        call.may(Scope::ContainersWrite)?;
        self.act(call, name, move |service, call, id| async move {
            Ok(service.0.engine.stop(&call, &id, grace).await?)
        })
        .await
    }

    /// Removes a container; a running one only with `force`.
    pub async fn remove_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        force: bool,
    ) -> Result<Acted> {
        call.may(Scope::ContainersWrite)?;
        self.act(call, name, move |service, call, id| async move {
            service.0.engine.remove(&call, &id, force).await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Resolves the name once, then changes what it named: a name can change hands between two looks.
    /// The change is driven to its end even if the caller goes away.
    async fn act<F, W>(&self, call: &Call, name: &ContainerRef, work: F) -> Result<Acted>
    where
        F: FnOnce(Self, Call, ContainerId) -> W,
        W: Future<Output = Result<Change>> + Send + 'static,
    {
        let worker = self.0.gate.enter(call).await?;
        let container = self.find(call, name).await?;
        let changing = self.0.view.changing().of(&container.id);
        let work = work(self.clone(), call.clone(), container.id.clone());
        let change = self
            .to_the_end(async move {
                let (_worker, _changing) = (worker, changing);
                work.await
            })
            .await?;
        Ok(Acted {
            id: container.id,
            name: container.name,
            change,
        })
    }
}

/// Which program can't be started, if not the command's.
fn by_entrypoint(new: &NewContainer, error: Error) -> Error {
    match error {
        Error::Engine(EngineError::Invalid {
            field: "command",
            message,
            conflict,
        }) if !new.entrypoint.is_empty() => {
            let message = message.replacen("the command's program", "the entrypoint", 1);
            let field = "entrypoint";
            Error::Engine(EngineError::Invalid {
                field,
                message,
                conflict,
            })
        }
        other => other,
    }
}

/// Refuses what is wrong by itself, and what the caller must not ask for.
pub(crate) fn check(call: &Call, new: &NewContainer) -> Result<()> {
    check_workdir(new.workdir.as_ref())?;
    check_labels(&new.labels)?;
    check_places(new)?;
    call.may_name(new.name.as_str())
}

/// Refuses what can't be together, each of it right by itself.
fn check_places(new: &NewContainer) -> Result<()> {
    let settings = &new.settings;
    let twice = |mount: &&Mount| settings.tmpfs.contains_key(&mount.destination);
    if let Some(mount) = new.mounts.iter().find(twice) {
        let message = format!("{} is the place of a volume already", mount.destination);
        return Err(Error::invalid("tmpfs", message));
    }
    if !new.ports.is_empty() && settings.networks.as_ref().is_some_and(BTreeMap::is_empty) {
        let message = "a container without a network has no ports to publish";
        return Err(Error::invalid("ports", message));
    }
    check_pod(new)
}

/// Refuses what is its pod's.
fn check_pod(new: &NewContainer) -> Result<()> {
    if new.pod.is_none() {
        return Ok(());
    }
    let settings = &new.settings;
    for (field, given) in [
        ("ports", !new.ports.is_empty()),
        ("networks", settings.networks.is_some()),
        ("hostname", settings.hostname.is_some()),
        ("dns", !settings.dns.is_empty()),
        ("extra_hosts", !settings.hosts.is_empty()),
    ] {
        if given {
            let message =
                format!("`{field}` of a container in a pod is the pod's; give it to the pod");
            return Err(Error::invalid(field, message));
        }
    }
    Ok(())
}

pub(crate) fn is_own(label: &str) -> bool {
    label.starts_with(OWN_LABELS)
}

/// Labels as their users see them.
pub(crate) fn shown_labels(labels: &mut BTreeMap<String, String>) {
    labels.retain(|label, value| !is_own(label) || (label == TENANT_LABEL && !value.is_empty()));
}

/// A container as its users see it.
pub(crate) fn shown(mut container: Container) -> Container {
    shown_labels(&mut container.labels);
    container
}

fn spec(call: &Call, new: &NewContainer, image: &Image, pod: Option<&Pod>) -> ContainerSpec {
    let mut new = new.clone();
    // Containers have the labels of their images: none may say whose its containers are, nor for how long.
    for label in [TENANT_LABEL, TOKEN_LABEL, LIFE_LABEL] {
        if image.labels.contains_key(label) {
            new.labels.insert(label.into(), String::new());
        }
    }
    if let Who::Token { id, .. } = call.caller().who() {
        new.labels.insert(TOKEN_LABEL.into(), id.clone());
    }
    // What joins somebody's pod is theirs, too.
    if let Some(owner) = pod.and_then(|pod| pod.summary.labels.get(TENANT_LABEL)) {
        new.labels.insert(TENANT_LABEL.into(), owner.clone());
    }
    call.sign(&mut new.labels);
    let init = match new.init {
        InitChoice::On => Init::Required,
        InitChoice::Auto if image.entrypoint.is_empty() && new.entrypoint.is_empty() => {
            Init::Preferred
        }
        InitChoice::Auto | InitChoice::Off => Init::Off,
    };
    ContainerSpec {
        image: new.image,
        name: new.name,
        entrypoint: new.entrypoint,
        command: new.command,
        environment: new.environment,
        ports: new.ports,
        mounts: new.mounts,
        user: new.user,
        workdir: new.workdir,
        labels: new.labels,
        init,
        agent: new.agent,
        pod: pod.map(|pod| PodPlace {
            id: pod.summary.id.clone(),
            infra: pod.summary.infra.clone(),
        }),
        settings: new.settings,
    }
}
