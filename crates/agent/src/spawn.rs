//! The start of a command: the search for its program, and the spawn.

use crate::process::{Home, value};
use crate::sys::{self, Fork};
use crate::work::{self, Note};
use podlane_agent::{Failure, Run, Target};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr;

/// Where programs are looked for if nothing says so; what engines give as PATH themselves.
const PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that is ready to be started.
pub(crate) enum Prepared {
    Program(Program),
    /// None: this program itself does it.
    Work(Vec<u8>),
}

/// A program with all that it is given.
pub(crate) struct Program {
    path: CString,
    argv: Vec<CString>,
    environment: Vec<CString>,
}

/// The standard streams of a command.
pub(crate) enum Streams {
    /// Descriptors to put at 0, 1 and 2.
    Given([RawFd; 3]),
    /// A terminal by its path, which becomes the controlling one.
    Terminal(CString),
}

impl Prepared {
    /// Finds the program and checks what can be checked, in the directory where it is to start.
    pub(crate) fn new(run: &Run, home: &Home) -> Result<Self, Failure> {
        let mut environment = home.environment(&run.environment);
        if run.terminal.is_some() && value(&environment, b"TERM").is_none() {
            environment.push(b"TERM=xterm".to_vec());
        }
        let path = value(&environment, b"PATH").unwrap_or(PATH);
        let (program, argv) = match &run.target {
            Target::Argv(argv) => (find(&argv[0], path)?, argv.clone()),
            Target::Work(work) => return Ok(Self::Work(work.clone())),
            Target::Shell(line) => {
                let (shell, program) = match find(b"bash", path) {
                    Ok(program) => (b"bash".to_vec(), program),
                    Err(_) => (b"sh".to_vec(), find(b"sh", path)?),
                };
                (program, vec![shell, b"-c".to_vec(), line.clone()])
            }
        };
        let strings = |strings: Vec<Vec<u8>>| -> Result<Vec<CString>, Failure> {
            let strings = strings.into_iter().map(CString::new);
            let strings: Result<Vec<_>, _> = strings.collect();
            strings.map_err(|_nul| Failure::Other(libc::EINVAL))
        };
        Ok(Self::Program(Program {
            path: CString::new(program.as_os_str().as_bytes())
                .map_err(|_nul| Failure::NoProgram)?,
            argv: strings(argv)?,
            environment: strings(environment)?,
        }))
    }

    /// Starts it in a session of its own, with the signals that the agent had.
    pub(crate) fn spawn(
        &self,
        streams: &Streams,
        home: &Home,
        note: &Note,
    ) -> Result<libc::pid_t, Failure> {
        match (self, streams) {
            (Self::Program(program), streams) => program.spawn(streams, home),
            (Self::Work(work), Streams::Given(descriptors)) => {
                let forked = sys::fork();
                match forked
                    .map_err(|error| Failure::Other(error.raw_os_error().unwrap_or(libc::EIO)))?
                {
                    Fork::Parent(pid) => Ok(pid),
                    // Who no longer reads its answer is told of by the write, not by a signal.
                    Fork::Child => match sys::become_command(*descriptors, &home.signals)
                        .and_then(|()| sys::hold_back_signals())
                    {
                        Ok(_) => sys::exit(work::run(work, note)),
                        Err(_) => sys::exit(libc::EXIT_FAILURE),
                    },
                }
            }
            (Self::Work(_), Streams::Terminal(_)) => Err(Failure::NoTerminal(libc::EINVAL)),
        }
    }
}

impl Program {
    /// Not by `posix_spawn`: that of glibc leaves two signals of its own ignored.
    fn spawn(&self, streams: &Streams, home: &Home) -> Result<libc::pid_t, Failure> {
        let argv = pointers(&self.argv);
        let environment = pointers(&self.environment);
        let mut child = Child {
            program: self.path.as_ptr(),
            argv: argv.as_ptr(),
            environment: environment.as_ptr(),
            streams: match streams {
                Streams::Given(descriptors) => *descriptors,
                Streams::Terminal(_) => [-1; 3],
            },
            terminal: match streams {
                Streams::Given(_) => ptr::null(),
                Streams::Terminal(path) => path.as_ptr(),
            },
            signals: &raw const home.signals.0,
            errno: 0,
        };
        let pid = sys::start(become_command, (&raw mut child).cast());
        let failed = match (pid, child.errno) {
            (Ok(pid), 0) => return Ok(pid),
            (Ok(_), errno) => errno,
            (Err(error), _) => error.raw_os_error().unwrap_or(libc::EIO),
        };
        Err(match failed {
            libc::ENOENT => Failure::NoProgram,
            libc::EACCES | libc::EPERM | libc::EISDIR | libc::ENOEXEC => Failure::NotExecutable,
            other => Failure::Other(other),
        })
    }
}

/// What the new process needs to know; it has the same memory until it becomes the command.
struct Child {
    program: *const libc::c_char,
    argv: *const *const libc::c_char,
    environment: *const *const libc::c_char,
    streams: [RawFd; 3],
    /// The path of a terminal in place of them, or null.
    terminal: *const libc::c_char,
    signals: *const libc::sigset_t,
    /// Why it did not become the command.
    errno: libc::c_int,
}

/// The new process: only system calls from here on. Answers only if it can't become the command.
extern "C" fn become_command(child: *mut libc::c_void) -> libc::c_int {
    let child: *mut Child = child.cast();
    // SAFETY: `spawn` waits with it until this process has become another or has ended.
    let child = unsafe { &mut *child };
    // SAFETY: the pointers in it are those of values that `spawn` keeps.
    child.errno = unsafe { prepare_and_execute(child) };
    127
}

/// Answers an errno.
///
/// # Safety
/// The pointers must be valid, the lists end with null.
unsafe fn prepare_and_execute(child: &Child) -> libc::c_int {
    macro_rules! attempt {
        ($call:expr) => {{
            // SAFETY: as the caller of this function promises.
            let result = unsafe { $call };
            if result == -1 {
                return io::Error::last_os_error()
                    .raw_os_error()
                    .unwrap_or(libc::EIO);
            }
            result
        }};
    }
    attempt!(libc::setsid());
    if child.terminal.is_null() {
        for (at, descriptor) in (0..).zip(child.streams) {
            // None of them is below 3, so none is overwritten before its turn.
            attempt!(libc::dup2(descriptor, at));
        }
    } else {
        // The first terminal that a session's leader opens is its own.
        let terminal = attempt!(libc::open(child.terminal, libc::O_RDWR));
        for at in 0..3 {
            attempt!(libc::dup2(terminal, at));
        }
        attempt!(libc::close(terminal));
    }
    attempt!(libc::sigprocmask(
        libc::SIG_SETMASK,
        child.signals,
        ptr::null_mut()
    ));
    attempt!(libc::execve(child.program, child.argv, child.environment));
    libc::EIO
}

/// The program of that name, as a runtime finds it.
fn find(name: &[u8], path: &[u8]) -> Result<PathBuf, Failure> {
    let mut failure = Failure::NoProgram;
    let candidates: Vec<PathBuf> = if name.contains(&b'/') {
        vec![PathBuf::from(std::ffi::OsStr::from_bytes(name))]
    } else if name.is_empty() {
        Vec::new()
    } else {
        let directories = path
            .split(|byte| *byte == b':')
            .filter(|one| !one.is_empty());
        directories
            .map(|one| Path::new(std::ffi::OsStr::from_bytes(one)))
            .map(|one| one.join(std::ffi::OsStr::from_bytes(name)))
            .collect()
    };
    for candidate in candidates {
        match std::fs::metadata(&candidate) {
            Ok(found) if found.is_file() && may_execute(&candidate) => return Ok(candidate),
            Ok(_) => failure = Failure::NotExecutable,
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
                failure = Failure::NotExecutable;
            }
            Err(_) => {}
        }
    }
    Err(failure)
}

fn may_execute(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: the string is one, and lives on.
    let result =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) };
    result == 0
}

/// Standard input of a command that reads nothing. What is no such device is not opened, or given up.
pub(crate) fn null() -> io::Result<OwnedFd> {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open("/dev/null")?;
    if file.metadata()?.file_type().is_char_device() {
        Ok(file.into())
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

/// Opens what is closed of the agent's own standard streams, so that no descriptor of a command ever
/// has such a number before it is put there.
pub(crate) fn fill_standard_streams() -> io::Result<()> {
    loop {
        let file = std::fs::File::open("/dev/null")?;
        if file.as_raw_fd() > 2 {
            return Ok(());
        }
        // It stays open where it is.
        let _ = file.into_raw_fd();
    }
}
