//! The system calls that the standard library does not wrap.

use std::collections::VecDeque;
use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// A set of signals.
#[derive(Clone, Copy)]
pub(crate) struct Signals(pub(crate) libc::sigset_t);

impl Signals {
    /// None of them.
    pub(crate) fn none() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the pointer is valid; the call fills the set in and can't fail.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: filled in by the call.
        Self(unsafe { set.assume_init() })
    }

    fn with(mut self, signal: libc::c_int) -> Self {
        // SAFETY: the set is valid.
        unsafe { libc::sigaddset(&raw mut self.0, signal) };
        self
    }
}

/// Holds back SIGCHLD and SIGPIPE; answers what was held back before, for commands.
pub(crate) fn hold_back_signals() -> io::Result<Signals> {
    let held = Signals::none().with(libc::SIGCHLD).with(libc::SIGPIPE);
    let mut before = Signals::none();
    // SAFETY: both sets are valid.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const held.0, &raw mut before.0) })?;
    Ok(before)
}

/// A descriptor that is readable when a child has ended.
pub(crate) fn child_signals() -> io::Result<OwnedFd> {
    let set = Signals::none().with(libc::SIGCHLD);
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the set is valid.
    let raw = check(unsafe { libc::signalfd(-1, &raw const set.0, flags) })?;
    // SAFETY: made by this call.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Takes what such a descriptor has.
pub(crate) fn take_child_signals(descriptor: BorrowedFd<'_>) {
    let mut buffer = [0; size_of::<libc::signalfd_siginfo>()];
    while read(descriptor, &mut buffer).is_ok() {}
}

/// Makes orphans among this process's descendants its children.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })?;
    Ok(())
}

/// Which side of a fork this is.
pub(crate) enum Fork {
    /// The copy's PID.
    Parent(libc::pid_t),
    Child,
}

/// Makes a copy of this process, which must have one thread.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: with a single thread the copy has everything that it had.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Memory that this process and those that it forks have in common: the last bytes that any of them put
/// there.
pub(crate) struct Shared {
    memory: ptr::NonNull<u8>,
    size: usize,
}

impl Shared {
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, at a place that the kernel chooses.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size, rights, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = ptr::NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory, size })
    }

    fn length(&self) -> &AtomicUsize {
        // SAFETY: the mapping begins with it, is aligned and lives as long as this.
        unsafe { self.memory.cast().as_ref() }
    }

    /// What does not fit is not put there.
    pub(crate) fn put(&self, bytes: &[u8]) {
        // Whoever is killed in between has put nothing there.
        self.length().store(0, Ordering::Release);
        if bytes.len() <= self.size - size_of::<AtomicUsize>() {
            // SAFETY: within the mapping.
            let to = unsafe { self.memory.add(size_of::<AtomicUsize>()) };
            // SAFETY: there is room for it, and nobody reads it before its length is there.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len()) };
            self.length().store(bytes.len(), Ordering::Release);
        }
    }

    /// Nobody may be putting anything there meanwhile.
    pub(crate) fn get(&self) -> Vec<u8> {
        let length = self.length().load(Ordering::Acquire);
        let length = length.min(self.size - size_of::<AtomicUsize>());
        // SAFETY: within the mapping.
        let from = unsafe { self.memory.add(size_of::<AtomicUsize>()) };
        // SAFETY: so many bytes are there, and nobody writes them now.
        unsafe { std::slice::from_raw_parts(from.as_ptr(), length) }.to_vec()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nothing refers to it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.size) };
    }
}

/// A child that has ended.
pub(crate) struct Reaped {
    pub(crate) pid: libc::pid_t,
    pub(crate) status: libc::c_int,
    pub(crate) usage: libc::rusage,
}

/// What there is of children.
pub(crate) enum Children {
    /// One has ended, and is gone now.
    Ended(Box<Reaped>),
    /// All that there are run.
    Running,
    /// There are none, and so no descendants.
    None,
}

/// Takes one child that has ended, without waiting.
pub(crate) fn reap() -> io::Result<Children> {
    let mut status = 0;
    let mut usage = MaybeUninit::zeroed();
    // SAFETY: the pointers are valid.
    let pid = check(unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) });
    match pid {
        Ok(0) => Ok(Children::Running),
        Ok(pid) => Ok(Children::Ended(Box::new(Reaped {
            pid,
            status,
            // SAFETY: zero is a valid value, and the kernel has filled it in.
            usage: unsafe { usage.assume_init() },
        }))),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Children::None),
        Err(error) => Err(error),
    }
}

/// Sends a signal to a process, or to a process group if negative.
pub(crate) fn kill(target: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::kill(target, signal) })?;
    Ok(())
}

/// Goes into the directory behind a descriptor.
pub(crate) fn enter(directory: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::fchdir(directory.as_raw_fd()) })?;
    Ok(())
}

/// Makes this process, a fork, the leader of a session of its own, whose standard streams are `streams` and
/// which has no other descriptor; with the signals that commands get.
pub(crate) fn become_command(streams: [RawFd; 3], signals: &Signals) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::setsid() })?;
    for (at, descriptor) in (0..).zip(streams) {
        // SAFETY: takes no pointer. What was open at that number has no owner: it is a standard stream.
        check(unsafe { libc::dup2(descriptor, at) })?;
    }
    // SAFETY: takes no pointer. Their owners live in frames that the fork never returns to.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if closed != 0 {
        // A kernel before 5.9. The agent has few, and of low numbers.
        (3..1024).for_each(close);
    }
    // SAFETY: the set is valid; null is "not wanted".
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const signals.0, ptr::null_mut()) })?;
    Ok(())
}

/// Closes a descriptor that a fork has copied and that nothing of the copy will use.
pub(crate) fn close(descriptor: RawFd) {
    // SAFETY: takes no pointer. Its owner lives in a frame that the copy never returns to.
    unsafe { libc::close(descriptor) };
}

/// Ends this process at once.
pub(crate) fn exit(code: libc::c_int) -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}

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

/// What a new process needs for a few system calls.
const STACK: usize = 64 * 1024;

/// Starts a process that runs `entry(argument)` in this process's memory, and waits until it has become
/// another program or has ended.
pub(crate) fn start(
    entry: extern "C" fn(*mut libc::c_void) -> libc::c_int,
    argument: *mut libc::c_void,
) -> io::Result<libc::pid_t> {
    // In pieces of the alignment that a stack has.
    let mut stack = Vec::<u128>::with_capacity(STACK / size_of::<u128>());
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end.cast();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is aligned, large enough, and lives until the call is over, which is when the new
    // process no longer uses this memory. This process has one thread and no signal handlers.
    check(unsafe { libc::clone(entry, top, flags, argument) })
}

/// Gives the two signals that C libraries keep to themselves their default meaning again. glibc's
/// `posix_spawn` leaves them ignored in whatever it starts, and what engines start inherits that.
pub(crate) fn reset_libc_signals() {
    // Zero is the default handler, no flags and an empty mask; more than any kernel's structure has.
    let default = [0_u8; 64];
    for signal in [32, 33] {
        // SAFETY: the pointer is valid for what the kernel reads; null is "not wanted".
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<libc::c_void>(),
                size_of::<u64>(),
            )
        };
    }
}
