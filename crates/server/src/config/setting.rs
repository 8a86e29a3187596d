//! Which settings there are and where each can be set. Their meaning is in `config/default.toml`.

/// A setting's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its key in a file; a dot separates table and key.
    pub key: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag, without the dashes.
    pub flag: Option<&'static str>,
}

const fn setting(key: &'static str, variable: &'static str, flag: &'static str) -> Setting {
    Setting {
        key,
        variable,
        flag: Some(flag),
    }
}

const fn limit(key: &'static str, variable: &'static str) -> Setting {
    Setting {
        key,
        variable,
        flag: None,
    }
}

/// Every setting, in the order of `config/default.toml`.
pub const SETTINGS: [Setting; 57] = [
    setting("listen", "PODLANE_LISTEN", "listen"),
    setting("socket", "PODLANE_SOCKET", "socket"),
    setting("socket_mode", "PODLANE_SOCKET_MODE", "socket-mode"),
    setting("socket_group", "PODLANE_SOCKET_GROUP", "socket-group"),
    setting("tls_cert", "PODLANE_TLS_CERT", "tls-cert"),
    setting("tls_key", "PODLANE_TLS_KEY", "tls-key"),
    setting("tls_client_ca", "PODLANE_TLS_CLIENT_CA", "tls-client-ca"),
    setting(
        "insecure_no_auth",
        "PODLANE_INSECURE_NO_AUTH",
        "insecure-no-auth",
    ),
    setting("auth", "PODLANE_AUTH", "auth"),
    setting("audit", "PODLANE_AUDIT", "audit"),
    setting("policy", "PODLANE_POLICY", "policy"),
    setting("engine", "PODLANE_ENGINE", "engine"),
    setting("start_engine", "PODLANE_START_ENGINE", "start-engine"),
    setting("exec_agent", "PODLANE_EXEC_AGENT", "exec-agent"),
    setting("podman", "PODLANE_PODMAN", "podman"),
    setting("max_workers", "MAX_WORKERS", "max-workers"),
    setting("max_queue", "PODLANE_MAX_QUEUE", "max-queue"),
    setting("request_timeout", "REQUEST_TIMEOUT", "request-timeout"),
    setting("debug", "DEBUG", "debug"),
    setting("kill_grace", "PODLANE_KILL_GRACE", "kill-grace"),
    setting("pull", "PODLANE_PULL", "pull"),
    setting("log_format", "PODLANE_LOG_FORMAT", "log-format"),
    setting("allowed_hosts", "PODLANE_ALLOWED_HOSTS", "allowed-hosts"),
    setting("cors_origins", "PODLANE_CORS_ORIGINS", "cors-origins"),
    setting("recordings", "PODLANE_RECORDINGS", "recordings"),
    setting(
        "recordings_input",
        "PODLANE_RECORDINGS_INPUT",
        "recordings-input",
    ),
    setting("recordings_dir", "PODLANE_RECORDINGS_DIR", "recordings-dir"),
    setting("shutdown_grace", "PODLANE_SHUTDOWN_GRACE", "shutdown-grace"),
    setting("state_dir", "PODLANE_STATE_DIR", "state-dir"),
    setting(
        "secret_key_file",
        "PODLANE_SECRET_KEY_FILE",
        "secret-key-file",
    ),
    setting("exec_retention", "PODLANE_EXEC_RETENTION", "exec-retention"),
    setting(
        "idempotency_retention",
        "PODLANE_IDEMPOTENCY_RETENTION",
        "idempotency-retention",
    ),
    limit("webhooks.allow", "PODLANE_WEBHOOKS_ALLOW"),
    limit("webhooks.retries", "PODLANE_WEBHOOKS_RETRIES"),
    limit("limits.body_bytes", "PODLANE_LIMITS_BODY_BYTES"),
    limit("limits.header_bytes", "PODLANE_LIMITS_HEADER_BYTES"),
    limit("limits.header_timeout", "PODLANE_LIMITS_HEADER_TIMEOUT"),
    limit("limits.body_timeout", "PODLANE_LIMITS_BODY_TIMEOUT"),
    limit("limits.connections", "PODLANE_LIMITS_CONNECTIONS"),
    limit("limits.rate", "PODLANE_LIMITS_RATE"),
    limit("limits.burst", "PODLANE_LIMITS_BURST"),
    limit("limits.output_bytes", "PODLANE_LIMITS_OUTPUT_BYTES"),
    limit("limits.log_bytes", "PODLANE_LIMITS_LOG_BYTES"),
    limit("limits.file_bytes", "PODLANE_LIMITS_FILE_BYTES"),
    limit("limits.upload_bytes", "PODLANE_LIMITS_UPLOAD_BYTES"),
    limit("limits.archive_entries", "PODLANE_LIMITS_ARCHIVE_ENTRIES"),
    limit("limits.streams", "PODLANE_LIMITS_STREAMS"),
    limit("limits.execs", "PODLANE_LIMITS_EXECS"),
    limit("limits.exec_log_bytes", "PODLANE_LIMITS_EXEC_LOG_BYTES"),
    limit("limits.terminals", "PODLANE_LIMITS_TERMINALS"),
    limit("limits.terminal_idle", "PODLANE_LIMITS_TERMINAL_IDLE"),
    limit("limits.webhooks", "PODLANE_LIMITS_WEBHOOKS"),
    limit("limits.recording_bytes", "PODLANE_LIMITS_RECORDING_BYTES"),
    limit("limits.recordings", "PODLANE_LIMITS_RECORDINGS"),
    limit("limits.recordings_bytes", "PODLANE_LIMITS_RECORDINGS_BYTES"),
    limit("limits.idempotency_keys", "PODLANE_LIMITS_IDEMPOTENCY_KEYS"),
    limit(
        "limits.idempotency_bytes",
        "PODLANE_LIMITS_IDEMPOTENCY_BYTES",
    ),
];

/// The environment variable that names the configuration file.
pub const FILE_VARIABLE: &str = "PODLANE_CONFIG";

/// The setting of that key.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The one of `names` that a mistyped name was most likely meant to be.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    names
        .map(|candidate| {
            let whole = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
            let end = strsim::jaro_winkler(&last(name), &last(candidate));
            (whole.max(end), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
