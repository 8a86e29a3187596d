//! Who asks. Every operation gets it with its first argument, and says in its first line what the caller
//! must be allowed to do.

mod bounds;
mod role;
mod scope;

pub use bounds::{Bounds, NamePrefix, Tenant};
pub use role::Role;
pub use scope::{Scope, Scopes};

use crate::{Error, Result};
use podlane_engine::RequestId;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Somebody who asks for operations.
#[derive(Debug)]
pub struct Caller {
    who: Who,
    scopes: Scopes,
    bounds: Bounds,
}

/// Which caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody had to say who they are.
    Anonymous,
    /// The holder of a token.
    Token {
        /// The token's public part.
        id: String,
        /// What people call it.
        name: String,
    },
    /// The server, or the command line on its machine.
    Server,
}

impl Caller {
    /// A caller with these scopes, within these bounds.
    pub(crate) fn new(who: Who, scopes: Scopes, bounds: Bounds) -> Self {
        Self {
            who,
            scopes,
            bounds,
        }
    }

    /// Whoever asks where nobody has to say who they are: may do everything.
    pub fn anonymous() -> Self {
        Self::new(Who::Anonymous, Scopes::all(), Bounds::default())
    }

    /// The server itself.
    pub fn server() -> Self {
        Self::new(Who::Server, Scopes::all(), Bounds::default())
    }

    /// What it may do.
    pub(crate) fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// Whether it may do that.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// An error unless it may do that.
    pub(crate) fn must(&self, scope: Scope) -> Result<()> {
        if self.may(scope) {
            return Ok(());
        }
        Err(Error::Denied { scope })
    }

    /// The same caller, acting for a tenant: whoever sees everything may do that for any.
    pub fn acting_for(mut self, tenant: Tenant) -> Result<Self> {
        match &self.bounds.tenant {
            Some(own) if *own != tenant => Err(Error::Bounded {
                what: "acting for another tenant",
            }),
            _ => {
                self.bounds.tenant = Some(tenant);
                Ok(self)
            }
        }
    }

    /// What it is kept within.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.who
    }
}

/// One request on its way through the service: the engine's [`podlane_engine::Call`], and who asks.
///
/// It stands wherever the engine's is wanted.
#[derive(Debug, Clone)]
pub struct Call {
    engine: podlane_engine::Call,
    caller: Arc<Caller>,
    /// What exactly is asked for, for the audit.
    note: Arc<OnceLock<String>>,
}

impl Call {
    /// A call of `caller` that must end within `limit` from now.
    pub fn new(request_id: RequestId, limit: Duration, caller: Arc<Caller>) -> Self {
        Self {
            engine: podlane_engine::Call::new(request_id, limit),
            caller,
            note: Arc::default(),
        }
    }

    /// The same request with a fresh time limit.
    #[must_use]
    pub fn extended(&self, limit: Duration) -> Self {
        Self {
            engine: self.engine.extended(limit),
            caller: Arc::clone(&self.caller),
            note: Arc::clone(&self.note),
        }
    }

    /// The same request, once it is known who asks.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self {
            caller: Arc::new(caller),
            ..self
        }
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Says what exactly is asked for, for the audit: a command, a path, names, and never a secret.
    pub(crate) fn note(&self, detail: impl FnOnce() -> String) {
        let _ = self.note.get_or_init(detail);
    }

    /// What was said so.
    pub fn noted(&self) -> Option<&str> {
        self.note.get().map(String::as_str)
    }

    /// The first line of every operation: an error unless the caller may do that.
    pub fn may(&self, scope: Scope) -> Result<()> {
        self.caller.must(scope)
    }
}

impl Deref for Call {
    type Target = podlane_engine::Call;

    fn deref(&self) -> &podlane_engine::Call {
        &self.engine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words_and_sets() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
            assert!(Scopes::all().contains(*scope));
            let alone: Scopes = [*scope].into_iter().collect();
            let (thing, _) = scope.as_str().split_once(':').expect("a thing and a verb");
            let of_it = |scope: Scope| scope.as_str().starts_with(&format!("{thing}:"));
            assert!(
                alone.contains(*scope) && alone.iter().all(of_it),
                "{alone:?}"
            );
        }
        assert!(Scope::ALL.len() <= 64, "a set is one word");
        assert_eq!(Scope::parse("containers:*"), None);
        let runs: Scopes = [Scope::ExecRun].into_iter().collect();
        assert!(runs.contains(Scope::ExecRead));
        let reads: Scopes = [Scope::ExecRead].into_iter().collect();
        assert!(!reads.contains(Scope::ExecRun));
    }

    #[test]
    fn what_is_not_permitted_is_denied_by_name() {
        let caller = Caller {
            who: Who::Anonymous,
            scopes: [Scope::ContainersRead].into_iter().collect(),
            bounds: Bounds::default(),
        };
        let id = RequestId::parse("test").expect("valid");
        let call = Call::new(id, Duration::from_secs(1), Arc::new(caller));
        assert!(call.may(Scope::ContainersRead).is_ok());
        let denied = call.may(Scope::ContainersWrite).expect_err("not permitted");
        assert!(denied.to_string().contains("containers:write"));
    }
}
