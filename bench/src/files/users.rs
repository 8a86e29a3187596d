//! Accounts: one, many in one call, and a class in ten containers.

use super::{DEBIAN_TARGET, Found, Goal, Rig, Row, Times, archive, send, timed};
use crate::connection::{Connection, Result};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// As /etc/shadow holds it: of no password.
const HASH: &str = "$6$abcdefghijkl$f3yK5Pn1Jb8Xk0Nq6cV2tQ9rW4zL7mD1sH8gB5xE0uA3iO6yT2pC9vM4kR7jF1nZ5wS8eQ0dG3hL6bU2aX9c0";
const CONTAINERS: usize = 10;
const JSON: &str = "application/json";

pub(super) async fn measure(rig: &mut Rig, found: &mut Found) -> Result<()> {
    let one = one_by_one(rig).await?;
    let p50 = one.sides[0].1;
    found.goals.push(Goal {
        what: "an account: p50 at most 2 ms",
        measured: format!("{:.2} ms", p50.as_secs_f64() * 1e3),
        pass: p50 <= Duration::from_millis(2),
    });
    found.rows.push(one);
    let took = many(
        &mut rig.ours(),
        DEBIAN_TARGET,
        "many",
        300,
        json!({"password_hash": HASH}),
    )
    .await?;
    found.goals.push(Goal {
        what: "300 accounts in one call, with hashes: at most 60 ms",
        measured: format!("{:.0} ms", took.as_secs_f64() * 1e3),
        pass: took <= Duration::from_millis(60),
    });
    let hashed = many(
        &mut rig.ours(),
        DEBIAN_TARGET,
        "told",
        300,
        json!({"password": "a word"}),
    )
    .await?;
    found.rows.push(Row {
        what: "300 accounts in one call",
        sides: vec![
            ("Podlane, with hashes".into(), took),
            ("Podlane, with passwords to hash".into(), hashed),
        ],
    });
    let took = class(rig).await?;
    found.goals.push(Goal {
        what: "10 containers with 30 accounts and 270 files each: at most 1 s",
        measured: format!("{:.2} s", took.as_secs_f64()),
        pass: took <= Duration::from_secs(1),
    });
    Ok(())
}

async fn one_by_one(rig: &Rig) -> Result<Row> {
    let path = format!("/api/v1/containers/{DEBIAN_TARGET}/users");
    let mut ours = rig.ours();
    let mut took = Vec::new();
    for number in 0..100 {
        let body = json!({"username": format!("one{number}")}).to_string();
        took.push(send(&mut ours, Method::POST, &path, JSON, body.into()).await?);
    }
    let mut by_useradd = Vec::new();
    for number in 0..10 {
        let name = format!("tool{number}");
        let argv = [&rig.cli, "exec", DEBIAN_TARGET, "useradd", "-m", &name];
        by_useradd.push(timed(&argv).await?);
    }
    Ok(Row {
        what: "an account with its home",
        sides: vec![
            ("Podlane".into(), Times::of(took).p50()),
            (
                "`podman exec useradd -m`".into(),
                Times::of(by_useradd).p50(),
            ),
        ],
    })
}

/// Makes so many accounts in one call.
async fn many(
    ours: &mut Connection,
    container: &str,
    prefix: &str,
    count: usize,
    more: Value,
) -> Result<Duration> {
    let user = |number: usize| {
        let mut user = more.clone();
        user["username"] = json!(format!("{prefix}{number}"));
        user
    };
    let users: Vec<Value> = (0..count).map(user).collect();
    let path = format!("/api/v1/containers/{container}/users");
    let body = json!({"users": users}).to_string();
    send(ours, Method::POST, &path, JSON, body.into()).await
}

/// All containers at once: accounts, then the files of each. Agents are there already.
async fn class(rig: &mut Rig) -> Result<Duration> {
    let names: Vec<String> = (0..CONTAINERS)
        .map(|number| format!("podlane-bench-class-{number}"))
        .collect();
    for name in &names {
        rig.podman.start(super::DEBIAN, name).await?;
        many(&mut rig.ours(), name, "first", 1, json!({})).await?;
    }
    let files =
        (0..30).flat_map(|user| (0..9).map(move |file| format!("student{user}/file-{file}")));
    let packed = archive(files, b"what a student is given to begin with\n")?;
    let mut work = JoinSet::new();
    let began = Instant::now();
    for name in names.clone() {
        let (mut ours, packed): (Connection, Bytes) = (rig.ours(), packed.clone());
        work.spawn(async move {
            many(
                &mut ours,
                &name,
                "student",
                30,
                json!({"password_hash": HASH}),
            )
            .await?;
            let path = format!("/api/v1/containers/{name}/archive?path=/home");
            send(&mut ours, Method::PUT, &path, "application/x-tar", packed).await
        });
    }
    while let Some(done) = work.join_next().await {
        done??;
    }
    let took = began.elapsed();
    for name in &names {
        rig.podman.remove(name).await?;
    }
    Ok(took)
}
