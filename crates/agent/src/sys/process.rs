//! Processes: how they come to be, what they are told, and that they have ended.

use super::{check, read};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

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
