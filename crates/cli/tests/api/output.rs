//! What comes back of a command's output: whole, in order, bounded, and nobody else's words in it.

use crate::container::{Container, nap, running};
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, DEBIAN, Server, ServerOptions};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// The default of `limits.output_bytes`.
const KEPT: usize = 8 * 1024 * 1024;

/// Memory of the server, in bytes.
fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kib.expect("a size").parse::<usize>().expect("a number")
}

fn length(value: &serde_json::Value) -> usize {
    value.as_str().expect("text").len()
}

#[tokio::test]
async fn both_streams_apart_and_together() {
    let server = server();
    let api = server.client();
    for image in [BUSYBOX, DEBIAN] {
        let container = Container::sleeping(&api, image).await;
        // The pauses let the engine see the order in which it was written.
        let command = "echo a; sleep 0.3; echo b >&2; sleep 0.3; printf c; sleep 0.3; printf d >&2";
        for command in [json!(command), json!(["sh", "-c", command])] {
            let execution = api.exec(&container.name, command).await;
            assert_eq!(execution["stdout"], "a\nc");
            assert_eq!(execution["stderr"], "b\nd");
            assert_eq!(execution["output"], "a\nb\ncd");
            assert_eq!(execution["truncated"], false);
            assert!(
                execution["duration_ms"].as_u64() >= Some(900),
                "{execution}"
            );
        }
        for newlines in ["\n", "\n\nx", ""] {
            let body =
                json!({ "command": "printf '%s' \"$X\" >&2", "environment": { "X": newlines } });
            assert_eq!(container.exec(body).await["stderr"], newlines);
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for (escaped, text, base64) in [
        ("\\000\\001\\377", "\0\u{1}\u{fffd}", "AAH/"),
        ("a\\303\\050b", "a\u{fffd}(b", "YcMoYg=="),
        ("\\342\\202\\254", "€", "4oKs"),
        ("\\342\\202", "\u{fffd}", "4oI="),
        ("\\355\\240\\200", "\u{fffd}\u{fffd}\u{fffd}", "7aCA"),
        ("", "", ""),
    ] {
        let command = json!(["printf", escaped]);
        let execution = api.exec(&container.name, command.clone()).await;
        assert_eq!(execution["stdout"], text, "{escaped}");
        assert_eq!(execution["encoding"], "text");
        let body = json!({ "command": command, "encoding": "base64" });
        let execution = container.exec(body).await;
        assert_eq!(
            (&execution["output"], &execution["stdout"]),
            (&json!(base64), &json!(base64))
        );
        assert_eq!(
            (&execution["stderr"], &execution["encoding"]),
            (&json!(""), &json!("base64"))
        );
    }
    let body = json!({ "command": "head -c 3000000 /dev/zero", "encoding": "base64" });
    let execution = container.exec(body).await;
    assert_eq!(
        (length(&execution["output"]), &execution["truncated"]),
        (4_000_000, &json!(false))
    );
}

#[tokio::test]
async fn a_hundred_megabytes_are_cut() {
    let server = server_with(ServerOptions::default().env("REQUEST_TIMEOUT", "100"));
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let before = resident(&server);
    for command in [
        "head -c 100000000 /dev/zero | tr '\\0' x",
        "head -c 100000000 /dev/zero | tr '\\0' '\\n'",
        "yes 0123456789 | head -c 100000000 >&2",
    ] {
        let execution = api.exec(&container.name, command).await;
        assert_eq!(execution["exit_code"], 0, "it is read to its end");
        assert_eq!(execution["truncated"], true);
        assert_eq!(length(&execution["output"]), KEPT);
        assert_eq!(
            length(&execution["stdout"]) + length(&execution["stderr"]),
            KEPT
        );
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 20 * KEPT, "the server has grown by {grown} bytes");
    // Just what is kept, and one byte more.
    for (size, cut) in [(KEPT, false), (KEPT + 1, true)] {
        let command = format!("head -c {size} /dev/zero | tr '\\0' x");
        let execution = api.exec(&container.name, command).await;
        assert_eq!(
            (&execution["truncated"], length(&execution["stdout"])),
            (&json!(cut), KEPT)
        );
    }
}

#[tokio::test]
async fn small_pieces_take_little_memory() {
    let options = ServerOptions::default().env("REQUEST_TIMEOUT", "60");
    let server = server_with(options);
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    api.exec(&container.name, "echo warm").await;
    let before = resident(&server);
    let command = "i=0; while [ $i -lt 60000 ]; do echo o; echo e >&2; i=$((i+1)); done";
    let execution = api.exec(&container.name, command).await;
    assert_eq!(
        length(&execution["output"]),
        240_000,
        "{}",
        execution["exit_code"]
    );
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 64 << 20, "the server has grown by {grown} bytes");
}

#[tokio::test]
async fn endless_output_ends_with_the_time_limit() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let before = resident(&server);
    for command in [
        "yes NAP",
        "yes NAP | tr -d '\\n'",
        "yes NAP >&2",
        "cat /dev/zero",
        "yes NAP & yes NAP >&2 & yes NAP",
    ] {
        let nap = nap();
        let asked = Instant::now();
        let body = json!({ "command": command.replace("NAP", &nap), "timeout": 2 });
        let execution = container.exec(body).await;
        assert!(asked.elapsed() < Duration::from_secs(30), "{command}");
        assert_eq!(
            (&execution["timed_out"], &execution["truncated"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(running(&nap), Vec::<String>::new(), "{command}");
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 25 * KEPT, "the server has grown by {grown} bytes");
}

#[tokio::test]
async fn no_character_is_cut_in_two() {
    for kept in [1024, 1025, 1026, 1027] {
        let options =
            ServerOptions::default().env("PODLANE_LIMITS_OUTPUT_BYTES", &kept.to_string());
        let server = server_with(options);
        let api = server.client();
        let container = Container::sleeping(&api, BUSYBOX).await;
        for character in ["é", "€", "🦀"] {
            let command = format!("yes '{character}' | tr -d '\\n' | head -c 4096");
            let execution = api.exec(&container.name, command).await;
            let output = execution["output"].as_str().expect("text");
            let whole = kept / character.len();
            assert_eq!(output, character.repeat(whole));
            assert_eq!(execution["truncated"], true);
        }
    }
}

#[tokio::test]
async fn words_like_the_engines_own_are_the_commands() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    let not_found = "Error: crun: executable file `sh` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found\n";
    let no_directory = "Error: crun: chdir `/x`: No such file or directory: OCI runtime attempted to invoke a command that was not found\n";
    let improper = "Error: OCI runtime error: crun: container is not running\n";
    let noise =
        "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n";
    for (words, codes) in [
        (not_found, [0, 1, 127]),
        (no_directory, [0, 126, 127]),
        (improper, [125, 126, 255]),
        ("Error: no\n", [125, 126, 127]),
    ] {
        for code in codes {
            // If it were run again, it would say so.
            let command = format!(
                "[ -e /tmp/ran ] && echo again; touch /tmp/ran; printf %s \"$WORDS\" >&2; echo; exit {code}"
            );
            let body = json!({ "command": command, "environment": { "WORDS": words } });
            let execution = container.exec(body).await;
            assert_eq!(execution["stderr"], words);
            assert_eq!(
                (&execution["stdout"], &execution["exit_code"]),
                (&json!("\n"), &json!(code))
            );
            api.exec(&container.name, "rm /tmp/ran").await;
        }
    }
    // Podman's own word about its sockets is the last of a stream; anywhere else it is the command's.
    let body = json!({ "command": "printf %s \"$X\" >&2; sleep 0.5; echo", "environment": { "X": noise } });
    assert_eq!(container.exec(body).await["stderr"], noise);
    // From an argument vector, with a program of another name.
    let others = not_found.replace("`sh`", "`other`");
    let body = json!({ "command": ["sh", "-c", "printf %s \"$0\" >&2; exit 127", others] });
    assert_eq!(container.exec(body).await["stderr"], others);
}

#[tokio::test]
async fn bytes_like_frame_headers_are_output() {
    let server = server();
    let api = server.client();
    let container = Container::sleeping(&api, BUSYBOX).await;
    for (escaped, base64) in [
        (
            "\\001\\000\\000\\000\\000\\000\\000\\003abc",
            "AQAAAAAAAANhYmM=",
        ),
        ("\\002\\000\\000\\000\\377\\377\\377\\377", "AgAAAP////8="),
        ("\\003\\001\\002\\003\\000\\000\\000\\000x", "AwECAwAAAAB4"),
    ] {
        for redirect in ["", ">&2"] {
            let command = format!("printf '{escaped}' {redirect}");
            let body = json!({ "command": command, "encoding": "base64" });
            let execution = container.exec(body).await;
            assert_eq!(execution["output"], base64);
        }
    }
}
