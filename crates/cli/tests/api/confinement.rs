//! A command that the agent runs has what one has that the engine runs, and no more.

use crate::container::{Container, until};
use crate::{server, server_by_stream};
use podlane_testkit::{BUSYBOX, Client, SCRATCH};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a process can say of its own confinement. `status` is that of the shell itself; what differs from
/// one process to the next by nature is left out, and so is whether it leads a session: of runtimes, crun
/// makes it lead none and runc does.
const PROBE: &str = r#"
cat /proc/$$/status | grep -E '^(Umask|Uid|Gid|Groups|NStgid|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Speculation.*|Cpus_allowed|Mems_allowed|SigIgn|SigBlk|SigPnd|ShdPnd|Threads|CoreDumping|THP_enabled|x86_.*):' | sed 's/^NStgid:.*/&/;s/^NStgid:\(\t[0-9]*\)\{1,\}/NStgid/'
for file in cgroup limits oom_score_adj oom_adj loginuid sessionid attr/current setgroups uid_map gid_map personality timens_offsets cpuset; do
  echo "$file: $(cat /proc/$$/$file 2>&1 | tr '\n' '|')"
done
for namespace in /proc/$$/ns/*; do echo "$namespace" | sed 's/[0-9]//g' | tr '\n' ' '; readlink "$namespace"; done
echo "mounts: $(md5sum </proc/$$/mountinfo)"
echo "root: $(readlink /proc/$$/root) exe: $(readlink /proc/$$/exe) cwd: $(pwd)"
echo "nice: $(cut -d' ' -f18,19,40,41 /proc/$$/stat)"
echo "input: $(readlink /proc/$$/fd/0)"
ls /proc/$$/fd
env | grep -v '^PODLANE_EXEC=' | sort
[ -n "$PODLANE_EXEC" ] && echo 'marked: yes'
echo "id: $(id)"
test -w /proc/sys/kernel/hostname && echo 'writes /proc/sys'
touch /probe 2>&1; rm -f /probe
exit 0
"#;

/// What the probe says on one way, and which way that was.
async fn probe(
    api: &Client,
    container: &Container,
    agent: bool,
    more: &Value,
) -> (String, Vec<String>) {
    let mut body = json!({ "command": ["sh", "-c", PROBE], "agent": agent });
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let answer = api.post(&container.path("exec"), body).await.expect(200);
    let path = answer.headers["x-exec-path"]
        .to_str()
        .expect("text")
        .to_owned();
    let execution = &answer.json["execution"];
    assert_eq!(execution["exit_code"], 0, "{execution}");
    let lines = execution["output"].as_str().expect("text").lines();
    (path, lines.map(str::to_owned).collect())
}

/// Flags of `podman run`, and what is different about the exec.
fn profiles() -> BTreeMap<&'static str, (Vec<&'static str>, Value)> {
    let hardened = vec![
        "--read-only",
        "--user=1000",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--pids-limit=64",
        "--memory=64m",
        "--ulimit=nofile=512:600",
        "--ulimit=nproc=4096:4096",
    ];
    BTreeMap::from([
        ("default", (vec![], json!({}))),
        ("hardened", (hardened, json!({}))),
        ("another user", (vec![], json!({ "user": "1234:5678" }))),
        (
            "root in a container of a user",
            (vec!["--user=1000"], json!({ "user": "root" })),
        ),
        (
            "a user's groups",
            (vec!["--group-add=77"], json!({ "user": "1" })),
        ),
        ("privileged", (vec!["--privileged"], json!({}))),
        (
            "user namespace",
            (
                vec!["--uidmap=0:100000:65536", "--gidmap=0:100000:65536"],
                json!({}),
            ),
        ),
        (
            "user in a user namespace",
            (
                vec!["--uidmap=0:100000:65536", "--gidmap=0:100000:65536"],
                json!({ "user": "1000" }),
            ),
        ),
        (
            "no seccomp",
            (vec!["--security-opt=seccomp=unconfined"], json!({})),
        ),
        (
            "capabilities",
            (vec!["--cap-add=SYS_PTRACE", "--cap-drop=CHOWN"], json!({})),
        ),
        (
            "environment and directory",
            (
                vec!["--env=A=old", "--env=B=b", "--workdir=/tmp"],
                json!({ "environment": { "A": "new", "C": "c d" }, "workdir": "/etc" }),
            ),
        ),
        (
            "directory of the container",
            (vec!["--workdir=/tmp"], json!({})),
        ),
    ])
}

#[tokio::test]
async fn the_agent_changes_nothing_that_a_command_has() {
    compare(&server().client(), "fd", profiles()).await;
}

#[tokio::test]
async fn nor_does_one_over_a_stream() {
    let mut profiles = profiles();
    // It has to be put somewhere.
    profiles.retain(|_, (flags, _)| !flags.contains(&"--read-only"));
    compare(&server_by_stream().client(), "stream", profiles).await;
}

async fn compare(
    api: &Client,
    path: &str,
    profiles: BTreeMap<&'static str, (Vec<&'static str>, Value)>,
) {
    let mut differences = Vec::new();
    for (what, (flags, more)) in profiles {
        let container = Container::by_podman(api, BUSYBOX, &flags);
        let (way, wanted) = probe(api, &container, false, &more).await;
        assert_eq!(way, "engine", "{what}");
        assert!(
            wanted.len() > 40,
            "{what}: the probe says little: {wanted:?}"
        );
        // The second command of an agent has no more than its first.
        for turn in ["first", "second"] {
            let (way, found) = probe(api, &container, true, &more).await;
            assert_eq!(way, path, "{what}");
            let missing = wanted.iter().filter(|line| !found.contains(line));
            let added = found.iter().filter(|line| !wanted.contains(line));
            let missing = missing.map(|line| format!("{what}, {turn}: without {line}"));
            differences
                .extend(missing.chain(added.map(|line| format!("{what}, {turn}: with {line}"))));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Nothing to be written, no shell, no rights: the agent needs none of them.
#[tokio::test]
async fn an_image_of_one_program() {
    let server = server();
    let api = server.client();
    let name = podlane_testkit::unique("one");
    let flags = [
        "run",
        "-d",
        "--name",
        &name,
        "--read-only",
        "--user=1000",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        SCRATCH,
        "/tiny",
        "sleep",
        "5000",
    ];
    let made = podlane_testkit::podman(&flags);
    assert!(made.status.success(), "{made:?}");
    let body = json!({ "command": ["/tiny", "echo", "hello"] });
    let answer = api
        .post(&format!("/containers/{name}/exec"), body)
        .await
        .expect(200);
    podlane_testkit::podman(&["rm", "-f", "-t", "0", &name]);
    assert_eq!(answer.headers["x-exec-path"], "fd");
    assert_eq!(answer.json["execution"]["exit_code"], 0, "{}", answer.json);
}

/// Where there is no room for the agent's processes the engine runs the command.
#[tokio::test]
async fn few_processes_left() {
    let server = server();
    let api = server.client();
    for left in [1, 2, 3, 4, 8] {
        // The init, the sleep, and five more.
        let limit = format!("--pids-limit={}", 7 + left);
        let container = Container::by_podman(&api, BUSYBOX, &[&limit]);
        let fill = "for i in 1 2 3 4 5; do setsid sleep 5000 </dev/null >/dev/null 2>&1 & done";
        let filled = podlane_testkit::podman(&["exec", &container.name, "sh", "-c", fill]);
        if !filled.status.success() {
            // The runtime itself had no room to do this.
            continue;
        }
        let run = async |agent: bool| {
            let body = json!({ "command": ["echo", "room"], "agent": agent });
            let answer = api.post(&container.path("exec"), body).await;
            (answer.status, answer.json["execution"]["output"].clone())
        };
        let by_engine = run(false).await;
        let by_agent = run(true).await;
        if by_engine.0 == 200 {
            assert_eq!(by_agent, by_engine, "{left} left");
        }
        // And again, with whatever of the agent is there now.
        assert_eq!(run(true).await.1, by_agent.1, "{left} left");
    }
}

/// An agent that is there before the first command.
#[tokio::test]
async fn an_agent_with_the_container() {
    let server = server();
    let api = server.client();
    let looks = ["exec", "NAME", "sh", "-c", "ls -l /proc/[0-9]*/exe"];
    let agents = |container: &Container| {
        let looks = looks.map(|word| {
            if word == "NAME" {
                &container.name
            } else {
                word
            }
        });
        let seen = podlane_testkit::podman(&looks).stdout;
        String::from_utf8_lossy(&seen)
            .matches("podlane-agent")
            .count()
    };
    let body = json!({ "image": BUSYBOX, "command": "sleep 5000" });
    let cold = Container::with(&api, body.clone()).await;
    let mut warm = body.clone();
    warm["warm_agent"] = json!(true);
    let warm = Container::with(&api, warm).await;
    until("its agent is there", || agents(&warm) > 0).await;
    assert_eq!(agents(&cold), 0);
    let first = json!({ "command": "echo on" });
    let answer = api.post(&warm.path("exec"), first).await.expect(200);
    assert_eq!(answer.headers["x-exec-path"], "fd");

    let mut none = body.clone();
    none["agent"] = json!(false);
    let none = Container::with(&api, none).await;
    assert_eq!(
        none.inspect("{{index .Config.Labels \"io.podlane.agent\"}}"),
        "off"
    );
    let shown = api.get(&format!("/containers/{}", none.name)).await;
    assert_eq!(shown.expect(200).json["container"]["labels"], json!({}));
    for _ in 0..2 {
        let body = json!({ "command": "echo on", "agent": true });
        let answer = api.post(&none.path("exec"), body).await.expect(200);
        assert_eq!(answer.headers["x-exec-path"], "engine");
    }
    assert_eq!(agents(&none), 0);

    for (fields, wrong) in [
        (json!({ "agent": false, "warm_agent": true }), "warm_agent"),
        (
            json!({ "agent": true, "labels": { "io.podlane.agent": "off" } }),
            "labels",
        ),
        (json!({ "agent": "off" }), "agent"),
    ] {
        let mut body = body.clone();
        body["name"] = json!(podlane_testkit::unique("refused"));
        for (key, value) in fields.as_object().expect("an object") {
            body[key] = value.clone();
        }
        api.post("/containers", body).await.refused(400, wrong);
    }
}

/// The container's own word that it wants no agent.
#[tokio::test]
async fn a_container_without_an_agent() {
    let server = server();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--label=io.podlane.agent=off"]);
    for _ in 0..2 {
        let body = json!({ "command": "echo on" });
        let answer = api.post(&container.path("exec"), body).await.expect(200);
        assert_eq!(answer.headers["x-exec-path"], "engine");
        assert_eq!(answer.json["execution"]["output"], "on\n");
    }
}
