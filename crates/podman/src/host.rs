//! The processes of containers as this host sees them: found through /proc, ended through pidfds.
//!
//! Libpod has no call that ends an exec, and what a command has started can leave its process group,
//! its session and its parent. So a command carries a mark in its environment, which its children
//! inherit, and the whole tree is found by mark, by descent, by session and by the output pipes it
//! holds; it is frozen first, so that nothing slips away between two looks, then killed.
//!
//! Reads and signals only; blocking, so it is called from a blocking task.

use podlane_engine::{Survivor, Termination};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::thread;
use std::time::{Duration, Instant};

/// How long a kill may take, and how long to wait between two looks.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);
/// How long a kill is waited for in a paused container, where not every kernel lets it happen.
const GLIMPSE: Duration = Duration::from_millis(100);

/// One process.
#[derive(Debug, Clone)]
struct Entry {
    pid: i32,
    parent: i32,
    group: i32,
    session: i32,
    name: String,
    zombie: bool,
    /// Start time: with the PID it names a process for good.
    started: u64,
}

/// Whether the process `pid` here is that of the container of that ID, and not the one that another
/// PID namespace or another machine gives this number: its cgroup path or its command line's parent
/// (conmon is told the ID) names it.
pub(crate) fn sees(pid: i32, container: &str) -> bool {
    names(&format!("/proc/{pid}/cgroup"), container)
        || entry(pid).is_some_and(|first| sees_monitor(first.parent, container))
}

/// Whether the process `pid` here is the conmon of that container.
pub(crate) fn sees_monitor(pid: i32, container: &str) -> bool {
    names(&format!("/proc/{pid}/cmdline"), container)
}

fn names(path: &str, container: &str) -> bool {
    fs::read(path).is_ok_and(|text| String::from_utf8_lossy(&text).contains(container))
}

/// Ends every process of the PID namespace of `neighbour` that is `root` or carries `mark`, descends
/// from one that is or does, shares a session with one, or holds one of its pipes. They are asked with
/// SIGTERM, and killed after `grace`.
pub(crate) fn kill_tree(
    neighbour: i32,
    mark: &str,
    root: Option<i32>,
    grace: Duration,
) -> Termination {
    let Some(namespace) = pid_namespace(neighbour) else {
        // With its PID 1 the whole namespace is gone.
        return Termination::Complete { killed: false };
    };
    let mut tree = Tree::new(namespace, mark, root);
    if tree.ends_if_asked(grace) {
        return Termination::Complete { killed: false };
    }
    tree.end(PATIENCE, false)
}

/// The same in a paused container: what is killed there ends at once or, where the kernel keeps it frozen,
/// when the container is unpaused.
pub(crate) fn kill_paused_tree(neighbour: i32, mark: &str, root: Option<i32>) -> Termination {
    match pid_namespace(neighbour) {
        Some(namespace) => Tree::new(namespace, mark, root).end(GLIMPSE, true),
        None => Termination::Complete { killed: false },
    }
}

/// Sends a signal to a process and to its process group, within its PID namespace: without a terminal
/// a command shares its group with the engine's monitor outside.
pub(crate) fn signal_group(pid: i32, number: i32) -> std::io::Result<()> {
    let (Some(process), Some(namespace)) = (entry(pid), pid_namespace(pid)) else {
        return Ok(());
    };
    let group = pids()
        .filter_map(entry)
        .filter(|other| other.group == process.group && !is_first(other.pid))
        .filter(|other| pid_namespace(other.pid).as_ref() == Some(&namespace));
    for entry in group {
        signal_process(&entry, number)?;
    }
    Ok(())
}

/// The handle is held; if the process behind it is still the one that was seen, it stays so.
fn signal_process(target: &Entry, number: i32) -> std::io::Result<()> {
    let signal = Signal::from_named_raw(number).ok_or(std::io::ErrorKind::InvalidInput)?;
    let Some(pid) = Pid::from_raw(target.pid) else {
        return Ok(());
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return Ok(());
    };
    if entry(target.pid).is_some_and(|now| now.started == target.started) {
        pidfd_send_signal(&handle, signal)?;
    }
    Ok(())
}

/// Marks of the commands that run here, each with the process that was started for it. What a command
/// has left in the background when it ended is none.
pub(crate) fn marks(variable: &str) -> HashMap<String, i32> {
    let prefix = format!("{variable}=");
    let mut found = HashMap::new();
    for pid in pids().filter(|pid| comes_from_outside(*pid)) {
        for entry in environment(pid).split(|byte| *byte == 0) {
            if let Some(mark) = entry.strip_prefix(prefix.as_bytes()) {
                found.insert(String::from_utf8_lossy(mark).into_owned(), pid);
            }
        }
    }
    found
}

/// Whether a process was put into its PID namespace by one that is not in it, as only a runtime does.
fn comes_from_outside(pid: i32) -> bool {
    let parent = entry(pid).and_then(|entry| pid_namespace(entry.parent));
    parent.is_some() && parent != pid_namespace(pid)
}

struct Tree<'a> {
    namespace: OsString,
    mark: &'a str,
    /// Found in the first look only: later another process may have its number.
    root: Option<i32>,
    /// All ever found, by PID and start time.
    known: HashSet<(i32, u64)>,
    sessions: HashSet<i32>,
    pipes: HashSet<OsString>,
    /// Pipes of the container's own PID 1: holding one of those ties nobody to a command.
    common: HashSet<OsString>,
    /// Those found in the last look that are not dead.
    living: Vec<Entry>,
}

impl<'a> Tree<'a> {
    fn new(namespace: OsString, mark: &'a str, root: Option<i32>) -> Self {
        Self {
            namespace,
            mark,
            root,
            known: HashSet::new(),
            sessions: HashSet::new(),
            pipes: HashSet::new(),
            common: HashSet::new(),
            living: Vec::new(),
        }
    }

    /// Looks once more. Whether something new has been found.
    fn grow(&mut self) -> bool {
        let entries: Vec<Entry> = pids()
            .filter(|pid| pid_namespace(*pid).as_ref() == Some(&self.namespace))
            .filter_map(entry)
            .collect();
        if let Some(first) = entries.iter().find(|entry| is_first(entry.pid)) {
            self.common.extend(pipes(first.pid));
        }
        let before = self.known.len();
        loop {
            let parents: HashSet<i32> = self.known.iter().map(|(pid, _)| *pid).collect();
            let mut found = false;
            for entry in &entries {
                let key = (entry.pid, entry.started);
                if !self.known.contains(&key) && self.belongs(entry, &parents) {
                    self.known.insert(key);
                    self.learn(entry);
                    found = true;
                }
            }
            if !found {
                break;
            }
        }
        self.root = None;
        self.living = entries
            .into_iter()
            .filter(|entry| !entry.zombie && self.known.contains(&(entry.pid, entry.started)))
            .collect();
        self.known.len() > before
    }

    fn belongs(&self, entry: &Entry, parents: &HashSet<i32>) -> bool {
        !is_first(entry.pid)
            && (self.root == Some(entry.pid)
                || parents.contains(&entry.parent)
                || self.sessions.contains(&entry.session)
                || has_mark(entry.pid, self.mark)
                || pipes(entry.pid)
                    .iter()
                    .any(|pipe| self.pipes.contains(pipe)))
    }

    /// Remembers what ties others to a process. A session counts only if its leader is one of ours:
    /// it can't be the container's own then.
    fn learn(&mut self, entry: &Entry) {
        if entry.session == entry.pid || self.known.iter().any(|(pid, _)| *pid == entry.session) {
            self.sessions.insert(entry.session);
        }
        if has_mark(entry.pid, self.mark) {
            self.pipes.extend(
                pipes(entry.pid)
                    .into_iter()
                    .filter(|pipe| !self.common.contains(pipe)),
            );
        }
    }

    fn signal(&self, signal: Signal) {
        for target in &self.living {
            // What has gone meanwhile needs no signal.
            let _ = signal_process(target, signal.as_raw());
        }
    }

    /// Kills everybody, for at most `patience`.
    fn end(mut self, patience: Duration, paused: bool) -> Termination {
        let deadline = Instant::now() + patience;
        loop {
            while self.grow() {
                self.signal(Signal::STOP);
            }
            if self.living.is_empty() {
                return Termination::Complete { killed: true };
            }
            self.signal(Signal::KILL);
            if Instant::now() > deadline {
                return Termination::Survivors(self.survivors(paused));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks everybody to end; whether nothing was left within `grace`.
    fn ends_if_asked(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if self.grow() {
                self.signal(Signal::TERM);
                // What is stopped takes no other signal.
                self.signal(Signal::CONT);
            }
            if self.living.is_empty() {
                return true;
            }
            thread::sleep(PAUSE);
        }
        false
    }

    fn survivors(&self, paused: bool) -> Vec<Survivor> {
        let survivor = |entry: &Entry| Survivor {
            pid: entry.pid,
            name: entry.name.clone(),
            paused,
        };
        self.living.iter().map(survivor).collect()
    }
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn pid_namespace(pid: i32) -> Option<OsString> {
    fs::read_link(format!("/proc/{pid}/ns/pid"))
        .ok()
        .map(OsString::from)
}

/// Whether a process is PID 1 of its namespace: that is the container itself, never an exec's.
fn is_first(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let inner = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    inner.and_then(|pids| pids.split_ascii_whitespace().next_back()) == Some("1")
}

/// Source: proc(5), /proc/pid/stat; the second field may hold anything, also parentheses.
fn entry(pid: i32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Entry {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        name: head.split_once('(').map_or("", |(_, name)| name).to_owned(),
        zombie: matches!(*fields.first()?, "Z" | "X"),
        started: fields.get(19)?.parse().ok()?,
    })
}

fn environment(pid: i32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

fn has_mark(pid: i32, mark: &str) -> bool {
    environment(pid)
        .split(|byte| *byte == 0)
        .any(|entry| entry == mark.as_bytes())
}

/// The pipes that are a process's standard output and standard error.
fn pipes(pid: i32) -> Vec<OsString> {
    let link = |fd| {
        fs::read_link(format!("/proc/{pid}/fd/{fd}"))
            .ok()
            .map(OsString::from)
    };
    [1, 2]
        .into_iter()
        .filter_map(link)
        .filter(|name| name.as_bytes().starts_with(b"pipe:"))
        .collect()
}

#[cfg(test)]
mod tests;
