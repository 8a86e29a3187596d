//! The few settings that our service gets beside the user's: as a containers.conf of ours, because
//! Podman has no flags for them.
//!
//! Podman 4.5 and later lay the file named by `CONTAINERS_CONF_OVERRIDE` over all others. Earlier ones
//! know only `CONTAINERS_CONF`, which *replaces* all others: there our file repeats what the user's say.

use crate::requests::ResourceLimits;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// How long the two monitor processes of a finished exec stay, in seconds, instead of Podman's 300.
/// The exit code can be asked for as long; with one second the answer can come too late.
const EXIT_COMMAND_DELAY: i64 = 10;

/// Where the user's files are.
#[derive(Debug, Clone, Default)]
pub struct ConfFiles {
    /// `$CONTAINERS_CONF`: a file that replaces all others.
    pub replacement: Option<PathBuf>,
    /// `$CONTAINERS_CONF_OVERRIDE`: a file laid over all others.
    pub last: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub config_home: Option<PathBuf>,
    /// The root of the file system, for tests.
    pub root: Option<PathBuf>,
}

/// What to tell the service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The environment variable that names our file, and that file.
    pub(super) variable: Option<(&'static str, PathBuf)>,
    /// Whether the user's files name an OCI runtime.
    pub(super) names_runtime: bool,
}

/// Writes our file below `directory`, which outlives us, unless the user has already said all that it
/// would say.
///
/// It is never removed: the monitor of a container hands `CONTAINERS_CONF` to the `podman` that cleans
/// up when the container ends, which may be long after us, and which fails without the file. An old
/// Podman therefore gets no file if the directory does not last. The file's name depends on its content
/// only, so there are as many files as contents.
pub(super) fn prepare(
    files: &ConfFiles,
    version: Option<&str>,
    directory: &Path,
    lasts: bool,
    scarce: Option<ResourceLimits>,
) -> io::Result<Settings> {
    let new_enough = version.is_some_and(|version| numbers(version) >= (4, 5));
    let mut table = files.users(new_enough)?;
    let says = |part: &str, key: &str| {
        let part = table.get(part).and_then(Value::as_table);
        part.is_some_and(|part| part.contains_key(key))
    };
    let names_runtime = says("engine", "runtime");
    let mut ours = Table::new();
    if !says("engine", "exit_command_delay") {
        let delay = ("exit_command_delay".to_owned(), EXIT_COMMAND_DELAY.into());
        ours.insert("engine".to_owned(), Table::from_iter([delay]).into());
    }
    if let Some(limits) = scarce
        && !says("containers", "default_ulimits")
    {
        let limits = [("nofile", limits.open_files), ("nproc", limits.processes)];
        // Soft and hard are equal because 4.3 swaps them.
        let limits = limits.map(|(name, limit)| Value::String(format!("{name}={limit}:{limit}")));
        let limits = ("default_ulimits".to_owned(), Value::Array(limits.into()));
        ours.insert("containers".to_owned(), Table::from_iter([limits]).into());
    }
    if ours.is_empty() || !(new_enough || lasts) {
        return Ok(Settings {
            variable: None,
            names_runtime,
        });
    }
    let variable = if new_enough {
        table = match &files.last {
            Some(last) => read(last)?,
            None => Table::new(),
        };
        "CONTAINERS_CONF_OVERRIDE"
    } else {
        "CONTAINERS_CONF"
    };
    lay_over(&mut table, ours);
    let text = toml::to_string(&table).map_err(io::Error::other)?;
    Ok(Settings {
        variable: Some((variable, write(directory, &text)?)),
        names_runtime,
    })
}

impl ConfFiles {
    /// All that the user's files say together, in Podman's order: the later file wins.
    fn users(&self, new_enough: bool) -> io::Result<Table> {
        let mut paths = Vec::new();
        if let Some(replacement) = &self.replacement {
            paths.push(replacement.clone());
        } else {
            let root = self.root.as_deref().unwrap_or(Path::new("/"));
            paths.push(root.join("usr/share/containers/containers.conf"));
            let system = root.join("etc/containers/containers.conf");
            paths.extend(with_parts(system)?);
            // Earlier ones read the user's file only without root.
            if new_enough || !rustix::process::geteuid().is_root() {
                let user = self
                    .config_home
                    .as_ref()
                    .map(|home| home.join("containers/containers.conf"));
                paths.extend(user.map(with_parts).transpose()?.unwrap_or_default());
            }
        }
        if let Some(last) = self.last.as_ref().filter(|_| new_enough) {
            paths.push(last.clone());
        }
        let mut table = Table::new();
        for path in paths {
            lay_over(&mut table, read(&path)?);
        }
        Ok(table)
    }
}

/// A file and the `*.conf` files in its `.d` directory, by name.
fn with_parts(file: PathBuf) -> io::Result<Vec<PathBuf>> {
    let mut name = file.clone().into_os_string();
    name.push(".d");
    let mut parts = Vec::new();
    match fs::read_dir(&name) {
        Ok(entries) => {
            for entry in entries {
                parts.push(entry?.path());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    parts.retain(|path| path.extension().is_some_and(|end| end == "conf") && !path.is_dir());
    parts.sort();
    parts.insert(0, file);
    Ok(parts)
}

fn read(path: &Path) -> io::Result<Table> {
    let named = |reason: String| io::Error::other(format!("{}: {reason}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|error| named(error.message().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Table::new()),
        Err(error) => Err(named(error.to_string())),
    }
}

/// Lays a table over another as Podman does: tables are merged, all else is replaced.
fn lay_over(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

fn write(directory: &Path, text: &str) -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let path = directory.join(format!("containers-{:016x}.conf", hasher.finish()));
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, text)?;
    fs::rename(&partial, &path)?;
    Ok(path)
}

/// The first two numbers of a version; zeros if it has none.
fn numbers(version: &str) -> (u32, u32) {
    let mut numbers = version
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            home.file(
                "etc/containers/containers.conf",
                "[engine]\nnum_locks = 7\n[containers]\ntz = 'local'\nenv = ['A=1', 'B=2']\n",
            );
            home.file(
                "etc/containers/containers.conf.d/10-a.conf",
                "[containers]\nenv = ['C=3']\n",
            );
            home.file("etc/containers/containers.conf.d/notes.txt", "not TOML");
            home
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn files(&self) -> ConfFiles {
            ConfFiles {
                root: Some(self.0.path().to_path_buf()),
                ..ConfFiles::default()
            }
        }

        fn prepare(&self, files: &ConfFiles, version: &str) -> (Settings, Table) {
            let settings = prepare(files, Some(version), self.0.path(), true, None).unwrap();
            let table = settings
                .variable
                .as_ref()
                .map(|(_, path)| read(path).unwrap());
            (settings, table.unwrap_or_default())
        }
    }

    #[test]
    fn an_old_podman_gets_what_the_users_files_say_and_ours() {
        let home = Home::new();
        let (settings, table) = home.prepare(&home.files(), "4.3.1");
        assert_eq!(settings.variable.unwrap().0, "CONTAINERS_CONF");
        let expected = "[engine]\nnum_locks = 7\nexit_command_delay = 10\n[containers]\ntz = 'local'\nenv = ['C=3']\n";
        assert_eq!(table, toml::from_str(expected).unwrap());
    }

    #[test]
    fn a_newer_podman_gets_ours_alone_over_the_users_last() {
        let home = Home::new();
        let (settings, table) = home.prepare(&home.files(), "5.4.2");
        assert_eq!(settings.variable.unwrap().0, "CONTAINERS_CONF_OVERRIDE");
        assert_eq!(
            table,
            toml::from_str("[engine]\nexit_command_delay = 10\n").unwrap()
        );

        let last = home.file("last.conf", "[engine]\nnum_locks = 9\n");
        let files = ConfFiles {
            last: Some(last),
            ..home.files()
        };
        let (_, table) = home.prepare(&files, "5.4.2");
        assert_eq!(table["engine"]["num_locks"].as_integer(), Some(9));
    }

    #[test]
    fn what_the_user_has_set_stays() {
        let home = Home::new();
        let own = home.file(
            "own.conf",
            "[engine]\nruntime = 'crun'\nexit_command_delay = 60\n",
        );
        let files = ConfFiles {
            replacement: Some(own),
            ..home.files()
        };
        for version in ["4.3.1", "5.8.6"] {
            let (settings, _) = home.prepare(&files, version);
            assert_eq!(
                settings,
                Settings {
                    variable: None,
                    names_runtime: true
                }
            );
        }
    }

    #[test]
    fn limits_are_given_where_the_engine_may_not_set_its_own() {
        let home = Home::new();
        let own = home.file("own.conf", "[engine]\nexit_command_delay = 60\n");
        let files = ConfFiles {
            replacement: Some(own),
            ..home.files()
        };
        let scarce = Some(ResourceLimits {
            open_files: 20000,
            processes: 4096,
        });
        let limits = |files: &ConfFiles| {
            let settings = prepare(files, Some("4.3.1"), home.0.path(), true, scarce).unwrap();
            let (_, path) = settings.variable?;
            let table = read(&path).unwrap();
            Some(table["containers"]["default_ulimits"].to_string())
        };
        let given = "[\"nofile=20000:20000\", \"nproc=4096:4096\"]";
        assert_eq!(limits(&files).as_deref(), Some(given));
        let said = "[engine]\nexit_command_delay = 60\n[containers]\ndefault_ulimits = []\n";
        home.file("own.conf", said);
        assert_eq!(limits(&files), None);
    }

    #[test]
    fn an_old_podman_gets_no_file_that_may_be_cleared_away_under_its_containers() {
        let home = Home::new();
        let variable = |version| {
            let settings = prepare(&home.files(), Some(version), home.0.path(), false, None);
            settings.unwrap().variable
        };
        assert_eq!(variable("4.4.1"), None);
        assert!(variable("4.5.0").is_some());
    }

    #[test]
    fn a_file_that_is_not_toml_is_named() {
        let home = Home::new();
        let broken = home.file("etc/containers/containers.conf", "[engine\n");
        let error = prepare(&home.files(), None, home.0.path(), true, None).unwrap_err();
        assert!(error.to_string().contains(broken.to_str().unwrap()));
    }

    #[test]
    fn the_same_content_is_the_same_file() {
        let home = Home::new();
        let path = || home.prepare(&home.files(), "4.3.1").0.variable.unwrap().1;
        assert_eq!(path(), path());
    }
}
