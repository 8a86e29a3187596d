//! What is measured.

use std::time::Duration;

/// One operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Health,
    /// With so many containers there.
    List(usize),
    Inspect,
    Logs,
    /// A line for the container's shell.
    Exec,
    /// The same by its arguments, without a shell.
    Echo,
    File,
    CreateRemove,
}

/// In the order in which they are measured: containers only become more.
pub(crate) const ALL: [Operation; 9] = [
    Operation::Health,
    Operation::List(1),
    Operation::Inspect,
    Operation::Logs,
    Operation::Exec,
    Operation::File,
    Operation::CreateRemove,
    Operation::List(20),
    Operation::List(100),
];

/// How many clients ask at once.
pub(crate) const CLIENTS: [usize; 3] = [1, 10, 50];

impl Operation {
    /// Its name in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Health => "health".into(),
            Self::List(1) => "list, 1 container".into(),
            Self::List(count) => format!("list, {count} containers"),
            Self::Inspect => "inspect".into(),
            Self::Logs => "logs, 100 lines".into(),
            Self::Exec => "exec `echo hi` by the engine".into(),
            Self::Echo => "exec `echo hi`".into(),
            Self::File => "file, 1 KB".into(),
            Self::CreateRemove => "create + remove".into(),
        }
    }

    /// How long one block of it lasts, and how many blocks each side gets. One client's figures are
    /// those that have a goal, so slow calls get more time there.
    pub(crate) fn effort(self, clients: usize) -> Effort {
        let (milliseconds, rounds) = match (self, clients) {
            (Self::Exec | Self::File | Self::CreateRemove, 1) => (1500, 9),
            (Self::List(100), 1) => (1000, 9),
            (_, 1) => (400, 9),
            (Self::Exec | Self::File, _) => (1500, 2),
            (Self::CreateRemove, _) => (2000, 2),
            (Self::Echo, _) => (1500, 3),
            (Self::Health | Self::List(_) | Self::Inspect | Self::Logs, _) => (700, 3),
        };
        Effort {
            block: Duration::from_millis(milliseconds),
            rounds,
        }
    }
}

/// How much is done to measure an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) block: Duration,
    pub(crate) rounds: usize,
}
