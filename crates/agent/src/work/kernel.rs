//! What is the kernel's, not the container's: the one rule for it.

use super::answer::{At, Failed};
use podlane_inside::Reason;
use std::os::fd::AsFd;

/// The kernel's directories. Some of what is in them an engine covers with empty files and directories.
const PATHS: [&[u8]; 3] = [b"/proc", b"/sys", b"/dev"];
/// Among them, but anybody's.
const SHARED: &[u8] = b"/dev/shm";

/// Its file systems, wherever they are mounted. Source: statfs(2) and linux/magic.h. That of /dev is told
/// by its path alone: it is an ordinary one.
const FILE_SYSTEMS: [u64; 18] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0xf97c_ff8c, // selinuxfs
    0x4341_5d53, // smackfs
    0x4249_4e4d, // binfmt_misc
    0x6265_6570, // configfs
    0x6573_5543, // fusectl
    0x6e73_6673, // nsfs
];

fn is_within(path: &[u8], directory: &[u8]) -> bool {
    let below = path.strip_prefix(directory);
    below.is_some_and(|below| below.is_empty() || below[0] == b'/')
}

/// Whether the kernel's is what has this path once all symbolic links are resolved.
pub(super) fn has_path(path: &[u8]) -> bool {
    PATHS.iter().any(|kernel| is_within(path, kernel)) && !is_within(path, SHARED)
}

/// Whether what is open is in a file system of the kernel's.
pub(super) fn has(open: impl AsFd) -> rustix::io::Result<bool> {
    let found = rustix::fs::fstatfs(open)?;
    #[allow(clippy::useless_conversion, reason = "another type elsewhere")]
    let magic = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    Ok(FILE_SYSTEMS.contains(&magic))
}

/// Refuses what is the kernel's.
pub(super) fn refuse(open: impl AsFd, path: &[u8]) -> Result<(), Failed> {
    if has_path(path) || has(open).at(path)? {
        return Err(Failed::new(Reason::Kernel, path));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_directories_are_told_by_whole_names() {
        for kernel in [
            "/proc",
            "/proc/1/mem",
            "/sys/x",
            "/dev",
            "/dev/null",
            "/dev/shmem",
        ] {
            assert!(has_path(kernel.as_bytes()), "{kernel}");
        }
        for other in [
            "/",
            "/process",
            "/srv/dev",
            "/dev/shm",
            "/dev/shm/a",
            "/developers",
        ] {
            assert!(!has_path(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn its_file_systems_are_told_wherever_they_are() {
        let open = |path: &str| std::fs::File::open(path).expect("a directory");
        assert!(has(open("/proc")).expect("an answer"));
        assert!(has(open("/sys")).expect("an answer"));
        assert!(!has(open("/")).expect("an answer"));
    }
}
