//! What the facts about a machine mean for starting containers. Pure: looks at nothing itself.

mod needs;

use super::diagnosis::{Diagnosis, Finding, Weight};
use super::packages::{self, Package};
use crate::machine::Machine;
use podlane_podman::find::{Outcome, Source};
use std::path::Path;

/// The oldest Podman that Podlane is tested with.
const OLDEST: (u32, u32) = (4, 3);

/// `unrecorded`: why recordings can't be kept, if they are wanted and can't.
pub(super) fn judge(
    machine: &Machine,
    start_engine: bool,
    unrecorded: Option<String>,
) -> Diagnosis {
    let mut judge = Judge {
        machine,
        // What is missing on this machine matters less if a service runs that came about without it.
        missing: match machine.services.engine() {
            Some(_) => Weight::Note,
            None => Weight::Bad,
        },
        findings: Vec::new(),
    };
    judge.services(start_engine);
    if machine.podman.is_some() || machine.services.engine().is_none() {
        judge.podman();
    }
    if machine.podman.is_some() {
        judge.runtime();
        judge.helpers();
        judge.network();
        if !machine.account.is_root() {
            judge.rootless();
        }
    }
    if let Some(reason) = unrecorded {
        judge.say(Weight::Bad, reason);
    }
    judge.finish()
}

struct Judge<'a> {
    machine: &'a Machine,
    missing: Weight,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn say(&mut self, weight: Weight, text: impl Into<String>) -> &mut Finding {
        let index = self.findings.len();
        self.findings.push(Finding {
            weight,
            text: text.into(),
            remedy: None,
        });
        &mut self.findings[index]
    }

    fn install(&self, package: Package) -> String {
        let Machine {
            distribution,
            account,
            ..
        } = self.machine;
        packages::install(package, distribution, account)
    }

    fn as_root(&self, command: &str) -> String {
        packages::as_root(&self.machine.account, command)
    }

    /// A program by its role, or what its lack means and the package to install.
    fn program(
        &mut self,
        found: Option<&Path>,
        role: &str,
        lack: (Weight, &str),
        package: Package,
    ) {
        if let Some(path) = found {
            self.say(Weight::Good, format!("{role}: {}", path.display()));
        } else {
            let remedy = self.install(package);
            self.say(lack.0, format!("{role}: not found; {}", lack.1))
                .remedy = Some(remedy);
        }
    }

    fn services(&mut self, start_engine: bool) {
        for candidate in &self.machine.services.candidates {
            let answers = matches!(candidate.outcome, Outcome::Answers { .. });
            let weight = match candidate.source {
                _ if answers => Weight::Good,
                Source::Explicit => Weight::Bad,
                Source::ContainerHost => Weight::Note,
                Source::User | Source::System => Weight::Fact,
            };
            let (source, address) = (candidate.source, &candidate.address);
            self.say(
                weight,
                format!("{source}, {address}: {}", candidate.outcome),
            );
        }
        if self.machine.services.engine().is_none() && !start_engine {
            let remedy = if self.machine.account.is_root() {
                "systemctl start podman.socket"
            } else {
                "systemctl --user start podman.socket"
            };
            let text = "no Podman service answers, and start_engine = false keeps Podlane from starting one";
            self.say(Weight::Bad, text).remedy = Some(remedy.to_owned());
        }
        if let Some((_, version)) = self.machine.services.engine().filter(|(_, v)| is_old(v)) {
            let text = too_old("the service that answers", version);
            self.say(Weight::Bad, text);
        }
    }

    fn podman(&mut self) {
        match &self.machine.podman {
            None => {
                let remedy = self.install(packages::PODMAN);
                self.say(self.missing, "Podman is not installed").remedy = Some(remedy);
            }
            Some(podman) => {
                let path = podman.path.display();
                match &podman.version {
                    Some(version) if is_old(version) => {
                        let text = too_old(&path.to_string(), version);
                        self.say(self.missing, text);
                    }
                    Some(version) => {
                        self.say(Weight::Good, format!("Podman {version}: {path}"));
                    }
                    None => {
                        let text = format!("{path} is there, but can't be run");
                        self.say(self.missing, text).remedy = Some(format!("{path} --version"));
                    }
                }
            }
        }
        let version = self
            .machine
            .podman
            .as_ref()
            .and_then(|p| p.version.as_deref());
        let old_limits = version
            .and_then(numbers)
            .is_some_and(|(major, _)| major < 5);
        if self.machine.account.is_root() && !self.machine.sys_resource && old_limits {
            let text = "CAP_SYS_RESOURCE is missing, so Podman 4 can't set the resource limits that it \
                        wants; Podlane sets limits that fit on every container that it creates";
            self.say(Weight::Note, text);
        }
    }

    fn finish(self) -> Diagnosis {
        let engine = self.machine.services.engine();
        let bad = self
            .findings
            .iter()
            .any(|finding| finding.weight == Weight::Bad);
        let conclusion = match engine {
            _ if bad => {
                "Containers can't be started yet: see BAD above. Run `podlane doctor` again afterwards."
                    .to_owned()
            }
            Some((socket, version)) => format!(
                "Containers can be started: `podlane serve` will use Podman {version} at {}.",
                socket.display()
            ),
            None => "Containers can be started: `podlane serve` will start a Podman service of its own."
                .to_owned(),
        };
        Diagnosis {
            findings: self.findings,
            conclusion,
        }
    }
}

fn too_old(what: &str, version: &str) -> String {
    let (major, minor) = OLDEST;
    format!(
        "{what} is Podman {version}, and Podlane needs {major}.{minor} or later: Debian 12, Ubuntu 24.04 \
         and every current Fedora have one"
    )
}

fn is_old(version: &str) -> bool {
    numbers(version).is_some_and(|version| version < OLDEST)
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
