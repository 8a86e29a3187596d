//! The [`Engine`] that is Podman.

use crate::agent::{Agents, agent_may_run};
use crate::answers::{InspectedContainer, ListedContainer, PathStat};
use crate::body::body;
use crate::capabilities::Remembered;
use crate::child::State;
use crate::connection::{Connection, Observer, PATH_STAT};
use crate::events;
use crate::groups;
use crate::instance::Instance;
use crate::log;
use crate::requests::{self, Adaptation};
use crate::restart::Turns;
use async_trait::async_trait;
use podlane_engine::{
    Archive, Attachment, Call, Change, Container, ContainerId, ContainerRef, ContainerSpec,
    ContainerSummary, Engine, EngineVersion, Error, ExecSpec, FileStat, InnerPath, LogQuery,
    LogStream, Ownership, Process, Resource, Result, Upload, UserSpec,
};
use podlane_inside::Work;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// The first Podman that can be told to forget a finished exec session, and reads the end of a log
/// without leaking a descriptor.
const FORGETS_SESSIONS: u32 = packed(5, 0);
/// The first Podman that keeps changed limits.
const KEEPS_UPDATES: u32 = packed(5, 1);

/// A version as one number, by which it is compared.
pub(crate) const fn packed(major: u16, minor: u16) -> u32 {
    ((major as u32) << 16) | minor as u32
}

/// Podman, reached over its Unix socket.
#[derive(Debug, Clone)]
pub struct PodmanEngine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    instance: Instance,
    adaptation: Mutex<Adaptation>,
    /// Podman's version, as [`packed`]; 0 until it has answered once.
    version: AtomicU32,
    tasks: TaskTracker,
    restarts: Turns,
    agents: Option<Arc<Agents>>,
    /// Where it writes what happens.
    event_file: events::Known,
    /// What it has said of itself.
    remembered: Remembered,
    /// How the service is, if we run it.
    service: Option<watch::Receiver<State>>,
}

impl PodmanEngine {
    /// Podman behind `socket`. Connects when the first call is made. `observer` is told of every call.
    pub fn new(socket: PathBuf, observer: Option<Observer>) -> Self {
        Self(Arc::new(Inner {
            connection: Connection::new(socket, observer),
            instance: Instance::here(),
            adaptation: Mutex::default(),
            version: AtomicU32::new(0),
            tasks: TaskTracker::new(),
            restarts: Turns::default(),
            agents: None,
            event_file: events::Known::default(),
            remembered: Remembered::default(),
            service: None,
        }))
    }

    /// The same, run by us. To be called before the engine is shared.
    pub fn with_service(self, service: watch::Receiver<State>) -> io::Result<Self> {
        let inner = Arc::into_inner(self.0).ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(Self(Arc::new(Inner {
            service: Some(service),
            ..inner
        })))
    }

    pub(crate) fn remembered(&self) -> &Remembered {
        &self.0.remembered
    }

    /// Why the service that we run does not answer.
    pub(crate) fn service_trouble(&self) -> Option<String> {
        match &*self.0.service.as_ref()?.borrow() {
            State::Down { reason, retry_in } => Some(format!(
                "the Podman service that Podlane runs has ended: {reason}; it is started again after {:.1} seconds",
                retry_in.as_secs_f64()
            )),
            State::Starting => {
                Some("the Podman service that Podlane runs does not answer yet".into())
            }
            State::Stopped => Some("the Podman service that Podlane runs was stopped".into()),
            State::Ready { .. } => None,
        }
    }

    /// The same, with commands run by agents in their containers where that can be done. `program` is
    /// the agent's, `podman` the command that can hand descriptors to it: without one it is reached over a
    /// stream. To be called before the engine is shared.
    pub fn with_agents(self, program: &'static [u8], podman: Option<PathBuf>) -> io::Result<Self> {
        let agents = Arc::new(Agents::new(program, podman));
        let inner = Arc::into_inner(self.0).ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(Self(Arc::new(Inner {
            agents: Some(agents),
            ..inner
        })))
    }

    pub(crate) fn agents(&self) -> Option<&Arc<Agents>> {
        self.0.agents.as_ref()
    }

    pub(crate) fn restarts(&self) -> &Turns {
        &self.0.restarts
    }

    pub(crate) fn event_file(&self) -> &events::Known {
        &self.0.event_file
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn instance(&self) -> &Instance {
        &self.0.instance
    }

    /// How containers have to be asked for on this host, as far as is known.
    pub(crate) fn adaptation(&self) -> Adaptation {
        *self
            .0
            .adaptation
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn adapt(&self, adaptation: Adaptation) {
        *self
            .0
            .adaptation
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = adaptation;
    }

    /// Runs something that nobody waits for but [`Engine::settle`].
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Outside a runtime nothing could be awaited anyway: the process is ending.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.0.tasks.spawn_on(work, &runtime);
        }
    }

    /// Whether finished exec sessions stay with this Podman until their time is up.
    pub(crate) fn keeps_sessions(&self) -> bool {
        self.0.version.load(Ordering::Relaxed) < FORGETS_SESSIONS
    }

    /// Its version, as [`packed`]; 0 until it has answered once.
    pub(crate) fn version_number(&self) -> u32 {
        self.0.version.load(Ordering::Relaxed)
    }

    /// Whether this Podman goes on telling limits that were changed since.
    fn forgets_updates(&self) -> bool {
        self.0.version.load(Ordering::Relaxed) < KEEPS_UPDATES
    }

    fn learn_version(&self, version: &str) {
        let mut numbers = version
            .split(['.', '-'])
            .map_while(|part| part.parse().ok());
        if let Some(major) = numbers.next() {
            let version = packed(major, numbers.next().unwrap_or(0));
            self.0.version.store(version, Ordering::Relaxed);
        }
    }

    /// The version, asked for if it has not been told yet.
    pub(crate) async fn know_version(&self, call: &Call) -> Result<()> {
        if self.0.version.load(Ordering::Relaxed) == 0 {
            self.version(call).await?;
        }
        Ok(())
    }
}

/// What the answer to a start or stop says; another success than these two is none of Podman's.
pub(crate) fn change(step: &'static str, status: http::StatusCode) -> Result<Change> {
    match status {
        http::StatusCode::NO_CONTENT => Ok(Change::Done),
        http::StatusCode::NOT_MODIFIED => Ok(Change::AlreadySo),
        other => Err(Error::Garbled {
            step: step.into(),
            reason: format!("status {other}"),
        }),
    }
}

#[async_trait]
impl Engine for PodmanEngine {
    async fn version(&self, call: &Call) -> Result<EngineVersion> {
        let request = requests::ping();
        let response = self.connection().send(call, &request).await?;
        let version = response.headers().get("libpod-api-version");
        let Some(version) = version.and_then(|version| version.to_str().ok()) else {
            let reason = "it does not name its libpod version; is it Podman?".into();
            return Err(Error::Garbled {
                step: request.step.into(),
                reason,
            });
        };
        self.learn_version(version);
        Ok(EngineVersion {
            name: "podman".into(),
            version: version.to_owned(),
        })
    }

    async fn run(&self, call: &Call, spec: &ContainerSpec) -> Result<Container> {
        self.create_and_start(call, spec).await
    }

    async fn start(&self, call: &Call, id: &ContainerId) -> Result<Change> {
        let request = requests::start_container(id);
        let started = self.changed_unless_paused(call, id, request).await;
        self.try_agents_again(id);
        started
    }

    async fn stop(&self, call: &Call, id: &ContainerId, grace: Option<Duration>) -> Result<Change> {
        let request = requests::stop_container(id, grace);
        self.changed_unless_paused(call, id, request).await
    }

    async fn remove(&self, call: &Call, id: &ContainerId, force: bool) -> Result<()> {
        // A report for each container; that it is one says that Podman answered.
        let request = requests::remove_container(id, force);
        let _report: Vec<serde::de::IgnoredAny> = self.connection().json(call, &request).await?;
        Ok(())
    }

    async fn inspect(&self, call: &Call, container: &ContainerRef) -> Result<Container> {
        let request = requests::inspect_container(container);
        let inspected = self.connection().json::<InspectedContainer>(call, &request);
        let inspected = inspected.await?;
        let group = inspected.group().to_owned();
        let mut container = inspected.container()?;
        if self.forgets_updates() && container.status.is_live() {
            let limits = &mut container.settings.limits;
            *limits = groups::in_force(Path::new(groups::ROOT), &group, &container.id, *limits);
        }
        Ok(container)
    }

    async fn resolve(&self, call: &Call, container: &ContainerRef) -> Result<ContainerId> {
        self.resolve_name(call, container).await
    }

    async fn list(&self, call: &Call) -> Result<Vec<ContainerSummary>> {
        let listed: Option<Vec<ListedContainer>> = self
            .connection()
            .json(call, &requests::list_containers())
            .await?;
        listed
            .unwrap_or_default()
            .into_iter()
            .map(ListedContainer::summary)
            .collect()
    }

    async fn logs(&self, call: &Call, id: &ContainerId, query: &LogQuery) -> Result<LogStream> {
        self.know_version(call).await?;
        let request = requests::logs(id, query, self.keeps_sessions());
        let response = self.connection().send(call, &request).await?;
        Ok(log::read(
            request.step,
            query.times,
            body(call, request.step, response),
        ))
    }

    async fn warm(&self, call: &Call, id: &ContainerId) {
        self.start_agent(call, id, None).await;
    }

    async fn exec(
        &self,
        call: &Call,
        id: &ContainerId,
        spec: &ExecSpec,
    ) -> Result<Box<dyn Process>> {
        if let Some(process) = self.exec_by_agent(call, id, spec).await {
            return Ok(Box::new(process));
        }
        self.know_version(call).await?;
        Ok(Box::new(self.start_process(call, id, spec).await?))
    }

    fn has_agent(&self, id: &ContainerId, user: Option<&UserSpec>) -> bool {
        self.agents().is_some_and(|agents| agents.serves(id, user))
    }

    async fn allows_agent(&self, call: &Call, id: &ContainerId) -> Result<bool> {
        match self.agents() {
            Some(_) => Ok(agent_may_run(&self.inspect(call, &id.into()).await?)),
            None => Ok(false),
        }
    }

    async fn work(
        &self,
        call: &Call,
        id: &ContainerId,
        user: Option<&UserSpec>,
        work: &Work,
    ) -> Result<Option<Box<dyn Process>>> {
        let process = self.work_by_agent(call, id, user, work).await?;
        Ok(process.map(|process| Box::new(process) as Box<dyn Process>))
    }

    async fn attach(
        &self,
        call: &Call,
        id: &ContainerId,
        stdin: Option<bool>,
    ) -> Result<Attachment> {
        self.attach_to(call, id, stdin).await
    }

    async fn stat(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Option<FileStat>> {
        let request = requests::stat(id, path);
        let response = match self.connection().send(call, &request).await {
            Ok(response) => response,
            Err(Error::NotFound {
                resource: Resource::Path,
                ..
            }) => {
                // An answer to HEAD has no body: it may be the container that is not there.
                let exists = requests::container_exists(id);
                self.connection().status(call, &exists).await?;
                return Ok(None);
            }
            // Nor has it one that says why; one to GET has.
            Err(error @ Error::Failed { .. }) => {
                let request = requests::read_archive(id, path);
                return match self.connection().send(call, &request).await {
                    Ok(_) => Err(error),
                    Err(Error::NotFound {
                        resource: Resource::Path,
                        ..
                    }) => Ok(None),
                    Err(reason) => Err(reason),
                };
            }
            Err(error) => return Err(error),
        };
        let header = response.headers().get(PATH_STAT);
        let stat = header
            .and_then(|value| requests::decode_stat_header(value.as_bytes()))
            .and_then(|json| serde_json::from_slice::<PathStat>(&json).ok());
        match stat {
            Some(stat) => {
                let stat = FileStat::from(stat);
                // Where a link ends is looked for by the pattern.
                let target = stat.target.filter(|_| !requests::is_pattern(path));
                Ok(Some(FileStat { target, ..stat }))
            }
            None => Err(Error::Garbled {
                step: request.step.into(),
                reason: "it does not describe the path".into(),
            }),
        }
    }

    async fn read_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        path: &InnerPath,
    ) -> Result<Archive> {
        let request = requests::read_archive(id, path);
        let response = self.connection().send(call, &request).await?;
        Ok(body(call, request.step, response))
    }

    async fn write_archive(
        &self,
        call: &Call,
        id: &ContainerId,
        directory: &InnerPath,
        archive: Upload,
        ownership: Ownership,
    ) -> Result<()> {
        let request = requests::write_archive(id, directory, ownership);
        self.connection().upload(call, &request, archive).await
    }

    async fn remove_path(&self, call: &Call, id: &ContainerId, path: &InnerPath) -> Result<()> {
        let refused = |reason: &str| Error::Failed {
            step: "removing the path".into(),
            message: reason.into(),
        };
        let (directory, name) = path
            .split()
            .ok_or_else(|| refused("it is the root directory"))?;
        let request = requests::remove_path(id, &directory, name);
        match self.connection().status(call, &request).await {
            Err(Error::NotFound {
                resource: Resource::Path,
                ..
            }) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(refused("Podman made a link to nothing")),
        }
    }

    async fn recover(&self, call: &Call) -> Result<Vec<String>> {
        self.clear_up_after_the_dead(call).await
    }

    async fn settle(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}
