//! The system calls that the standard library does not wrap; here those on descriptors.

mod process;
mod shared;
mod socket;
mod terminal;

pub(crate) use process::{
    Children, Fork, Reaped, Signals, adopt_orphans, become_command, child_signals, close, enter,
    exit, fork, hold_back_signals, kill, reap, reset_libc_signals, start, take_child_signals,
};
pub(crate) use shared::Shared;
pub(crate) use socket::{is_closed, receive, send};
pub(crate) use terminal::{resize_terminal, unlock_terminal};

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// The result of a call that answers -1 for an error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn check_size(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_negative| io::Error::last_os_error())
}

/// Reads what is there; `WouldBlock` if nothing is, for a descriptor that does not block.
pub(crate) fn read(descriptor: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice.
    check_size(unsafe {
        libc::read(
            descriptor.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    })
}

/// Writes what is taken at once, for a descriptor that does not block.
pub(crate) fn write(descriptor: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of a slice.
    check_size(unsafe { libc::write(descriptor.as_raw_fd(), data.as_ptr().cast(), data.len()) })
}

/// Makes reads and writes answer at once.
pub(crate) fn do_not_block(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes no pointer.
    let flags = check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: takes no pointer.
    check(unsafe {
        libc::fcntl(
            descriptor.as_raw_fd(),
            libc::F_SETFL,
            flags | libc::O_NONBLOCK,
        )
    })?;
    Ok(())
}

/// How many bytes a pipe holds.
pub(crate) fn capacity(pipe: BorrowedFd<'_>) -> io::Result<usize> {
    // SAFETY: takes no pointer.
    let capacity = check(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) })?;
    Ok(usize::try_from(capacity).unwrap_or_default())
}

/// Puts what a descriptor is at another number; a command may inherit it there.
pub(crate) fn put(descriptor: BorrowedFd<'_>, at: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointer. What was open at that number has no owner: it is a standard stream.
    check(unsafe { libc::dup2(descriptor.as_raw_fd(), at) })?;
    Ok(())
}

/// Keeps a descriptor from being inherited. One that is not open is none to keep.
pub(crate) fn do_not_inherit(descriptor: RawFd) {
    // SAFETY: takes no pointer.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Something to wait for.
pub(crate) fn poll_for(descriptor: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd: descriptor,
        events,
        revents: 0,
    }
}

/// Waits until something is ready; how many are. `None` waits for ever.
pub(crate) fn poll(wait: &mut [libc::pollfd], limit: Option<Duration>) -> io::Result<usize> {
    let limit = limit.map(|limit| libc::timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    let count = wait.len().try_into().unwrap_or_default();
    // SAFETY: the pointers are those of a slice, with its length, and of a value that lives on.
    let ready = check(unsafe { libc::ppoll(wait.as_mut_ptr(), count, limit, ptr::null()) });
    match ready {
        Ok(ready) => Ok(usize::try_from(ready).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        Err(error) => Err(error),
    }
}
