//! What the service prints, line by line into our log.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longer lines are cut, so that no output can fill the memory.
const LINE_MAX: usize = 4096;

/// The last line that looked like an error: most likely why the service ended.
#[derive(Debug, Clone, Default)]
pub(super) struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    /// The line, if there was one.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, line: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.to_owned());
    }
}

/// Logs every line until the other side is closed.
pub(super) async fn log(mut pipe: impl AsyncRead + Unpin, last_error: LastError) {
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        for &byte in &buffer[..length] {
            if byte == b'\n' {
                log_line(&line, &last_error);
                line.clear();
            } else if line.len() < LINE_MAX {
                line.push(byte);
            }
        }
    }
    log_line(&line, &last_error);
}

fn log_line(line: &[u8], last_error: &LastError) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    match weight(text) {
        Weight::Error => {
            last_error.set(text);
            tracing::warn!(line = text, "podman");
        }
        Weight::Warning => tracing::warn!(line = text, "podman"),
        Weight::Other => tracing::debug!(line = text, "podman"),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Weight {
    Error,
    Warning,
    Other,
}

/// Podman writes logrus lines (`time=... level=error msg=...`), and `Error: ...` when it gives up.
fn weight(line: &str) -> Weight {
    // What removing a path looks like to Podman: see `requests::remove_path`.
    if line.contains("/.podlane-") && line.contains(": link ") && line.contains("no such file") {
        return Weight::Other;
    }
    let level = |name: &str| line.contains(&format!("level={name}"));
    let gave_up = line.starts_with("Error:") || line.starts_with("podlane:");
    if gave_up || level("error") || level("fatal") || level("panic") {
        Weight::Error
    } else if level("warning") {
        Weight::Warning
    } else {
        Weight::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_path_is_no_error() {
        let line = r#"time="2026-11-23T17:01:10Z" level=error msg="copier: put: error creating \"/etc/.podlane-4da9\": link /etc/.podlane-4da9 /etc/.podlane-4da9: no such file or directory""#;
        assert_eq!(weight(line), Weight::Other);
        let other = line.replace("no such file or directory", "input/output error");
        assert_eq!(weight(&other), Weight::Error);
    }

    #[tokio::test]
    async fn the_last_error_is_kept_and_endless_lines_are_cut() {
        let last = LastError::default();
        let text = format!(
            "time=\"t\" level=info msg=\"x\"\n{}\nError: unable to create socket\nbye",
            "y".repeat(100_000)
        );
        log(text.as_bytes(), last.clone()).await;
        assert_eq!(
            last.take().as_deref(),
            Some("Error: unable to create socket")
        );
        assert_eq!(last.take(), None);
    }

    #[test]
    fn podmans_levels_are_told_apart() {
        assert_eq!(
            weight("time=\"t\" level=warning msg=\"cgroups v1\""),
            Weight::Warning
        );
        assert_eq!(weight("time=\"t\" level=fatal msg=\"x\""), Weight::Error);
        assert_eq!(weight("time=\"t\" level=debug msg=\"x\""), Weight::Other);
    }
}
