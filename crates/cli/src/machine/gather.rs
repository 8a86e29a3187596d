//! Looks at the machine. Judges nothing and changes nothing.

use super::{Account, Cgroups, Machine, Podman, Programs, Tun, files};
use podlane_podman::find::Found;
use podlane_server::config::Environment;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Podman looks for programs beside `$PATH`: its own helpers, then the system's directories.
const DIRECTORIES: [&str; 10] = [
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

const CNI_DIRECTORIES: [&str; 3] = ["/usr/libexec/cni", "/usr/lib/cni", "/opt/cni/bin"];

/// What is seen now; `services` is what a search for a Podman service has found.
pub(crate) async fn gather(environment: &Environment, services: Found) -> Machine {
    let account = account();
    Machine {
        distribution: files::distribution(&text("/etc/os-release")),
        podman: podman(environment).await,
        services,
        programs: programs(environment),
        id_ranges: files::id_ranges(
            &text("/etc/subuid"),
            &text("/etc/subgid"),
            &account.name,
            account.uid,
        ),
        tun: tun(Path::new("/dev/net/tun")),
        cgroups: cgroups(Path::new("/sys/fs/cgroup")),
        sys_resource: files::has_sys_resource(&text("/proc/self/status")),
        user_namespaces: user_namespaces(),
        account,
    }
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn account() -> Account {
    let uid = rustix::process::geteuid().as_raw();
    let name = files::user_name(&text("/etc/passwd"), uid);
    Account {
        uid,
        name: name.unwrap_or_else(|| uid.to_string()),
    }
}

/// The first executable file of that name.
fn program(environment: &Environment, name: &str) -> Option<PathBuf> {
    let usual = DIRECTORIES.iter().map(PathBuf::from);
    let candidates = environment.path().into_iter().chain(usual);
    candidates
        .map(|directory| directory.join(name))
        .find(|path| {
            path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
        })
}

async fn podman(environment: &Environment) -> Option<Podman> {
    let path = program(environment, "podman")?;
    let output = tokio::process::Command::new(&path)
        .arg("--version")
        .output();
    let version = output.await.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        files::version(&text)
    });
    Some(Podman { path, version })
}

fn programs(environment: &Environment) -> Programs {
    let find = |name| program(environment, name);
    let cni = CNI_DIRECTORIES.iter().map(PathBuf::from);
    Programs {
        crun: find("crun"),
        runc: find("runc"),
        conmon: find("conmon"),
        catatonit: find("catatonit"),
        netavark: find("netavark"),
        aardvark_dns: find("aardvark-dns"),
        cni: cni.into_iter().find(|path| path.join("bridge").is_file()),
        slirp4netns: find("slirp4netns"),
        pasta: find("pasta"),
        newuidmap: find("newuidmap"),
        newgidmap: find("newgidmap"),
    }
}

fn tun(device: &Path) -> Tun {
    match fs::OpenOptions::new().read(true).write(true).open(device) {
        Ok(_) => Tun::Usable,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Tun::Missing,
        Err(_) => Tun::Closed,
    }
}

/// The layout as crun tells it: hybrid is only what has controllers in its version 2 part.
fn cgroups(root: &Path) -> Cgroups {
    if root.join("cgroup.controllers").exists() {
        Cgroups::Unified
    } else if !text(root.join("unified/cgroup.controllers"))
        .trim()
        .is_empty()
    {
        Cgroups::Hybrid
    } else if root.join("memory").exists() || root.join("pids").exists() {
        Cgroups::Legacy
    } else {
        Cgroups::None
    }
}

/// Debian's own switch and the kernel's bound; neither is there on a kernel that always allows them.
fn user_namespaces() -> bool {
    let forbids = |path: &str| text(path).trim() == "0";
    !forbids("/proc/sys/kernel/unprivileged_userns_clone")
        && !forbids("/proc/sys/user/max_user_namespaces")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_layouts_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("unified")).unwrap();
        assert_eq!(cgroups(root), Cgroups::None);
        fs::create_dir(root.join("memory")).unwrap();
        fs::write(root.join("unified/cgroup.controllers"), "\n").unwrap();
        assert_eq!(cgroups(root), Cgroups::Legacy);
        fs::write(root.join("unified/cgroup.controllers"), "hugetlb\n").unwrap();
        assert_eq!(cgroups(root), Cgroups::Hybrid);
        fs::write(root.join("cgroup.controllers"), "cpu\n").unwrap();
        assert_eq!(cgroups(root), Cgroups::Unified);
    }
}
