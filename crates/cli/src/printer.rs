//! Where a command's output goes. Commands print here and nowhere else.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes lines of output.
pub(crate) struct Printer {
    out: Box<dyn Write>,
}

impl Printer {
    /// A printer to standard output.
    pub(crate) fn stdout() -> Self {
        Self {
            out: Box::new(io::stdout().lock()),
        }
    }

    /// Writes one line.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes text that brings its own line ends.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }
}
