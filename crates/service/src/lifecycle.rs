//! What changes a container beyond start, stop and remove: restart, kill, pause, unpause, rename; and
//! waiting for what becomes of it.

use crate::containers::shown;
use crate::events::now;
use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{
    Change, Container, ContainerId, ContainerName, ContainerRef, Engine, EngineEvent,
    Error as EngineError, Health, Limits, Resource, Result as EngineResult, Signal, Status,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How often is looked at a container that is waited for, if nothing is told of it: soon, then more and more seldom.
const SOON: Duration = Duration::from_millis(20);
const SELDOM: Duration = Duration::from_millis(500);
/// How long after its removal it is still waited for what is told of a container.
const TELLING: Duration = Duration::from_secs(1);

/// What a container can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Its main process runs.
    Running,
    /// Its health check says that all is well.
    Healthy,
    /// Its main process does not run any more.
    Exited,
    /// It is gone.
    Removed,
}

/// How a wait ended.
#[derive(Debug, Clone)]
pub struct Waited {
    /// The container; as it was last seen, if it is gone.
    pub container: Container,
    /// Whether what was waited for has come. If not, the time was up.
    pub met: bool,
}

impl Service {
    /// Stops a container if it runs, as [`Service::stop_container`] does, and starts it, as one step of the engine's.
    pub async fn restart_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        grace: Option<Duration>,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        let service = self.clone();
        self.alter(call, name, move |engine, call, container| async move {
            service.revive(&container.id)?;
            engine.restart(&call, &container.id, grace).await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Sends a signal to a container's main process. One that ends it for sure is waited for.
    pub async fn kill_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        signal: Signal,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        self.alter(call, name, move |engine, call, container| async move {
            engine.kill(&call, &container.id, signal).await?;
            if signal == Signal::KILL {
                let name = (&container.id).into();
                let mut pause = SOON;
                while engine.inspect(&call, &name).await?.status.is_live() {
                    if call.remaining().is_zero() {
                        let step = "waiting for the end of the container".into();
                        let limit = call.limit;
                        return Err(EngineError::Timeout { step, limit });
                    }
                    sleep(pause).await;
                    pause = SELDOM.min(pause * 2);
                }
            }
            Ok(Change::Done)
        })
        .await
    }

    /// Freezes all processes of a container.
    pub async fn pause_container(
        &self,
        call: &Call,
        name: &ContainerRef,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        self.alter(call, name, |engine, call, container| async move {
            if container.status == Status::Paused {
                return Ok(Change::AlreadySo);
            }
            let done = engine.pause(&call, &container.id).await;
            done_or_so(&*engine, &call, &container.id, done, Status::Paused).await
        })
        .await
    }

    /// Lets the processes of a paused container go on.
    pub async fn unpause_container(
        &self,
        call: &Call,
        name: &ContainerRef,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        self.alter(call, name, |engine, call, container| async move {
            if container.status == Status::Running {
                return Ok(Change::AlreadySo);
            }
            let done = engine.unpause(&call, &container.id).await;
            done_or_so(&*engine, &call, &container.id, done, Status::Running).await
        })
        .await
    }

    /// Changes what a running container may use at most.
    pub async fn update_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        limits: Limits,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        self.permit_limits(call, limits)?;
        let container = self.find(call, name).await?;
        self.permit_share(call, &container.name, limits).await?;
        self.alter(call, name, move |engine, call, container| async move {
            container.status.must_run()?;
            engine.update(&call, &container.id, limits).await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Gives a container another name.
    pub async fn rename_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        new: ContainerName,
    ) -> Result<(Container, Change)> {
        call.may(Scope::ContainersWrite)?;
        call.may_name(new.as_str())?;
        self.alter(call, name, |engine, call, container| async move {
            if container.name == new.as_str() {
                return Ok(Change::AlreadySo);
            }
            let done = engine.rename(&call, &container.id, &new).await;
            done.map(|()| Change::Done).map_err(in_field_to)
        })
        .await
    }

    /// Waits until a container is as wished, for at most `limit`. A wish that can't come true any more is an
    /// error. No worker is kept meanwhile, but a place among the streams.
    pub async fn wait_for_container(
        &self,
        call: &Call,
        name: &ContainerRef,
        condition: Condition,
        limit: Duration,
    ) -> Result<Waited> {
        call.may(Scope::ContainersRead)?;
        let _place = self.0.streams.take()?;
        let end = call.deadline.min(Instant::now() + limit);
        // Before the first look, so that nothing happens unheard.
        let began = now();
        let mut events = self.subscribe_now(call);
        let (mut container, _) = self.inspect_container(call, name).await?;
        let id = container.id.clone();
        let named = (&id).into();
        let before = container.started.clone();
        let mut pause = SOON;
        // Whether it has been started since, however soon it has ended.
        let mut ran = false;
        loop {
            ran |= container.started != before;
            let met = ran && condition == Condition::Running;
            if met || is(&container, condition)? {
                let met = true;
                return Ok(Waited { container, met });
            }
            tokio::select! {
                () = self.0.stopping.cancelled() => return Err(Error::Stopping),
                started = happens(&mut events, &id, began) => ran |= started,
                // What is not told is seen.
                () = sleep_until((Instant::now() + pause).min(end)) => pause = SELDOM.min(pause * 2),
            }
            let met = ran && condition == Condition::Running;
            if Instant::now() >= end {
                return Ok(Waited { container, met });
            }
            container = match timeout_at(end, self.inspect_container(call, &named)).await {
                Ok(Ok((container, _))) => container,
                Ok(Err(Error::Engine(EngineError::NotFound {
                    resource: Resource::Container,
                    ..
                }))) => {
                    let met = match condition {
                        Condition::Removed => true,
                        Condition::Running => {
                            met || had_started(&mut events, &id, began, end).await
                        }
                        Condition::Exited | Condition::Healthy => false,
                    };
                    if met {
                        return Ok(Waited { container, met });
                    }
                    let message = "the container has been removed meanwhile".to_owned();
                    return Err(Error::Conflict { message });
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Ok(Waited { container, met }),
            };
        }
    }

    /// Changes what a name means now, and looks at it afterwards. Driven to its end even if the caller goes away.
    async fn alter<F, W>(
        &self,
        call: &Call,
        name: &ContainerRef,
        work: F,
    ) -> Result<(Container, Change)>
    where
        F: FnOnce(Arc<dyn Engine>, Call, Container) -> W,
        W: Future<Output = EngineResult<Change>> + Send + 'static,
    {
        let worker = self.0.gate.enter(call).await?;
        let engine = Arc::clone(&self.0.engine);
        let container = self.find(call, name).await?;
        let id = (&container.id).into();
        let changing = self.0.view.changing().of(&container.id);
        let work = work(Arc::clone(&engine), call.clone(), container);
        let call = call.clone();
        self.to_the_end(async move {
            let (_worker, _changing) = (worker, changing);
            let change = work.await?;
            Ok((shown(engine.inspect(&call, &id).await?), change))
        })
        .await
    }
}

/// What came of a change that is refused where it has been made already: by somebody else, at the same time.
async fn done_or_so(
    engine: &dyn Engine,
    call: &Call,
    id: &ContainerId,
    done: EngineResult<()>,
    wanted: Status,
) -> EngineResult<Change> {
    match done {
        Err(EngineError::WrongState { .. })
            if engine.inspect(call, &id.into()).await?.status == wanted =>
        {
            Ok(Change::AlreadySo)
        }
        done => done.map(|()| Change::Done),
    }
}

/// The new name stands in the parameter `to`, not in a field `name`.
fn in_field_to(error: EngineError) -> EngineError {
    match error {
        EngineError::NameInUse { .. } => EngineError::Invalid {
            field: "to",
            message: error.to_string(),
            conflict: true,
        },
        other => other,
    }
}

/// Waits until something is told of a container that may change what it is. Whether it is that it was started.
async fn happens(events: &mut Receiver<Arc<EngineEvent>>, id: &ContainerId, began: i64) -> bool {
    loop {
        match events.recv().await {
            Ok(event) if event.id == id.as_str() && !event.action.starts_with("exec") => {
                return is_start(&event, began);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return false,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Whether a container that is gone was started before, by what is told of it up to that.
async fn had_started(
    events: &mut Receiver<Arc<EngineEvent>>,
    id: &ContainerId,
    began: i64,
    end: Instant,
) -> bool {
    let told = async {
        loop {
            match events.recv().await {
                Ok(event) if event.id == id.as_str() && is_start(&event, began) => return true,
                Ok(event) if event.id == id.as_str() && event.action == "remove" => return false,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return false,
            }
        }
    };
    let end = end.min(Instant::now() + TELLING);
    timeout_at(end, told).await.unwrap_or(false)
}

/// Whether something has been started since a time: what was before may be told again.
fn is_start(event: &EngineEvent, since: i64) -> bool {
    event.at >= since
        && event.kind == "container"
        && ["start", "restart"].contains(&event.action.as_str())
}

/// Whether a container is as wished.
fn is(container: &Container, condition: Condition) -> Result<bool> {
    let live = container.status.is_live();
    let never = |message: &str| {
        Err(Error::Conflict {
            message: message.to_owned(),
        })
    };
    match condition {
        Condition::Running => Ok(container.status == Status::Running),
        // Ended, and not only never begun.
        Condition::Exited => Ok(container.status == Status::Exited),
        Condition::Removed => Ok(false),
        Condition::Healthy => match container.health {
            None => never("the container has no health check"),
            Some(Health::Healthy) if live => Ok(true),
            Some(_) if live || container.started.is_none() => Ok(false),
            Some(_) => never("the container has ended before it was healthy"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(status: Status, health: Option<Health>) -> Container {
        Container {
            id: ContainerId::parse(&"a".repeat(64)).expect("hexadecimal"),
            name: "web".into(),
            status,
            image: String::new(),
            image_id: String::new(),
            command: Vec::new(),
            environment: Vec::new(),
            user: String::new(),
            workdir: String::new(),
            labels: std::collections::BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            init: false,
            created: String::new(),
            started: (status != Status::Created).then(String::new),
            finished: None,
            exit_code: None,
            oom_killed: false,
            all_files: true,
            error: None,
            health,
            pod: None,
            infra: false,
            settings: podlane_engine::Settings::default(),
            first_limits: podlane_engine::Limits::default(),
        }
    }

    #[test]
    fn what_can_not_come_true_is_an_error() {
        use Health::{Healthy, Starting, Unhealthy};
        use Status::{Created, Exited, Paused, Running};
        let ask = |status, health, condition| is(&container(status, health), condition).ok();
        let healthy = |status, health| ask(status, health, Condition::Healthy);
        assert_eq!(healthy(Running, Some(Healthy)), Some(true));
        assert_eq!(healthy(Running, Some(Unhealthy)), Some(false));
        assert_eq!(healthy(Created, Some(Starting)), Some(false));
        assert_eq!(healthy(Exited, Some(Healthy)), None);
        assert_eq!(healthy(Running, None), None);
        assert_eq!(ask(Paused, None, Condition::Running), Some(false));
        assert_eq!(ask(Created, None, Condition::Exited), Some(false));
        assert_eq!(ask(Exited, None, Condition::Exited), Some(true));
        assert_eq!(ask(Exited, None, Condition::Removed), Some(false));
    }
}
