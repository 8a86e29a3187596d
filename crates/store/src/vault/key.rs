//! The key's file: 32 bytes, for the server's account only.

use rustix::fs::OFlags;
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// How many bytes a key has.
const BYTES: usize = 32;

/// A key. Its memory is wiped.
pub(super) struct Key(Zeroizing<[u8; BYTES]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Key {
    pub(super) fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// What tells it from others and says nothing else about it.
    pub(super) fn mark(&self) -> [u8; 32] {
        let hash = Sha256::new_with_prefix(b"podlane: which key\0");
        hash.chain_update(self.0.as_slice()).finalize().into()
    }
}

/// The key in a file, `None` if there is no such file; or what is wrong with it, for people.
pub(super) fn read(path: &Path) -> Result<Option<Key>, String> {
    let mut options = OpenOptions::new();
    // A pipe in its place would have us wait for ever.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    may_be_key(&file)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES + 1));
    file.take(BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let key = <[u8; BYTES]>::try_from(bytes.as_slice());
    let key = key.map_err(|_| format!("a key has exactly {BYTES} bytes, and this file has not"))?;
    Ok(Some(Key(Zeroizing::new(key))))
}

/// Refuses what others could have read or written.
fn may_be_key(file: &File) -> Result<(), String> {
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("a key must be a plain file".into());
    }
    let own = about.uid() == geteuid().as_raw();
    // systemd gives root's file to the unit's account by an access list, and that shows as rights of the group.
    let shared = if own { 0o077 } else { 0o037 };
    if !own && about.uid() != 0 {
        return Err("a key must belong to this server's account, or to root".into());
    }
    if about.mode() & shared != 0 {
        return Err("others may read or change it: a key's mode must be 0600 or 0400".into());
    }
    Ok(())
}

/// Makes a key, unless another server has done so meanwhile. It is there as a whole, or not.
pub(super) fn make(path: &Path) -> Result<Key, String> {
    let directory = path.parent().ok_or("it has no directory")?;
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| error.to_string())?;
    let made = || {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
        // For this account only.
        let mut file = tempfile::Builder::new()
            .prefix(".secret.key-")
            .tempfile_in(directory)?;
        file.write_all(bytes.as_slice())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => File::open(directory)?.sync_all(),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    made().map_err(|error| error.to_string())?;
    // Whoever was first has made the key of all.
    read(path)?.ok_or_else(|| "it is gone again".to_owned())
}
