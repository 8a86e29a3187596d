//! Processes in a running container.

use super::subject::{GRACE, Subject, argv, call, path, shell};
use podlane_engine::{ContainerId, ExecPath, Process, Source, UserSpec};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// Each stream by itself, and the code; 128 + signal for a signal.
pub async fn an_exec_gives_output_and_code(subject: &Subject) {
    let id = subject.idle().await;
    for (script, stdout, stderr, code) in [
        ("echo out; echo err >&2; exit 3", "out\n", "err\n", 3),
        ("true", "", "", 0),
        ("printf 'no end'", "no end", "", 0),
        ("kill -TERM $$; sleep 5", "", "", 143),
        // Words that look like a runtime's are a command's own as long as it runs.
        (
            "echo 'Error: crun: not so' >&2; exit 4",
            "",
            "Error: crun: not so\n",
            4,
        ),
    ] {
        let ended = subject.exec(&id, &shell(script)).await;
        assert_eq!(
            (
                ended.stdout.as_str(),
                ended.stderr.as_str(),
                ended.code,
                ended.failure
            ),
            (stdout, stderr, code, None),
            "{script}"
        );
    }
}

/// No shell reads them.
pub async fn an_exec_keeps_arguments_apart(subject: &Subject) {
    let id = subject.idle().await;
    let spec = argv(&[
        "printf", "<%s>", "a b", "", "$HOME", "`id`", "ü\n", "-n", "*",
    ]);
    let ended = subject.exec(&id, &spec).await;
    assert_eq!(
        (ended.stdout.as_str(), ended.code),
        ("<a b><><$HOME><`id`><ü\n><-n><*>", 0)
    );
}

/// The end of input reaches the process while its output is still read.
pub async fn an_exec_reads_input_to_its_end(subject: &Subject) {
    let id = subject.idle().await;
    let mut spec = shell("cat; echo done");
    spec.stdin = true;
    let mut process = subject
        .engine
        .exec(&call(), &id, &spec)
        .await
        .expect("an exec");
    let mut input = process.take_stdin().expect("its input");
    assert!(process.take_stdin().is_none());
    let mut sent = Vec::new();
    for line in 0..5000 {
        sent.extend_from_slice(format!("line {line}\n").as_bytes());
    }
    let whole = sent.clone();
    let writing = tokio::spawn(async move {
        input.write_all(&whole).await.expect("it is read");
        input.shutdown().await.expect("an end");
    });
    let mut received = Vec::new();
    while let Some(chunk) = process.next().await.expect("output") {
        received.extend_from_slice(&chunk.data);
    }
    writing.await.expect("all is sent");
    sent.extend_from_slice(b"done\n");
    assert_eq!(received.len(), sent.len());
    assert!(received == sent);
    assert_eq!(process.wait().await.expect("a code").code, 0);
    // Without input there is an end of file at once.
    let ended = subject.exec(&id, &shell("cat; echo empty")).await;
    assert_eq!(ended.stdout, "empty\n");
}

/// And the container's own where nothing is given.
pub async fn an_exec_has_environment_user_and_directory(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.environment.insert("KEPT".into(), "kept".into());
    spec.environment.insert("CHANGED".into(), "old".into());
    let id = subject.run(&spec).await;
    let mut spec = shell("echo $KEPT $CHANGED \"$NEW\"; id -u; id -g; pwd");
    let ended = subject.exec(&id, &spec).await;
    assert_eq!(ended.stdout, "kept old \n0\n0\n/\n", "{}", ended.stderr);
    spec.environment = vec![
        ("CHANGED".into(), "new".into()),
        ("NEW".into(), "a = \"b\"  ü".into()),
    ];
    spec.user = Some(UserSpec::parse("1234:5678").expect("a user"));
    spec.workdir = Some(path("/tmp"));
    let ended = subject.exec(&id, &spec).await;
    assert_eq!(
        ended.stdout, "kept new a = \"b\"  ü\n1234\n5678\n/tmp\n",
        "{}",
        ended.stderr
    );
}

/// Nothing is lost.
pub async fn an_exec_streams_much_output(subject: &Subject) {
    let id = subject.idle().await;
    let mut process = subject
        .engine
        .exec(&call(), &id, &shell("seq 1 200000"))
        .await
        .expect("an exec");
    let (mut bytes, mut lines) = (0, 0);
    while let Some(chunk) = process.next().await.expect("output") {
        assert_eq!(chunk.source, Source::Stdout);
        bytes += chunk.data.len();
        lines += chunk.data.split(|byte| *byte == b'\n').count() - 1;
    }
    assert_eq!((bytes, lines), (1_288_895, 200_000));
    assert_eq!(process.wait().await.expect("a code").code, 0);
}

/// How many commands run at once, and how many lines of output each writes to either stream.
const CROWD: usize = 40;
const LINES: usize = 15_000;

/// Each command's output and code are its own, and one that is not read keeps no other waiting.
pub async fn many_execs_at_once_keep_their_outputs_apart(subject: &Subject) {
    let id = subject.idle().await;
    let endless = shell("seq 1 100000000");
    let unread = subject.engine.exec(&call(), &id, &endless).await;
    let mut unread = unread.expect("an exec");
    assert!(unread.next().await.expect("output").is_some());
    let crowd = match subject.path() {
        // It takes a tenth of a second of a processor to start one.
        ExecPath::Engine => 6,
        ExecPath::Fd | ExecPath::Stream => CROWD,
    };
    let commands = (0..crowd).map(|number| {
        let id = &id;
        async move {
            let (first, last) = (number * 100_000 + 1, number * 100_000 + 1 + LINES);
            let script = format!(
                "seq {first} {last}; seq {last} {} >&2; exit {number}",
                last + LINES
            );
            let ended = subject.exec(id, &shell(&script)).await;
            let lines = |first: usize| (first..=first + LINES).map(|line| format!("{line}\n"));
            assert_eq!(usize::try_from(ended.code), Ok(number));
            assert!(ended.stdout == lines(first).collect::<String>(), "{number}");
            assert!(ended.stderr == lines(last).collect::<String>(), "{number}");
        }
    });
    futures_util::future::join_all(commands).await;
    assert!(unread.next().await.expect("output").is_some());
    assert!(unread.control().terminate(GRACE).await.is_complete());
}

/// A tree that a time-out has to end: it ignores signals, and some of it has left group, session or
/// parent. Each of its four ends writes to a file of its own for as long as it lives.
const TREE: &str = r#"trap '' TERM HUP
beat='while true; do echo x >>/tmp/$0; sleep 0.05; done'
sh -c "$beat" a &
setsid sh -c "$beat" b &
sh -c "sh -c '$beat' c & exit" &
echo up
sh -c "$beat" d"#;

/// How many of them live.
async fn living(subject: &Subject, id: &ContainerId) -> usize {
    const COUNT: &str = "cd /tmp; for f in a b c d; do [ -e $f ] || : >$f; wc -l <$f; done";
    let before = subject.output(id, COUNT).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = subject.output(id, COUNT).await;
    let grown = before.lines().zip(after.lines());
    grown.filter(|(before, after)| before != after).count()
}

async fn started(subject: &Subject, id: &ContainerId) -> Box<dyn Process> {
    let process = subject.engine.exec(&call(), id, &shell(TREE)).await;
    let mut process = process.expect("an exec");
    assert!(process.next().await.expect("output").is_some());
    let began = Instant::now();
    while living(subject, id).await < 4 {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it does not grow"
        );
    }
    process
}

/// All that it started ends too.
pub async fn an_exec_that_is_killed_leaves_nothing(subject: &Subject) {
    let id = subject.idle().await;
    let process = started(subject, &id).await;
    let ended = process.control().terminate(GRACE).await;
    assert!(ended.is_complete(), "{ended:?}");
    assert_eq!(living(subject, &id).await, 0);
}

/// Nobody has to ask for it.
pub async fn an_exec_that_is_dropped_leaves_nothing(subject: &Subject) {
    let id = subject.idle().await;
    drop(started(subject, &id).await);
    let began = Instant::now();
    while living(subject, &id).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "it goes on");
    }
}

/// The command's end counts, not that of what it left behind.
pub async fn an_exec_ends_although_a_child_holds_its_output(subject: &Subject) {
    let id = subject.idle().await;
    let began = Instant::now();
    let ended = subject.exec(&id, &shell("sleep 60 & echo left")).await;
    assert_eq!((ended.stdout.as_str(), ended.code), ("left\n", 0));
    assert!(
        began.elapsed() < Duration::from_secs(45),
        "{:?}",
        began.elapsed()
    );
}
