//! The server's settings: defaults < files < environment < flags, checked once and then carried as types.
//!
//! What each setting means stands in `config/default.toml`, which is compiled in and gives the
//! defaults. The environment is read in [`Environment::read`] and nowhere else.

mod environment;
mod error;
mod layer;
mod parts;
mod policy;
mod reader;
mod setting;
mod value;

#[cfg(test)]
mod tests;

pub use environment::Environment;
pub use error::{Error, Problem};
pub use layer::Origin;
pub use reader::Row;
pub use setting::{FILE_VARIABLE, SETTINGS, Setting};

use crate::guard::{HostRule, Origin as WebOrigin};
use layer::Layer;
use podlane_service::{Allowed, Auth, Policy};
use reader::Reader;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The default configuration file, with a comment on every setting.
pub const DEFAULT_FILE: &str = include_str!("../../config/default.toml");

/// The configuration file of the machine.
pub const SYSTEM_FILE: &str = "/etc/podlane/podlane.toml";

/// The settings in force. `config/default.toml` says what each means.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// A Unix socket to listen on too.
    pub socket: Option<PathBuf>,
    /// Who may connect to it, as a file's mode.
    pub socket_mode: u32,
    /// The group of it; `None` for the server's own.
    pub socket_group: Option<String>,
    /// The server's certificate; `None` for plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// Its private key.
    pub tls_key: Option<PathBuf>,
    /// The authorities of which clients must have a certificate.
    pub tls_client_ca: Option<PathBuf>,
    /// Whether to listen without authentication where other machines can connect.
    pub insecure_no_auth: bool,
    /// Whether callers must say who they are.
    pub auth: Auth,
    /// Whether what changes something is written down.
    pub audit: bool,
    /// The engine's socket; `None` to search for one.
    pub engine: Option<PathBuf>,
    /// Whether to start an engine if none is found.
    pub start_engine: bool,
    /// Whether an agent in the container may run its commands.
    pub exec_agent: bool,
    /// The podman command; `None` to do without.
    pub podman: Option<PathBuf>,
    /// Engine calls under way at once.
    pub max_workers: NonZeroUsize,
    /// Requests that may wait for a worker.
    pub max_queue: usize,
    /// Time until a request is answered 408.
    pub request_timeout: Duration,
    /// Whether to log every engine call.
    pub debug: bool,
    /// The time between asking a command to end and killing it.
    pub kill_grace: Duration,
    /// What may be created; `None` for anything.
    pub policy: Option<Arc<Policy>>,
    /// What create does about its image unless the request says so.
    pub pull: Pull,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Further values of the Host header to accept.
    pub allowed_hosts: Vec<HostRule>,
    /// Origins whose pages may call.
    pub cors_origins: Vec<WebOrigin>,
    /// Which commands are recorded.
    pub recordings: Record,
    /// Whether what is typed is recorded too.
    pub recordings_input: bool,
    /// Where recordings are kept; `None` for the usual place.
    pub recordings_dir: Option<PathBuf>,
    /// Time for requests under way at shutdown.
    pub shutdown_grace: Duration,
    /// Where background commands are kept; `None` for the usual place.
    pub state_dir: Option<PathBuf>,
    /// The key with which secrets are encrypted; `None` for one in `state_dir`.
    pub secret_key_file: Option<PathBuf>,
    /// How long ended background commands are kept.
    pub exec_retention: Duration,
    /// How long keys and answers of requests are kept.
    pub idempotency_retention: Duration,
    /// Webhooks.
    pub webhooks: Webhooks,
    /// Bounds on what one client can use up.
    pub limits: Limits,
    table: Vec<Row>,
    warnings: Vec<String>,
}

/// Where webhooks' messages go, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// Where they may go although it is not public, and without TLS.
    pub allow: Vec<Allowed>,
    /// The pauses between attempts.
    pub retries: Vec<value::Pause>,
}

/// Bounds on memory and waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest request body, in bytes.
    pub body_bytes: usize,
    /// All header lines of a request together, in bytes.
    pub header_bytes: usize,
    /// Time for a request's headers to arrive.
    pub header_timeout: Duration,
    /// The longest silence while a body is read.
    pub body_timeout: Duration,
    /// Open connections.
    pub connections: NonZeroUsize,
    /// Requests of one caller in a second; any number if 0.
    pub rate: usize,
    /// Requests of one caller at once.
    pub burst: NonZeroUsize,
    /// Captured output of one exec, in bytes.
    pub output_bytes: usize,
    /// Log text in one answer, in bytes.
    pub log_bytes: usize,
    /// Content of one file written or read, in bytes.
    pub file_bytes: usize,
    /// One upload that is not held in memory, in bytes.
    pub upload_bytes: u64,
    /// Files, directories and links in one archive.
    pub archive_entries: u64,
    /// Streams of output, transfers and watches at once.
    pub streams: usize,
    /// Background commands, running and kept.
    pub execs: usize,
    /// Output kept of one background command, in bytes.
    pub exec_log_bytes: usize,
    /// Open terminals.
    pub terminals: usize,
    /// The longest silence on both sides of a terminal.
    pub terminal_idle: Duration,
    /// Webhooks.
    pub webhooks: NonZeroUsize,
    /// One recording, in bytes.
    pub recording_bytes: usize,
    /// Recordings kept.
    pub recordings: NonZeroUsize,
    /// All recordings together, in bytes.
    pub recordings_bytes: usize,
    /// Idempotency keys of one caller.
    pub idempotency_keys: usize,
    /// Answers kept for one caller, in bytes.
    pub idempotency_bytes: usize,
}

/// What create does about its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Nothing: an unknown image is an error.
    Never,
    /// Fetches an image that is not here.
    Missing,
    /// Looks for a newer one each time.
    Always,
}

/// Which commands are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// None.
    Off,
    /// Those on a terminal.
    Terminals,
    /// All.
    All,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text, in colours on a terminal.
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    file: Option<PathBuf>,
    values: BTreeMap<&'static str, String>,
}

impl Flags {
    /// Names the configuration file to read instead of the usual ones.
    pub fn set_file(&mut self, path: PathBuf) {
        self.file = Some(path);
    }

    /// Sets a flag, by its name without the dashes.
    pub fn set(&mut self, flag: &'static str, value: String) {
        self.values.insert(flag, value);
    }

    fn get(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }
}

impl Config {
    /// Gathers the settings of this machine and checks them all.
    pub fn load(environment: &Environment, flags: &Flags) -> Result<Self, Error> {
        Self::load_with(environment, flags, Path::new(SYSTEM_FILE))
    }

    /// Every value in force and where it came from, in the order of the default file.
    pub fn table(&self) -> &[Row] {
        &self.table
    }

    /// What is legal and still looks like a mistake, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn load_with(environment: &Environment, flags: &Flags, system: &Path) -> Result<Self, Error> {
        let mut layers = vec![defaults()?];
        for file in files(environment, flags, system) {
            layers.push(layer::from_file(&file)?);
        }
        layers.push(layer::from_environment(environment)?);
        layers.push(layer::from_flags(flags));
        let mut config = Self::from_layers(layers)?;
        config.warnings = misspelt_variables(environment);
        Ok(config)
    }

    fn from_layers(layers: Vec<Layer>) -> Result<Self, Error> {
        let mut read = Reader::new(layers);
        let config = Self {
            listen: read.text("listen", value::listener),
            socket: read.text("socket", value::file),
            socket_mode: read.text("socket_mode", value::mode),
            socket_group: read.text("socket_group", value::group),
            tls_cert: read.text("tls_cert", value::file),
            tls_key: read.text("tls_key", value::file),
            tls_client_ca: read.text("tls_client_ca", value::file),
            insecure_no_auth: read.boolean("insecure_no_auth"),
            auth: read.word("auth", &AUTH),
            audit: read.boolean("audit"),
            policy: read.text("policy", value::policy),
            engine: read.text("engine", value::engine),
            start_engine: read.boolean("start_engine"),
            exec_agent: read.boolean("exec_agent"),
            podman: read.text("podman", value::program),
            max_workers: read.positive("max_workers", 1024),
            max_queue: read.integer("max_queue", 0..=100_000),
            request_timeout: read.seconds("request_timeout", 0.1..=3600.0),
            debug: read.boolean("debug"),
            kill_grace: read.seconds("kill_grace", 0.0..=60.0),
            pull: read.word("pull", &Pull::WORDS),
            log_format: read.word("log_format", &LogFormat::WORDS),
            allowed_hosts: read.list("allowed_hosts", value::host, "containers.example.org"),
            cors_origins: read.list("cors_origins", value::origin, "https://console.example.org"),
            recordings: read.word("recordings", &Record::WORDS),
            recordings_input: read.boolean("recordings_input"),
            recordings_dir: read.text("recordings_dir", value::directory),
            shutdown_grace: read.seconds("shutdown_grace", 0.0..=600.0),
            state_dir: read.text("state_dir", value::directory),
            secret_key_file: read.text("secret_key_file", value::file),
            exec_retention: read.seconds("exec_retention", 0.0..=2_592_000.0),
            idempotency_retention: read.seconds("idempotency_retention", 1.0..=2_592_000.0),
            webhooks: Webhooks {
                allow: read.list("webhooks.allow", value::allowed, "10.0.0.0/8"),
                retries: read.list("webhooks.retries", value::pause, "30s"),
            },
            limits: Limits {
                body_bytes: read.integer("limits.body_bytes", KIB..=GIB),
                header_bytes: read.integer("limits.header_bytes", 8 * KIB..=MIB),
                header_timeout: read.seconds("limits.header_timeout", 0.1..=300.0),
                body_timeout: read.seconds("limits.body_timeout", 0.1..=3600.0),
                connections: read.positive("limits.connections", 100_000),
                rate: read.integer("limits.rate", 0..=1_000_000),
                burst: read.positive("limits.burst", 1_000_000),
                output_bytes: read.integer("limits.output_bytes", KIB..=256 * MIB),
                log_bytes: read.integer("limits.log_bytes", KIB..=256 * MIB),
                file_bytes: read.integer("limits.file_bytes", KIB..=GIB),
                upload_bytes: read.integer("limits.upload_bytes", KIB..=1024 * 1024 * GIB) as u64,
                archive_entries: read.integer("limits.archive_entries", 1..=10_000_000) as u64,
                streams: read.integer("limits.streams", 1..=100_000),
                execs: read.integer("limits.execs", 1..=10_000),
                exec_log_bytes: read.integer("limits.exec_log_bytes", 256 * KIB..=GIB),
                terminals: read.integer("limits.terminals", 1..=10_000),
                terminal_idle: read.seconds("limits.terminal_idle", 1.0..=604_800.0),
                webhooks: read.positive("limits.webhooks", 10_000),
                recording_bytes: read.integer("limits.recording_bytes", KIB..=GIB),
                recordings: read.positive("limits.recordings", 100_000),
                recordings_bytes: read.integer("limits.recordings_bytes", KIB..=1024 * GIB),
                idempotency_keys: read.integer("limits.idempotency_keys", 1..=1_000_000),
                idempotency_bytes: read.integer("limits.idempotency_bytes", KIB..=GIB),
            },
            table: Vec::new(),
            warnings: Vec::new(),
        };
        if config.auth == Auth::Off
            && !config.insecure_no_auth
            && !config.listen.ip().to_canonical().is_loopback()
        {
            read.problem(Problem::OpenListener {
                address: config.listen,
                origin: read.origin("listen"),
            });
        }
        let table = read.finish()?;
        Ok(Self { table, ..config })
    }
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

const AUTH: [(&str, Auth); 3] = [("auto", Auth::Auto), ("on", Auth::On), ("off", Auth::Off)];

impl Pull {
    const WORDS: [(&'static str, Self); 3] = [
        ("never", Self::Never),
        ("missing", Self::Missing),
        ("always", Self::Always),
    ];
}

impl Record {
    const WORDS: [(&'static str, Self); 3] = [
        ("off", Self::Off),
        ("terminals", Self::Terminals),
        ("all", Self::All),
    ];
}

impl LogFormat {
    const WORDS: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("text", Self::Text),
        ("json", Self::Json),
    ];
}

fn defaults() -> Result<Layer, Error> {
    layer::from_toml(DEFAULT_FILE, Path::new("config/default.toml"), |_| {
        Origin::Default
    })
}

/// The files to read, the weakest first. One that was asked for must exist.
fn files(environment: &Environment, flags: &Flags, system: &Path) -> Vec<PathBuf> {
    let asked = flags
        .file
        .clone()
        .or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
    if let Some(file) = asked {
        return vec![file];
    }
    let user = environment
        .config_home()
        .map(|home| home.join("podlane/podlane.toml"));
    let usual = [Some(system.to_path_buf()), user];
    usual
        .into_iter()
        .flatten()
        .filter(|file| !matches!(file.try_exists(), Ok(false)))
        .collect()
}

/// Variables that look like ours and are not. They are no errors: Kubernetes and Docker's links set
/// such names (`PODLANE_SERVICE_HOST`) by themselves.
fn misspelt_variables(environment: &Environment) -> Vec<String> {
    let known = || SETTINGS.iter().map(|setting| setting.variable);
    let mut warnings = Vec::new();
    for name in environment.names() {
        let Some(rest) = name.strip_prefix("PODLANE_") else {
            continue;
        };
        if name == FILE_VARIABLE || known().any(|variable| variable == name) {
            continue;
        }
        let unprefixed = known().find(|variable| *variable == rest);
        let like = |variable: &&str| strsim::osa_distance(name, variable) <= 2;
        if let Some(variable) = unprefixed.or_else(|| known().find(like)) {
            warnings.push(format!(
                "the environment variable {name} has no effect; the one that has is {variable}"
            ));
        }
    }
    warnings
}
