//! Pseudo-terminals.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Lets the other side of a pseudo-terminal be opened; answers its number.
pub(crate) fn unlock_terminal(master: BorrowedFd<'_>) -> io::Result<libc::c_uint> {
    let unlocked: libc::c_int = 0;
    // SAFETY: the pointer is valid, to what this request reads.
    check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) })?;
    let mut number: libc::c_uint = 0;
    // SAFETY: the pointer is valid, to what this request writes.
    check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &raw mut number) })?;
    Ok(number)
}

/// Sets a terminal's size; the processes on it are told.
pub(crate) fn resize_terminal(master: BorrowedFd<'_>, columns: u16, rows: u16) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the pointer is valid, to what this request reads.
    check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) })?;
    Ok(())
}
