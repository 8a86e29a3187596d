//! The wire contract: every JSON body of the HTTP API, without behaviour.
//!
//! A type here says which JSON is a body and nothing more. Whether a name is a name or a port a port
//! is decided by who takes the body. Requests refuse what they don't know: an unknown field, a field
//! or a key that stands there twice. `Debug` shows no secret: no password, no standard input, no file
//! content and no value of the environment.

mod actions;
mod audit;
mod background;
mod binds;
mod bulk;
mod command;
mod containers;
mod environment;
mod error;
mod events;
mod exec;
mod file_operations;
mod files;
mod happened;
mod hidden;
mod images;
mod init;
mod kube;
mod lifetime;
mod map;
mod mark;
mod networks;
mod observe;
mod pods;
mod ports;
mod recordings;
mod registries;
mod removed;
mod secrets;
mod settings;
mod system;
mod terminals;
mod tickets;
mod tokens;
mod users;
mod volumes;
mod webhooks;

pub use actions::{
    Changed, ChangedContainer, Removed, RemovedContainer, Started, StartedContainer, StartedWord,
    Stopped, StoppedContainer, StoppedWord, Waited, WaitedContainer,
};
pub use audit::{AuditEntry, AuditList, VerifiedAudit};
pub use background::{
    BackgroundExec, Exec, ExecList, ExecOutput, ExecOutputPart, ExecState, ReadExecOutput,
    RemovedBackgroundExec, RemovedExec, SignalExec, Stdin, TerminalSize, WroteStdin,
};
pub use binds::{Bind, VolumeTarget};
pub use bulk::{Bulk, BulkAction, BulkReport, BulkResult};
pub use command::Command;
pub use containers::{
    Container, ContainerList, ContainerLogs, ContainerRow, CreateAnswer, CreateContainer, Created,
    CreatedContainer, DryRun, Finding, InspectedContainer, Logs, MountPoint, Pull,
};
pub use environment::{Environment, Scalar};
pub use error::{ErrorDetail, ErrorType, Failure, Problem, Unhealthy};
pub use events::{
    ExecData, ExecEnd, ExecEvent, ExecLost, ExecPath, ExecStart, LogData, LogEnd, LogEvent,
};
pub use exec::{ExecCommand, ExecutedCommand, Execution, OutputEncoding, Survivor, Usage};
pub use file_operations::{
    Added, AddedFiles, DoneFileOperation, FileEvent, FileInfo, FileKind, FileMatch, FileOperation,
    FileRow, ListedFiles, ReadFile, RemovedFile, SearchedFiles, ShownFile, UnpackedArchive,
    WriteFile,
};
pub use files::{AddFile, AddedFile, ContentEncoding, File};
pub use happened::Happened;
pub use hidden::Hidden;
pub use images::{
    CommitContainer, Image, ImageEvent, ImageHistory, ImageList, ImageProgress, ImageRow,
    LoadedImages, Made, MadeImage, OneImage, PrunedImages, PullImage, RegistryLogin, RemovedImage,
    TagImage,
};
pub use init::Init;
pub use kube::{KubeDown, KubeUp};
pub use lifetime::{ExtendContainer, Extended, ExtendedContainer, Lifetime, OnExpiry};
pub use map::UniqueMap;
pub use mark::{False, True};
pub use networks::{
    Attached, Connect, CreateNetwork, CreateSubnet, Disconnect, Network, NetworkList, OneNetwork,
    Subnet,
};
pub use observe::{
    ChangeKind, ChangeList, ContainerProcess, ContainerStats, Measured, PathChange, ProcessList,
    Stats, StatsList, UpdateContainer,
};
pub use pods::{AlteredPod, CreatePod, OnePod, Pod, PodList, PodMember, PodRow, RemovedPod};
pub use ports::{PortTarget, PublishedPort};
pub use recordings::{Recording, RecordingList, RemovedRecording};
pub use registries::{CreateRegistry, ModifyRegistry, OneRegistry, Registry, RegistryList};
pub use removed::{Pruned, RemovedByName};
pub use secrets::{CreateSecret, OneSecret, Secret, SecretList};
pub use settings::{
    Capabilities, Healthcheck, Limits, Membership, OpenFiles, Restart, RestartPolicy, SecretFile,
    Settings, Size, Tmpfs,
};
pub use system::{
    Capability, CapabilityList, Cgroups, Connected, Disconnected, DiskShare, DiskUsage,
    EngineDescription, Health, HealthCheck, Healthy, Live, LiveWord, Metrics, Ready, ReadyWord,
    RuntimeDescription, UnhealthyWord, Version,
};
pub use terminals::{TerminalInput, TerminalOutput};
pub use tickets::{CreateTicket, CreatedTicket, TicketFor};
pub use tokens::{CreateToken, CreatedToken, RevokedToken, Token, TokenList};
pub use users::{
    Account, AddUser, AddUsers, AddedAccount, AddedUser, AddedUsers, ModifyUser, RemovedAccount,
    RemovedUser, Sudo, User, UserDetails, UserList,
};
pub use volumes::{CreateVolume, OneVolume, Volume, VolumeList};
pub use webhooks::{
    CreateWebhook, CreatedWebhook, Delivery, DeliveryList, ModifyWebhook, OneWebhook,
    PingedWebhook, Redelivered, RemovedWebhook, Webhook, WebhookContainer, WebhookData,
    WebhookList, WebhookMessage,
};

#[cfg(test)]
mod tests;
