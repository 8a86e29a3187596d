//! The command line: verbs, flags and their help.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, where backticks would be printed"
)]

mod audit;
mod token;

pub(crate) use audit::AuditVerb;
pub(crate) use token::{NewTokenFlags, TokenVerb};

use clap::{Args, Parser, Subcommand};
use podlane_server::config::Flags;
use std::path::PathBuf;

/// An HTTP API for the containers of this machine's Podman.
///
/// `podlane serve` starts it. If something is missing, `podlane doctor` says what to type.
#[derive(Debug, Parser)]
#[command(name = "podlane", version, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done, 1 failed, 2 wrong usage or configuration.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve the API until SIGINT (Ctrl-C) or SIGTERM.
    ///
    /// Uses the Podman service that is running, or starts one of its own if there is none. Containers
    /// keep running when this ends.
    #[command(after_help = SOURCES)]
    Serve(ConfigFlags),
    /// Say whether containers can be started on this machine, what is missing, and what to type.
    ///
    /// Changes nothing. Takes the flags of `serve`, to look where `serve` would look. Exit status 1
    /// means that containers can't be started.
    Doctor(ConfigFlags),
    /// Print every setting in force and where it comes from.
    ///
    /// The output is a valid configuration file. Takes the flags of `serve`.
    #[command(after_help = SOURCES)]
    Config(ConfigOptions),
    /// Make, list, revoke and renew the tokens that requests are made with.
    ///
    /// Works on the server's database, whether it runs or not. As soon as there is a token every request
    /// needs one (setting auth).
    #[command(subcommand)]
    Token(TokenVerb),
    /// Read the audit, or look whether it is whole.
    ///
    /// Works on the server's files, whether it runs or not.
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Print the API's OpenAPI 3.1 document.
    Openapi,
    /// Become the engine's service, and end with the process that asked for it.
    #[command(hide = true)]
    RunEngine(Launch),
}

const SOURCES: &str = "\
Every setting can also be given in a configuration file or in the environment; flags win over the \
environment, and the environment over files. `podlane config --default` explains them all.";

#[derive(Debug, Args)]
pub(crate) struct ConfigOptions {
    /// Print the default configuration file instead, which explains each setting
    #[arg(long, exclusive = true)]
    pub(crate) default: bool,
    #[command(flatten)]
    pub(crate) flags: ConfigFlags,
}

/// The settings that have a flag. Their values are checked where files and variables are checked too.
#[derive(Debug, Args)]
pub(crate) struct ConfigFlags {
    /// Read this configuration file instead of /etc/podlane/podlane.toml and
    /// ~/.config/podlane/podlane.toml [env: PODLANE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen on this address and port [default: 127.0.0.1:5000] [env: PODLANE_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Listen on this Unix socket too [env: PODLANE_SOCKET]
    #[arg(long, value_name = "PATH")]
    socket: Option<String>,
    /// Who may connect to it, in octal digits [default: 0660] [env: PODLANE_SOCKET_MODE]
    #[arg(long, value_name = "MODE")]
    socket_mode: Option<String>,
    /// Its group, by name or number [default: the server's own] [env: PODLANE_SOCKET_GROUP]
    #[arg(long, value_name = "GROUP")]
    socket_group: Option<String>,
    /// Speak TLS with this certificate, a PEM file [env: PODLANE_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key, a PEM file [env: PODLANE_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Clients must show a certificate of these authorities, a PEM file [env: PODLANE_TLS_CLIENT_CA]
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// Listen where other machines can connect, although nobody may have to prove who they are: whoever
    /// connects controls the containers [env: PODLANE_INSECURE_NO_AUTH]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_no_auth: Option<String>,
    /// Whether requests need a token: auto (once there is one), on, off [default: auto] [env: PODLANE_AUTH]
    #[arg(long, value_name = "WHEN")]
    auth: Option<String>,
    /// Write down who changes what, and do nothing that can't be [env: PODLANE_AUDIT]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    audit: Option<String>,
    /// Let only that be created which this file allows [default: anything] [env: PODLANE_POLICY]
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// Use the Podman service at this address, unix:///path/of.sock [default: the first that answers]
    /// [env: PODLANE_ENGINE]
    #[arg(long, value_name = "ADDRESS")]
    engine: Option<String>,
    /// Whether to start a Podman service if none answers [default: true] [env: PODLANE_START_ENGINE]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    start_engine: Option<String>,
    /// Whether an agent in the container may run its commands [default: true] [env: PODLANE_EXEC_AGENT]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    exec_agent: Option<String>,
    /// The podman command that starts agents; empty for none [default: podman] [env: PODLANE_PODMAN]
    #[arg(long, value_name = "PROGRAM")]
    podman: Option<String>,
    /// Calls under way in the engine at once, 1 to 1024 [default: 10] [env: MAX_WORKERS]
    #[arg(long, value_name = "NUMBER")]
    max_workers: Option<String>,
    /// Requests that may wait for a worker [default: 1000] [env: PODLANE_MAX_QUEUE]
    #[arg(long, value_name = "NUMBER")]
    max_queue: Option<String>,
    /// Answer 408 and stop the work after this many seconds [default: 30] [env: REQUEST_TIMEOUT]
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<String>,
    /// Log every call to the engine [env: DEBUG]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    debug: Option<String>,
    /// Seconds between asking a command to end and killing it [default: 0.5] [env: PODLANE_KILL_GRACE]
    #[arg(long, value_name = "SECONDS")]
    kill_grace: Option<String>,
    /// Whether creating a container fetches its image: never, missing, always [default: never]
    /// [env: PODLANE_PULL]
    #[arg(long, value_name = "WHEN")]
    pull: Option<String>,
    /// The form of log lines: auto, text, json [default: auto] [env: PODLANE_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Names under which this server may be addressed, beside its own; comma separated
    /// [env: PODLANE_ALLOWED_HOSTS]
    #[arg(long, value_name = "HOSTS")]
    allowed_hosts: Option<String>,
    /// Origins of web pages that may call this server; comma separated [env: PODLANE_CORS_ORIGINS]
    #[arg(long, value_name = "ORIGINS")]
    cors_origins: Option<String>,
    /// Which commands are recorded: off, terminals, all [default: off] [env: PODLANE_RECORDINGS]
    #[arg(long, value_name = "WHICH")]
    recordings: Option<String>,
    /// Record what is typed too, passwords included [default: false] [env: PODLANE_RECORDINGS_INPUT]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    recordings_input: Option<String>,
    /// Keep recordings in this directory [default: recordings in the state directory]
    /// [env: PODLANE_RECORDINGS_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    recordings_dir: Option<String>,
    /// Seconds that requests get to finish at the end [default: 10] [env: PODLANE_SHUTDOWN_GRACE]
    #[arg(long, value_name = "SECONDS")]
    shutdown_grace: Option<String>,
    /// Keep tokens, background commands and their output in this directory [default: $XDG_STATE_HOME/podlane,
    /// /var/lib/podlane or ~/.local/state/podlane] [env: PODLANE_STATE_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    state_dir: Option<String>,
    /// Encrypt secrets that are kept with the key in this file [default: secret.key in the state directory]
    /// [env: PODLANE_SECRET_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<String>,
    /// Seconds for which ended background commands are kept [default: 3600]
    /// [env: PODLANE_EXEC_RETENTION]
    #[arg(long, value_name = "SECONDS")]
    exec_retention: Option<String>,
    /// Seconds for which the answers to requests with an Idempotency-Key are kept [default: 86400]
    /// [env: PODLANE_IDEMPOTENCY_RETENTION]
    #[arg(long, value_name = "SECONDS")]
    idempotency_retention: Option<String>,
}

impl From<ConfigFlags> for Flags {
    fn from(given: ConfigFlags) -> Self {
        let values = [
            ("listen", given.listen),
            ("socket", given.socket),
            ("socket-mode", given.socket_mode),
            ("socket-group", given.socket_group),
            ("tls-cert", given.tls_cert),
            ("tls-key", given.tls_key),
            ("tls-client-ca", given.tls_client_ca),
            ("insecure-no-auth", given.insecure_no_auth),
            ("auth", given.auth),
            ("audit", given.audit),
            ("policy", given.policy),
            ("engine", given.engine),
            ("start-engine", given.start_engine),
            ("exec-agent", given.exec_agent),
            ("podman", given.podman),
            ("max-workers", given.max_workers),
            ("max-queue", given.max_queue),
            ("request-timeout", given.request_timeout),
            ("debug", given.debug),
            ("kill-grace", given.kill_grace),
            ("pull", given.pull),
            ("log-format", given.log_format),
            ("allowed-hosts", given.allowed_hosts),
            ("cors-origins", given.cors_origins),
            ("recordings", given.recordings),
            ("recordings-input", given.recordings_input),
            ("recordings-dir", given.recordings_dir),
            ("shutdown-grace", given.shutdown_grace),
            ("state-dir", given.state_dir),
            ("secret-key-file", given.secret_key_file),
            ("exec-retention", given.exec_retention),
            ("idempotency-retention", given.idempotency_retention),
        ];
        let mut flags = Self::default();
        if let Some(file) = given.config {
            flags.set_file(file);
        }
        for (flag, value) in values {
            if let Some(value) = value {
                flags.set(flag, value);
            }
        }
        flags
    }
}

#[derive(Debug, Args)]
pub(crate) struct Launch {
    /// The process to end with
    #[arg(long)]
    pub(crate) parent: i32,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use podlane_server::config::{Config, Environment, Origin, SETTINGS};

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_setting_with_a_flag_can_be_set_by_it_and_its_help_names_the_variable() {
        let mut command = Arguments::command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let defaults = Config::load(&Environment::default(), &Flags::default()).unwrap();
        for (setting, row) in SETTINGS.iter().zip(defaults.table()) {
            let Some(flag) = setting.flag else { continue };
            assert!(
                help.contains(&format!("[env: {}]", setting.variable)),
                "{flag}"
            );
            let value = row.value.trim_matches(['"', '[', ']']);
            let given = ["podlane", "serve", &format!("--{flag}={value}")];
            let Verb::Serve(flags) = Arguments::try_parse_from(given).unwrap().verb else {
                panic!("serve is another verb now");
            };
            let config = Config::load(&Environment::default(), &flags.into()).unwrap();
            let row = config.table().iter().find(|row| row.key == setting.key);
            assert_eq!(row.unwrap().origin, Origin::Flag(flag));
        }
    }

    #[test]
    fn a_switch_needs_no_value_and_takes_none_from_the_next_word() {
        let given = [
            "podlane",
            "serve",
            "--insecure-no-auth",
            "--listen",
            "0.0.0.0:1",
        ];
        let Verb::Serve(flags) = Arguments::try_parse_from(given).unwrap().verb else {
            panic!("serve is another verb now");
        };
        let config = Config::load(&Environment::default(), &flags.into()).unwrap();
        assert!(config.insecure_no_auth);
    }
}
