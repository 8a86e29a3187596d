//! A command's output on disk, the newest of it: two files, of which the older makes room.
//!
//! An entry is a header of 13 bytes (where its first byte lies in all of the output, its source, its
//! length; big-endian) and its bytes. What could not be written leaves a gap, and so does what made
//! room; a reader sees both by the positions.

use podlane_engine::{Chunk, Source};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The length of an entry's header.
pub(super) const HEADER: usize = 13;
/// The most bytes in one entry. A file holds some of the largest, see `limits.exec_log_bytes`.
pub(super) const PIECE: usize = 32 * 1024;

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Where its first byte of output lies.
    pub(super) from: u64,
    /// How long the file is.
    pub(super) length: u64,
    /// How many bytes of that are output.
    pub(super) output: u64,
}

/// What there is of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The files, the oldest first; at most two.
    pub(super) segments: VecDeque<Segment>,
    /// How many bytes the command has written, kept or not.
    pub(super) total: u64,
}

impl Extent {
    /// The first byte that is kept.
    pub(super) fn from(&self) -> u64 {
        self.segments.front().map_or(self.total, |first| first.from)
    }

    /// How many bytes are not kept.
    pub(super) fn lost(&self) -> u64 {
        let kept: u64 = self.segments.iter().map(|segment| segment.output).sum();
        self.total.saturating_sub(kept)
    }
}

/// The path of a segment.
pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("output.{number}"))
}

/// Writes an output. Blocks; a failure to write loses output and stops nothing.
#[derive(Debug)]
pub(super) struct Ring {
    directory: PathBuf,
    segment_bytes: u64,
    file: Option<File>,
    extent: Extent,
    next: u64,
    entry: Vec<u8>,
    /// The first failure has been told.
    complained: bool,
}

impl Ring {
    /// An empty ring in a directory that has none, of at most `bytes`.
    pub(super) fn new(directory: PathBuf, bytes: usize) -> Self {
        Self {
            directory,
            segment_bytes: (bytes / 2) as u64,
            file: None,
            extent: Extent::default(),
            next: 0,
            entry: Vec::new(),
            complained: false,
        }
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent.clone()
    }

    /// Appends what a command has written.
    pub(super) fn append(&mut self, chunk: &Chunk) {
        for piece in chunk.data.chunks(PIECE) {
            let written = self.put(chunk.source, piece);
            self.extent.total += piece.len() as u64;
            if let Err(error) = written
                && !std::mem::replace(&mut self.complained, true)
            {
                tracing::warn!(%error, directory = %self.directory.display(), "output of a background command is lost: it can't be written");
            }
        }
    }

    fn put(&mut self, source: Source, piece: &[u8]) -> io::Result<()> {
        let size = (HEADER + piece.len()) as u64;
        let full = |segment: &Segment| segment.length + size > self.segment_bytes;
        if self.file.is_none() || self.extent.segments.back().is_none_or(full) {
            self.rotate()?;
        }
        self.entry.clear();
        self.entry
            .extend_from_slice(&self.extent.total.to_be_bytes());
        self.entry.push(number(source));
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        self.entry.extend_from_slice(&length.to_be_bytes());
        self.entry.extend_from_slice(piece);
        let (Some(file), Some(segment)) = (&mut self.file, self.extent.segments.back_mut()) else {
            return Ok(());
        };
        if let Err(error) = file.write_all(&self.entry) {
            // Half an entry must not stand before the next one.
            if file.set_len(segment.length).is_err() {
                self.file = None;
            }
            return Err(error);
        }
        segment.length += size;
        segment.output += piece.len() as u64;
        Ok(())
    }

    /// Begins a new file; the oldest of three is removed.
    fn rotate(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path(&self.directory, self.next))?;
        self.file = Some(file);
        self.extent.segments.push_back(Segment {
            number: self.next,
            from: self.extent.total,
            length: 0,
            output: 0,
        });
        self.next += 1;
        if self.extent.segments.len() > 2
            && let Some(oldest) = self.extent.segments.pop_front()
        {
            // Readers that have it open read it to its end.
            fs::remove_file(path(&self.directory, oldest.number))?;
        }
        Ok(())
    }
}

fn number(source: Source) -> u8 {
    match source {
        Source::Stdout => 1,
        Source::Stderr => 2,
    }
}

/// An entry's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) from: u64,
    pub(super) source: Source,
    pub(super) length: usize,
}

impl Entry {
    /// Reads a header; `None` for bytes that are none.
    pub(super) fn parse(header: &[u8; HEADER]) -> Option<Self> {
        let [from @ .., number, a, b, c, d] = header;
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let source = match number {
            1 => Source::Stdout,
            2 => Source::Stderr,
            _ => return None,
        };
        (1..=PIECE).contains(&length).then_some(Self {
            from: u64::from_be_bytes(*from),
            source,
            length,
        })
    }

    pub(super) fn end(&self) -> u64 {
        self.from + self.length as u64
    }
}

/// What a ring left on disk, up to the first entry that is not whole: its server may have been killed
/// in the middle of one.
pub(super) fn recover(directory: &Path) -> io::Result<Extent> {
    let mut numbers: Vec<u64> = Vec::new();
    for file in fs::read_dir(directory)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("output."));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    let mut extent = Extent::default();
    for number in numbers {
        let mut segment: Option<Segment> = None;
        let mut file = BufReader::new(File::open(path(directory, number))?);
        let mut data = Vec::new();
        while let Some(entry) = read_entry(&mut file, &mut data) {
            let segment = segment.get_or_insert(Segment {
                number,
                from: entry.from,
                length: 0,
                output: 0,
            });
            segment.length += (HEADER + entry.length) as u64;
            segment.output += entry.length as u64;
            extent.total = entry.end();
        }
        extent.segments.extend(segment);
    }
    Ok(extent)
}

/// The next entry and its bytes; `None` where there is no whole one.
pub(super) fn read_entry(file: &mut impl Read, data: &mut Vec<u8>) -> Option<Entry> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let entry = Entry::parse(&header)?;
    data.resize(entry.length, 0);
    file.read_exact(data).ok()?;
    Some(entry)
}
