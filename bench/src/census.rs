//! What is there: processes, descriptors, memory; all that commands could leave behind.

use crate::connection::Result;
use std::fs;
use std::path::Path;

/// Kilobytes by which a process may grow: what an allocator does, not a leak.
const GROWTH: u64 = 512;
/// And as many bytes for each command: an allocator's heap falls into ever more pieces, though no more is in use. It is
/// less than any object that commands could leave there, even if only one of 25 does.
const PIECES: u64 = 2;
/// Descriptors that may be more: a connection to the engine is kept for a while, and there is one when it is needed.
const CONNECTIONS: usize = 4;
/// The processes of an agent that has nothing to do: those that it keeps for the next commands, and two
/// of its own.
const IDLE_AGENT: usize = 18;
/// How the engine starts an agent.
const AGENT: &[u8] = b"/proc/self/fd/3\0";

/// A look into /proc. The processes of other namespaces are not there, and none of these is strange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Census {
    /// All but those of agents.
    processes: usize,
    agent_processes: usize,
    conmons: usize,
    server: Held,
    /// All processes of agents together.
    agents: Held,
}

#[derive(Debug, Clone, Copy, Default)]
struct Held {
    descriptors: usize,
    kilobytes: u64,
}

impl Census {
    /// Counts all processes; one of them is the server.
    pub(crate) fn take(server: u32) -> Result<Self> {
        let mut census = Self {
            processes: 0,
            agent_processes: 0,
            conmons: 0,
            server: Held::of(&Path::new("/proc").join(server.to_string()))?,
            agents: Held::default(),
        };
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            // One that has ended since is none.
            let Ok(comm) = fs::read(path.join("comm")) else {
                continue;
            };
            if !name.iter().all(u8::is_ascii_digit) {
                continue;
            }
            census.conmons += usize::from(comm == b"conmon\n");
            if fs::read(path.join("cmdline"))?.starts_with(AGENT) {
                let held = Held::of(&path)?;
                census.agents.descriptors += held.descriptors;
                census.agents.kilobytes += held.kilobytes;
                census.agent_processes += 1;
            } else {
                census.processes += 1;
            }
        }
        Ok(census)
    }

    /// Whether nothing has become more by so many commands since `before`, but for what allocators do and the
    /// processes that an agent keeps, each with no more than one had before.
    pub(crate) fn is_clean(&self, before: &Self, commands: u64) -> bool {
        self.processes <= before.processes
            && self.conmons <= before.conmons
            && self.server.is_clean(&before.server, commands)
            && self.agent_processes <= before.agent_processes.max(IDLE_AGENT)
            && self.agent().is_clean(&before.agent(), commands)
    }

    /// What one process of the agents holds.
    fn agent(&self) -> Held {
        let processes = self.agent_processes.max(1);
        Held {
            descriptors: self.agents.descriptors / processes,
            kilobytes: self.agents.kilobytes / processes as u64,
        }
    }

    /// What there was and what there is.
    pub(crate) fn compare(&self, before: &Self) -> String {
        let held = |was: &Held, is: &Held| {
            format!(
                "{} to {} descriptors, {} to {} KB",
                was.descriptors, is.descriptors, was.kilobytes, is.kilobytes
            )
        };
        format!(
            "{} to {} processes, {} to {} conmon; server: {}; agents: {} to {} processes, {}",
            before.processes,
            self.processes,
            before.conmons,
            self.conmons,
            held(&before.server, &self.server),
            before.agent_processes,
            self.agent_processes,
            held(&before.agents, &self.agents)
        )
    }
}

impl Held {
    fn of(process: &Path) -> Result<Self> {
        let status = fs::read_to_string(process.join("status"))?;
        Ok(Self {
            descriptors: fs::read_dir(process.join("fd"))?.count(),
            kilobytes: kilobytes(&status, "VmRSS:")?,
        })
    }

    fn is_clean(&self, before: &Self, commands: u64) -> bool {
        let growth = GROWTH + commands * PIECES / 1024;
        self.descriptors <= before.descriptors + CONNECTIONS
            && self.kilobytes <= before.kilobytes + growth
    }
}

/// A field of /proc/PID/status.
pub(crate) fn kilobytes(status: &str, field: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(value.ok_or("/proc has no such line")?.trim().parse()?)
}
