//! Which program a name means, and what OCI runtimes say when it can't be started.

use super::Process;
use crate::fake::FakeRuntime;
use crate::fake::image::PROGRAM;
use crate::fake::node::{FsError, Kind, allowed};

/// Why a process could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fake) enum Unstartable {
    /// No such program.
    NotFound(String),
    /// A file that may not be executed.
    Denied(String),
    /// The directory to start in.
    Directory(String, FsError),
}

impl Unstartable {
    /// The errno, as libc writes it.
    pub(super) fn text(&self) -> &'static str {
        match self {
            Self::NotFound(_) => FsError::NotFound.text(),
            Self::Denied(_) => FsError::Denied.text(),
            Self::Directory(_, error) => error.text(),
        }
    }

    /// The exit code of an exec that fails so.
    pub(in crate::fake) fn code(&self) -> i32 {
        match self {
            Self::NotFound(_) | Self::Directory(_, FsError::NotFound) => 127,
            Self::Denied(_) => 126,
            Self::Directory(..) => 125,
        }
    }

    /// What the runtime says, with Podman's words at the end. `step` is `exec failed` or `runc create
    /// failed`, which only runc says.
    pub(in crate::fake) fn report(&self, runtime: FakeRuntime, step: &str) -> String {
        let missing = "OCI runtime attempted to invoke a command that was not found";
        let denied = "OCI permission denied";
        let end = match self {
            Self::NotFound(_) | Self::Directory(_, FsError::NotFound) => missing,
            Self::Denied(_) | Self::Directory(_, FsError::Denied) => denied,
            Self::Directory(..) => "OCI runtime error",
        };
        let what = match runtime {
            FakeRuntime::Runc => self.runc(step),
            FakeRuntime::Crun => self.crun(),
        };
        format!("{what}: {end}")
    }

    fn runc(&self, step: &str) -> String {
        let what = match self {
            Self::NotFound(program) if program.contains('/') => {
                format!("exec: \"{program}\": stat {program}: no such file or directory")
            }
            Self::NotFound(program) => {
                format!("exec: \"{program}\": executable file not found in $PATH")
            }
            Self::Denied(program) => format!("exec: \"{program}\": permission denied"),
            Self::Directory(directory, error) => {
                let error = error.go_text();
                format!("chdir to cwd (\"{directory}\") set in config.json failed: {error}")
            }
        };
        format!("runc: {step}: unable to start container process: {what}")
    }

    fn crun(&self) -> String {
        let error = self.text();
        match self {
            Self::NotFound(program) => {
                format!("crun: executable file `{program}` not found in $PATH: {error}")
            }
            Self::Denied(_) => format!("crun: open executable: {error}"),
            Self::Directory(directory, _) => format!("crun: chdir `{directory}`: {error}"),
        }
    }
}

/// What the interpreter runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// One of its own programs, by name.
    Own(String),
    /// A script for the shell.
    Script(String),
}

/// Checks the directory that a process starts in. Runtimes go there as root, so its mode is no matter.
pub(super) fn directory(process: &Process) -> Result<(), Unstartable> {
    let tree = process.inside.tree();
    let found = tree.get(&process.directory, true);
    let found = found.and_then(|node| match () {
        () if !node.is_directory() => Err(FsError::NotDirectory),
        () => Ok(()),
    });
    found.map_err(|error| Unstartable::Directory(process.directory.clone(), error))
}

/// Finds a program by path, or by name in `PATH`.
pub(super) fn program(process: &Process, name: &str) -> Result<Program, Unstartable> {
    path(process, name).map(|(_, program)| program)
}

/// Finds a program and its path.
pub(super) fn path(process: &Process, name: &str) -> Result<(String, Program), Unstartable> {
    if name.contains('/') {
        let program = load(process, &process.path(name), name)?;
        return Ok((name.to_owned(), program));
    }
    let directories = process
        .environment
        .get("PATH")
        .map_or("/bin", String::as_str);
    let mut error = Unstartable::NotFound(name.to_owned());
    for directory in directories.split(':').filter(|_| !name.is_empty()) {
        let path = format!("{directory}/{name}");
        match load(process, &path, name) {
            Ok(program) => return Ok((path, program)),
            Err(Unstartable::NotFound(_)) => {}
            Err(other) => error = other,
        }
    }
    Err(error)
}

fn load(process: &Process, path: &str, name: &str) -> Result<Program, Unstartable> {
    let tree = process.inside.tree();
    let denied = || Unstartable::Denied(name.to_owned());
    let node = match tree.get(path, true) {
        Ok(node) => node,
        Err(FsError::NotFound | FsError::NotDirectory) => {
            return Err(Unstartable::NotFound(name.to_owned()));
        }
        Err(_) => return Err(denied()),
    };
    let Kind::File(content) = &node.kind else {
        return Err(denied());
    };
    if !allowed(node, process.account.who, 1) {
        return Err(denied());
    }
    let text = String::from_utf8_lossy(content);
    let Some(own) = text.strip_prefix(PROGRAM) else {
        return Ok(Program::Script(text.into_owned()));
    };
    let base = name.rsplit('/').next().unwrap_or(name);
    let own = own.trim_end();
    Ok(Program::Own(
        if own == "busybox" { base } else { own }.to_owned(),
    ))
}
