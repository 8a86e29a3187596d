//! How works and agents write: blocks.
//!
//! A block is a little-endian u32, its length, and so many bytes. An empty block is an end. The highest bit
//! of the length marks a [`Failure`], which is an end too.

use crate::{Failure, Work};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// The bit that marks a failure.
pub const FAILED: u32 = 1 << 31;
/// The longest block: content is cut into such, and no record is longer.
pub const MAX: usize = 1 << 20;
/// The longest work.
pub const MAX_WORK: usize = 256 << 10;

/// An end.
pub const END: [u8; 4] = [0; 4];

fn garbled(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The header of a block of content. It has at most [`MAX`] bytes and is not empty.
pub fn header(length: usize) -> [u8; 4] {
    debug_assert!((1..=MAX).contains(&length));
    u32::try_from(length).unwrap_or(FAILED - 1).to_le_bytes()
}

fn block(record: &impl Serialize, mark: u32) -> io::Result<Vec<u8>> {
    let mut block = postcard::to_extend(record, vec![0; 4]).map_err(garbled)?;
    let length = block.len() - 4;
    if length > MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let header = u32::try_from(length).unwrap_or_default() | mark;
    block[..4].copy_from_slice(&header.to_le_bytes());
    Ok(block)
}

/// A record as a whole block.
pub fn record(record: &impl Serialize) -> io::Result<Vec<u8>> {
    block(record, 0)
}

/// A failure as a whole block.
pub fn failure(failure: &Failure) -> io::Result<Vec<u8>> {
    block(failure, FAILED)
}

/// Reads what is in the block of a record or a failure.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    let (value, rest) = postcard::take_from_bytes(body).map_err(garbled)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A work as it is handed to an agent.
pub fn work(work: &Work) -> io::Result<Vec<u8>> {
    let bytes = postcard::to_stdvec(work).map_err(garbled)?;
    if bytes.len() > MAX_WORK {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(bytes)
}
