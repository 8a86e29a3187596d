//! An archive read as it comes.

use super::BLOCK;
use super::head::{Block, Extension, Head, block};
use crate::Result;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

/// The longest text about one entry: a path, or attributes of which we keep none.
const MAX_EXTENSION: u64 = 1 << 20;

/// Reads the entries of an archive, one after the other.
pub(crate) struct Reader {
    pieces: BoxStream<'static, Result<Bytes>>,
    piece: Bytes,
    /// What is left of the entry's content, and of the zeros behind it.
    left: u64,
    padding: u64,
    ended: bool,
    wrong: fn(&'static str) -> crate::Error,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// An archive that comes in pieces; `wrong` says what it means that it is none.
    pub(crate) fn new(
        pieces: BoxStream<'static, Result<Bytes>>,
        wrong: fn(&'static str) -> crate::Error,
    ) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
            left: 0,
            padding: 0,
            ended: false,
            wrong,
        }
    }

    /// The next entry; `None` at the end, which is a block of zeros. What was not read of the one before is
    /// passed over.
    pub(crate) async fn next(&mut self) -> Result<Option<Head>> {
        if self.ended {
            return Ok(None);
        }
        self.skip().await?;
        let mut about = Extension::default();
        loop {
            let bytes = self.header().await?;
            match block(&bytes, &mut about).map_err(self.wrong)? {
                Block::Entry(head) => {
                    self.follow(head.size);
                    return Ok(Some(*head));
                }
                Block::Extension(kind, size) => {
                    if size > MAX_EXTENSION {
                        return Err((self.wrong)("an extended header is too long"));
                    }
                    self.follow(size);
                    let mut text = BytesMut::new();
                    while let Some(piece) = self.content().await? {
                        text.extend_from_slice(&piece);
                    }
                    about.read(kind, &text).map_err(self.wrong)?;
                    self.skip().await?;
                }
                Block::Zero => {
                    // Whatever is behind the end is no part of it; that it comes whole may matter.
                    while self.pieces.try_next().await?.is_some() {}
                    self.piece = Bytes::new();
                    self.ended = true;
                    return Ok(None);
                }
            }
        }
    }

    /// The next piece of the entry's content; `None` at its end.
    pub(crate) async fn content(&mut self) -> Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        if !self.more().await? {
            return Err((self.wrong)("it breaks off"));
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX);
        let piece = self.piece.split_to(length.min(self.piece.len()));
        self.left -= piece.len() as u64;
        Ok(Some(piece))
    }

    fn follow(&mut self, size: u64) {
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64).wrapping_sub(size);
    }

    async fn skip(&mut self) -> Result<()> {
        while self.content().await?.is_some() {}
        self.left = std::mem::take(&mut self.padding);
        while self.content().await?.is_some() {}
        Ok(())
    }

    /// The next header.
    async fn header(&mut self) -> Result<[u8; BLOCK]> {
        let mut bytes = [0; BLOCK];
        let mut at = 0;
        while at < BLOCK {
            if !self.more().await? {
                return Err((self.wrong)("it breaks off"));
            }
            let piece = self.piece.split_to(self.piece.len().min(BLOCK - at));
            bytes[at..at + piece.len()].copy_from_slice(&piece);
            at += piece.len();
        }
        Ok(bytes)
    }

    /// Waits for the next bytes; whether there are any.
    async fn more(&mut self) -> Result<bool> {
        while self.piece.is_empty() {
            match self.pieces.next().await {
                Some(piece) => self.piece = piece?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::files::tar::{self, HeadKind};
    use futures_util::stream;

    /// An archive of two files with a byte each.
    fn archive() -> Vec<u8> {
        let mut archive = Vec::new();
        for name in ["a", "b"] {
            let head = Head {
                path: name.into(),
                kind: HeadKind::File,
                size: 1,
                mode: 0o644,
                owner: (0, 0),
                modified: (1, 0),
                target: Vec::new(),
            };
            archive.extend_from_slice(&tar::head(&head).expect("it fits"));
            archive.extend_from_slice(name.as_bytes());
            archive.extend_from_slice(&tar::padding(1));
        }
        archive.extend_from_slice(&tar::end());
        archive
    }

    fn reader(archive: &[u8]) -> Reader {
        let pieces: Vec<_> = archive
            .chunks(100)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        // Who asks it again after its end panics.
        let pieces = stream::unfold(pieces.into_iter(), |mut left| async {
            left.next().map(|piece| (piece, left))
        });
        Reader::new(pieces.boxed(), |why| Error::invalid("archive", why))
    }

    async fn count(reader: &mut Reader) -> Result<usize> {
        let mut entries = 0;
        while reader.next().await?.is_some() {
            entries += 1;
        }
        Ok(entries)
    }

    #[tokio::test]
    async fn only_what_has_an_end_is_whole() {
        let archive = archive();
        let whole = archive.len();
        for length in [whole, whole - 1, whole - BLOCK] {
            let mut reader = reader(&archive[..length]);
            assert_eq!(count(&mut reader).await.expect("it has an end"), 2);
            assert!(reader.next().await.expect("still").is_none());
        }
        for length in [0, 1, BLOCK, 2 * BLOCK, 3 * BLOCK, whole - 2 * BLOCK] {
            let error = count(&mut reader(&archive[..length])).await.err();
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains("breaks off"), "{length}: {text}");
        }
    }
}
