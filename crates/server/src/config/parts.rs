//! The configuration as its parts need it.

use super::{Config, Pull, Record};
use crate::{Rate, Settings};
use podlane_service::{KeyRules, Limits, PullPolicy, RecordingRules, WebhookRules};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

impl Config {
    /// What the HTTP side needs to know.
    pub fn settings(&self) -> Settings {
        Settings {
            listen: vec![self.listen],
            allowed_hosts: self.allowed_hosts.clone(),
            cors_origins: self.cors_origins.clone(),
            body_bytes: self.limits.body_bytes,
            header_bytes: self.limits.header_bytes,
            header_timeout: self.limits.header_timeout,
            body_timeout: self.limits.body_timeout,
            connections: self.limits.connections.get(),
            rate: self.rate(),
            terminal_idle: self.limits.terminal_idle,
            request_timeout: self.request_timeout,
            shutdown_grace: self.shutdown_grace,
        }
    }

    fn rate(&self) -> Option<Rate> {
        let number = |number: usize| u32::try_from(number).ok().and_then(NonZeroU32::new);
        Some(Rate {
            per_second: number(self.limits.rate)?,
            burst: number(self.limits.burst.get())?,
        })
    }

    /// The bounds that operations keep; what outlives them is kept below `state_dir`, or not at all.
    pub fn service_limits(&self, state_dir: Option<PathBuf>) -> Limits {
        Limits {
            workers: self.max_workers,
            queue: self.max_queue,
            request_timeout: self.request_timeout,
            kill_grace: self.kill_grace,
            output_bytes: self.limits.output_bytes,
            log_bytes: self.limits.log_bytes,
            file_bytes: self.limits.file_bytes,
            upload_bytes: self.limits.upload_bytes,
            archive_entries: self.limits.archive_entries,
            streams: self.limits.streams,
            execs: self.limits.execs,
            exec_log_bytes: self.limits.exec_log_bytes,
            exec_retention: self.exec_retention,
            idempotency: KeyRules {
                retention: self.idempotency_retention,
                keys: self.limits.idempotency_keys,
                bytes: self.limits.idempotency_bytes,
            },
            terminals: self.limits.terminals,
            recordings: self.recording_rules(state_dir.as_deref()),
            state_dir,
            secret_key_file: self.secret_key_file.clone(),
            auth: self.auth,
            audit: self.audit,
            policy: self.policy.clone(),
            webhooks: WebhookRules {
                allow: self.webhooks.allow.clone(),
                retries: self.webhooks.retries.iter().map(|pause| pause.0).collect(),
                most: self.limits.webhooks.get(),
            },
            pull: match self.pull {
                Pull::Never => PullPolicy::Never,
                Pull::Missing => PullPolicy::Missing,
                Pull::Always => PullPolicy::Always,
            },
        }
    }

    /// Whether what is to be recorded can be kept. With `look` no directory is made. Blocks.
    pub fn check_recordings(
        &self,
        state_dir: Option<&Path>,
        look: bool,
    ) -> Result<(), podlane_service::Error> {
        match self.recording_rules(state_dir) {
            Some(rules) => rules.check(look),
            None if self.recordings == Record::Off => Ok(()),
            None => Err(podlane_service::Error::Unkept {
                message: "recordings can't be kept: there is neither recordings_dir nor state_dir",
                reason: "neither HOME nor XDG_STATE_HOME is set".into(),
            }),
        }
    }

    fn recording_rules(&self, state_dir: Option<&Path>) -> Option<RecordingRules> {
        let usual = || state_dir.map(|directory| directory.join("recordings"));
        let directory = self.recordings_dir.clone().or_else(usual)?;
        (self.recordings != Record::Off).then(|| RecordingRules {
            directory,
            all: self.recordings == Record::All,
            input: self.recordings_input,
            bytes: self.limits.recording_bytes,
            count: self.limits.recordings.get(),
            total: self.limits.recordings_bytes as u64,
        })
    }
}
