//! What webhooks can be told of.

use podlane_engine::EngineEvent;
use std::fmt;

macro_rules! kinds {
    ($($name:ident $text:literal $action:literal)*) => {
        /// Something that happens to containers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum WebhookEvent {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl WebhookEvent {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The one of an event of the engine's, if there is one.
            pub(super) fn of(event: &EngineEvent) -> Option<Self> {
                match event.action.as_str() {
                    _ if event.kind != "container" => None,
                    $($action => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

// The engine has no event for a want of memory: it is found when a container has died.
kinds! {
    Create "create" "create"
    Start "start" "start"
    Stop "stop" "stop"
    Restart "restart" "restart"
    Kill "kill" "kill"
    Pause "pause" "pause"
    Unpause "unpause" "unpause"
    Rename "rename" "rename"
    Update "update" "update"
    Died "died" "died"
    Oom "oom" "oom"
    Health "health" "health_status"
    Expired "expired" "expired"
    Remove "remove" "remove"
}

impl WebhookEvent {
    /// What an engine must be able to do for it, where not all can.
    pub(super) fn needs(self) -> Option<&'static str> {
        match self {
            Self::Stop => Some("events.stop"),
            Self::Update => Some("events.update"),
            Self::Oom => Some("containers.oom"),
            _ => None,
        }
    }

    /// The event of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
