//! Usual sets of scopes.

use super::{Scope, Scopes};

/// A usual set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sees what there is, but not what it holds: no files, no output of commands, no recordings.
    Viewer,
    /// Does everything with containers and what they need.
    Operator,
    /// Does everything.
    Admin,
}

impl Role {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What it permits.
    pub fn scopes(self) -> Scopes {
        let all = Scope::ALL.iter().copied();
        match self {
            Self::Admin => all.collect(),
            Self::Operator => all.filter(|scope| !is_admins(*scope)).collect(),
            Self::Viewer => all.filter(|scope| is_seen(*scope)).collect(),
        }
    }
}

/// What is about other callers, or about the machine as a whole.
fn is_admins(scope: Scope) -> bool {
    matches!(
        scope,
        Scope::TokensRead | Scope::TokensWrite | Scope::AuditRead | Scope::SystemWrite
    )
}

fn is_seen(scope: Scope) -> bool {
    matches!(
        scope,
        Scope::ContainersRead
            | Scope::UsersRead
            | Scope::ImagesRead
            | Scope::VolumesRead
            | Scope::NetworksRead
            | Scope::PodsRead
            | Scope::EventsRead
            | Scope::SystemRead
    )
}
