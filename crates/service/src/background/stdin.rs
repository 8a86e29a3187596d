//! Writes to a background command's standard input, one writer after the other.

use super::entry::{Entry, Stdin};
use crate::{Call, Error, Result};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout_at;

/// The only writer for as long as it lives.
pub struct StdinWriter {
    stdin: OwnedMutexGuard<Stdin>,
    call: Call,
    written: u64,
}

impl std::fmt::Debug for StdinWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StdinWriter")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl StdinWriter {
    pub(super) async fn open(call: &Call, entry: &Entry) -> Result<Self> {
        let waiting = Arc::clone(&entry.stdin).lock_owned();
        let stdin = timeout_at(call.deadline, waiting).await;
        let stdin = stdin.map_err(|_elapsed| Error::Conflict {
            message: "somebody else is writing to the command's standard input".into(),
        })?;
        if let Err(reason) = &*stdin {
            return Err(closed(reason));
        }
        Ok(Self {
            stdin,
            call: call.clone(),
            written: 0,
        })
    }

    /// How many bytes have been taken.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes all of `bytes`, as fast as the command reads, until the call's deadline.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let sink = self.stdin.as_mut().map_err(|reason| closed(reason))?;
            match timeout_at(self.call.deadline, sink.write(bytes)).await {
                Ok(Ok(taken)) if taken > 0 => {
                    self.written += taken as u64;
                    bytes = &bytes[taken..];
                }
                Ok(_) => {
                    *self.stdin = Err("the command does not read its standard input any more");
                }
                Err(_elapsed) => {
                    return Err(Error::ExecTimeout {
                        message: format!(
                            "the command did not read all of its standard input within {} seconds; {} bytes were taken",
                            self.call.limit.as_secs_f64(),
                            self.written
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// Passes on what has been written.
    pub async fn flush(&mut self) {
        if let Ok(sink) = &mut *self.stdin {
            // A command that has closed its input says so at the next write.
            let _ = timeout_at(self.call.deadline, sink.flush()).await;
        }
    }

    /// Ends standard input.
    pub async fn close(mut self) {
        let closed = std::mem::replace(&mut *self.stdin, Err("standard input is closed"));
        if let Ok(mut sink) = closed {
            let _ = timeout_at(self.call.deadline, sink.shutdown()).await;
        }
    }
}

fn closed(reason: &str) -> Error {
    Error::Conflict {
        message: reason.to_owned(),
    }
}
