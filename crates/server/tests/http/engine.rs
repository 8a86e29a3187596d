//! An engine without containers: it answers at once, fails as told or does not answer at all.

use async_trait::async_trait;
use futures_util::StreamExt;
use podlane_engine::{
    Archive, Attachment, Call, Capability, Change, Container, ContainerId, ContainerName,
    ContainerProcess, ContainerRef, ContainerSpec, ContainerSummary, DiskRoom, DiskUsage, Engine,
    EngineInfo, EngineVersion, Error, EventQuery, EventStream, Events, ExecSpec, FileStat,
    HealthChecks, Image, ImageRef, ImageStep, ImageSummary, ImageWork, Images, InnerPath, KubeOf,
    Lifecycle, Limits, LogQuery, LogStream, Membership, Network, NetworkName, Networks, NewBuild,
    NewCommit, NewNetwork, NewPod, NewSecret, NewVolume, Observe, Ownership, PathChange, Pod,
    PodId, PodName, PodStatus, PodSummary, Pods, Process, PrunedImages, RegistryLogin,
    RemovedImage, Result, Secret, SecretName, Secrets, Settings, Signal, Stats, Status, System,
    Upload, Volume, VolumeName, Volumes,
};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Takes all of an upload.
async fn read(upload: Upload) -> Result<()> {
    if let Upload::Pieces(mut pieces) = upload {
        while let Some(piece) = pieces.next().await {
            piece?;
        }
    }
    Ok(())
}

/// How the engine behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    Fine,
    Fails(fn() -> Error),
    Slow(Duration),
    Panics,
    /// Lists so many containers.
    Many(usize),
}

#[derive(Debug)]
pub(crate) struct Tiny {
    mood: Mutex<Mood>,
    calls: AtomicUsize,
}

impl Tiny {
    pub(crate) fn new() -> Self {
        Self {
            mood: Mutex::new(Mood::Fine),
            calls: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn asked(&self) -> Result<Mood> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().expect("not poisoned");
        match mood {
            Mood::Fails(error) => return Err(error()),
            Mood::Slow(time) => tokio::time::sleep(time).await,
            Mood::Panics => panic!("the engine panics, secretly"),
            Mood::Fine | Mood::Many(_) => {}
        }
        Ok(mood)
    }
}

pub(crate) fn id() -> ContainerId {
    ContainerId::parse(&"abc123def456".repeat(6)[..64]).expect("hexadecimal")
}

fn image() -> Image {
    Image {
        id: "0".repeat(64),
        command: vec!["sh".into()],
        ..Image::default()
    }
}

fn done() -> ImageWork {
    let done = ImageStep::Done("0".repeat(64));
    futures_util::stream::iter([Ok(done)]).boxed()
}

#[async_trait]
impl Images for Tiny {
    async fn image(&self, _: &Call, _: &ImageRef) -> Result<Image> {
        self.asked().await.map(|_| image())
    }

    async fn images(&self, _: &Call) -> Result<Vec<ImageSummary>> {
        self.asked().await.map(|_| Vec::new())
    }

    async fn pull(&self, _: &Call, _: &ImageRef, _: Option<&RegistryLogin>) -> Result<ImageWork> {
        self.asked().await.map(|_| done())
    }

    async fn tag(&self, _: &Call, _: &ImageRef, _: &ImageRef) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn remove_image(&self, _: &Call, _: &ImageRef, _: bool) -> Result<RemovedImage> {
        self.asked().await.map(|_| RemovedImage::default())
    }

    async fn prune_images(&self, _: &Call, _: bool, _: &[String]) -> Result<PrunedImages> {
        self.asked().await.map(|_| PrunedImages::default())
    }

    async fn load(&self, _: &Call, archive: Upload) -> Result<Vec<String>> {
        self.asked().await?;
        read(archive).await.map(|()| Vec::new())
    }

    async fn save(&self, _: &Call, _: &[ImageRef]) -> Result<Archive> {
        self.asked().await?;
        Ok(futures_util::stream::empty().boxed())
    }

    async fn build(&self, _: &Call, _: &NewBuild, context: Upload) -> Result<ImageWork> {
        self.asked().await?;
        read(context).await.map(|()| done())
    }

    async fn commit(&self, _: &Call, _: &ContainerId, _: &NewCommit) -> Result<String> {
        self.asked().await.map(|_| "0".repeat(64))
    }
}

#[async_trait]
impl Events for Tiny {
    async fn events(&self, _: &Call, _: EventQuery) -> Result<EventStream> {
        self.asked().await?;
        Ok(futures_util::stream::pending().boxed())
    }
}

#[async_trait]
impl Lifecycle for Tiny {
    async fn restart(&self, _: &Call, _: &ContainerId, _: Option<Duration>) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn kill(&self, _: &Call, _: &ContainerId, _: Signal) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn pause(&self, _: &Call, _: &ContainerId) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn unpause(&self, _: &Call, _: &ContainerId) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn update(&self, _: &Call, _: &ContainerId, _: Limits) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn rename(&self, _: &Call, _: &ContainerId, _: &ContainerName) -> Result<()> {
        self.asked().await.map(drop)
    }
}

#[async_trait]
impl Observe for Tiny {
    async fn top(&self, _: &Call, _: &ContainerId) -> Result<Vec<ContainerProcess>> {
        self.asked().await.map(|_| Vec::new())
    }

    async fn changes(&self, _: &Call, _: &ContainerId) -> Result<Vec<PathChange>> {
        self.asked().await.map(|_| Vec::new())
    }

    async fn stats(&self, _: &Call, _: Option<&ContainerId>) -> Result<Vec<Stats>> {
        self.asked().await.map(|_| Vec::new())
    }

    async fn disk_usage(&self, _: &Call) -> Result<DiskUsage> {
        self.asked().await.map(|_| DiskUsage::default())
    }

    async fn export(&self, _: &Call, _: &ContainerId) -> Result<Archive> {
        self.asked().await?;
        Ok(futures_util::stream::empty().boxed())
    }
}

fn volume() -> Volume {
    Volume {
        name: "data".into(),
        driver: "local".into(),
        labels: BTreeMap::new(),
        created: "2025-01-19T15:47:19Z".into(),
    }
}

#[async_trait]
impl Volumes for Tiny {
    async fn create_volume(&self, _: &Call, _: &NewVolume) -> Result<Volume> {
        self.asked().await.map(|_| volume())
    }

    async fn volumes(&self, _: &Call) -> Result<Vec<Volume>> {
        self.asked().await.map(|_| vec![volume()])
    }

    async fn volume(&self, _: &Call, _: &VolumeName) -> Result<Volume> {
        self.asked().await.map(|_| volume())
    }

    async fn remove_volume(&self, _: &Call, _: &VolumeName) -> Result<()> {
        self.asked().await.map(drop)
    }
}

fn network() -> Network {
    Network {
        name: "lab".into(),
        id: "0".repeat(64),
        driver: "bridge".into(),
        internal: false,
        isolated: false,
        ipv6: false,
        dns: true,
        subnets: Vec::new(),
        labels: BTreeMap::new(),
        created: "2025-01-19T15:47:19Z".into(),
    }
}

#[async_trait]
impl Networks for Tiny {
    async fn create_network(&self, _: &Call, _: &NewNetwork) -> Result<Network> {
        self.asked().await.map(|_| network())
    }

    async fn networks(&self, _: &Call) -> Result<Vec<Network>> {
        self.asked().await.map(|_| vec![network()])
    }

    async fn network(&self, _: &Call, _: &NetworkName) -> Result<Network> {
        self.asked().await.map(|_| network())
    }

    async fn remove_network(&self, _: &Call, _: &NetworkName) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn connect(
        &self,
        _: &Call,
        _: &NetworkName,
        _: &ContainerId,
        _: &Membership,
    ) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn disconnect(&self, _: &Call, _: &NetworkName, _: &ContainerId) -> Result<()> {
        self.asked().await.map(drop)
    }
}

fn secret() -> Secret {
    Secret {
        name: "flag".into(),
        id: "0".repeat(25),
        labels: BTreeMap::new(),
        created: "2025-01-19T15:47:19Z".into(),
    }
}

#[async_trait]
impl Secrets for Tiny {
    async fn create_secret(&self, _: &Call, _: &NewSecret) -> Result<Secret> {
        self.asked().await.map(|_| secret())
    }

    async fn secrets(&self, _: &Call) -> Result<Vec<Secret>> {
        self.asked().await.map(|_| vec![secret()])
    }

    async fn secret(&self, _: &Call, _: &SecretName) -> Result<Secret> {
        self.asked().await.map(|_| secret())
    }

    async fn remove_secret(&self, _: &Call, _: &SecretName) -> Result<()> {
        self.asked().await.map(drop)
    }
}

fn pod() -> Pod {
    Pod {
        summary: PodSummary {
            id: PodId::parse(id().as_str()).expect("hexadecimal"),
            name: "shop".into(),
            status: PodStatus::Running,
            created: "2025-01-19T15:47:19Z".into(),
            labels: BTreeMap::new(),
            networks: vec!["podman".into()],
            infra: Some(id()),
            containers: Vec::new(),
        },
        hostname: None,
        ports: Vec::new(),
        dns: Vec::new(),
        hosts: BTreeMap::new(),
        own: true,
    }
}

#[async_trait]
impl Pods for Tiny {
    async fn create_pod(&self, _: &Call, _: &NewPod) -> Result<PodId> {
        self.asked().await.map(|_| pod().summary.id)
    }

    async fn pods(&self, _: &Call) -> Result<Vec<PodSummary>> {
        self.asked().await.map(|_| vec![pod().summary])
    }

    async fn pod(&self, _: &Call, _: &PodName) -> Result<Pod> {
        self.asked().await.map(|_| pod())
    }

    async fn start_pod(&self, _: &Call, _: &PodId) -> Result<Change> {
        self.asked().await.map(|_| Change::Done)
    }

    async fn stop_pod(&self, _: &Call, _: &PodId, _: Option<Duration>) -> Result<Change> {
        self.asked().await.map(|_| Change::Done)
    }

    async fn kill_pod(&self, _: &Call, _: &PodId, _: Signal) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn pause_pod(&self, _: &Call, _: &PodId) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn unpause_pod(&self, _: &Call, _: &PodId) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn remove_pod(&self, _: &Call, _: &PodId, _: bool) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn generate_kube(&self, _: &Call, _: &KubeOf) -> Result<String> {
        self.asked().await.map(|_| String::new())
    }
}

#[async_trait]
impl HealthChecks for Tiny {
    async fn checked(&self, _: &Call) -> Result<Vec<ContainerId>> {
        self.asked().await.map(|_| Vec::new())
    }

    async fn check(&self, _: &Call, _: &ContainerId) -> Result<bool> {
        self.asked().await.map(|_| true)
    }
}

#[async_trait]
impl System for Tiny {
    async fn info(&self, _: &Call) -> Result<EngineInfo> {
        self.asked().await?;
        Ok(EngineInfo {
            name: "podman".into(),
            version: "5.4.2".into(),
            rootless: true,
            disk: Some(DiskRoom {
                total: 100 << 20,
                used: 99 << 20,
            }),
            ..EngineInfo::default()
        })
    }

    async fn capabilities(&self, _: &Call) -> Result<Vec<Capability>> {
        self.asked().await?;
        Ok(vec![Capability {
            name: "logs.nanoseconds",
            what: "times in logs to the nanosecond",
            supported: false,
            reason: Some("this Podman tells whole seconds".into()),
            since: Some("5.8"),
        }])
    }

    fn trouble(&self) -> Option<String> {
        Some("it has ended: can't open /secret/place".into())
    }
}

#[async_trait]
impl Engine for Tiny {
    async fn version(&self, _: &Call) -> Result<EngineVersion> {
        self.asked().await?;
        Ok(EngineVersion {
            name: "podman".into(),
            version: "5.4.2".into(),
        })
    }

    async fn run(&self, call: &Call, _: &ContainerSpec) -> Result<Container> {
        self.inspect(call, &(&id()).into()).await
    }

    async fn start(&self, _: &Call, _: &ContainerId) -> Result<Change> {
        self.asked().await?;
        Ok(Change::Done)
    }

    async fn stop(&self, _: &Call, _: &ContainerId, _: Option<Duration>) -> Result<Change> {
        self.asked().await?;
        Ok(Change::AlreadySo)
    }

    async fn remove(&self, _: &Call, _: &ContainerId, _: bool) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn inspect(&self, _: &Call, _: &ContainerRef) -> Result<Container> {
        self.asked().await?;
        Ok(Container {
            id: id(),
            name: "web".into(),
            status: Status::Running,
            image: "alpine:latest".into(),
            image_id: "0".repeat(64),
            command: vec!["sleep".into(), "300".into()],
            environment: vec![("A".into(), "b".into())],
            user: String::new(),
            workdir: "/".into(),
            labels: BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            init: true,
            created: "2025-01-19T15:47:19Z".into(),
            started: None,
            finished: None,
            exit_code: None,
            oom_killed: false,
            all_files: true,
            error: None,
            settings: Settings::default(),
            first_limits: Limits::default(),
            health: None,
            pod: None,
            infra: false,
        })
    }

    async fn list(&self, _: &Call) -> Result<Vec<ContainerSummary>> {
        let count = match self.asked().await? {
            Mood::Many(count) => count,
            _ => 1,
        };
        let row = ContainerSummary {
            id: id(),
            name: "web".into(),
            status: Status::Exited,
            image: "alpine:latest".into(),
            created: "2025-01-19T15:47:19Z".into(),
            ports: Vec::new(),
            labels: BTreeMap::new(),
            pod: None,
            infra: false,
        };
        Ok(vec![row; count])
    }

    async fn logs(&self, _: &Call, _: &ContainerId, _: &LogQuery) -> Result<LogStream> {
        self.asked().await?;
        Ok(futures_util::stream::empty().boxed())
    }

    async fn exec(&self, _: &Call, _: &ContainerId, _: &ExecSpec) -> Result<Box<dyn Process>> {
        self.asked().await?;
        Err(Error::Failed {
            step: "exec".into(),
            message: "nothing runs here".into(),
        })
    }

    async fn attach(&self, _: &Call, _: &ContainerId, _: Option<bool>) -> Result<Attachment> {
        self.asked().await?;
        Err(Error::WrongState {
            message: "nothing runs here".into(),
        })
    }

    async fn stat(&self, _: &Call, _: &ContainerId, _: &InnerPath) -> Result<Option<FileStat>> {
        self.asked().await?;
        Ok(None)
    }

    async fn read_archive(&self, _: &Call, _: &ContainerId, _: &InnerPath) -> Result<Archive> {
        self.asked().await?;
        Ok(futures_util::stream::empty().boxed())
    }

    async fn write_archive(
        &self,
        _: &Call,
        _: &ContainerId,
        _: &InnerPath,
        _: Upload,
        _: Ownership,
    ) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn remove_path(&self, _: &Call, _: &ContainerId, _: &InnerPath) -> Result<()> {
        self.asked().await.map(drop)
    }

    async fn recover(&self, _: &Call) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn settle(&self) {}
}
