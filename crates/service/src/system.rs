//! What the server stands on: the engine, what it can, and whether all is well.

use crate::{Call, Error, Result, Scope, Service};
use podlane_engine::{Capability, EngineInfo, EngineVersion, Error as EngineError};
use rustix::fs::{Access, access};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long the look at a directory may take: a disk may hang.
const LOOK: Duration = Duration::from_secs(2);
/// How long the engine's disk is waited for.
const PROMPT: Duration = Duration::from_millis(50);
/// The part of the engine's disk that should be left, one in so many.
const ROOM: u64 = 20;

/// Whether all is well, and if not, what is the matter.
#[derive(Debug)]
pub struct Examination {
    /// The engine, or why it does not answer.
    pub engine: Result<EngineVersion>,
    /// Why it does not, in plain words that tell no path; for everybody.
    pub reason: Option<String>,
    /// What was looked at; empty for who may not see that.
    pub checks: Vec<Check>,
}

/// One of the things that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// How it is, for people.
    pub detail: String,
}

impl Service {
    /// What the engine says of itself and of its host.
    pub async fn engine_info(&self, call: &Call) -> Result<EngineInfo> {
        call.may(Scope::SystemRead)?;
        Ok(self.0.engine.info(call).await?)
    }

    /// What can and what can't be done here.
    pub async fn capabilities(&self, call: &Call) -> Result<Vec<Capability>> {
        call.may(Scope::SystemRead)?;
        Ok(self.0.engine.capabilities(call).await?)
    }

    /// Looks whether all is well. Waits for no worker, so that a busy server is still healthy, and asks for no
    /// permission: probes have none. Details are for who may read about the whole server.
    pub async fn examine(&self, call: &Call, details: bool) -> Examination {
        let engine = self.0.engine.version(call).await;
        let details =
            details && call.may(Scope::SystemRead).is_ok() && call.sees_all("the server").is_ok();
        let trouble = engine.as_ref().err().and_then(|_| self.0.engine.trouble());
        let mut checks = Vec::new();
        if details {
            checks.push(Check {
                name: "engine",
                ok: engine.is_ok(),
                detail: match (&engine, &trouble) {
                    (Ok(engine), _) => format!("{} {} answers", engine.name, engine.version),
                    (Err(_), Some(trouble)) => trouble.clone(),
                    (Err(error), None) => error.to_string(),
                },
            });
            checks.push(self.look_at_events());
            checks.push(self.look_at_queue());
            checks.extend(look_at_state(self.0.limits.state_dir.clone()).await);
            if engine.is_ok() {
                checks.extend(self.look_at_disk(call).await);
            }
        }
        Examination {
            reason: engine
                .as_ref()
                .err()
                .map(|error| plainly(error, trouble.is_some())),
            engine: engine.map_err(Error::from),
            checks,
        }
    }

    /// While the engine answers and tells nothing, much stands still that looks well.
    fn look_at_events(&self) -> Check {
        let hearing = &self.0.hearing;
        let loss = hearing.loss();
        let detail = match &loss {
            Some(loss) => format!(
                "the engine has not told what happens since {}: {}; events and webhooks stand still, lists are asked of the engine",
                seconds(loss.since),
                loss.why
            ),
            None if hearing.is_open() => "the engine tells what happens".into(),
            None => "the engine is not asked what happens now".into(),
        };
        Check {
            name: "events",
            ok: loss.is_none(),
            detail,
        }
    }

    fn look_at_queue(&self) -> Check {
        let load = self.0.gate.load();
        Check {
            name: "queue",
            ok: load.queued < load.queue || load.busy < load.workers,
            detail: format!(
                "{} of {} workers are busy, {} of at most {} requests wait",
                load.busy, load.workers, load.queued, load.queue
            ),
        }
    }

    /// What the engine says of its host can take longer than a probe waits. What comes late is known the next
    /// time.
    async fn look_at_disk(&self, call: &Call) -> Option<Check> {
        let (service, call) = (self.clone(), call.clone());
        let look = self
            .0
            .tasks
            .spawn(async move { service.0.engine.info(&call).await });
        let info = tokio::time::timeout(PROMPT, look).await.ok()?.ok()?;
        let disk = info.ok()?.disk?;
        let left = disk.total.saturating_sub(disk.used);
        Some(Check {
            name: "engine_disk",
            ok: left >= disk.total / ROOM,
            detail: format!(
                "{} of {} MiB are left for images and containers",
                left >> 20,
                disk.total >> 20
            ),
        })
    }
}

/// Whether what is kept can be written. A directory that is not there is made when it is needed.
async fn look_at_state(directory: Option<PathBuf>) -> Option<Check> {
    let directory = directory?;
    let shown = directory.display().to_string();
    let look = tokio::task::spawn_blocking(move || match std::fs::metadata(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok("is not there yet"),
        Err(error) => Err(error.to_string()),
        Ok(there) if !there.is_dir() => Err("it is no directory".into()),
        Ok(_) => match access(&directory, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Ok("can be written"),
            Err(error) => Err(error.to_string()),
        },
    });
    let looked = match tokio::time::timeout(LOOK, look).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_elapsed) => Err("its disk does not answer".into()),
    };
    Some(Check {
        name: "state_dir",
        ok: looked.is_ok(),
        detail: match looked {
            Ok(how) => format!("{shown} {how}"),
            Err(why) => format!("{shown} can't be written: {why}"),
        },
    })
}

/// A time to the second.
fn seconds(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time).replace_nanosecond(0);
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_default()
}

/// Why an engine does not answer, in words that give nothing away.
fn plainly(error: &EngineError, own: bool) -> String {
    if own {
        return "the Podman service that Podlane runs has ended and is started again".into();
    }
    match error {
        EngineError::Unavailable { .. } => "nothing answers at Podman's socket".into(),
        EngineError::Timeout { limit, .. } => {
            format!(
                "Podman has not answered within {} seconds",
                limit.as_secs_f64()
            )
        }
        EngineError::Garbled { .. } => "what answers at Podman's socket makes no sense".into(),
        _ => "Podman refuses to answer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_state_directory_is_there_or_can_be_or_is_the_matter() {
        let place = tempfile::tempdir().expect("a directory");
        let look = async |path: PathBuf| look_at_state(Some(path)).await.expect("a check");
        assert!(look(place.path().into()).await.ok);
        let later = look(place.path().join("later")).await;
        assert!(
            later.ok && later.detail.ends_with("is not there yet"),
            "{later:?}"
        );
        assert_eq!(std::fs::read_dir(place.path()).expect("it").count(), 0);
        let file = place.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let wrong = look(file).await;
        assert!(
            !wrong.ok && wrong.detail.contains("can't be written"),
            "{wrong:?}"
        );
        assert_eq!(look_at_state(None).await, None);
    }

    #[test]
    fn reasons_tell_no_path() {
        let reason = || "no Podman service answers at /run/secret.sock".to_owned();
        for error in [
            EngineError::Unavailable {
                step: String::new(),
                reason: reason(),
            },
            EngineError::Garbled {
                step: String::new(),
                reason: reason(),
            },
            EngineError::Failed {
                step: String::new(),
                message: reason(),
            },
        ] {
            for own in [true, false] {
                assert!(!plainly(&error, own).contains('/'), "{error}");
            }
        }
    }
}
