//! A door for the fuzz target. Panics where a promise is broken.

use super::{Reader, Rules};
use crate::Error;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

/// The paths that an upload would unpack of an archive that comes in pieces of a size, however hostile.
pub async fn archive(data: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let pieces: Vec<_> = data
        .chunks(piece.max(1))
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let wrong = |why| Error::invalid("archive", why);
    let mut reader = Reader::new(stream::iter(pieces).boxed(), wrong);
    let mut rules = Rules::new(false, false, 1000);
    let mut paths = Vec::new();
    while let Ok(Some(head)) = reader.next().await {
        let item = match rules.take(&head) {
            Ok(Some(item)) => item,
            Ok(None) => continue,
            Err(_) => break,
        };
        assert!(item.mode <= 0o777 && item.owner.is_none());
        let mut names = item.path.split(|byte| *byte == b'/');
        assert!(names.all(|name| !matches!(name, b"" | b"." | b"..") && !name.contains(&0)));
        let mut size = 0;
        loop {
            match reader.content().await {
                Ok(Some(piece)) => size += piece.len() as u64,
                Ok(None) => break,
                Err(_) => return paths,
            }
        }
        assert!(size == item.size || item.target.is_some());
        paths.push(item.path);
    }
    paths
}
