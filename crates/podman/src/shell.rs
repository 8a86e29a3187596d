//! How the container's shell is asked to run a command when libpod itself starts it.

use podlane_engine::{Command, ExecSpec};

/// What a shell of ours writes to standard error before anything else: where it comes, the container
/// has a shell, and whatever looks like a complaint of the engine's after it is the command's own.
pub(crate) const GREETING: u8 = b'\n';
/// Hands the command on to bash where there is one, else to sh itself, as `$0`: nothing of the
/// caller's is ever part of the script. What it counts itself in is taken back first: `SHLVL`, unless it
/// is the caller's own, `$1`.
const SHELL: &str = r#"unset SHLVL; [ $# = 0 ] || export "$1"; echo >&2; command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0""#;
/// On a terminal a greeting would be output.
const SHELL_ON_TERMINAL: &str = r#"unset SHLVL; [ $# = 0 ] || export "$1"; command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0""#;
/// Podman drops what a command has written, if it ends while input for it is still on the way. So a
/// shell that is not the command reads what is left; it says nothing itself, not even of signals.
const SHELL_READING: &str = r#"exec 3>&2 2>/dev/null
unset SHLVL; [ $# = 0 ] || export "$1"
(exec 2>&3 3>&-; echo >&2; command -v bash >/dev/null 2>&1 && exec bash -c "$0"; exec sh -c "$0")
code=$?; exec 3>&-; cat >/dev/null; exit $code"#;
/// The same for an argument vector, before which stand the caller's own of the variables that shells set.
const ARGV_READING: &str = r#"exec 3>&2 2>/dev/null
unset SHLVL PWD
while [ "$1" != -- ]; do export "$1"; shift; done; shift
(exec 2>&3 3>&-; echo >&2; exec "$0" "$@")
code=$?; exec 3>&-; cat >/dev/null; exit $code"#;

/// What libpod is asked to run.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) argv: Vec<String>,
    /// Whether a greeting comes first.
    pub(crate) greets: bool,
}

/// The argument vector for a command. `reading`: a shell is there, and has to read the input that the
/// command leaves.
pub(crate) fn line(spec: &ExecSpec, reading: bool) -> Line {
    let terminal = spec.terminal.is_some();
    let script = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    let given = |names: &'static [&str]| {
        let variables = spec.environment.iter();
        let own = variables.filter(|(name, _)| names.contains(&name.as_str()));
        own.map(|(name, value)| format!("{name}={value}"))
    };
    match &spec.command {
        Command::Argv(argv) if !reading || terminal => Line {
            argv: argv.clone(),
            greets: false,
        },
        Command::Argv(argv) => {
            let mut shell = script(ARGV_READING);
            shell.extend(argv.first().cloned());
            shell.extend(given(&["SHLVL", "PWD"]));
            shell.push("--".to_owned());
            shell.extend(argv.iter().skip(1).cloned());
            Line {
                argv: shell,
                greets: true,
            }
        }
        Command::Shell(text) => {
            let mut shell = script(match (terminal, reading) {
                (true, _) => SHELL_ON_TERMINAL,
                (false, true) => SHELL_READING,
                (false, false) => SHELL,
            });
            shell.push(text.clone());
            shell.extend(given(&["SHLVL"]));
            Line {
                argv: shell,
                greets: !terminal,
            }
        }
    }
}
