//! Images: their file systems and configurations.

use super::node::{Kind, Node, Who};
use super::tree::Tree;

/// What is in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// One busybox with links to it: `sh`, no `bash`. Has no command of its own.
    Busybox,
    /// `bash` and `sh`, coreutils, `/etc/skel`, users `root` and `www-data`; runs `bash`.
    Debian,
    /// [`ImageKind::Busybox`] with the entrypoint `/bin/sh -c` and the command `sleep 1000`.
    Entrypoint,
    /// The static programs `/hello` (writes a line), `/sleep` and `/tiny` (whose first word is what it
    /// does: `sleep`, `echo`, `cat`, `id`, `env`); no shell, and no command of its own.
    Scratch,
}

/// Programs that every image but [`ImageKind::Scratch`] has.
const PROGRAMS: [&str; 32] = [
    "cat", "chmod", "echo", "env", "false", "head", "id", "kill", "ln", "ls", "mkdir", "mkfifo",
    "mv", "nohup", "printf", "pwd", "readlink", "rm", "rmdir", "seq", "setsid", "sh", "sleep",
    "stat", "tail", "test", "touch", "true", "wc", "whoami", "yes", "[",
];

/// How a program's file begins; the interpreter runs what follows by name.
pub(super) const PROGRAM: &str = "#!podlane-fake ";

/// An image the engine holds, or a registry.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// 64 hexadecimal digits.
    pub(super) id: String,
    /// With registry and tag.
    pub(super) name: String,
    pub(super) tree: Tree,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) user: String,
    pub(super) workdir: String,
}

impl Image {
    /// An image of a kind.
    pub(super) fn new(id: String, name: &str, kind: ImageKind) -> Self {
        let (entrypoint, command): (&[&str], &[&str]) = match kind {
            ImageKind::Busybox | ImageKind::Scratch => (&[], &[]),
            ImageKind::Entrypoint => (&["/bin/sh", "-c"], &["sleep 1000"]),
            ImageKind::Debian => (&[], &["bash"]),
        };
        Self {
            id,
            name: with_tag(name),
            tree: kind.tree(),
            entrypoint: entrypoint.iter().map(ToString::to_string).collect(),
            command: command.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
            labels: Vec::new(),
            user: String::new(),
            workdir: String::new(),
        }
    }

    /// Whether a reference means this image: its name, its name without `localhost/`, its ID or the
    /// beginning of it.
    pub(super) fn is(&self, reference: &str) -> bool {
        let bare = reference.strip_prefix("sha256:").unwrap_or(reference);
        let name = with_tag(reference);
        self.name == name
            || self.name.strip_prefix("localhost/") == Some(&name)
            || (bare.len() >= 3 && self.id.starts_with(bare))
    }

    /// Applies a Dockerfile instruction, as `changes` of an import; false for one that is not known.
    pub(super) fn change(&mut self, instruction: &str) -> bool {
        let Some((word, rest)) = instruction.trim().split_once([' ', '=']) else {
            return false;
        };
        match word.to_ascii_uppercase().as_str() {
            "CMD" => self.command = words(rest),
            "ENTRYPOINT" => self.entrypoint = words(rest),
            "ENV" => self.environment.push(pair(rest, "=")),
            "LABEL" => {
                let label = pair(rest, "=");
                let (key, value) = label.split_once('=').unwrap_or((&label, ""));
                self.labels.push((key.to_owned(), value.to_owned()));
            }
            "USER" => rest.clone_into(&mut self.user),
            "WORKDIR" => rest.clone_into(&mut self.workdir),
            _ => return false,
        }
        true
    }
}

/// A reference with its tag written out.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) {
        return name.to_owned();
    }
    format!("{name}:latest")
}

/// A command in JSON, or in words for a shell.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text)
        .unwrap_or_else(|_| vec!["/bin/sh".into(), "-c".into(), text.to_owned()])
}

/// `A=b` or `A b`, as `A=b`, quotes around the value dropped.
fn pair(text: &str, separator: &str) -> String {
    let (key, value) = text.split_once(['=', ' ']).unwrap_or((text, ""));
    format!("{key}{separator}{}", value.trim_matches('"'))
}

impl ImageKind {
    fn tree(self) -> Tree {
        let mut tree = Tree::new();
        for directory in ["/dev", "/proc", "/sys", "/etc", "/run"] {
            add(&mut tree, directory, Node::new(Kind::Directory, 0o755));
        }
        add(&mut tree, "/tmp", Node::new(Kind::Directory, 0o1777));
        for device in ["/dev/null", "/dev/zero"] {
            add(&mut tree, device, Node::new(Kind::Device, 0o666));
        }
        add(
            &mut tree,
            "/etc/hosts",
            Node::file("127.0.0.1\tlocalhost\n", 0o644),
        );
        match self {
            Self::Scratch => {
                for name in ["hello", "sleep", "tiny"] {
                    add(&mut tree, &format!("/{name}"), program(name));
                }
            }
            Self::Busybox | Self::Entrypoint => {
                add(&mut tree, "/bin/busybox", program("busybox"));
                for name in PROGRAMS {
                    let link = Node::new(Kind::Link("busybox".into()), 0o777);
                    add(&mut tree, &format!("/bin/{name}"), link);
                }
                accounts(&mut tree, "/bin/sh", &[]);
            }
            Self::Debian => {
                for name in PROGRAMS.iter().chain(&["bash"]) {
                    add(&mut tree, &format!("/usr/bin/{name}"), program(name));
                }
                let link = Node::new(Kind::Link("usr/bin".into()), 0o777);
                add(&mut tree, "/bin", link);
                add(
                    &mut tree,
                    "/etc/skel/.bashrc",
                    Node::file("# bash\n", 0o644),
                );
                accounts(
                    &mut tree,
                    "/bin/bash",
                    &["www-data:x:33:33::/var/www:/usr/sbin/nologin"],
                );
            }
        }
        tree
    }
}

fn program(name: &str) -> Node {
    Node::file(format!("{PROGRAM}{name}\n"), 0o755)
}

fn accounts(tree: &mut Tree, shell: &str, more: &[&str]) {
    let mut passwd = vec![format!("root:x:0:0:root:/root:{shell}")];
    let mut group = vec!["root:x:0:".to_owned()];
    let mut shadow = vec!["root:*:19000:0:99999:7:::".to_owned()];
    for line in more {
        let fields: Vec<&str> = line.split(':').collect();
        passwd.push((*line).to_owned());
        group.push(format!("{}:x:{}:", fields[0], fields[3]));
        shadow.push(format!("{}:*:19000:0:99999:7:::", fields[0]));
    }
    let [passwd, group, shadow] = [passwd, group, shadow].map(|lines| lines.join("\n") + "\n");
    add(tree, "/etc/passwd", Node::file(passwd, 0o644));
    add(tree, "/etc/group", Node::file(group, 0o644));
    add(tree, "/etc/shadow", Node::file(shadow, 0o600));
    add(tree, "/etc/shells", Node::file(format!("{shell}\n"), 0o644));
    add(tree, "/root", Node::new(Kind::Directory, 0o700));
    add(tree, "/home", Node::new(Kind::Directory, 0o755));
}

fn add(tree: &mut Tree, path: &str, node: Node) {
    let (parent, _) = path.rsplit_once('/').unwrap_or_default();
    let made = tree.make_directories(parent, Who::ROOT);
    let made = made.and_then(|_| tree.insert(path, node, Who::ROOT));
    debug_assert!(made.is_ok(), "{path}");
}
