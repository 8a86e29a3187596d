//! The start of a command: the search for its program, and the spawn.

use crate::process::{Home, value};
use podlane_agent::{Failure, Run, Target};
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr;

/// Where programs are looked for if nothing says so; what engines give as PATH themselves.
const PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that is ready to be started.
pub(crate) struct Prepared {
    program: CString,
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
        Ok(Self {
            program: CString::new(program.as_os_str().as_bytes())
                .map_err(|_nul| Failure::NoProgram)?,
            argv: strings(argv)?,
            environment: strings(environment)?,
        })
    }

    /// Starts it in a session of its own, as engines do, with the signals that the agent had.
    pub(crate) fn spawn(&self, streams: &Streams, home: &Home) -> Result<libc::pid_t, Failure> {
        let failed = |error: io::Error| match error.raw_os_error() {
            Some(libc::ENOENT) => Failure::NoProgram,
            Some(libc::EACCES | libc::EPERM | libc::EISDIR | libc::ENOEXEC) => {
                Failure::NotExecutable
            }
            other => Failure::Other(other.unwrap_or(libc::EIO)),
        };
        let mut actions = Actions::new().map_err(failed)?;
        match streams {
            Streams::Given(descriptors) => {
                for (at, descriptor) in (0..).zip(descriptors) {
                    actions.put(*descriptor, at).map_err(failed)?;
                }
            }
            Streams::Terminal(path) => {
                actions.open(path, 0).map_err(failed)?;
                actions.put(0, 1).map_err(failed)?;
                actions.put(0, 2).map_err(failed)?;
            }
        }
        let attributes = Attributes::new(home).map_err(failed)?;
        let argv = pointers(&self.argv);
        let environment = pointers(&self.environment);
        let mut pid = 0;
        // SAFETY: all pointers are to values that live on; the lists end with null.
        let result = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                self.program.as_ptr(),
                &raw const actions.0,
                &raw const attributes.0,
                argv.as_ptr(),
                environment.as_ptr(),
            )
        };
        answered(result).map(|()| pid).map_err(failed)
    }
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

fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr().cast_mut());
    pointers.chain([ptr::null_mut()]).collect()
}

/// The result of a call that answers an errno.
fn answered(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// What the new process does to its descriptors.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the pointer is valid.
        answered(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: made by the call.
        Ok(Self(unsafe { actions.assume_init() }))
    }

    fn put(&mut self, from: RawFd, to: RawFd) -> io::Result<()> {
        // SAFETY: the pointer is valid.
        answered(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.0, from, to) })
    }

    fn open(&mut self, path: &CString, to: RawFd) -> io::Result<()> {
        // SAFETY: the pointers are valid; the path is copied.
        answered(unsafe {
            libc::posix_spawn_file_actions_addopen(
                &raw mut self.0,
                to,
                path.as_ptr(),
                libc::O_RDWR,
                0,
            )
        })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: made by its `init`, and dropped once.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// The new process's session and signals.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new(home: &Home) -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the pointer is valid.
        answered(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: made by the call.
        let mut attributes = Self(unsafe { attributes.assume_init() });
        let flags = libc::POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
        let flags = libc::c_short::try_from(flags).unwrap_or_default();
        // SAFETY: the pointer is valid.
        answered(unsafe { libc::posix_spawnattr_setflags(&raw mut attributes.0, flags) })?;
        // SAFETY: the pointers are valid.
        answered(unsafe {
            libc::posix_spawnattr_setsigmask(&raw mut attributes.0, &raw const home.signals.0)
        })?;
        Ok(attributes)
    }
}

/// Source: `spawn.h` of glibc 2.26 and musl 1.1.22.
const POSIX_SPAWN_SETSID: libc::c_int = 0x80;

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: made by its `init`, and dropped once.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
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
