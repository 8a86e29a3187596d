//! What says who there is in a container: the account files, and what hangs on them.

use crate::{Failure, Path};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest account file, in bytes.
pub const MAX_ACCOUNT_FILE: u64 = 4 << 20;
/// Where the accounts' rules for sudo stand.
pub const SUDO_DIRECTORY: &str = "/etc/sudoers.d";
/// How the names of our rules for sudo begin; the account's name follows.
pub const SUDO_PREFIX: &str = "podlane-";

/// A file below /etc that says something about accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountFile {
    /// passwd(5)
    Passwd,
    /// group(5)
    Group,
    /// shadow(5)
    Shadow,
    /// gshadow(5)
    Gshadow,
    /// subuid(5)
    Subuid,
    /// subgid(5)
    Subgid,
    /// login.defs(5), which is never written
    LoginDefs,
}

impl AccountFile {
    /// All, in the order in which they are written: an account exists once it stands in the last.
    pub const ALL: [Self; 7] = [
        Self::LoginDefs,
        Self::Shadow,
        Self::Gshadow,
        Self::Subuid,
        Self::Subgid,
        Self::Group,
        Self::Passwd,
    ];

    /// Its name in /etc.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passwd => "passwd",
            Self::Group => "group",
            Self::Shadow => "shadow",
            Self::Gshadow => "gshadow",
            Self::Subuid => "subuid",
            Self::Subgid => "subgid",
            Self::LoginDefs => "login.defs",
        }
    }

    /// The permission bits of a new one.
    pub fn mode(self) -> u32 {
        match self {
            Self::Shadow | Self::Gshadow => 0o600,
            _ => 0o644,
        }
    }
}

/// Whether an account file is there; its content follows if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFileFound {
    /// Which one.
    pub file: AccountFile,
    /// Whether it is there.
    pub there: bool,
}

/// What follows the account files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsSeen {
    /// For each program asked about, whether it is there.
    pub programs: Vec<bool>,
    /// The files with our rules for sudo: an account's name and the content.
    pub rules: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A step of a change. All steps are taken, or none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountStep {
    /// Another content for an account file, which follows as blocks.
    File(AccountFile),
    /// A home directory, with what is in /etc/skel. What is there stays as it is.
    Home(AccountHome),
    /// Who may log in with which keys: the content of a home's `.ssh/authorized_keys`.
    Keys {
        /// The home directory.
        home: AccountHome,
        /// The content.
        keys: Vec<u8>,
    },
    /// An account's rule for sudo; `None` for no rule.
    Sudo {
        /// The account.
        name: String,
        /// The file's content.
        rule: Option<String>,
    },
    /// No home directory any more. This comes last, and what fails of it undoes nothing.
    RemoveHome(AccountHome),
}

impl fmt::Debug for AccountStep {
    /// Shows no keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(file) => file.name(),
            Self::Home(_) => "home",
            Self::Keys { .. } => "keys",
            Self::Sudo { .. } => "sudo",
            Self::RemoveHome(_) => "remove home",
        })
    }
}

/// A home directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountHome {
    /// Where.
    pub path: Path,
    /// Whose.
    pub uid: u32,
    /// Their group.
    pub gid: u32,
    /// Its permission bits, if it is made.
    pub mode: u32,
}

/// What was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsChanged {
    /// Home directories that were to be removed and are still there.
    pub left: Vec<Failure>,
}
