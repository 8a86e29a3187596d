//! A container's main process, joined by somebody who did not start it.

use crate::Process;

/// What is seen of a container's main process from some moment on.
#[derive(Debug)]
pub struct Attachment {
    /// The main process. Dropping or terminating it only leaves it.
    pub process: Box<dyn Process>,
    /// Whether it has a terminal; then all output is [`crate::Source::Stdout`].
    pub terminal: bool,
}
