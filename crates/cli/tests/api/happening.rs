//! Events, and lists of what is wanted.

use crate::container::Container;
use crate::reading::Reading;
use crate::server;
use http::Method;
use podlane_testkit::{BUSYBOX, Client, Server, podman, unique};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// Events of one container up to one with this action.
async fn up_to(reading: &mut Reading, action: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = reading.line().await.expect("an event");
        let last = event["action"] == action;
        events.push(event);
        if last {
            return events;
        }
    }
}

fn actions(events: &[Value]) -> Vec<&str> {
    let all = events.iter().filter_map(|event| event["action"].as_str());
    all.collect()
}

#[tokio::test]
async fn what_anybody_does_is_told_to_many() {
    let server = server();
    let name = unique("told");
    let path = format!("/events?type=container&subject={name}");
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(Reading::get(&server, &path, LINES).await.expect(200));
    }
    let mut other = Reading::get(&server, "/events?subject=nobody", EVENTS)
        .await
        .expect(200);
    assert_eq!(other.header("content-type"), EVENTS);
    let made = podman(&["run", "-d", "--name", &name, BUSYBOX, "sleep", "5000"]);
    assert!(made.status.success(), "{made:?}");
    let removed = podman(&["rm", "-f", "-t", "0", &name]);
    assert!(removed.status.success(), "{removed:?}");
    for reading in &mut readers {
        let events = up_to(reading, "remove").await;
        let told = actions(&events);
        let main = told
            .iter()
            .filter(|action| ["create", "start", "died", "remove"].contains(action));
        assert_eq!(
            main.collect::<Vec<_>>(),
            [&"create", &"start", &"died", &"remove"]
        );
        let died = events
            .iter()
            .find(|event| event["action"] == "died")
            .expect("an end");
        assert_eq!(died["attributes"]["containerExitCode"], "137");
        assert!(
            died["attributes"]["image"]
                .as_str()
                .expect("an image")
                .contains("busybox")
        );
        assert!(!died.to_string().contains("io.podlane."), "{died}");
    }
    // Only the sign that it is open.
    while let Ok(piece) = timeout(Duration::from_millis(300), other.piece()).await {
        assert_eq!(piece.as_deref(), Some(&b":\n\n"[..]));
    }
    let first: u64 = {
        let path = format!("{path}&since=1");
        let mut again = Reading::get(&server, &path, LINES).await.expect(200);
        let all = up_to(&mut again, "remove").await;
        assert_eq!(actions(&all).first(), Some(&"create"));
        all[0]["id"].as_u64().expect("an ID")
    };
    let id = first.to_string();
    let headers = [("accept", LINES), ("last-event-id", id.as_str())];
    let reading = Reading::ask(&server, Method::GET, &path, &headers, bytes::Bytes::new()).await;
    let rest = up_to(&mut reading.expect(200), "remove").await;
    assert!(
        rest.iter().all(|event| event["id"].as_u64() >= Some(first)),
        "{rest:?}"
    );
    assert_eq!(actions(&rest).last(), Some(&"remove"));
}

#[tokio::test]
async fn wrong_questions_about_events() {
    let server = server();
    let api = server.client();
    api.get("/events?since=x").await.refused(400, "since");
    for (query, field, word) in [
        ("type=container&type=containers", "type", "network"),
        ("action=start&action=die", "action", "`died`"),
    ] {
        let answer = api.get(&format!("/events?{query}")).await;
        assert!(answer.message().contains(word), "{}", answer.text);
        answer.refused(400, field);
    }
    api.get("/events?kind=container").await.refused(400, "kind");
    let headers = [("last-event-id", "x")];
    let reading = Reading::ask(
        &server,
        Method::GET,
        "/events",
        &headers,
        bytes::Bytes::new(),
    )
    .await;
    let _ = reading.expect(400);
}

async fn list(api: &Client, query: &str) -> (Vec<String>, Option<String>) {
    let listed = api.get(&format!("/containers{query}")).await.expect(200);
    let rows = listed.json["containers"].as_array().expect("a list");
    let names = rows
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_owned());
    let next = listed.json["next_cursor"].as_str().map(str::to_owned);
    (names.collect(), next)
}

async fn labelled(server: &Server, label: &str, count: usize) -> Vec<Container> {
    let mut all = Vec::new();
    for number in 0..count {
        let labels = json!({ label: number.to_string(), "even": (number % 2 == 0).to_string() });
        let body = json!({ "image": BUSYBOX, "command": ["sleep", "5000"], "labels": labels });
        all.push(Container::with(&server.client(), body).await);
    }
    all
}

#[tokio::test]
async fn a_list_of_what_is_wanted() {
    let server = server();
    let api = server.client();
    let label = unique("list");
    let all = labelled(&server, &label, 5).await;
    let _ = api.act(&all[1].path("kill")).await.expect(200);
    let of = |numbers: &[usize]| -> Vec<String> {
        let mut names: Vec<_> = numbers.iter().map(|at| all[*at].name.clone()).collect();
        names.sort_unstable();
        names
    };
    for (query, numbers) in [
        (format!("?label={label}"), &[0, 1, 2, 3, 4][..]),
        (format!("?label={label}=3"), &[3]),
        (format!("?label={label}&label=even=true"), &[0, 2, 4]),
        (format!("?label={label}&status=exited"), &[1]),
        (format!("?label={label}&status=unknown"), &[]),
        (
            format!("?label={label}&status=running&status=exited"),
            &[0, 1, 2, 3, 4],
        ),
        (format!("?label={label}&name={}", all[2].name), &[2]),
        (
            format!(
                "?label={label}&image={}",
                BUSYBOX.split(":1").next().expect("a name")
            ),
            &[0, 1, 2, 3, 4],
        ),
        (format!("?label={label}&image=nothing"), &[]),
        (format!("?label={label}&since=1"), &[0, 1, 2, 3, 4]),
        (format!("?label={label}&since=4000000000"), &[]),
    ] {
        let (mut names, next) = list(&api, &query).await;
        names.sort_unstable();
        assert_eq!(names, of(numbers), "{query}");
        assert_eq!(next, None);
    }
    let mut seen = Vec::new();
    let mut query = format!("?label={label}&limit=2");
    loop {
        let (names, next) = list(&api, &query).await;
        assert!(names.len() <= 2);
        seen.extend(names);
        let Some(next) = next else { break };
        query = format!("?label={label}&limit=2&cursor={next}");
    }
    let made: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    assert_eq!(seen, made);
    for (query, field) in [
        ("?status=dead", "status"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?cursor=x", "cursor"),
        ("?since=x", "since"),
        ("?label=", "label"),
        ("?all=true", "all"),
    ] {
        api.get(&format!("/containers{query}"))
            .await
            .refused(400, field);
    }
}
