//! Many readers of one log: one reading for all, each at its own pace.

use crate::container::{Container, until};
use crate::exhaustion::allow_descriptors;
use crate::reading::{Reading, text};
use crate::rig::Rig;
use crate::server;
use podlane_testkit::fake::{FakeVersion, Fault, Route, Times};
use podlane_testkit::{BUSYBOX, ServerOptions, podman, unique};
use serde_json::{Value, json};

const LINES: &str = "application/x-ndjson";

/// A container of the fake that writes the second half when it is told to.
async fn writer(rig: &Rig, script: &str) -> String {
    let name = unique("written");
    let body = json!({ "image": BUSYBOX, "name": name, "command": ["sh", "-c", script] });
    let _created = rig.api.post("/containers", body).await.expect(200);
    name
}

async fn tell(rig: &Rig, name: &str, command: &str) {
    let path = format!("/containers/{name}/exec");
    let done = rig.api.post(&path, json!({ "command": command })).await;
    assert_eq!(done.expect(200).json["execution"]["exit_code"], 0);
}

/// How often Podman was asked for this log, to follow it or not.
fn asked(rig: &Rig, follow: bool) -> usize {
    let requests = rig.fake.requests();
    let logs = requests
        .iter()
        .filter(|request| request.path_and_query.contains("/logs?"));
    logs.filter(|request| request.path_and_query.contains("follow=true") == follow)
        .count()
}

const HALVES: &str = "echo one; echo bad >&2; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two; echo worse >&2; exit 3";

#[tokio::test(flavor = "multi_thread")]
async fn all_followers_share_one_reading() {
    for version in [FakeVersion::V43, FakeVersion::V58] {
        let rig = Rig::of(
            version,
            env!("CARGO_BIN_EXE_podlane"),
            ServerOptions::default(),
        )
        .await;
        let name = writer(&rig, HALVES).await;
        let kinds = [
            ("tail=all", "one\ntwo\n", "bad\nworse\n"),
            ("tail=all&stream=stdout", "one\ntwo\n", ""),
            ("tail=all&stream=stderr", "", "bad\nworse\n"),
            ("tail=all&grep=o", "one\ntwo\n", "worse\n"),
            ("tail=all&timestamps=true", "one\ntwo\n", "bad\nworse\n"),
            ("tail=0", "two\n", "worse\n"),
            ("tail=1&stream=stdout", "one\ntwo\n", ""),
        ];
        let path = |query| format!("/containers/{name}/logs?follow=true&{query}");
        // All that is there is there for the first one.
        let mut first = Reading::get(&rig.server, &path("tail=all"), LINES)
            .await
            .expect(200);
        let begun = [first.line().await, first.line().await];
        assert!(begun.iter().all(Option::is_some), "{begun:?}");
        let mut readers = Vec::new();
        for (query, out, err) in kinds.into_iter().cycle().take(21) {
            let reading = Reading::get(&rig.server, &path(query), LINES).await;
            readers.push((query, out, err, reading.expect(200)));
        }
        tell(&rig, &name, "touch /tmp/go").await;
        for (query, out, err, mut reading) in readers {
            let told = reading.lines().await;
            assert_eq!(text(&told, "stdout"), out, "{query}: {told:?}");
            assert_eq!(text(&told, "stderr"), err, "{query}: {told:?}");
            let end = told.last().expect("an end");
            assert_eq!(
                (&end["event"], &end["exit_code"]),
                (&json!("end"), &json!(3))
            );
            let pieces = &told[..told.len() - 1];
            let timed = pieces.iter().all(|piece| piece["at"].is_string());
            assert!(timed || !query.contains("timestamps"), "{told:?}");
            assert!(
                query.contains("timestamps") || pieces.iter().all(|piece| piece["at"].is_null())
            );
        }
        drop(first);
        assert_eq!(asked(&rig, true), 1, "{version:?}");
        // The tails of those that want one, and at the end the rest.
        assert!(asked(&rig, false) <= 7, "{}", asked(&rig, false));
        // Whoever comes when it has ended reads for itself, to the end.
        let mut late = Reading::get(&rig.server, &path("tail=all"), LINES).await;
        let told = late.lines().await;
        assert_eq!(text(&told, "stdout"), "one\ntwo\n", "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_the_same_whoever_reads() {
    let rig = Rig::new(ServerOptions::default()).await;
    let name = writer(&rig, HALVES).await;
    let path = format!("/containers/{name}/logs?follow=true&tail=all");
    let mut live = Reading::get(&rig.server, &path, LINES).await.expect(200);
    let first = live.line().await.expect("a line");
    let second = live.line().await.expect("a line");
    tell(&rig, &name, "touch /tmp/go").await;
    let mut told = vec![first, second];
    told.extend(live.lines().await);
    let data = |event: &Value| event["data"].clone();
    for timestamps in ["", "&timestamps=true"] {
        for (count, event) in told.iter().enumerate().take(told.len() - 1) {
            let id = event["id"].as_str().expect("an ID");
            let headers = [("accept", LINES), ("last-event-id", id)];
            let path = format!("{path}{timestamps}");
            let none = bytes::Bytes::new();
            let mut again =
                Reading::ask(&rig.server, http::Method::GET, &path, &headers, none).await;
            let rest = again.lines().await;
            let expected: Vec<_> = told[count + 1..].iter().map(data).collect();
            assert_eq!(rest.iter().map(data).collect::<Vec<_>>(), expected, "{id}");
        }
    }
}

/// A break of the engine's is mended by who is read for, and then all share again.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_breaks_is_taken_up_again() {
    let rig = Rig::new(ServerOptions::default()).await;
    let name = writer(&rig, HALVES).await;
    let garbage = Fault::Status {
        code: 200,
        body: "\u{1}\0\0\0\0\0\0\u{4}one\n\u{9}".into(),
        content_type: "application/octet-stream".into(),
    };
    rig.fake.fault(Route::ContainerLogs, garbage, Times::Once);
    let path = format!("/containers/{name}/logs?follow=true&tail=all&stream=stdout");
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(Reading::get(&rig.server, &path, LINES).await.expect(200));
    }
    for reading in &mut readers {
        assert_eq!(reading.line().await.expect("a line")["data"], "one\n");
    }
    tell(&rig, &name, "touch /tmp/go").await;
    for mut reading in readers {
        let told = reading.lines().await;
        assert_eq!(text(&told, "stdout"), "two\n", "{told:?}");
        assert_eq!(told.last().expect("an end")["event"], "end");
    }
    // The one that broke, one for each of them, and one for all again.
    assert!(asked(&rig, true) <= 7, "{}", asked(&rig, true));
}

/// One that does not read holds up nobody, costs a bounded amount, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_up_nobody() {
    const LENGTH: usize = 12_000_000;
    let server = server();
    let script = format!(
        "while [ ! -e /go ]; do sleep 0.05; done; yes {} | head -c {LENGTH}",
        "0123456789".repeat(99)
    );
    let body = json!({ "image": BUSYBOX, "command": ["sh", "-c", script], "init": false });
    let container = Container::with(&server.client(), body).await;
    let path = container.path("logs?follow=true&tail=all");
    let slow = Reading::get(&server, &path, LINES).await.expect(200);
    let mut fast = Vec::new();
    for _ in 0..3 {
        fast.push(Reading::get(&server, &path, LINES).await.expect(200));
    }
    let touched = podman(&["exec", &container.name, "touch", "/go"]);
    assert!(touched.status.success(), "{touched:?}");
    let reads = fast.into_iter().map(|mut reading| {
        tokio::spawn(async move {
            let told = reading.lines().await;
            let end = told.last().map(|end| end["event"].clone());
            (text(&told, "stdout").len(), end)
        })
    });
    let expected = (LENGTH, Some(json!("end")));
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.expect("read"), expected);
    }
    let mut slow = slow;
    let told = slow.lines().await;
    assert_eq!(text(&told, "stdout").len(), LENGTH);
    assert_eq!(told.last().map(|end| end["event"].clone()), expected.1);
}

/// As many as may, of a container that says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_followers_of_a_silent_container_cost_little() {
    const COUNT: u64 = 1000;
    allow_descriptors(6000);
    let rig = Rig::new(ServerOptions::default()).await;
    let name = rig.container().await;
    let path = format!("/containers/{name}/logs?follow=true");
    let before = rig.memory("VmRSS");
    let mut readers = Vec::new();
    for _ in 0..COUNT {
        readers.push(Reading::get(&rig.server, &path, LINES).await.expect(200));
    }
    let grown = rig.memory("VmRSS").saturating_sub(before);
    assert!(grown < 64 * COUNT, "{grown} KiB");
    assert_eq!(asked(&rig, true), 1);
    // Others are served meanwhile.
    let _served = rig.call("list", "").await.expect(200);
    let _stopped = rig.call("stop", &name).await.expect(200);
    for mut reading in readers {
        let told = reading.lines().await;
        assert_eq!(told.last().expect("an end")["event"], "end", "{told:?}");
    }
    rig.is_well().await;
}

/// A line that does not end is told as it comes, and matched in parts.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_line_is_followed_in_bounded_memory() {
    const LENGTH: usize = 20_000_000;
    let options = ServerOptions::default().env("PODLANE_LIMITS_LOG_BYTES", "1000000");
    let rig = Rig::new(options).await;
    let name = rig.container().await;
    let mut log = vec![1, 0, 0, 0];
    let stamp = b"2026-11-23T15:54:16Z ";
    let length = u32::try_from(LENGTH + stamp.len()).expect("small");
    log.extend_from_slice(&length.to_be_bytes());
    log.extend_from_slice(stamp);
    log.resize(log.len() + LENGTH, b'x');
    let body = bytes::Bytes::from(log);
    let before = rig.memory("VmHWM");
    for query in ["", "&timestamps=true", "&grep=x"] {
        let fault = Fault::Status {
            code: 200,
            body: body.clone(),
            content_type: "application/octet-stream".into(),
        };
        // The first is cut short, and what follows has nothing more to say.
        rig.fake.fault(Route::ContainerLogs, fault, Times::Once);
        let path = format!("/containers/{name}/logs?tail=all{query}");
        let mut reading = Reading::get(&rig.server, &path, LINES).await.expect(200);
        let mut length = 0;
        while let Some(event) = reading.line().await {
            length += event["data"].as_str().map_or(0, str::len);
        }
        let stamped = if query.contains("timestamps") {
            0
        } else {
            stamp.len()
        };
        assert_eq!(length, LENGTH + stamped, "{query}");
    }
    let grown = rig.memory("VmHWM").saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB");
}

/// Nobody is left behind at a log that nobody writes to any more.
#[tokio::test]
async fn a_follower_of_a_stopped_container_ends() {
    let server = server();
    let api = server.client();
    let body = json!({ "image": BUSYBOX, "command": ["sh", "-c", "echo done"], "init": false });
    let name = unique("ended");
    let mut body = body;
    body["name"] = json!(name);
    let _created = api.post("/containers", body).await.expect(200);
    until("it has ended", || {
        let seen = podman(&[
            "container",
            "inspect",
            "--format",
            "{{.State.Status}}",
            &name,
        ]);
        seen.stdout.starts_with(b"exited")
    })
    .await;
    for query in ["tail=all", "tail=0", "tail=1&grep=d&timestamps=true"] {
        let path = format!("/containers/{name}/logs?follow=true&{query}");
        let told = Reading::get(&server, &path, LINES).await.lines().await;
        let end = told.last().expect("an end");
        assert_eq!(
            (&end["event"], &end["status"]),
            (&json!("end"), &json!("exited"))
        );
        let expected = if query == "tail=0" { "" } else { "done\n" };
        assert_eq!(text(&told, "stdout"), expected, "{query}");
    }
    podman(&["rm", "-f", "-t", "0", &name]);
}
