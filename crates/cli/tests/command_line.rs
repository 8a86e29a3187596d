//! The program from outside: what it prints, where, and its exit status.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn podlane() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podlane"));
    command.env_clear();
    command
}

fn outcome(output: &Output) -> (Option<i32>, &str) {
    let said = std::str::from_utf8(&output.stderr).expect("stderr is text");
    (output.status.code(), said)
}

#[test]
fn a_wrong_setting_is_status_2_with_one_line_for_each_mistake() {
    let output = podlane()
        .args(["serve", "--pull", "sometimes"])
        .env("MAX_WORKERS", "many")
        .output()
        .unwrap();
    assert_eq!(
        outcome(&output),
        (
            Some(2),
            "podlane: max_workers is \"many\" (environment variable MAX_WORKERS): it must be a whole \
             number from 1 to 1024\n\
             podlane: pull is \"sometimes\" (flag --pull): it must be one of \"never\", \"missing\", \
             \"always\"\n"
        )
    );
}

#[test]
fn a_wrong_command_line_is_status_2_and_help_is_no_mistake() {
    let output = podlane().arg("sevre").output().unwrap();
    let (status, said) = outcome(&output);
    assert_eq!(status, Some(2));
    assert!(
        said.starts_with("podlane: unrecognized subcommand 'sevre'"),
        "{said}"
    );
    assert_eq!(podlane().output().unwrap().status.code(), Some(2));
    assert!(podlane().arg("--help").output().unwrap().status.success());
    let version = podlane().arg("--version").output().unwrap().stdout;
    assert_eq!(
        version,
        concat!("podlane ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()
    );
}

#[test]
fn the_default_file_is_printed_and_is_a_valid_file() {
    let text = podlane()
        .args(["config", "--default"])
        .output()
        .unwrap()
        .stdout;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("podlane.toml");
    fs::write(&file, text).unwrap();
    let output = podlane()
        .arg("config")
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(outcome(&output), (Some(0), ""));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.lines().all(|line| line.contains("podlane.toml:")),
        "{shown}"
    );
}

#[test]
fn without_an_engine_and_leave_to_start_one_serve_says_what_to_do() {
    // A machine with a Podman service would be served.
    if std::path::Path::new("/run/podman/podman.sock").exists() {
        return;
    }
    let output = podlane()
        .args(["serve", "--start-engine=false"])
        .output()
        .unwrap();
    let (status, said) = outcome(&output);
    assert_eq!(status, Some(1));
    assert!(
        said.ends_with("`podlane doctor` says what to type\n"),
        "{said}"
    );
}

#[test]
fn without_a_place_for_recordings_that_are_wanted_nothing_is_served() {
    for (command, status, stream) in [("serve", 1, 2), ("doctor", 1, 1)] {
        let output = podlane()
            .args([command, "--recordings", "terminals"])
            .args(["--recordings-dir", "/dev/null/recordings"])
            .output()
            .unwrap();
        let said = if stream == 1 {
            &output.stdout
        } else {
            &output.stderr
        };
        let said = String::from_utf8_lossy(said);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(
            said.contains("the directory of recordings can't be written: /dev/null/recordings"),
            "{said}"
        );
    }
}

#[test]
fn an_engine_ends_with_the_thread_that_started_it() {
    let parent = std::process::id().to_string();
    let pid = std::thread::spawn(move || {
        let child = podlane()
            .args(["run-engine", "--parent", &parent, "--", "/bin/sleep", "600"])
            .spawn()
            .unwrap();
        wait_until(|| name(child.id()).as_deref() == Some("sleep"));
        child
    });
    let mut child = pid.join().unwrap();
    let mut status = None;
    wait_until(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().signal(), Some(15));
}

#[test]
fn an_engine_whose_server_is_gone_already_does_not_start() {
    let output = podlane()
        .args([
            "run-engine",
            "--parent",
            "2147483647",
            "--",
            "/bin/echo",
            "started",
        ])
        .output()
        .unwrap();
    assert_eq!(
        outcome(&output),
        (
            Some(1),
            "podlane: the server that asked for an engine is gone\n"
        )
    );
    assert!(output.stdout.is_empty());
}

fn name(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim().to_owned())
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}
