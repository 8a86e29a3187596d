//! What the doctor says of invented machines.

use super::diagnosis::{Diagnosis, Weight};
use super::judge::judge;
use crate::machine::*;
use podlane_podman::find::{Candidate, Found, Outcome, Source};
use std::path::PathBuf;

/// An ordinary Debian 12 on which everything is installed, used by root, no service running.
fn debian() -> Machine {
    let at = |path: &str| Some(PathBuf::from(path));
    Machine {
        distribution: Distribution::Debian,
        account: Account {
            uid: 0,
            name: "root".into(),
        },
        podman: Some(Podman {
            path: "/usr/bin/podman".into(),
            version: Some("4.3.1".into()),
        }),
        services: Found {
            candidates: vec![service(Outcome::Missing)],
        },
        programs: Programs {
            crun: at("/usr/bin/crun"),
            runc: None,
            conmon: at("/usr/bin/conmon"),
            catatonit: at("/usr/bin/catatonit"),
            netavark: at("/usr/lib/podman/netavark"),
            aardvark_dns: at("/usr/lib/podman/aardvark-dns"),
            cni: None,
            slirp4netns: at("/usr/bin/slirp4netns"),
            pasta: None,
            newuidmap: at("/usr/bin/newuidmap"),
            newgidmap: at("/usr/bin/newgidmap"),
        },
        id_ranges: IdRanges {
            uids: 65536,
            gids: 65536,
            free: 165_536,
        },
        tun: Tun::Usable,
        cgroups: Cgroups::Unified,
        sys_resource: true,
        user_namespaces: true,
    }
}

fn service(outcome: Outcome) -> Candidate {
    Candidate {
        source: Source::System,
        address: "unix:///run/podman/podman.sock".into(),
        socket: "/run/podman/podman.sock".into(),
        outcome,
    }
}

fn alice(machine: Machine) -> Machine {
    let account = Account {
        uid: 1000,
        name: "alice".into(),
    };
    Machine { account, ..machine }
}

/// The findings that are neither good nor plain facts: weight, text, what to type.
fn complaints(diagnosis: &Diagnosis) -> Vec<(Weight, &str, &str)> {
    let findings = diagnosis.findings.iter();
    findings
        .filter(|finding| matches!(finding.weight, Weight::Note | Weight::Bad))
        .map(|f| (f.weight, f.text.as_str(), f.remedy.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn nothing_is_wrong_with_a_complete_machine() {
    for machine in [debian(), alice(debian())] {
        let diagnosis = judge(&machine, true, None);
        assert_eq!(complaints(&diagnosis), []);
        assert!(diagnosis.can_start());
        assert!(
            diagnosis
                .conclusion
                .contains("start a Podman service of its own")
        );
    }
}

#[test]
fn without_podman_the_command_of_the_distribution_is_given() {
    let type_this = |distribution, machine: Machine| {
        let machine = Machine {
            podman: None,
            distribution,
            ..machine
        };
        let diagnosis = judge(&machine, true, None);
        assert!(!diagnosis.can_start());
        complaints(&diagnosis)[0].2.to_owned()
    };
    assert_eq!(
        type_this(Distribution::Debian, debian()),
        "apt-get install -y podman"
    );
    assert_eq!(
        type_this(Distribution::Debian, alice(debian())),
        "sudo apt-get install -y podman"
    );
    assert_eq!(
        type_this(Distribution::Fedora, alice(debian())),
        "sudo dnf install -y podman"
    );
    let other = Distribution::Other("Arch Linux".into());
    assert!(type_this(other, debian()).contains("podman"));
}

#[test]
fn a_service_that_answers_is_enough() {
    let outcome = Outcome::Answers {
        version: "5.4.2".into(),
    };
    let machine = Machine {
        podman: None,
        services: Found {
            candidates: vec![service(outcome)],
        },
        ..debian()
    };
    let diagnosis = judge(&machine, false, None);
    assert_eq!(complaints(&diagnosis), []);
    assert!(
        diagnosis
            .conclusion
            .contains("Podman 5.4.2 at /run/podman/podman.sock")
    );
}

#[test]
fn a_podman_that_is_too_old_is_named() {
    let podman = Podman {
        path: "/usr/bin/podman".into(),
        version: Some("3.4.4".into()),
    };
    let diagnosis = judge(
        &Machine {
            podman: Some(podman),
            ..debian()
        },
        true,
        None,
    );
    assert!(!diagnosis.can_start());
    assert!(complaints(&diagnosis)[0].1.contains("needs 4.3 or later"));
}

#[test]
fn the_hybrid_layout_needs_runc() {
    let hybrid = Machine {
        cgroups: Cgroups::Hybrid,
        ..debian()
    };
    assert_eq!(hybrid.runtime_to_name(), None);
    let diagnosis = judge(&hybrid, true, None);
    let (weight, text, remedy) = complaints(&diagnosis)[0];
    assert_eq!((weight, remedy), (Weight::Bad, "apt-get install -y runc"));
    assert!(text.contains("crun refuses"), "{text}");

    let mut with_runc = hybrid;
    with_runc.programs.runc = Some("/usr/sbin/runc".into());
    assert_eq!(with_runc.runtime_to_name(), Some("runc"));
    let diagnosis = judge(&with_runc, true, None);
    assert!(diagnosis.can_start());
    assert!(
        complaints(&diagnosis)[0]
            .1
            .contains("Podlane starts uses runc")
    );

    let outcome = Outcome::Answers {
        version: "4.3.1".into(),
    };
    with_runc.services = Found {
        candidates: vec![service(outcome)],
    };
    let diagnosis = judge(&with_runc, true, None);
    assert!(complaints(&diagnosis)[0].1.contains("runtime = \"runc\""));
}

#[test]
fn limits_that_podman_4_could_not_raise_are_a_note_for_root_only() {
    let bounded = Machine {
        sys_resource: false,
        ..debian()
    };
    let diagnosis = judge(&bounded, true, None);
    assert!(diagnosis.can_start());
    assert!(complaints(&diagnosis)[0].1.contains("Podlane sets limits"));
    assert_eq!(complaints(&judge(&alice(bounded.clone()), true, None)), []);
    let podman = Podman {
        path: "/usr/bin/podman".into(),
        version: Some("5.4.2".into()),
    };
    let newer = Machine {
        podman: Some(podman),
        ..bounded
    };
    assert_eq!(complaints(&judge(&newer, true, None)), []);
}

#[test]
fn an_ordinary_account_is_told_all_that_it_lacks() {
    let mut machine = alice(debian());
    machine.id_ranges = IdRanges {
        uids: 0,
        gids: 0,
        free: 231_072,
    };
    machine.tun = Tun::Closed;
    machine.programs.newuidmap = None;
    machine.programs.slirp4netns = None;
    machine.user_namespaces = false;
    let diagnosis = judge(&machine, true, None);
    let remedies: Vec<_> = complaints(&diagnosis)
        .into_iter()
        .map(|(.., remedy)| remedy)
        .collect();
    assert_eq!(
        remedies,
        [
            "sudo apt-get install -y uidmap",
            "sudo usermod --add-subuids 231072-296607 --add-subgids 231072-296607 alice && podman system migrate",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
            "sudo apt-get install -y slirp4netns",
            "sudo chmod 0666 /dev/net/tun",
        ]
    );
    // Root needs none of it.
    machine.account = Account {
        uid: 0,
        name: "root".into(),
    };
    assert!(judge(&machine, true, None).can_start());
}

#[test]
fn a_named_engine_that_is_silent_is_bad_and_so_is_nothing_to_start() {
    let candidate = Candidate {
        source: Source::Explicit,
        ..service(Outcome::Silent)
    };
    let machine = Machine {
        services: Found {
            candidates: vec![candidate],
        },
        ..debian()
    };
    let diagnosis = judge(&machine, true, None);
    assert!(!diagnosis.can_start());
    assert!(complaints(&diagnosis)[0].1.contains("no answer within 2 s"));

    let diagnosis = judge(&debian(), false, None);
    assert_eq!(complaints(&diagnosis)[0].2, "systemctl start podman.socket");
}

#[test]
fn a_missing_init_only_makes_stopping_slow() {
    let mut machine = debian();
    machine.programs.catatonit = None;
    let diagnosis = judge(&machine, true, None);
    assert!(diagnosis.can_start());
    assert_eq!(complaints(&diagnosis)[0].2, "apt-get install -y catatonit");
}

#[test]
fn recordings_that_can_not_be_kept_keep_the_server_from_starting() {
    let reason = "no space for recordings".to_owned();
    let diagnosis = judge(&debian(), true, Some(reason.clone()));
    assert_eq!(complaints(&diagnosis), [(Weight::Bad, reason.as_str(), "")]);
    assert!(!diagnosis.can_start());
}
