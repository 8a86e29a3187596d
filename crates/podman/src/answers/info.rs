//! What Podman says of itself and of its host.

use podlane_engine::{Confinement, DiskRoom, EngineInfo, Program};
use serde::Deserialize;

/// `GET info`, as far as it is of use.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Info {
    #[serde(default)]
    pub(crate) host: Host,
    #[serde(default)]
    pub(crate) store: Store,
    #[serde(default)]
    version: Version,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Host {
    #[serde(default)]
    arch: String,
    #[serde(default)]
    pub(crate) cgroup_manager: String,
    #[serde(default)]
    cgroup_version: String,
    #[serde(default)]
    cgroup_controllers: Option<Vec<String>>,
    #[serde(default)]
    kernel: String,
    #[serde(default)]
    network_backend: String,
    #[serde(default)]
    oci_runtime: Option<Runtime>,
    #[serde(default)]
    os: String,
    #[serde(default)]
    security: Security,
}

#[derive(Debug, Default, Deserialize)]
struct Runtime {
    #[serde(default)]
    name: String,
    /// Several lines, of which the first is `runc version 1.1.5`.
    #[serde(default)]
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "they are Podman's")]
struct Security {
    #[serde(default)]
    rootless: bool,
    #[serde(default)]
    seccomp_enabled: bool,
    #[serde(default)]
    apparmor_enabled: bool,
    #[serde(default)]
    selinux_enabled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Store {
    #[serde(default)]
    graph_driver_name: String,
    #[serde(default)]
    pub(crate) graph_root: String,
    #[serde(default)]
    pub(crate) run_root: String,
    #[serde(default)]
    pub(crate) volume_path: String,
    #[serde(default)]
    graph_root_allocated: u64,
    #[serde(default)]
    graph_root_used: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Version {
    #[serde(rename = "APIVersion", default)]
    api_version: String,
    #[serde(rename = "Version", default)]
    version: String,
}

impl From<Info> for EngineInfo {
    fn from(info: Info) -> Self {
        let Info {
            host,
            store,
            version,
        } = info;
        let runtime = host.oci_runtime.unwrap_or_default();
        let total = store.graph_root_allocated;
        Self {
            name: "podman".into(),
            version: version.version,
            api_version: version.api_version,
            runtime: Program {
                version: number(&runtime.version),
                name: runtime.name,
            },
            cgroup_version: host.cgroup_version,
            runs_checks: host.cgroup_manager == "systemd",
            cgroup_manager: host.cgroup_manager,
            cgroup_controllers: host.cgroup_controllers.unwrap_or_default(),
            storage_driver: store.graph_driver_name,
            network_backend: host.network_backend,
            rootless: host.security.rootless,
            os: host.os,
            arch: host.arch,
            kernel: host.kernel,
            confinement: Confinement {
                seccomp: host.security.seccomp_enabled,
                apparmor: host.security.apparmor_enabled,
                selinux: host.security.selinux_enabled,
            },
            disk: (total > 0).then_some(DiskRoom {
                total,
                used: store.graph_root_used,
            }),
        }
    }
}

/// The version in what a program prints about itself.
fn number(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let begins = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let word = first.split_whitespace().find(begins);
    word.unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_tells_its_version_in_its_first_line() {
        assert_eq!(
            number("runc version 1.1.5+ds1\ncommit: 1.1.5\nspec: 1.0.2-dev"),
            "1.1.5+ds1"
        );
        assert_eq!(number("crun version 1.8.1\n+SYSTEMD"), "1.8.1");
        assert_eq!(number("something else"), "something else");
        assert_eq!(number(""), "");
    }
}
