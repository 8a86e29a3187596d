//! Values that only the engine can judge.

/// A value that only the engine can judge: its words for it, and ours.
pub(super) struct Rule {
    pub(super) words: &'static [&'static str],
    /// Only of this step.
    pub(super) step: Option<&'static str>,
    /// The field of the request that holds the value.
    pub(super) field: &'static str,
    /// Whether something else is in the way, rather than the value wrong.
    pub(super) conflict: bool,
    pub(super) explanation: &'static str,
}

const fn rule(
    words: &'static [&'static str],
    field: &'static str,
    explanation: &'static str,
) -> Rule {
    Rule {
        words,
        step: None,
        field,
        conflict: false,
        explanation,
    }
}

pub(super) const RULES: [Rule; 40] = [
    rule(
        &["workdir \""],
        "workdir",
        "the container can't start in that directory: {engine}",
    ),
    Rule {
        step: Some("starting the container"),
        ..rule(
            &["\": is a directory"],
            "command",
            "the command's program can't be executed: {engine}",
        )
    },
    rule(
        &["more than one result"],
        "name",
        "several containers have an ID that begins with \"{container}\"; write more of it",
    ),
    rule(
        &[
            "no matching entries in passwd file",
            "no matching entries in group file",
        ],
        "user",
        "there is no user \"{user}\" in the container; use one of its /etc/passwd and /etc/group, or numeric IDs",
    ),
    rule(
        &["cannot be mapped to a host ID"],
        "owner",
        "the container's user namespace does not have that owner",
    ),
    rule(
        &["not a directory"],
        "dest_path",
        "a part of {path} is not a directory",
    ),
    rule(
        &["file name too long"],
        "dest_path",
        "the path is too long for the container's file system",
    ),
    Rule {
        conflict: true,
        ..rule(
            &["too many levels of symbolic links"],
            "dest_path",
            "symbolic links on the way to {path} lead in a circle",
        )
    },
    Rule {
        step: Some("writing the file"),
        conflict: true,
        ..rule(
            &["file exists"],
            "dest_path",
            "a directory in {path} has the name that the file should have",
        )
    },
    Rule {
        step: Some("writing the file"),
        conflict: true,
        ..rule(
            &["device or resource busy"],
            "dest_path",
            "the file in {path} is mounted into the container and can't be replaced",
        )
    },
    Rule {
        step: Some("removing the path"),
        conflict: true,
        ..rule(
            &["device or resource busy"],
            "path",
            "something in {path} is mounted into the container and can't be removed",
        )
    },
    rule(
        &["cannot assign requested address"],
        "ports",
        "a host address is none of this machine's: {engine}",
    ),
    Rule {
        conflict: true,
        ..rule(
            &["address already in use", "port is already allocated"],
            "ports",
            "a host port is already in use: {engine}",
        )
    },
    rule(
        &["no command or entrypoint provided"],
        "command",
        "the image {image} has no command of its own, so one must be given",
    ),
    rule(
        &[
            "invoke a command that was not found",
            "executable file not found",
        ],
        "command",
        "the command's program does not exist in the image: {engine}",
    ),
    rule(
        &["OCI permission denied", "OCI runtime permission denied"],
        "command",
        "the command's program can't be executed: {engine}",
    ),
    Rule {
        step: Some("starting the container"),
        ..rule(
            &["\": stat /"],
            "command",
            "the command's program can't be executed: {engine}",
        )
    },
    Rule {
        step: Some("starting the container"),
        ..rule(
            &["not a directory"],
            "volumes",
            "a part of a path is not a directory, or a file and a directory can't take each other's place: {engine}",
        )
    },
    rule(
        &["unknown capability"],
        "capabilities",
        "the engine does not know a capability: {engine}",
    ),
    Rule {
        step: Some("connecting the container"),
        ..rule(
            &["not in any subnet"],
            "ip",
            "the address is not one of the network: {engine}",
        )
    },
    Rule {
        step: Some("connecting the container"),
        conflict: true,
        ..rule(
            &["is already allocated to container"],
            "ip",
            "the address belongs to another container: {engine}",
        )
    },
    Rule {
        conflict: true,
        ..rule(
            &["is already used on the host or by another config"],
            "subnets",
            "a subnet is in use already: {engine}",
        )
    },
    rule(
        &["not in subnet"],
        "subnets",
        "a gateway is not in its subnet: {engine}",
    ),
    Rule {
        step: Some("updating the container"),
        conflict: true,
        ..rule(
            &["failed: exit status"],
            "limits",
            "the runtime refuses these limits; the container may use more already, or not be running",
        )
    },
    rule(
        &["payload does not match any of the supported image formats"],
        "body",
        "the body is no archive of images, as `podman save` and `docker save` make it",
    ),
    Rule {
        step: Some("loading images"),
        ..rule(
            &["unexpected EOF", "archive/tar", "not a directory"],
            "body",
            "the body is no whole archive of images, as `podman save` and `docker save` make it",
        )
    },
    Rule {
        step: Some("committing the container"),
        ..rule(
            &["invalid change", "did not understand change instruction"],
            "changes",
            "a change is no instruction of a Dockerfile that can be used here: {engine}",
        )
    },
    Rule {
        step: Some("building the image"),
        ..rule(
            &["no such file or directory"],
            "dockerfile",
            "the instructions are not in the context: there is neither a Containerfile nor a Dockerfile",
        )
    },
    Rule {
        step: Some("building the image"),
        ..rule(
            &[
                "archive/tar",
                "unexpected EOF",
                "invalid tar header",
                "unpacking failed",
            ],
            "body",
            "the body is no tar archive",
        )
    },
    rule(&["no such pod"], "pod", "the pod does not exist: {engine}"),
    Rule {
        step: Some("starting the container"),
        conflict: true,
        ..rule(
            &["starting some containers: internal libpod error"],
            "pod",
            "what holds the container's pod together can't be started, perhaps because a host port is in use; starting the pod says why",
        )
    },
    rule(
        &["network not found"],
        "networks",
        "a network does not exist: {engine}",
    ),
    rule(
        &["not in any subnet"],
        "networks",
        "an address is not one of its network: {engine}",
    ),
    Rule {
        conflict: true,
        ..rule(
            &["is already allocated to container"],
            "networks",
            "an address belongs to another container: {engine}",
        )
    },
    rule(
        &["no such secret"],
        "secrets",
        "a secret does not exist: {engine}",
    ),
    rule(
        &["unresolvable CDI devices"],
        "devices",
        "a device does not exist: {engine}",
    ),
    Rule {
        step: Some("creating the container"),
        ..rule(
            &["stat /dev/"],
            "devices",
            "a device does not exist: {engine}",
        )
    },
    rule(
        &["memory limit could be too low", "memory limit too low"],
        "limits.memory",
        "the container can't start with so little memory",
    ),
    Rule {
        step: Some("creating the container"),
        ..rule(
            &["statfs"],
            "volumes",
            "a host path does not exist: {engine}",
        )
    },
    rule(
        &["duplicate mount destination"],
        "volumes",
        "two volumes have the same place in the container: {engine}",
    ),
];
