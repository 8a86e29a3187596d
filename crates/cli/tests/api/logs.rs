//! `GET /containers/{name}/logs`

use crate::container::Container;
use crate::fixture::Fixture;
use crate::reading::Reading;
use crate::server;
use podlane_testkit::{BUSYBOX, Client, SCRATCH, podman, podman_socket};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A container whose main process writes what the line says and then stays.
async fn writer(api: &Client, line: &str) -> Fixture {
    let line = format!("{line}; touch /done; exec sleep 1000");
    let more = json!({ "command": ["sh", "-c", line], "init": false });
    let container = Fixture::create(api, BUSYBOX, more).await;
    while !podman(&["exec", &container.name, "test", "-e", "/done"])
        .status
        .success()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    container
}

async fn logs(api: &Client, container: &Fixture, query: &str) -> Value {
    let answer = api.get(&container.path(&format!("/logs{query}"))).await;
    answer.expect(200).json["container"].take()
}

#[tokio::test]
async fn tail_counts_lines() {
    let server = server();
    let api = server.client();
    let container = writer(&api, "seq 1 150").await;
    let lines = |from: u32| {
        (from..=150)
            .map(|n| n.to_string() + "\n")
            .collect::<String>()
    };
    for (query, from) in [
        ("", 51),
        ("?tail=100", 51),
        ("?tail=0", 151),
        ("?tail=1", 150),
        ("?tail=5", 146),
        ("?tail=150", 1),
        ("?tail=151", 1),
        ("?tail=all", 1),
        ("?tail=99999999999", 1),
        ("?tail=18446744073709551615", 1),
        ("?tail=18446744073709551616", 1),
    ] {
        let log = logs(&api, &container, query).await;
        assert_eq!(log["logs"], lines(from), "{query}");
        assert_eq!(log["truncated"], false);
    }
    podman(&["stop", "-t", "0", &container.name]);
    assert_eq!(
        logs(&api, &container, "?tail=2").await["logs"],
        "149\n150\n",
        "of a stopped container"
    );
    for tail in ["-1", "abc", "1.5", "", "%20", "1e3", "0x10", "+1", "ALL"] {
        let answer = api
            .get(&container.path(&format!("/logs?tail={tail}")))
            .await;
        answer.refused(400, "tail");
    }
    let _ = api
        .get(&container.path("/logs?tail=1&tail=2"))
        .await
        .expect(400);
    let _ = api.get("/containers/no-such/logs").await.expect(404);
}

#[tokio::test]
async fn text_is_what_was_written() {
    let server = server();
    let api = server.client();
    for (line, tail, expected) in [
        ("printf 'a\\nb'; sleep 0.2", "all", "a\nb"),
        ("printf 'a\\nb'; sleep 0.2", "1", "b"),
        ("printf 'a\\n\\n\\nb\\n'", "3", "\n\nb\n"),
        (
            "echo out; sleep 0.2; echo err >&2; sleep 0.2; echo out2",
            "all",
            "out\nerr\nout2\n",
        ),
        (
            "echo out; sleep 0.2; echo err >&2; sleep 0.2; echo out2",
            "2",
            "err\nout2\n",
        ),
        ("echo 'žluťoučký kůň 🐎'", "all", "žluťoučký kůň 🐎\n"),
        ("printf 'x\\377y\\n'", "all", "x\u{fffd}y\n"),
        (
            "printf '\\001\\000\\000\\000\\000\\000\\000\\005frame\\n'",
            "all",
            "\u{1}\0\0\0\0\0\0\u{5}frame\n",
        ),
        ("true", "all", ""),
        ("true", "5", ""),
    ] {
        let container = writer(&api, line).await;
        let log = logs(&api, &container, &format!("?tail={tail}")).await;
        assert_eq!(log["logs"], expected, "{line}");
    }
    let silent = Fixture::stopped(SCRATCH);
    assert_eq!(
        logs(&api, &silent, "").await["logs"],
        "",
        "a container that never ran"
    );
}

#[tokio::test]
async fn parts_by_time_output_and_pattern() {
    let server = server();
    let api = server.client();
    let line = "for n in 1 2 3; do echo out $n; sleep 0.1; echo err $n >&2; sleep 0.1; done; date +%s >/now; sleep 2; echo out late; printf 'out open'";
    let container = writer(&api, line).await;
    let now = podman(&["exec", &container.name, "cat", "/now"]).stdout;
    let now: u64 = String::from_utf8_lossy(&now)
        .trim()
        .parse()
        .expect("a time");
    let then = now + 1;
    for (query, expected) in [
        (
            "?stream=stdout".to_owned(),
            "out 1\nout 2\nout 3\nout late\nout open",
        ),
        ("?stream=stderr".to_owned(), "err 1\nerr 2\nerr 3\n"),
        ("?stream=stderr&tail=1".to_owned(), "err 3\n"),
        ("?stream=all&tail=2".to_owned(), "out late\nout open"),
        ("?grep=[13]$".to_owned(), "out 1\nerr 1\nout 3\nerr 3\n"),
        ("?grep=[13]$&tail=1".to_owned(), "err 3\n"),
        (
            "?grep=^out&stream=stdout&tail=3".to_owned(),
            "out 3\nout late\nout open",
        ),
        ("?grep=nothing".to_owned(), ""),
        (format!("?since={then}"), "out late\nout open"),
        (format!("?until={then}&tail=2"), "out 3\nerr 3\n"),
        (format!("?since=0&until={then}&grep=1"), "out 1\nerr 1\n"),
        ("?since=2100-01-01T00:00:00Z".to_owned(), ""),
        ("?until=1970-01-01T00:00:00Z".to_owned(), ""),
    ] {
        let log = logs(&api, &container, &query).await;
        assert_eq!(log["logs"], expected, "{query}");
        assert_eq!(log["truncated"], false);
    }
    for (query, field) in [
        ("stream=both", "stream"),
        ("stream=", "stream"),
        ("since=yesterday", "since"),
        ("until=-1", "until"),
        ("until=", "until"),
        ("timestamps=x", "timestamps"),
        ("grep=(", "grep"),
        ("grep=((a{100}){100}){100}", "grep"),
    ] {
        let answer = api.get(&container.path(&format!("/logs?{query}"))).await;
        answer.refused(400, field);
    }
    let long = "x".repeat(1025);
    let answer = api
        .get(&container.path(&format!("/logs?grep={long}")))
        .await;
    answer.refused(400, "grep");
}

/// The seconds since 1970 of a line's time, and the line.
fn timed(line: &str) -> (u64, &str) {
    let (time, text) = line.split_once(' ').expect("a time");
    let time = OffsetDateTime::parse(time, &Rfc3339).expect(line);
    (u64::try_from(time.unix_timestamp()).expect("now"), text)
}

#[tokio::test]
async fn each_line_has_the_time_of_its_beginning() {
    let server = server();
    let api = server.client();
    let line = "printf 'so f'; sleep 1.5; echo bad >&2; sleep 0.3; echo ar; head -c 20000 /dev/zero | tr '\\0' x; echo; printf open";
    let began = OffsetDateTime::now_utc().unix_timestamp();
    let began = u64::try_from(began).expect("now");
    let container = writer(&api, line).await;
    let told = |log: &Value| log["logs"].as_str().expect("text").to_owned();
    let log = told(&logs(&api, &container, "?timestamps=true&stream=stdout").await);
    let lines: Vec<_> = log.lines().map(timed).collect();
    let texts: Vec<_> = lines.iter().map(|(_, text)| *text).collect();
    let wide = "x".repeat(20_000);
    assert_eq!(texts, ["so far", &wide, "open"]);
    // The first line has the time of its first part.
    let times: Vec<_> = lines.iter().map(|(time, _)| *time).collect();
    assert!(times[0] < times[1] && times[0] >= began, "{times:?}");
    assert!(
        times[2] < began + 600 && log.ends_with("Z open"),
        "{times:?}"
    );
    for (query, expected) in [
        ("?timestamps=true&tail=1&stream=stdout", vec!["open"]),
        ("?timestamps=1&tail=0", vec![]),
        ("?timestamps=true&grep=^bad|^so", vec!["bad", "so far"]),
        ("?timestamps=true&grep=^2", vec![]),
        ("?timestamps=true&stream=stderr&since=0", vec!["bad"]),
        ("?timestamps=true&since=2100-01-01T00:00:00Z", vec![]),
    ] {
        let log = told(&logs(&api, &container, query).await);
        let texts: Vec<_> = log.lines().map(|line| timed(line).1).collect();
        assert_eq!(texts, expected, "{query}");
    }
    let plain = told(&logs(&api, &container, "?timestamps=no&stream=stderr").await);
    assert_eq!(plain, "bad\n");
}

#[tokio::test]
async fn a_container_without_a_log_is_a_conflict() {
    let server = server();
    let api = server.client();
    let container = Container::by_podman(&api, BUSYBOX, &["--log-driver=none"]);
    for query in ["", "?timestamps=true", "?tail=all"] {
        let answer = api.get(&container.path(&format!("logs{query}"))).await;
        let message = answer.expect(409).json["error"]["message"].take();
        let message = message.as_str().expect("text");
        assert!(message.contains("log driver"), "{message}");
    }
    let path = container.path("logs?follow=true&tail=all");
    let mut reading = Reading::get(&server, &path, "application/x-ndjson").await;
    let (first, rest) = (reading.line().await.expect("a line"), reading.lines().await);
    assert_eq!(
        (&first["event"], rest.len()),
        (&json!("error"), 0),
        "{first}"
    );
    assert_eq!(first["error"]["code"], 409);
}

#[tokio::test]
async fn a_large_log_is_answered_in_bounds() {
    let server = server();
    let api = server.client();
    let container = writer(
        &api,
        "yes 123456789012345678901234567890123456789 | head -c 10485760",
    )
    .await;
    let log = logs(&api, &container, "?tail=all").await;
    let text = log["logs"].as_str().expect("text");
    assert_eq!(text.len(), 8 << 20);
    assert!(log["truncated"] == true && text.ends_with("6789\n"));
    let log = logs(&api, &container, "?tail=3").await;
    assert_eq!(
        log["logs"].as_str().map(|text| text.lines().count()),
        Some(3)
    );
    assert_eq!(log["truncated"], false);

    let line = "head -c 3000000 /dev/zero | tr '\\0' x; echo end; echo next";
    let container = writer(&api, line).await;
    for (tail, length) in [("2", 3_000_009), ("1", 5), ("all", 3_000_009)] {
        let log = logs(&api, &container, &format!("?tail={tail}")).await;
        let text = log["logs"].as_str().expect("text");
        assert_eq!(text.len(), length, "tail={tail}");
        assert!(text.ends_with("next\n"));
    }
}

/// The process of the Podman service, found by its socket.
fn service() -> u32 {
    let socket = format!("unix://{}", podman_socket().display());
    let is_service = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains("system service") && line.trim_end().ends_with(&socket)
    };
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(is_service).expect("the Podman service runs")
}

/// Descriptors of regular files: those that a reader of logs holds. Connections come and go.
fn open_logs(pid: u32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("descriptors")
        .flatten();
    let is_log = |path: &std::path::PathBuf| path.to_string_lossy().contains("ctr.log");
    entries
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(is_log)
        .count()
}

#[tokio::test]
async fn reading_logs_leaks_no_descriptor_of_podman() {
    let server = server();
    let api = server.client();
    let container = writer(&api, "seq 1 500").await;
    let service = service();
    let before = open_logs(service);
    for number in 0..200 {
        let log = logs(&api, &container, &format!("?tail={}", number % 7)).await;
        assert_eq!(log["truncated"], false);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Other tests read logs too, a few at a time.
    let after = open_logs(service);
    assert!(after < before + 20, "{before} before, {after} after");
}
