//! Files in a container: what can be done with them, whether it runs or not.
//!
//! An agent in the container does it, as root or as the user that the caller names. Where there can't
//! be one, or its root has less rights than usual, the engine's archives do ([`archived`]): slower, and
//! with the same answers.

mod archived;
mod change;
mod copy;
mod download;
mod entry;
mod gather;
mod items;
mod link;
mod list;
mod make_directory;
mod move_;
mod reach;
mod read;
mod remove;
mod repack;
mod search;
mod stat;
pub(crate) mod tar;
mod upload;
mod watch;
mod write;

pub(crate) use archived::{Turns, temporary_name};
pub use change::NewAttributes;
pub use download::Download;
pub use entry::FileInfo;
pub use gather::Gathered;
pub use list::{FileList, ListFiles};
pub use reach::At;
pub(crate) use reach::Known;
pub use read::{FileReader, ReadFile};
pub use search::{SearchFiles, Searched};
#[cfg(feature = "fuzzing")]
pub use tar::fuzzing::archive as fuzz_archive;
pub use upload::{Compression, NewTree};
pub(crate) use watch::Watches;
pub use watch::{Happening, Watched, Watching};
pub use write::{FileWriter, NewFile};

use crate::{Error, Result};
use podlane_engine::InnerPath;
use podlane_engine::inside::{Failure, Reason};

/// Directories whose files are the kernel's, not the container's.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];
/// What among them is not.
const SHARED_MEMORY: &str = "/dev/shm";

fn failure(reason: Reason, path: &str) -> Error {
    Error::File(Failure {
        reason,
        path: path.as_bytes().to_vec(),
    })
}

/// Refuses what is the kernel's.
fn outside_kernel(path: &InnerPath) -> Result<()> {
    if !path.is_within(SHARED_MEMORY) && KERNEL.iter().any(|kernel| path.is_within(kernel)) {
        return Err(failure(Reason::Kernel, path.as_str()));
    }
    Ok(())
}

/// Refuses the root directory, which can't be made, moved or removed.
fn below_root(path: &InnerPath) -> Result<()> {
    match path.split() {
        Some(_) => Ok(()),
        None => Err(failure(
            Reason::Invalid("is the root directory".into()),
            path.as_str(),
        )),
    }
}
