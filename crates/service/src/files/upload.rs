//! Archives unpacked into a container: read by us entry by entry, never handed on as they came.

use super::reach::Way;
use super::tar::{Head, Reader, Rules, Wrong};
use super::{At, failure, outside_kernel};
use crate::places::Place;
use crate::work::Work;
use crate::{Call, Error, Result, Scope, Service};
use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use podlane_engine::inside::{self, Expectation, Failure, Packed, Reason};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::io::{ReaderStream, StreamReader};

/// What is decompressed at once.
const PIECE: usize = 256 << 10;
/// Past so many bytes, content may be this many times what came: of what people pack, nothing is more.
const UNSUSPECTED: u64 = 16 << 20;
const RATIO: u64 = 200;
/// How far back zstd may refer, as a power of two: what all decoders have at least. Source: RFC 8878, 3.1.1.1.2.
const WINDOW: u32 = 23;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// How an archive is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTree {
    /// How it comes.
    pub compression: Compression,
    /// The owner and the group of everything; `None` for the user that the container runs as, or that is named.
    pub owner: Option<(u32, u32)>,
    /// Whether the owners in the archive are kept instead.
    pub owners: bool,
    /// Whether set-user-ID, set-group-ID and sticky bits are kept.
    pub special_bits: bool,
    /// Whether the directory is made if it is missing.
    pub parents: bool,
}

/// The archive as its entries come.
pub(super) struct Incoming {
    reader: Reader,
    rules: Rules,
    entries: u64,
    limit: u64,
}

impl Service {
    /// Unpacks an archive into a directory. Things get their names one by one: what broke off later
    /// leaves those that came before.
    pub async fn upload(
        &self,
        call: &Call,
        at: &At,
        new: NewTree,
        archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Packed> {
        call.may(Scope::FilesWrite)?;
        outside_kernel(&at.path)?;
        let _place: Place = self.0.streams.take()?;
        let limits = &self.0.limits;
        let plain = decompressed(archive, new.compression, limits.upload_bytes);
        let entries = limits.archive_entries;
        let incoming = Incoming {
            reader: Reader::new(plain, no_archive),
            rules: Rules::new(new.special_bits, new.owners, entries),
            entries: 0,
            limit: entries,
        };
        let reach = self.reach(call, at).await?;
        let work = inside::Work::Unpack {
            path: at.path.as_str().into(),
            place: reach.place(new.owner, new.parents, Expectation::Any),
        };
        match reach.way(&work).await? {
            Way::Agent(work) => by_agent(work, incoming).await,
            Way::Archive(archived) => archived.unpack(&at.path, new, incoming).await,
        }
    }
}

async fn by_agent(mut work: Work, mut incoming: Incoming) -> Result<Packed> {
    while let Some((item, _)) = incoming.next().await? {
        work.give_record(&item).await?;
        if item.kind == inside::Kind::File && item.target.is_none() {
            while let Some(piece) = incoming.content().await? {
                work.give(&piece).await?;
            }
            work.give_end().await?;
        }
    }
    work.give_end().await?;
    work.only().await
}

impl Incoming {
    /// The next thing to unpack, and how the archive has it.
    pub(super) async fn next(&mut self) -> Result<Option<(inside::Item, Head)>> {
        while let Some(head) = self.reader.next().await? {
            match self.rules.take(&head) {
                Ok(Some(item)) => {
                    self.entries += 1;
                    return Ok(Some((item, head)));
                }
                Ok(None) => {}
                Err(wrong) => return Err(self.refused(&wrong, head.path)),
            }
        }
        Ok(None)
    }

    pub(super) async fn content(&mut self) -> Result<Option<Bytes>> {
        self.reader.content().await
    }

    /// How many things came.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    fn refused(&self, wrong: &Wrong, path: Vec<u8>) -> Error {
        let limit = self.limit;
        let reason = match wrong {
            Wrong::TooMany => Reason::Limit(format!(
                "{limit} entries (the setting limits.archive_entries)"
            )),
            Wrong::Entry(why) => Reason::Invalid(format!("the entry {why}")),
        };
        Error::File(Failure { reason, path })
    }
}

fn no_archive(why: &'static str) -> Error {
    failure(
        Reason::Invalid(format!("is no tar archive: {why}")),
        "what came",
    )
}

/// Why nothing more comes.
fn unreadable(error: io::Error) -> Error {
    // These are zstd's words.
    if error.to_string().contains("too much memory") {
        let reason = "refers back by more than 8 MiB: compress it without --long and --ultra";
        return failure(Reason::Invalid(reason.into()), "the archive");
    }
    Error::Given(error)
}

/// The archive itself, within bounds.
fn decompressed(
    archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    compression: Compression,
    limit: u64,
) -> BoxStream<'static, Result<Bytes>> {
    let came = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&came);
    let archive = archive.inspect(move |piece| {
        let length = piece.as_ref().map_or(0, Bytes::len) as u64;
        counter.fetch_add(length, Ordering::Relaxed);
    });
    let plain = match compression {
        Compression::None => archive.boxed(),
        Compression::Gzip => {
            let mut decoder = GzipDecoder::new(StreamReader::new(archive.boxed()));
            decoder.multiple_members(true);
            ReaderStream::with_capacity(decoder, PIECE).boxed()
        }
        Compression::Zstd => {
            let window = DParameter::window_log_max(WINDOW);
            let archive = StreamReader::new(archive.boxed());
            let mut decoder = ZstdDecoder::with_params(archive, &[window]);
            decoder.multiple_members(true);
            ReaderStream::with_capacity(decoder, PIECE).boxed()
        }
    };
    let mut bytes = 0;
    let bounded = plain.map(move |piece| {
        let piece = piece.map_err(unreadable)?;
        bytes += piece.len() as u64;
        let came = came.load(Ordering::Relaxed);
        if bytes > limit {
            let limit = format!("{limit} bytes (the setting limits.upload_bytes)");
            return Err(failure(Reason::Limit(limit), "the archive"));
        }
        if bytes > UNSUSPECTED && bytes / RATIO > came {
            let limit = format!("{RATIO} times what came");
            return Err(failure(Reason::Limit(limit), "the decompressed archive"));
        }
        Ok(piece)
    });
    bounded.boxed()
}
