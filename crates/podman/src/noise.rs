//! What Podman and its runtimes write into the output of an exec: complaints that no command was
//! started, and noise about their own sockets. Sifted out, so that output is the command's alone.
//!
//! Both come as frames of standard error that begin with `Error: `. A command may write such words
//! too: so they are held back only while nothing else has come, and given out again unless the exit
//! code is one that the engine itself gives.

use podlane_engine::{Chunk, Source, StartFailure};
use std::collections::VecDeque;

/// No complaint is longer.
const LONGEST: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Sifter {
    /// What was to be started: a complaint that it does not exist names it.
    program: String,
    /// Where complaints come: among the standard output, if that is all that there is.
    source: Source,
    ready: VecDeque<Chunk>,
    held: Vec<Chunk>,
    /// The socket noise is the last that comes: what something follows was the command's own.
    last: Option<Chunk>,
    /// Something that is not a complaint has come: the command runs.
    running: bool,
}

impl Sifter {
    pub(crate) fn new(program: &str, terminal: bool) -> Self {
        Self {
            program: program.to_owned(),
            source: if terminal {
                Source::Stdout
            } else {
                Source::Stderr
            },
            ready: VecDeque::new(),
            held: Vec::new(),
            last: None,
            running: false,
        }
    }

    pub(crate) fn push(&mut self, chunk: Chunk) {
        if let Some(last) = self.last.take() {
            self.sift(last);
        }
        if self.is_socket_noise(&chunk) {
            self.last = Some(chunk);
        } else {
            self.sift(chunk);
        }
    }

    fn sift(&mut self, chunk: Chunk) {
        let held: usize = self.held.iter().map(|chunk| chunk.data.len()).sum();
        if !self.running && self.is_complaint(&chunk) && held < LONGEST {
            self.held.push(chunk);
            return;
        }
        self.running = true;
        self.ready.extend(self.held.drain(..));
        self.ready.push_back(chunk);
    }

    /// Whether the command has been heard.
    pub(crate) fn has_begun(&self) -> bool {
        self.running
    }

    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        self.ready.pop_front()
    }

    /// The process has ended with `code`: says whether it ever began.
    pub(crate) fn finish(&mut self, code: i32) -> Option<StartFailure> {
        let words: Vec<u8> = self
            .held
            .iter()
            .flat_map(|chunk| chunk.data.to_vec())
            .collect();
        let words = String::from_utf8_lossy(&words);
        let failure = (!self.held.is_empty())
            .then(|| judge(code, words.trim(), &self.program))
            .flatten();
        if failure.is_none() {
            self.ready.extend(self.held.drain(..));
        }
        self.held.clear();
        failure
    }

    fn is_complaint(&self, chunk: &Chunk) -> bool {
        let words = &chunk.data[..];
        chunk.source == self.source
            && words.starts_with(b"Error: ")
            && [&b"crun: "[..], b"runc: ", b"OCI "]
                .iter()
                .any(|part| contains(words, part))
    }

    fn is_socket_noise(&self, chunk: &Chunk) -> bool {
        let words = &chunk.data[..];
        chunk.source == self.source
            && (words.starts_with(b"Error: read unixpacket @->")
                || words.starts_with(b"Error: write unixpacket @->"))
            && contains(words, b"/attach: ")
    }
}

/// Whether Podman gives that code to what was never started; 255 is for what it can't place.
pub(crate) fn is_of_no_start(code: i32) -> bool {
    matches!(code, 125..=127 | 255)
}

fn judge(code: i32, words: &str, program: &str) -> Option<StartFailure> {
    let words = words.strip_prefix("Error: ").unwrap_or(words);
    match code {
        code if !is_of_no_start(code) => None,
        _ if words.contains("chdir") => Some(StartFailure::NoDirectory),
        127 => words.contains(program).then_some(StartFailure::NoProgram),
        126 => Some(StartFailure::NotExecutable),
        // runc 1.1 and later: 125 for a directory, where others say 126.
        125 if words.contains("\": is a directory") => Some(StartFailure::NotExecutable),
        255 if words.contains("open executable") => Some(StartFailure::NotExecutable),
        125 | 255 => Some(StartFailure::Other(words.to_owned())),
        _ => None,
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const NOT_FOUND: &str = "Error: crun: executable file `nosuch` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found\n";
    const NOISE: &str =
        "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n";

    fn sift(pieces: &[(Source, &str)], code: i32) -> (String, Option<StartFailure>) {
        let mut sifter = Sifter::new("nosuch", false);
        for (source, data) in pieces {
            sifter.push(Chunk {
                source: *source,
                data: Bytes::copy_from_slice(data.as_bytes()),
            });
        }
        let failure = sifter.finish(code);
        let mut text = String::new();
        while let Some(chunk) = sifter.pop() {
            text.push_str(&String::from_utf8_lossy(&chunk.data));
        }
        (text, failure)
    }

    #[test]
    fn complaints_of_the_engine_are_not_output() {
        use Source::Stderr;
        let not_found = [(Stderr, NOT_FOUND), (Stderr, NOISE)];
        assert_eq!(
            sift(&not_found, 127),
            (String::new(), Some(StartFailure::NoProgram))
        );
        let chdir = [(
            Stderr,
            "Error: crun: chdir `/x`: No such file or directory: OCI runtime attempted to invoke a command that was not found\n",
        )];
        assert_eq!(
            sift(&chdir, 127),
            (String::new(), Some(StartFailure::NoDirectory))
        );
        let denied = [(
            Stderr,
            "Error: runc: exec failed: unable to start container process: exec: \"/tmp\": permission denied: OCI permission denied\n",
        )];
        assert_eq!(
            sift(&denied, 126),
            (String::new(), Some(StartFailure::NotExecutable))
        );
    }

    #[test]
    fn on_a_terminal_they_come_among_the_output() {
        let mut sifter = Sifter::new("nosuch", true);
        sifter.push(Chunk {
            source: Source::Stdout,
            data: Bytes::from_static(NOT_FOUND.as_bytes()),
        });
        assert_eq!(sifter.finish(127), Some(StartFailure::NoProgram));
        assert_eq!(sifter.pop(), None);
    }

    #[test]
    fn output_of_commands_is_kept() {
        use Source::{Stderr, Stdout};
        assert_eq!(sift(&[(Stdout, NOT_FOUND)], 127), (NOT_FOUND.into(), None));
        assert_eq!(sift(&[(Stderr, NOT_FOUND)], 1), (NOT_FOUND.into(), None));
        let later = [(Stdout, "a\n"), (Stderr, NOT_FOUND)];
        assert_eq!(sift(&later, 127), (format!("a\n{NOT_FOUND}"), None));
        let others = NOT_FOUND.replace("nosuch", "other");
        assert_eq!(sift(&[(Stderr, &others)], 127), (others.clone(), None));
        let noise_first = [(Stderr, NOISE), (Stdout, "a\n")];
        assert_eq!(sift(&noise_first, 0), (format!("{NOISE}a\n"), None));
        assert_eq!(
            sift(&[(Stderr, "Error: no\n")], 127),
            ("Error: no\n".into(), None)
        );
    }
}
