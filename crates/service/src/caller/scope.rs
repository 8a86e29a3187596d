//! What a caller may do: a kind of thing, and what is done with it.

use std::fmt;

macro_rules! scopes {
    ($($name:ident $text:literal $about:literal)*) => {
        /// Something that a caller may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scope {
            $(#[doc = $about] $name,)*
        }

        impl Scope {
            /// All of them, in the order in which people read them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word, as it stands in the API's document and in a token.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it permits, for people.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about,)*
                }
            }
        }
    };
}

scopes! {
    ContainersRead "containers:read" "See containers: their list, settings, logs, numbers and processes."
    ContainersWrite "containers:write" "Make, change, start, stop and remove containers."
    ExecRead "exec:read" "See background commands and their output."
    ExecRun "exec:run" "Run commands in containers, write to them, signal and end them, and open terminals."
    FilesRead "files:read" "Read files in containers, and take them out."
    FilesWrite "files:write" "Change files in containers, and put them in."
    UsersRead "users:read" "See the accounts in containers."
    UsersWrite "users:write" "Change the accounts in containers."
    RecordingsRead "recordings:read" "See recordings."
    RecordingsWrite "recordings:write" "Remove recordings."
    ImagesRead "images:read" "See images."
    ImagesWrite "images:write" "Fetch, make, change and remove images."
    VolumesRead "volumes:read" "See volumes, and take out what they hold."
    VolumesWrite "volumes:write" "Make, fill and remove volumes."
    NetworksRead "networks:read" "See networks."
    NetworksWrite "networks:write" "Make, change and remove networks."
    SecretsRead "secrets:read" "See which secrets there are."
    SecretsWrite "secrets:write" "Make and remove secrets."
    RegistriesRead "registries:read" "See which registries of images are known."
    RegistriesWrite "registries:write" "Make, change and remove what registries of images are asked with."
    PodsRead "pods:read" "See pods."
    PodsWrite "pods:write" "Make, change and remove pods."
    EventsRead "events:read" "Be told what happens."
    WebhooksRead "webhooks:read" "See webhooks."
    WebhooksWrite "webhooks:write" "Make, change and remove webhooks."
    TokensRead "tokens:read" "See which tokens there are."
    TokensWrite "tokens:write" "Make, renew and revoke tokens."
    AuditRead "audit:read" "Read the audit."
    SystemRead "system:read" "See the server's numbers and those of the machine."
    SystemWrite "system:write" "Change the machine as a whole, for instance clear away what nothing uses."
}

impl Scope {
    /// The scope of that word.
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|scope| scope.as_str() == text)
    }

    /// Who may change something sees it too: else the answer to a change would say more than one may know.
    fn includes(self) -> Option<Self> {
        let (thing, verb) = self.as_str().split_once(':')?;
        (verb != "read")
            .then(|| Self::parse(&format!("{thing}:read")))
            .flatten()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes, each with what it includes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u64);

impl Scopes {
    /// Every scope.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether a scope is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Those that are in it, in the order in which people read them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        let all = Scope::ALL.iter().copied();
        all.filter(move |scope| self.contains(*scope))
    }
}

fn bit(scope: Scope) -> u64 {
    1 << scope as u64
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        let with = |set, scope: Scope| set | bit(scope) | scope.includes().map_or(0, bit);
        Self(scopes.into_iter().fold(0, with))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
