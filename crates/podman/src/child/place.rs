//! The private directory of one service: its socket, and a lock that says that its owner lives.
//!
//! Each server claims a directory of its own, so two servers of one account never meet. The kernel
//! drops the lock of a server that dies in whatever way, and the next one to come removes what it left.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const TEMPORARY: &str = "/tmp";
const PREFIX: &str = "engine-";
const LOCK: &str = "lock";

/// Longest path of a Unix socket, in bytes: `sun_path` with its final zero is 108.
const SOCKET_PATH_MAX: usize = 107;

/// Where private directories may be made, the best first.
pub(super) fn bases(runtime_dir: Option<&Path>) -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let temporary = Path::new(TEMPORARY).join(format!("podlane-{uid}"));
    if uid == 0 {
        // Not root's $XDG_RUNTIME_DIR: that goes when root logs out.
        return vec![PathBuf::from("/run/podlane"), temporary];
    }
    let usual = PathBuf::from(format!("/run/user/{uid}"));
    let runtime_dir = runtime_dir.map_or(usual, Path::to_path_buf);
    vec![runtime_dir.join("podlane"), temporary]
}

/// A claimed directory. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Place {
    base: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl Place {
    /// Claims a directory in the first base where that is possible.
    pub(super) fn claim(bases: &[PathBuf]) -> io::Result<Self> {
        let mut last = io::Error::other("no directory to try");
        for base in bases {
            match Self::claim_in(base) {
                Ok(place) => return Ok(place),
                Err(error) => {
                    let directory = base.display();
                    last = io::Error::new(error.kind(), format!("{directory}: {error}"));
                }
            }
        }
        Err(last)
    }

    /// The socket's path.
    pub(super) fn socket(&self) -> PathBuf {
        self.directory.join("podman.sock")
    }

    /// The directory that outlives us.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// Whether that directory stays as long as the machine runs. What is in /tmp may be cleared away.
    pub(super) fn lasts(&self) -> bool {
        !self.base.starts_with(TEMPORARY)
    }

    fn claim_in(base: &Path) -> io::Result<Self> {
        let longest = base.join(PREFIX).as_os_str().len() + "4194304-99/podman.sock".len();
        if longest > SOCKET_PATH_MAX {
            return Err(io::Error::other("the path is too long for a socket"));
        }
        own(base)?;
        // Held only in here: nobody sweeps away a directory whose lock is about to be made.
        let door = File::create(base.join(LOCK))?;
        flock(&door, FlockOperation::LockExclusive)?;
        sweep(base)?;
        let pid = std::process::id();
        // A process of another PID namespace may have the same number.
        let names = (0..100).map(|n| match n {
            0 => format!("{PREFIX}{pid}"),
            n => format!("{PREFIX}{pid}-{n}"),
        });
        for name in names {
            let directory = base.join(name);
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            let lock = File::create(directory.join(LOCK))?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            return Ok(Self {
                base: base.to_path_buf(),
                directory,
                _lock: lock,
            });
        }
        Err(io::Error::other(
            "a hundred directories of this process are there already",
        ))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            tracing::debug!(%error, directory = %self.directory.display(), "could not clean up");
        }
    }
}

/// Makes a directory that nobody else can write to, or checks that it is one.
fn own(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let seen = fs::symlink_metadata(directory)?;
    let ours = seen.is_dir() && seen.uid() == rustix::process::geteuid().as_raw();
    if !ours || seen.permissions().mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write to it"));
    }
    Ok(())
}

/// Removes the directories of servers that are no more.
fn sweep(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let directory = entry.path();
        // One without a lock is of a server that died between two steps of `claim_in`.
        let lives = File::open(directory.join(LOCK))
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
        if !lives {
            tracing::debug!(directory = %directory.display(), "removing what a former server left");
            fs::remove_dir_all(&directory)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_get_two_places_and_what_a_dead_one_left_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("podlane");
        let left = base.join("engine-1");
        fs::create_dir_all(&left).unwrap();
        fs::set_permissions(&base, PermissionsExt::from_mode(0o700)).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("podman.sock"), "").unwrap();

        let bases = [base.clone()];
        let (first, second) = (Place::claim(&bases).unwrap(), Place::claim(&bases).unwrap());
        assert!(!left.exists());
        assert_ne!(first.socket(), second.socket());
        let directory = first.socket().parent().unwrap().to_path_buf();
        let mode = fs::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(first);
        assert!(!directory.exists());
        assert!(second.socket().parent().unwrap().exists());
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let (open, private) = (root.path().join("open"), root.path().join("private"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        let place = Place::claim(&[open.clone(), private.clone()]).unwrap();
        assert_eq!(place.base(), private);
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&private, &link).unwrap();
        assert!(Place::claim(&[link]).is_err());
        let long = root.path().join("x".repeat(100));
        assert!(Place::claim(&[long]).is_err());
    }
}
