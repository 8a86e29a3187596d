//! A part of an output as one document.

use super::convert;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podlane_api::{ExecOutputPart, OutputEncoding};
use podlane_engine::{Chunk, Source};
use podlane_service::{Error, OutputReader, Step, Texts};

/// Collects an output, up to a bound.
struct Part {
    encoding: OutputEncoding,
    texts: Texts,
    both: Vec<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many bytes of output may still come.
    room: usize,
    next: u64,
    lost: u64,
}

/// What a reader finds, at most `limit` bytes of output.
pub(super) async fn part(
    mut reader: OutputReader,
    encoding: OutputEncoding,
    limit: usize,
) -> Result<ExecOutputPart, Error> {
    let from = reader.at();
    let mut part = Part {
        encoding,
        texts: reader.take_texts(),
        both: Vec::new(),
        stdout: Vec::new(),
        stderr: Vec::new(),
        room: limit,
        next: from,
        lost: 0,
    };
    let more = loop {
        match reader.next().await {
            Ok(Some(Step::Output { chunk, at })) => {
                if !part.take(chunk, at) {
                    break true;
                }
            }
            Ok(Some(Step::Lost { bytes, at, rest_of })) => {
                if rest_of.is_none() {
                    part.texts = Texts::default();
                }
                part.lost += bytes;
                part.next = at;
            }
            Ok(None) => break false,
            Ok(Some(Step::Ended(_))) | Err(Error::Lost { .. }) => {
                part.finish();
                break false;
            }
            Err(error) => return Err(error),
        }
    };
    let write = |bytes: Vec<u8>| match encoding {
        OutputEncoding::Text => String::from_utf8_lossy(&bytes).into_owned(),
        OutputEncoding::Base64 => STANDARD.encode(bytes),
    };
    Ok(ExecOutputPart {
        output: write(part.both),
        stdout: write(part.stdout),
        stderr: write(part.stderr),
        encoding,
        from,
        next: part.next,
        lost_bytes: part.lost,
        more,
        state: convert::state(reader.exec().state()),
    })
}

impl Part {
    /// Takes a piece that ends at `at`; false if there was no room for all of it.
    fn take(&mut self, mut chunk: Chunk, at: u64) -> bool {
        let rest = chunk.data.split_off(chunk.data.len().min(self.room));
        self.room -= chunk.data.len();
        self.next = at - rest.len() as u64;
        match self.encoding {
            OutputEncoding::Text => {
                let text = self.texts.push(chunk.source, &chunk.data);
                self.add(chunk.source, text.as_bytes());
            }
            OutputEncoding::Base64 => self.add(chunk.source, &chunk.data),
        }
        rest.is_empty()
    }

    /// Characters that never became whole.
    fn finish(&mut self) {
        for source in [Source::Stdout, Source::Stderr] {
            let text = self.texts.finish(source);
            self.add(source, text.as_bytes());
        }
    }

    fn add(&mut self, source: Source, bytes: &[u8]) {
        self.both.extend_from_slice(bytes);
        match source {
            Source::Stdout => self.stdout.extend_from_slice(bytes),
            Source::Stderr => self.stderr.extend_from_slice(bytes),
        }
    }
}
