use super::*;
use std::process::{Command, Stdio};

/// A child of this test that reaps nothing: zombies must not count as survivors.
fn kill(script: &str, mark: &str, grace: Duration) -> Termination {
    let (name, value) = mark.split_once('=').expect("NAME=value");
    let mut child = Command::new("sh")
        .args(["-c", script])
        .env(name, value)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    thread::sleep(Duration::from_millis(300));
    let own = i32::try_from(std::process::id()).expect("a PID");
    let ended = kill_tree(own, mark, None, grace);
    let _ = child.wait();
    ended
}

fn running(words: &str) -> usize {
    pids()
        .filter(|pid| entry(*pid).is_some_and(|entry| !entry.zombie))
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line)
                .replace('\0', " ")
                .contains(words)
        })
        .count()
}

/// A command that no other run of these tests has, too.
fn sleep(seconds: u32) -> String {
    format!("sleep {seconds}.{}", std::process::id())
}

#[test]
fn ends_what_has_left_group_session_and_parent() {
    let sleep = sleep(4711);
    let script = format!(
        "setsid {sleep} & (setsid sh -c '{sleep} & exit' &) ; \
         env -i sh -c 'trap \"\" TERM; {sleep} & {sleep}' & \
         (env -i setsid sh -c '{sleep} 2>/dev/null' &) ; \
         kill -STOP $$; {sleep}"
    );
    let grace = Duration::from_millis(50);
    assert_eq!(
        kill(&script, "PODLANE_TEST_TREE=a", grace),
        Termination::Complete { killed: true }
    );
    assert_eq!(running(&sleep), 0);
}

#[test]
fn leaves_others_alone() {
    let (others, own) = (sleep(4712), sleep(4713));
    let mut other = Command::new("sleep")
        .arg(&others["sleep ".len()..])
        .spawn()
        .expect("sleep starts");
    // It ends when it is asked; on a busy machine not at once.
    let ended = kill(&own, "PODLANE_TEST_OTHER=b", Duration::from_secs(30));
    let left = (running(&others), running(&own));
    other.kill().expect("ours");
    other.wait().expect("ours");
    assert_eq!(ended, Termination::Complete { killed: false });
    assert_eq!(left, (1, 0));
}
