//! What differs between the two Podman versions that the fake can be.
//!
//! Every text here is from a recorded answer of the real thing; nothing is guessed.

/// The Podman version that a fake behaves like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeVersion {
    /// Podman 4.3.1, as in Debian 12.
    V43,
    /// Podman 5.8.6, as in Debian forky.
    V58,
}

/// The OCI runtime whose words a fake uses for what can't be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FakeRuntime {
    /// runc 1.1.5.
    #[default]
    Runc,
    /// crun 1.8.1.
    Crun,
}

impl FakeRuntime {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
        }
    }
}

impl FakeVersion {
    /// The version as Podman writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V43 => "4.3.1",
            Self::V58 => "5.8.6",
        }
    }

    /// The version of the Docker-compatible API that goes with it.
    pub(super) fn compat_api(self) -> &'static str {
        match self {
            Self::V43 => "1.41",
            Self::V58 => "1.44",
        }
    }

    pub(super) fn buildah(self) -> &'static str {
        match self {
            Self::V43 => "1.28.2",
            Self::V58 => "1.43.2",
        }
    }

    /// Whether this is the old dialect.
    pub(super) fn is_old(self) -> bool {
        self == Self::V43
    }

    /// Status and message for a create that names an image the engine does not hold.
    pub(super) fn unknown_image(self, image: &str) -> (u16, String) {
        match self {
            Self::V43 => (500, format!("{image}: image not known")),
            Self::V58 => (404, format!("no such image: {image}: image not known")),
        }
    }

    /// The host address that inspect shows for a port published on all of them.
    pub(super) fn any_address(self) -> &'static str {
        match self {
            Self::V43 => "",
            Self::V58 => "0.0.0.0",
        }
    }

    /// How `DELETE containers/{name}` says that there is no such container.
    pub(super) fn nothing_to_remove(self, name: &str) -> String {
        match self {
            Self::V43 => {
                format!("no container with name or ID \"{name}\" found: no such container")
            }
            Self::V58 => {
                format!("no container with ID or name \"{name}\" found: no such container")
            }
        }
    }

    /// How `PUT archive` begins to say that there is no such container.
    pub(super) fn archive_nowhere(self) -> &'static str {
        match self {
            Self::V43 => "the container doesn't exists",
            Self::V58 => "the container does not exist",
        }
    }
}
