//! `POST /containers/{name}/exec`: what a command is given and what comes back.

use crate::container::Container;
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, DEBIAN, SCRATCH, ServerOptions, podman, unique};
use serde_json::json;

#[tokio::test]
async fn a_string_is_read_by_the_best_shell_there_is() {
    let server = server();
    let api = server.client();
    for (image, shell) in [(BUSYBOX, "sh"), (DEBIAN, "bash")] {
        let container = Container::sleeping(&api, image).await;
        for (command, output) in [
            ("echo hi", "hi\n"),
            ("echo \"a  b\" 'c  d' e\\ f", "a  b c  d e f\n"),
            ("echo it\\'s '\"' \"'\"", "it's \" '\n"),
            ("printf 'b\\na\\n' | sort | head -n 1", "a\n"),
            ("echo one; echo two && echo three", "one\ntwo\nthree\n"),
            ("echo $(echo $((6 * 7)))", "42\n"),
            ("echo 'grüße 日本 🦀'", "grüße 日本 🦀\n"),
            ("for x in 1 2; do\n  echo $x\ndone", "1\n2\n"),
            ("cat <<END\nhere\nEND", "here\n"),
            ("echo \"$#\" \"$*\"", "0 \n"),
            ("  echo spaces  ", "spaces\n"),
            ("-n", ""),
            ("true", ""),
            ("printf 'no newline'", "no newline"),
        ] {
            let execution = api.exec(&container.name, command).await;
            assert_eq!(
                execution["stdout"], output,
                "{image} {command}: {execution}"
            );
        }
        let execution = api.exec(&container.name, "echo $0").await;
        assert_eq!(execution["output"], format!("{shell}\n"));
    }
}

#[tokio::test]
async fn an_array_is_seen_by_no_shell() {
    let server = server();
    let api = server.client();
    for (image, echo) in [(BUSYBOX, "echo"), (DEBIAN, "/bin/echo")] {
        let container = Container::sleeping(&api, image).await;
        for words in [
            vec!["$HOME", "`id`", "$(id)"],
            vec!["a;b", "|", "&&", ">x"],
            vec!["", "  ", "\"", "'"],
            vec!["*", "~", "日本", "line\nbreak"],
        ] {
            let mut argv = vec![echo];
            argv.extend(&words);
            let execution = api.exec(&container.name, argv).await;
            assert_eq!(execution["output"], format!("{}\n", words.join(" ")));
        }
    }
}

#[tokio::test]
async fn an_image_without_a_shell_gets_the_words() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, SCRATCH).await;
    for (command, output) in [
        ("/tiny echo a b", "a b\n"),
        ("/tiny args 'a b' c\\ d \"\"", "a b\nc d\n\n"),
        ("/tiny args $HOME | x", "$HOME\n|\nx\n"),
    ] {
        let execution = api.exec(&container.name, command).await;
        assert_eq!(execution["output"], output, "{execution}");
        assert_eq!(execution["exit_code"], 0);
    }
    let execution = api
        .exec(&container.name, json!(["/tiny", "echo", "$x"]))
        .await;
    assert_eq!(execution["output"], "$x\n");
    for command in ["/tiny echo \"a", "/tiny 'b"] {
        let answer = api
            .post(&container.path("exec"), json!({ "command": command }))
            .await;
        answer.refused(400, "command");
    }
    for command in [json!("/nosuch a"), json!(["/nosuch", "a"])] {
        let execution = api.exec(&container.name, command).await;
        assert_eq!(execution["exit_code"], 127);
        assert_eq!(execution["stderr"], "/nosuch: not found\n");
    }
}

#[tokio::test]
async fn exit_codes_are_those_of_a_shell() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        for (command, code) in [
            (json!("true"), 0),
            (json!("exit 3"), 3),
            (json!("exit 255"), 255),
            (json!("/etc/passwd"), 126),
            (json!(["/etc/passwd"]), 126),
            (json!(["/etc"]), 126),
            (json!("nosuch-program"), 127),
            (json!(["nosuch-program", "-x"]), 127),
            (json!("exit 125"), 125),
            (json!("exit 126"), 126),
            (json!("exit 127"), 127),
            (json!("kill -KILL $$"), 137),
            (json!("kill -TERM $$"), 143),
            (json!(["sh", "-c", "kill -SEGV $$"]), 139),
            (json!("false | true"), 0),
        ] {
            let execution = api.exec(&container.name, command.clone()).await;
            assert_eq!(
                execution["exit_code"], code,
                "{image} {command}: {execution}"
            );
            assert_eq!(execution["success"], code == 0);
            assert_eq!(execution["timed_out"], false);
        }
    }
}

#[tokio::test]
async fn users_by_name_and_number() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, DEBIAN).await;
    for (user, output) in [
        ("root", "0:0\n"),
        ("www-data", "33:33\n"),
        ("33", "33:33\n"),
        ("1234:5678", "1234:5678\n"),
        ("www-data:0", "33:0\n"),
        ("nobody:www-data", "65534:33\n"),
    ] {
        let body = json!({ "command": "echo $(id -u):$(id -g)", "user": user });
        let execution = container.exec(body).await;
        assert_eq!(execution["output"], output, "{user}");
    }
    for user in [
        "no-such-user",
        "root:no-such-group",
        "-h",
        "a:b:c",
        "",
        "x y",
    ] {
        let body = json!({ "command": "id", "user": user });
        let answer = api.post(&container.path("exec"), body).await;
        answer.refused(400, "user");
    }
}

#[tokio::test]
async fn the_directory_to_start_in() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        for workdir in ["/", "/tmp", "/usr/bin"] {
            let execution = container
                .exec(json!({ "command": ["pwd"], "workdir": workdir }))
                .await;
            assert_eq!(execution["output"], format!("{workdir}\n"));
        }
        for workdir in ["/nosuch", "/etc/passwd", "/tmp/a/b"] {
            for command in [json!("true"), json!(["true"])] {
                let body = json!({ "command": command, "workdir": workdir });
                let answer = api.post(&container.path("exec"), body).await;
                answer.refused(400, "workdir");
            }
        }
        let body = json!({ "command": "true", "workdir": "tmp" });
        let answer = api.post(&container.path("exec"), body).await;
        answer.refused(400, "workdir");
    }
}

/// A runtime that enters the directory before it leaves the host can be led through its own
/// descriptors (CVE-2024-21626).
#[tokio::test]
async fn no_descriptor_of_the_runtime_is_a_way_out() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for number in 3..12 {
        for path in [
            "/proc/self",
            "/proc/thread-self",
            "/./proc//self",
            "//proc/1",
        ] {
            let workdir = format!("{path}/fd/{number}");
            let body = json!({ "command": ["ls", "../../../../.."], "workdir": workdir });
            let answer = api.post(&container.path("exec"), body).await;
            answer.refused(400, "workdir");
            let name = unique("descriptor");
            let body =
                json!({ "image": BUSYBOX, "name": name, "command": "ls", "workdir": workdir });
            api.post("/containers", body).await.refused(400, "workdir");
        }
    }
}

#[tokio::test]
async fn environment_and_standard_input() {
    let server = server();
    let api = server.client();
    let body = json!({ "image": BUSYBOX, "command": "sleep 5000", "environment": { "A": "image", "B": "kept" } });
    let container = Container::with(&api, body).await;
    let execution = container
        .exec(json!({
            "command": "echo \"$A|$B|$C|$D|$E\"",
            "environment": { "A": "new", "C": "a b\n\"$x\"", "D": 4, "E": true },
        }))
        .await;
    assert_eq!(execution["output"], "new|kept|a b\n\"$x\"|4|true\n");
    let body = json!({ "command": "echo $A$F", "environment": ["A=list", "F==x="] });
    assert_eq!(container.exec(body).await["output"], "list=x=\n");

    let large = "0123456789abcdef".repeat(5 << 16);
    for (command, stdin, output) in [
        ("cat", "a\nb", "a\nb"),
        ("cat", "", ""),
        ("wc -c", large.as_str(), "5242880\n"),
        ("read x; read y; echo $y$x", "1\n2\n3\n", "21\n"),
    ] {
        let body = json!({ "command": command, "stdin": stdin });
        let execution = container.exec(body).await;
        assert_eq!(execution["output"], output, "{command}");
    }
    let execution = api.exec(&container.name, "cat; echo end").await;
    assert_eq!(execution["output"], "end\n", "standard input is empty");
}

#[tokio::test]
async fn a_container_must_run() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let body = || json!({ "command": "true" });
    assert!(podman(&["pause", &container.name]).status.success());
    let paused = api.post(&container.path("exec"), body()).await.expect(409);
    assert!(paused.message().contains("paused"), "{}", paused.text);
    assert!(podman(&["unpause", &container.name]).status.success());
    api.exec(&container.name, "true").await;
    let _ = api.act(&container.path("stop")).await.expect(200);
    let stopped = api.post(&container.path("exec"), body()).await.expect(409);
    assert!(
        stopped.message().contains("not running"),
        "{}",
        stopped.text
    );
    let missing = format!("/containers/{}/exec", unique("missing"));
    let _ = api.post(&missing, body()).await.expect(404);
}

#[tokio::test]
async fn commands_that_can_not_be_are_refused() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "20"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for command in [
        json!(""),
        json!(" \n\t"),
        json!([]),
        json!([""]),
        json!("a\0b"),
        json!(["a", "b\0"]),
        json!("x".repeat(131_072)),
        json!(["echo", "x".repeat(131_072)]),
    ] {
        let body = json!({ "command": command });
        let answer = api.post(&container.path("exec"), body).await;
        answer.refused(400, "command");
    }
    // The longest that goes.
    let long = format!("echo {}", "x".repeat(131_071 - 5));
    let execution = api.exec(&container.name, long).await;
    assert_eq!(execution["stdout"].as_str().map(str::len), Some(131_067));
    // Each argument is short enough, all together are not.
    let mut many = vec!["y".repeat(131_000); 40];
    many[0] = "echo".into();
    let body = json!({ "command": many });
    api.post(&container.path("exec"), body)
        .await
        .refused(400, "command");
    let body = json!({ "command": "true", "environment": { "X": "x".repeat(131_070) } });
    api.post(&container.path("exec"), body)
        .await
        .refused(400, "environment");
    api.exec(&container.name, "true").await;
}

/// Podman drops output of a command that ends before its input has come.
#[tokio::test]
async fn input_that_is_not_read_costs_no_output() {
    let server = server();
    let api = server.client();
    let large = "0123456789abcdef".repeat(1 << 16);
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        for turn in 0..10 {
            let stdin = if turn % 2 == 0 { "abc" } else { &large };
            for (command, output, code) in [
                (json!("echo hi"), "hi\n", 0),
                (json!(["echo", "$x", "'"]), "$x '\n", 0),
                (json!("head -c 2; exit 3"), &stdin[..2], 3),
                (json!("exec <&-; echo closed; kill -9 $$"), "closed\n", 137),
                (json!(["nosuch-program"]), "", 127),
                (json!(["/etc/passwd"]), "", 126),
                (json!(["exit", "3"]), "", 127),
            ] {
                let body = json!({ "command": command, "stdin": stdin });
                let execution = container.exec(body).await;
                assert_eq!(execution["stdout"], output, "{command} {execution}");
                assert_eq!(execution["exit_code"], code, "{command} {execution}");
                let silent = execution["stderr"] == "";
                assert_eq!(silent, ![126, 127].contains(&code), "{execution}");
            }
        }
    }
    let container = Container::sleeping(&api, SCRATCH).await;
    let body = json!({ "command": ["/tiny", "cat", "/dev/stdin"], "stdin": "read" });
    assert_eq!(container.exec(body).await["exit_code"], 0);
}
