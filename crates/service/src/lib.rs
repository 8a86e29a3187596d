//! What can be done with containers: the rules, asked of an [`Engine`]. No HTTP, no libpod.
//!
//! Every operation is one method of [`Service`] in the file of its resource. The first argument is the
//! [`Call`]: who asks, and until when. Its first line says what the caller must be allowed to do.

mod archive;
mod at_need;
mod attached;
mod audit;
mod background;
mod bulk;
mod caller;
mod captured;
mod checks;
mod command;
mod containers;
mod error;
mod events;
mod exec;
mod files;
mod finding;
mod follow;
mod gate;
mod idempotency;
mod images;
mod lifecycle;
mod lifetime;
mod listing;
mod live;
mod load;
mod logs;
mod measured;
mod motion;
mod observe;
mod places;
mod policy;
mod recordings;
mod registries;
mod resources;
mod stream;
mod system;
mod terminals;
mod text;
mod tickets;
mod tokens;
mod tool;
mod users;
mod view;
mod webhooks;
mod work;

pub use attached::NewAttachment;
pub use audit::{Audit, AuditEntry, Audited, Verified};
pub use background::{
    Background, End, ExecId, Filter, How, OutputReader, RemovedExec, State, StdinWriter,
};
pub use bulk::{BulkRow, Chosen, Verb};
pub use caller::{Bounds, Call, Caller, NamePrefix, Role, Scope, Scopes, Tenant, Who};
pub use captured::Captured;
pub use command::words;
pub use containers::{Acted, InitChoice, NewContainer, PullPolicy};
pub use error::{Error, Result, RowProblem};
pub use events::{EventFilter, EventReader};
pub use exec::{Execution, NewExec};
#[cfg(feature = "fuzzing")]
pub use files::fuzz_archive;
pub use files::{
    At, Compression, Download, FileInfo, FileList, FileReader, FileWriter, Gathered, Happening,
    ListFiles, NewAttributes, NewFile, NewTree, ReadFile, SearchFiles, Searched, Watched, Watching,
};
pub use follow::{LogMark, LogReader, LogStep};
pub use gate::Load;
pub use idempotency::{
    Before, Claim, Claimed, IdempotencyKey, KeptAnswer, KeyRules, Keyed, Repetition, Seen,
};
pub use images::{ImageMaking, Outgoing};
pub use lifecycle::{Condition, Waited};
pub use lifetime::{LifeLimits, Lifetime, NewLifetime, OnExpiry};
pub use listing::{ListFilter, Listed, Page};
pub use live::{Ended, Event, Input, Live};
pub use logs::{Logs, Matching, ReadLogs, Tail};
pub use measured::StatsReader;
pub use podlane_store::{AuditFilter, DeliveryState, WebhookCounts};
pub use policy::{Explained, Field, Finding, Pattern, Policy, Quota, Quotas, Rule};
pub use recordings::{Recording, RecordingRules};
pub use registries::{NewRegistry, PullAs, Registry, RegistryChanges};
pub use resources::{KubeVolume, MadeKube, NewKube, RemovedKube, WithLabels};
pub use stream::{ExecStream, Step};
pub use system::{Check, Examination};
pub use terminals::Terminal;
pub use text::Decoder as TextDecoder;
pub use text::{Texts, log_time};
pub use tickets::{Ticket, TicketAction};
pub use tokens::{Auth, Fingerprint, NewToken, Presented, Token, TokenText, Tokens, network};
#[cfg(feature = "fuzzing")]
pub use users::fuzz_accounts;
pub use users::{
    AddedUser, Expiry, NewUser, Password, PasswordHash, RemovedUser, Secret, SshKey, Sudo, User,
    UserChanges,
};
pub use view::{Row, Rows, Told};
pub use webhooks::{
    Allowed, Courier, Delivery, Letter, NewWebhook, Pinged, Reach, Received, SigningSecret,
    Webhook, WebhookChanges, WebhookEvent, WebhookObserver, WebhookRules,
};

use files::{Known, Watches};
use finding::Owners;
use gate::Gate;
use lifetime::Lives;
use places::Places;
use podlane_engine::Engine;
use podlane_store::Vault;
use recordings::Recordings;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The bounds that operations keep.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many operations may be under way in the engine at once.
    pub workers: NonZeroUsize,
    /// How many more may wait for that.
    pub queue: usize,
    /// The time that one operation may take, waiting included.
    pub request_timeout: Duration,
    /// Bytes kept of one exec's output, standard output and standard error together.
    pub output_bytes: usize,
    /// The time between asking a command to end (SIGTERM) and killing it.
    pub kill_grace: Duration,
    /// Bytes kept of a container's log for one answer: its end.
    pub log_bytes: usize,
    /// Bytes of a file's content that is held whole.
    pub file_bytes: usize,
    /// Bytes of one upload that is not.
    pub upload_bytes: u64,
    /// How many files, directories and links one archive may have.
    pub archive_entries: u64,
    /// Streams of output that may be open at once.
    pub streams: usize,
    /// Background commands that run or are kept.
    pub execs: usize,
    /// Bytes kept of a background command's output.
    pub exec_log_bytes: usize,
    /// How long an ended background command is kept.
    pub exec_retention: Duration,
    /// How long and how many answers to requests with a key are kept.
    pub idempotency: KeyRules,
    /// Where background commands are kept; without it there are none.
    pub state_dir: Option<PathBuf>,
    /// How many terminals may be open at once.
    pub terminals: usize,
    /// What is recorded; `None` for nothing.
    pub recordings: Option<RecordingRules>,
    /// Where the key is with which secrets are encrypted; one is made in `state_dir` if `None`.
    pub secret_key_file: Option<PathBuf>,
    /// Whether callers must say who they are.
    pub auth: Auth,
    /// Whether what changes something is written down.
    pub audit: bool,
    /// What a create does about an image that is not there, unless it says so itself.
    pub pull: PullPolicy,
    /// What may be created; anything if `None`.
    pub policy: Option<Arc<Policy>>,
    /// The rules for webhooks.
    pub webhooks: WebhookRules,
}

/// Podlane's operations on one engine.
#[derive(Debug, Clone)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<dyn Engine>,
    limits: Limits,
    gate: Gate,
    /// Places for streams of output.
    streams: Places,
    terminals: Places,
    tokens: Arc<Tokens>,
    tickets: tickets::Tickets,
    audit: Arc<Audit>,
    /// Keys of requests that are done once.
    keys: idempotency::Keys,
    recordings: Recordings,
    /// Work that must be driven to its end although nobody waits for it any more.
    tasks: TaskTracker,
    /// Ends what may be ended when the server stops.
    stopping: CancellationToken,
    /// Commands in the background, once somebody has asked about them.
    background: OnceCell<Arc<background::Registry>>,
    /// Logs, while somebody follows them.
    followed: follow::Followed,
    /// What happens at the engine, while somebody listens.
    events: events::Hub,
    /// Whether the engine tells it.
    hearing: Arc<events::Hearing>,
    /// What only the server knows to have happened.
    own_events: events::Own,
    /// All containers as they are.
    view: Arc<view::View>,
    /// Who is told of it.
    webhooks: Arc<webhooks::Webhooks>,
    /// Who asks registries of images.
    registries: Arc<registries::Registries>,
    /// Where their messages may go.
    reach: Arc<Reach>,
    /// Who carries their messages.
    courier: OnceLock<Arc<dyn Courier>>,
    /// Places for tests of them.
    pings: Semaphore,
    /// What containers use, likewise.
    rounds: measured::Rounds,
    /// Containers of tenants that are being made.
    bookings: policy::Bookings,
    /// Commands of tenants that are under way.
    allowances: policy::Allowances,
    /// Whose containers are.
    owners: Owners,
    /// How long containers live.
    lives: Lives,
    /// Containers whose files were used.
    known: Known,
    /// Who gives files their names.
    naming: files::Turns,
    /// Watches under way.
    watches: Watches,
    /// One at a time: changes to the accounts of one container.
    accounts: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Places for hashing passwords, as many as there are processors.
    hashing: Semaphore,
}

impl Service {
    /// Operations on `engine` within `limits`.
    pub fn new(engine: Arc<dyn Engine>, limits: Limits) -> Self {
        let gate = Gate::new(limits.workers, limits.queue);
        let terminals = Places::new("terminals", "limits.terminals", limits.terminals);
        let recordings = Recordings::new(limits.recordings.clone());
        let tokens = Arc::new(Tokens::new(limits.auth, limits.state_dir.clone()));
        let audit = Arc::new(Audit::new(limits.state_dir.clone()));
        let lives = Lives::new(limits.state_dir.clone(), limits.workers.get());
        let place = limits.state_dir.clone().map(|directory| {
            let vault = Vault::new(&directory, limits.secret_key_file.clone());
            (directory, Arc::new(vault))
        });
        let keys = idempotency::Keys::new(place.clone());
        let webhooks = Arc::new(webhooks::Webhooks::new(place.clone()));
        let registries = Arc::new(registries::Registries::new(place));
        let reach = Arc::new(Reach::new(limits.webhooks.allow.clone()));
        Self(Arc::new(Inner {
            engine,
            streams: Places::new("streams of output", "limits.streams", limits.streams),
            limits,
            gate,
            terminals,
            tokens,
            tickets: tickets::Tickets::default(),
            audit,
            keys,
            recordings,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            background: OnceCell::new(),
            followed: follow::Followed::default(),
            events: events::Hub::default(),
            hearing: Arc::default(),
            own_events: events::Own::default(),
            view: Arc::default(),
            webhooks,
            registries,
            reach,
            courier: OnceLock::new(),
            pings: Semaphore::new(webhooks::PINGS),
            rounds: measured::Rounds::default(),
            bookings: policy::Bookings::default(),
            allowances: policy::Allowances::default(),
            owners: Owners::default(),
            lives,
            known: Known::default(),
            naming: files::Turns::default(),
            watches: Watches::default(),
            accounts: Mutex::default(),
            hashing: Semaphore::new(thread::available_parallelism().map_or(1, NonZeroUsize::get)),
        }))
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// An error if the key with which secrets are encrypted can't be used. Blocks.
    pub fn check_secret_key(&self) -> Result<()> {
        self.0.registries.check_key()
    }

    /// How busy the workers are now.
    pub fn load(&self, call: &Call) -> Result<Load> {
        call.may(Scope::SystemRead)?;
        Ok(self.0.gate.load())
    }

    /// Clears away what servers that died left half-done. To be called when the server starts.
    pub async fn recover(&self, call: &Call) -> Result<Vec<String>> {
        self.look_for_keys().await;
        Ok(self.0.engine.recover(call).await?)
    }

    /// Ends running execs and waits, at most for `grace`, until nothing is half-done.
    /// Answers whether everything ended in time.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.0.stopping.cancel();
        self.0.tasks.close();
        let settled = async {
            self.0.tasks.wait().await;
            self.0.engine.settle().await;
        };
        tokio::time::timeout(grace, settled).await.is_ok()
    }

    /// Drives `work` to its end even if the caller goes away, because half of it must never remain.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match self.0.tasks.spawn(work).await {
            Ok(result) => result,
            Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Err(_) => Err(Error::Stopping),
        }
    }
}
