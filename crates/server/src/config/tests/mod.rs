//! What somebody who configures the server sees.

mod sources;
mod values;

use super::*;
use std::fs;

/// A home with a configuration file for the user and one for the machine, both optional.
struct Machine {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
    flags: Flags,
}

impl Machine {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            flags: Flags::default(),
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn system(self, text: &str) -> Self {
        self.file("etc/podlane.toml", text)
    }

    fn user(self, text: &str) -> Self {
        self.file("home/.config/podlane/podlane.toml", text)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, name: &'static str, value: &str) -> Self {
        self.flags.set(name, value.into());
        self
    }

    fn load(&self) -> Result<Config, Error> {
        let root = self.directory.path();
        let home = ("HOME".to_owned(), root.join("home").display().to_string());
        let environment = self.variables.iter().cloned().chain([home]).collect();
        Config::load_with(&environment, &self.flags, &root.join("etc/podlane.toml"))
    }

    /// The error's text, with this test's directory shown as `~`.
    fn refusal(&self) -> String {
        let root = self.directory.path().display().to_string();
        self.load().unwrap_err().to_string().replace(&root, "~")
    }
}

fn origin(config: &Config, key: &str) -> String {
    let row = config.table().iter().find(|row| row.key == key).unwrap();
    row.origin.to_string()
}
