//! Messages with descriptors beside them.

use super::{check_size, poll, poll_for};
use std::collections::VecDeque;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

/// Room for the descriptors beside one piece of data.
const SPACE: usize = 64;

#[repr(align(8))]
struct Control([u8; SPACE]);

/// Receives into `buffer`; descriptors that come along are appended to `descriptors`. 0 at the end.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    descriptors: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut control = Control([0; SPACE]);
    let mut data = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all fields of this C structure may be zero.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    #[allow(clippy::useless_conversion, reason = "another type with another libc")]
    {
        message.msg_controllen = SPACE.try_into().unwrap_or_default();
    }
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    // SAFETY: the message points at buffers that live until after the call, with their true lengths.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    let received = check_size(received)?;
    // SAFETY: the kernel has filled the message in; its control part lies in `control`.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    while !header.is_null() {
        // SAFETY: not null, so it points at a whole header in `control`.
        let head = unsafe { ptr::read(header) };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: no more than arithmetic.
            let empty = unsafe { libc::CMSG_LEN(0) } as usize;
            let length = head.cmsg_len as usize - empty;
            for at in 0..length / size_of::<RawFd>() {
                // SAFETY: the header says that its data is so many descriptors long.
                let raw = unsafe { libc::CMSG_DATA(header) }.wrapping_add(at * size_of::<RawFd>());
                // SAFETY: within the data; it may not be aligned.
                let raw = unsafe { ptr::read_unaligned(raw.cast::<RawFd>()) };
                // SAFETY: the kernel has just made it for this process.
                descriptors.push_back(unsafe { OwnedFd::from_raw_fd(raw) });
            }
        }
        // SAFETY: `header` came from this message.
        header = unsafe { libc::CMSG_NXTHDR(&raw const message, header) };
    }
    if message.msg_flags & libc::MSG_CTRUNC != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(received)
}

/// Sends what the socket takes at once, with copies of `beside` next to its first byte.
pub(crate) fn send(socket: BorrowedFd<'_>, data: &[u8], beside: &[OwnedFd]) -> io::Result<usize> {
    let mut control = Control([0; SPACE]);
    let mut data = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    // SAFETY: all fields of this C structure may be zero.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    if !beside.is_empty() {
        let length = u32::try_from(size_of_val(beside)).unwrap_or(u32::MAX);
        // SAFETY: no more than arithmetic.
        let space = unsafe { libc::CMSG_SPACE(length) };
        // SAFETY: no more than arithmetic.
        let whole = unsafe { libc::CMSG_LEN(length) };
        if space as usize > SPACE {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        message.msg_control = control.0.as_mut_ptr().cast();
        #[allow(clippy::useless_conversion, reason = "another type with another libc")]
        {
            message.msg_controllen = space.try_into().unwrap_or_default();
        }
        // SAFETY: the control part lies in `control` and has room for a header.
        let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
        #[allow(clippy::useless_conversion, reason = "another type with another libc")]
        let head = libc::cmsghdr {
            cmsg_len: whole.try_into().unwrap_or_default(),
            cmsg_level: libc::SOL_SOCKET,
            cmsg_type: libc::SCM_RIGHTS,
        };
        // SAFETY: the header is within `control`, which is aligned for it.
        unsafe { ptr::write(header, head) };
        // SAFETY: no more than arithmetic.
        let to = unsafe { libc::CMSG_DATA(header) };
        let from = beside.as_ptr().cast::<u8>();
        // SAFETY: a descriptor is no more than its number, and there is room for all of them.
        unsafe { ptr::copy_nonoverlapping(from, to, size_of_val(beside)) };
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the message points at buffers that live until after the call, with their true lengths.
    check_size(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) })
}

/// Whether the other side has closed its end, looked at without waiting or taking anything.
pub(crate) fn is_closed(socket: BorrowedFd<'_>) -> bool {
    let mut wait = [poll_for(socket.as_raw_fd(), libc::POLLRDHUP)];
    matches!(poll(&mut wait, Some(Duration::ZERO)), Ok(1..))
}
