//! Where a reader is in a ring, and what lies there: read with blocking calls.

use super::ring::{self, Extent, read_entry};
use crate::stream::Step;
use crate::text::Texts;
use bytes::Bytes;
use podlane_engine::{Chunk, Source};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::Path;

/// How much is read from disk at once.
const BATCH: usize = 256 * 1024;

/// Where a reader is.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// All output before this has been read, or is lost.
    pub(super) at: u64,
    pub(super) file: Option<(u64, BufReader<File>)>,
    /// How far into that file.
    pub(super) offset: u64,
    /// How many bytes of each output may belong to a character whose beginning is lost.
    pub(super) cut: [usize; 2],
}

/// A character has at most so many bytes after its first.
const CONTINUED: usize = 3;

impl Cursor {
    /// Reads on, up to a batch.
    pub(super) fn read(
        &mut self,
        directory: &Path,
        extent: &Extent,
        whole_characters: bool,
        steps: &mut VecDeque<Step>,
    ) -> io::Result<()> {
        let mut size = 0;
        let mut data = Vec::new();
        if let Some((_, file)) = &mut self.file {
            // What was read ahead may have been in the middle of being written.
            file.seek(SeekFrom::Start(self.offset))?;
        }
        while size < BATCH && self.at < extent.total {
            let number = self.file.as_ref().map(|(number, _)| *number);
            let segment = |number| extent.segments.iter().find(|s| s.number == number);
            let end = match number {
                // A file that has made room is whole.
                Some(number) => segment(number).map_or(u64::MAX, |segment| segment.length),
                None => 0,
            };
            let entry = match &mut self.file {
                Some((_, file)) if self.offset < end => read_entry(file, &mut data),
                _ => None,
            };
            let Some(entry) = entry else {
                let newer = |s: &&ring::Segment| number.is_none_or(|number| s.number > number);
                let Some(next) = extent.segments.iter().find(newer) else {
                    self.skip(extent.total, steps);
                    return Ok(());
                };
                let file = File::open(ring::path(directory, next.number))?;
                self.file = Some((next.number, BufReader::with_capacity(ring::PIECE, file)));
                self.offset = 0;
                continue;
            };
            self.offset += (ring::HEADER + entry.length) as u64;
            if entry.end() <= self.at {
                continue;
            }
            self.skip(entry.from, steps);
            let mut known = usize::try_from(self.at - entry.from).unwrap_or(entry.length);
            if whole_characters {
                known += self.skip_rest(entry.source, &data[known..], steps);
            }
            self.at = entry.end();
            size += entry.length;
            if known == entry.length {
                continue;
            }
            steps.push_back(Step::Output {
                chunk: Chunk {
                    source: entry.source,
                    data: Bytes::copy_from_slice(&data[known..]),
                },
                at: self.at,
            });
        }
        Ok(())
    }

    /// What lies before `to` is lost.
    fn skip(&mut self, to: u64, steps: &mut VecDeque<Step>) {
        if to > self.at {
            let bytes = to - self.at;
            self.at = to;
            self.cut = [CONTINUED; 2];
            steps.push_back(Step::Lost {
                bytes,
                at: to,
                rest_of: None,
            });
        }
    }

    /// What `data` begins with of a character whose beginning is lost, is lost too; how much that is.
    fn skip_rest(&mut self, source: Source, data: &[u8], steps: &mut VecDeque<Step>) -> usize {
        let cut = match source {
            Source::Stdout => &mut self.cut[0],
            Source::Stderr => &mut self.cut[1],
        };
        let continues = |byte: &&u8| (0x80..0xc0).contains(*byte);
        let rest = data.iter().take(*cut).take_while(continues).count();
        *cut = if rest == data.len() { *cut - rest } else { 0 };
        if rest == 0 {
            return 0;
        }
        let (before, more) = (self.at, rest as u64);
        self.at += more;
        match steps.back_mut() {
            Some(Step::Lost { bytes, at, .. }) if *at == before => {
                *bytes += more;
                *at += more;
            }
            _ => steps.push_back(Step::Lost {
                bytes: more,
                at: self.at,
                rest_of: Some(source),
            }),
        }
        rest
    }
}

/// The place of a position, and how the text before it ended: its last characters may not be whole.
pub(super) fn locate(directory: &Path, extent: &Extent, at: u64) -> io::Result<(Cursor, Texts)> {
    let mut cursor = Cursor {
        at,
        ..Cursor::default()
    };
    if at > 0 && at == extent.from() {
        cursor.cut = [CONTINUED; 2];
    }
    let mut texts = Texts::default();
    let mut data = Vec::new();
    for segment in &extent.segments {
        if segment.from > at {
            break;
        }
        let mut file = BufReader::new(File::open(ring::path(directory, segment.number))?);
        let mut offset = 0;
        while offset < segment.length {
            let Some(entry) = read_entry(&mut file, &mut data) else {
                break;
            };
            let before = usize::try_from(at.saturating_sub(entry.from)).unwrap_or(usize::MAX);
            let before = &data[..before.min(entry.length)];
            // No character is longer than four bytes.
            texts.push(entry.source, &before[before.len().saturating_sub(3)..]);
            if entry.end() > at {
                break;
            }
            offset += (ring::HEADER + entry.length) as u64;
        }
        file.seek(SeekFrom::Start(offset))?;
        cursor.file = Some((segment.number, file));
        cursor.offset = offset;
    }
    Ok((cursor, texts))
}
