//! The processes that descend from this one, and their end.

use crate::sys;
use podlane_agent::Survivor;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// A living descendant.
struct Descendant {
    pid: libc::pid_t,
    name: Vec<u8>,
}

/// All living descendants of this process, as /proc shows them now.
fn descendants() -> Vec<Descendant> {
    let mut children: HashMap<libc::pid_t, Vec<(libc::pid_t, Vec<u8>, bool)>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if entry
            .file_name()
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_digit)
            && let Ok(stat) = fs::read(entry.path().join("stat"))
            && let Some((pid, parent, name, dead)) = parse(&stat)
        {
            children.entry(parent).or_default().push((pid, name, dead));
        }
    }
    let mut found = Vec::new();
    let mut next = vec![std::process::id().cast_signed()];
    while let Some(parent) = next.pop() {
        for (pid, name, dead) in children.remove(&parent).unwrap_or_default() {
            next.push(pid);
            if !dead {
                found.push(Descendant { pid, name });
            }
        }
    }
    found
}

/// PID, parent, name, whether it is dead. Source: proc(5), /proc/pid/stat; the name may hold anything.
fn parse(stat: &[u8]) -> Option<(libc::pid_t, libc::pid_t, Vec<u8>, bool)> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.trim().parse().ok();
    let mut rest = stat.get(close + 2..)?.split(|byte| *byte == b' ');
    let dead = matches!(rest.next()?, b"Z" | b"X");
    let parent = number(rest.next()?)?;
    let name = stat.get(open + 1..close)?.to_vec();
    Some((number(&stat[..open])?, parent, name, dead))
}

/// The end of everything that descends from this process.
#[derive(Default)]
pub(crate) struct Ending {
    asked: HashSet<libc::pid_t>,
}

impl Ending {
    /// Asks whoever has not been asked yet.
    pub(crate) fn ask(&mut self) {
        for descendant in descendants() {
            if self.asked.insert(descendant.pid) {
                // What has gone meanwhile needs no signal; what is stopped takes it once it goes on.
                let _ = sys::kill(descendant.pid, libc::SIGTERM);
                let _ = sys::kill(descendant.pid, libc::SIGCONT);
            }
        }
    }
}

/// Kills every descendant. They are stopped first, so that none makes new ones while others are killed.
/// A PID can't be another process's by then: nobody but this process takes its dead children away, and
/// those of others were stopped in the same moment.
pub(crate) fn kill_descendants() {
    let mut stopped = HashSet::new();
    loop {
        let found = descendants();
        let before = stopped.len();
        for descendant in &found {
            if stopped.insert(descendant.pid) {
                let _ = sys::kill(descendant.pid, libc::SIGSTOP);
            }
        }
        if stopped.len() == before {
            for descendant in &found {
                let _ = sys::kill(descendant.pid, libc::SIGKILL);
            }
            return;
        }
    }
}

/// What is still there.
pub(crate) fn survivors() -> Vec<Survivor> {
    let survivor = |one: Descendant| Survivor {
        pid: one.pid,
        name: one.name,
    };
    descendants().into_iter().map(survivor).collect()
}
