//! The interpreter: what scripts of the conformance suite rely on.

use super::*;

/// Runs scripts in one container and compares stdout, stderr and exit code.
async fn check(image: &str, cases: &[(&str, &str, &str, i64)]) {
    let fake = fake(FakeVersion::V43).await;
    run(
        &fake,
        "c",
        &["sleep", "100"],
        json!({"image": image, "env": {"V": "a b"}}),
    )
    .await;
    for (script, out, err, code) in cases {
        let (frames, got) = exec(
            &fake,
            "c",
            &["sh", "-c", script, "zero", "one", "two words"],
            Value::Null,
        )
        .await;
        let streams = (stream(&frames, 1), stream(&frames, 2), got);
        assert_eq!(
            streams,
            ((*out).to_owned(), (*err).to_owned(), *code),
            "{script}"
        );
    }
}

#[tokio::test]
async fn sequences_quotes_and_expansions() {
    check(
        "localhost/bb:1",
        &[
            ("echo a; echo b && false || echo c", "a\nb\nc\n", "", 0),
            ("false && echo no; echo $?", "1\n", "", 0),
            ("echo \"$V\" '$V' $V \\$V", "a b $V a b $V\n", "", 0),
            (
                "printf '%s|' $V \"$V\" \"$0\" \"$@\"",
                "a|b|a b|zero|one|two words|",
                "",
                0,
            ),
            (
                "A=1; B=\"x${A}y\"; echo $B ${C:-none} $#",
                "x1y none 2\n",
                "",
                0,
            ),
            ("echo $(echo in; echo side) `pwd`", "in side /\n", "", 0),
            ("exit 300", "", "", 44),
            ("nosuch", "", "sh: nosuch: not found\n", 127),
            (
                "/etc/passwd; echo $?",
                "126\n",
                "sh: /etc/passwd: Permission denied\n",
                0,
            ),
            (
                "echo \"",
                "",
                "sh: syntax error: unterminated quoted string\n",
                2,
            ),
            (
                "A=1 env | head -n 1; echo ${A:-unset}",
                "A=1\n".to_owned().as_str(),
                "",
                0,
            ),
            (
                "exec sh -c \"$1\" ; echo no",
                "",
                "sh: one: not found\n",
                127,
            ),
            (
                "if true; then echo y; elif false; then :; else echo n; fi",
                "y\n",
                "",
                0,
            ),
            ("for i in 1 2 3; do echo $i; done | tail -n 1", "3\n", "", 0),
            ("while true; do echo once; break; done", "once\n", "", 0),
            ("yes | head -n 2; ! false", "y\ny\n", "", 0),
            ("printf '\\101\\n'; echo -n x", "A\nx", "", 0),
        ]
        .map(|(script, out, err, code)| {
            (
                script,
                if script.starts_with("A=1 env") {
                    "A=1\nunset\n"
                } else {
                    out
                },
                err,
                code,
            )
        }),
    )
    .await;
}

#[tokio::test]
async fn shells_are_found_where_they_are() {
    check(
        "localhost/bb:1",
        &[(
            "command -v bash; echo $?; command -v sh",
            "127\n/bin/sh\n",
            "",
            0,
        )],
    )
    .await;
    check(
        "localhost/deb:1",
        &[(
            "command -v bash && exec bash -c 'echo from bash'",
            "/usr/bin/bash\nfrom bash\n",
            "",
            0,
        )],
    )
    .await;
}

#[tokio::test]
async fn files_are_written_moved_and_removed() {
    check("localhost/bb:1", &[
        ("echo x > /tmp/a; echo y >> /tmp/a; cat /tmp/a; cat < /tmp/a", "x\ny\nx\ny\n", "", 0),
        ("echo e 2>/dev/null >&2; nosuch 2>/dev/null; echo $?", "127\n", "", 0),
        ("mv -T -f /tmp/a /tmp/b && cat /tmp/b && rm -f /tmp/b /tmp/none", "x\ny\n", "", 0),
        ("cat /tmp/b", "", "cat: can't open '/tmp/b': No such file or directory\n", 1),
        ("mv /nofile /x", "", "mv: can't rename '/nofile': No such file or directory\n", 1),
        ("mkdir -p /tmp/d/e; echo 1 > /tmp/f; mv -T /tmp/f /tmp/d", "", "mv: can't rename '/tmp/f': Is a directory\n", 1),
        ("rm /tmp/d; rm -rf /tmp/d; ls /tmp", "f\n", "rm: '/tmp/d' is a directory\n", 0),
        ("printf '#!/bin/sh\\necho script $1\\n' > /tmp/s; chmod 755 /tmp/s; /tmp/s arg", "script arg\n", "", 0),
        ("ln -s /tmp/s /tmp/l; readlink /tmp/l; test -L /tmp/l && [ -f /tmp/l ] && stat -c '%a %s' /tmp/s", "/tmp/s\n755 25\n", "", 0),
        ("cd /tmp; pwd; echo $PWD; echo r > rel; cat /tmp/rel", "/tmp\n/tmp\nr\n", "", 0),
    ]).await;
}

#[tokio::test]
async fn others_than_root_are_held_to_the_mode() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let user = json!({"User": "1000"});
    let (frames, code) = exec(&fake, "c", &["sh", "-c", "echo x > /etc/x"], user.clone()).await;
    assert_eq!(
        (stream(&frames, 2).as_str(), code),
        ("sh: can't create /etc/x: Permission denied\n", 1)
    );
    assert_eq!(
        exec(&fake, "c", &["cat", "/etc/shadow"], user.clone())
            .await
            .1,
        1
    );
    assert_eq!(exec(&fake, "c", &["touch", "/tmp/x"], user).await.1, 0);
}

#[tokio::test]
async fn background_processes_stay_until_they_are_killed() {
    let fake = fake(FakeVersion::V43).await;
    run(&fake, "c", &["sleep", "100"], Value::Null).await;
    let (frames, code) = exec(
        &fake,
        "c",
        &["sh", "-c", "sleep 100 & setsid sleep 100 & echo $!"],
        Value::Null,
    )
    .await;
    assert_eq!(code, 0);
    assert_eq!(fake.processes().len(), 3);
    let pid = stream(&frames, 1);
    assert_eq!(
        exec(&fake, "c", &["kill", "-9", pid.trim()], Value::Null)
            .await
            .1,
        0
    );
    soon(|| fake.processes().len() == 2).await;
    exec(&fake, "c", &["kill", "-KILL", "-1"], Value::Null).await;
    soon(|| fake.processes().len() == 1).await;
    let (_, code) = exec(
        &fake,
        "c",
        &["sh", "-c", "kill -9 $$; sleep 10"],
        Value::Null,
    )
    .await;
    assert_eq!(code, 137);
    let (frames, _) = exec(&fake, "c", &["kill", "999"], Value::Null).await;
    assert_eq!(
        stream(&frames, 2),
        "kill: can't kill pid 999: No such process\n"
    );
}
