//! Commands by agents, and where they don't, by the engine itself.

use super::link::Link;
use super::process::{AgentProcess, Begun, command};
use super::running::Owner;
use super::{
    Agent, Agents,
    names::{Known, Question},
};
use crate::answers::Info;
use crate::instance::Attempt;
use crate::{PodmanEngine, requests};
use podlane_agent::{Run, Target};
use podlane_engine::{
    Call, Container, ContainerId, ContainerRef, Engine, Error, ExecSpec, Result, Status, UserSpec,
};
use podlane_inside::{Work, blocks};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{timeout, timeout_at};

/// A container with this label set to this gets no agent.
pub(crate) const AGENT_LABEL: &str = "io.podlane.agent";
pub(crate) const AGENT_OFF: &str = "off";
/// How long a running container takes to start a command, at most. Longer takes one that is frozen.
const PROMPT: Duration = Duration::from_millis(500);

/// Whether a container runs and is not to be without an agent.
pub(crate) fn agent_may_run(container: &Container) -> bool {
    let label = container.labels.get(AGENT_LABEL);
    container.status == Status::Running && label.is_none_or(|value| value != AGENT_OFF)
}

impl PodmanEngine {
    /// Forgets that no agent could be started in a container: it has begun to run.
    pub(crate) fn try_agents_again(&self, id: &ContainerId) {
        if let Some(agents) = self.agents() {
            agents.try_again(id);
        }
    }

    /// Starts a command by an agent; `None` if that can't be done and nothing of it has been run.
    pub(crate) async fn exec_by_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        spec: &ExecSpec,
    ) -> Option<AgentProcess> {
        if !spec.agent {
            return None;
        }
        let run = |mark: &Attempt| command(spec, mark);
        self.run_by_agent(call, id, spec.user.as_ref(), run).await
    }

    /// Starts a work that an agent does itself; `None` if that can't be done and nothing of it was.
    pub(crate) async fn work_by_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
        work: &Work,
    ) -> Result<Option<AgentProcess>> {
        let encoded = blocks::work(work).map_err(|error| Error::Failed {
            step: format!("handing a {work:?} to the agent"),
            message: error.to_string(),
        })?;
        let run = |mark: &Attempt| Run {
            target: Target::Work(encoded.clone()),
            workdir: Vec::new(),
            environment: vec![requests::marking(mark.as_str()).into_bytes()],
            stdin: work.reads(),
            terminal: None,
        };
        Ok(self.run_by_agent(call, id, user, run).await)
    }

    async fn run_by_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
        run: impl Fn(&Attempt) -> Run,
    ) -> Option<AgentProcess> {
        let agents = self.agents()?;
        // An idle agent may end in just this moment.
        for last in [false, true] {
            let agent = self.start_agent(call, id, user).await?;
            let mark = self.instance().attempt();
            let run = run(&mark);
            let owner = Owner {
                engine: self.clone(),
                call: call.clone(),
                container: id.clone(),
                mark,
            };
            let begun = match AgentProcess::hand_over(&agent, owner, run).await {
                Ok(process) => self.begin(call, id, process).await?,
                Err(_) => None,
            };
            if begun.is_some() {
                return begun;
            }
            if last {
                agents.refuse(&agent);
            }
        }
        None
    }

    /// The agent for a user's commands, started if there is none; `None` if there can't be one.
    pub(crate) async fn start_agent(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
    ) -> Option<Arc<Agent>> {
        let agents = self.agents()?;
        let link = async || self.link(agents, call, id, user).await;
        timeout_at(call.deadline, agents.get(id, user, link))
            .await
            .ok()?
    }

    /// A connection to a new agent, on the best way that there is, and since when its container runs.
    async fn link(
        &self,
        agents: &Agents,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
    ) -> io::Result<(Link, Option<String>)> {
        let container = self.inspect(call, &id.into()).await;
        let container = container.map_err(io::Error::other)?;
        if container.status != Status::Running {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if !agent_may_run(&container) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let started = container.started;
        if let Some(podman) = &agents.podman {
            let find = async || self.options(call).await;
            match podman.start(agents.program, id, user, find).await {
                Ok(link) => return Ok((link, started)),
                Err(error) => {
                    tracing::debug!(container = id.short(), %error, "an agent gets no descriptors");
                }
            }
        }
        // Nothing is put into a container that has just ended.
        let container = self.inspect(call, &id.into()).await;
        if !container.is_ok_and(|container| container.status == Status::Running) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let attached = self.attach_agent(call, id, user, agents.program).await;
        let attached = attached.map_err(io::Error::other)?;
        Ok((Link::Stream(attached), started))
    }

    /// What makes the podman command one with the service: its store and its way with cgroups.
    async fn options(&self, call: &Call) -> Option<Vec<String>> {
        let info: Info = self.connection().json(call, &requests::info()).await.ok()?;
        let store = info.store;
        let places = [
            ("--root", store.graph_root),
            ("--runroot", store.run_root),
            ("--volumepath", store.volume_path),
            ("--cgroup-manager", info.host.cgroup_manager),
        ];
        let named = places.into_iter().filter(|(_, path)| !path.is_empty());
        Some(
            named
                .flat_map(|(flag, path)| [flag.to_owned(), path])
                .collect(),
        )
    }

    /// Waits until a command runs. The outer `None` if it never will, so that the engine itself may say
    /// why; the inner one if the agent is of no use.
    async fn begin(
        &self,
        call: &Call,
        id: &ContainerId,
        mut process: AgentProcess,
    ) -> Option<Option<AgentProcess>> {
        let mut begun = timeout(PROMPT, process.begun()).await;
        if begun.is_err() && self.is_running(call, id).await {
            begun = timeout_at(call.deadline, process.begun()).await;
        }
        match begun {
            Ok(Begun::Yes) => Some(Some(process)),
            Ok(Begun::NoRoom) => Some(None),
            Err(_elapsed) => {
                process.give_up();
                None
            }
        }
    }

    async fn is_running(&self, call: &Call, id: &ContainerId) -> bool {
        let found = self.inspect(call, &id.into()).await;
        found.is_ok_and(|container| container.status == Status::Running)
    }

    /// The container that a name means, from memory if it was looked up a short time ago.
    pub(crate) async fn resolve_name(
        &self,
        call: &Call,
        name: &ContainerRef,
    ) -> Result<ContainerId> {
        let Some(agents) = self.agents() else {
            return Ok(self.inspect(call, name).await?.usable()?.id);
        };
        match agents.resolve(name, self.event_file().mark()) {
            Known::Yes(id) => Ok(id),
            Known::AskAgain(id, question) => {
                let (engine, call, name) = (self.clone(), call.clone(), name.clone());
                self.spawn(async move {
                    // Who needs to know why, will ask.
                    let _ = engine.look_up(&call, &name, &question).await;
                });
                Ok(id)
            }
            Known::No(question) => self.look_up(call, name, &question).await,
        }
    }

    async fn look_up(
        &self,
        call: &Call,
        name: &ContainerRef,
        question: &Question,
    ) -> Result<ContainerId> {
        let ask = async || Ok(self.inspect(call, name).await?.usable()?.id);
        question.answer(ask).await
    }
}
