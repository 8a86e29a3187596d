//! Small files: one by one, many at once, and many in one archive.

use super::{Found, Goal, Rig, Row, Times, archive, send, shell, timed};
use crate::connection::Result;
use crate::{TARGET, content};
use bytes::Bytes;
use http::Method;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const CLIENTS: usize = 32;
/// How long all clients write.
const TIME: Duration = Duration::from_secs(4);
const MANY: usize = 10_000;
const RAW: &str = "application/octet-stream";
const TAR: &str = "application/x-tar";

pub(super) async fn measure(rig: &Rig, found: &mut Found) -> Result<()> {
    let one = one_by_one(rig).await?;
    let p50 = one.sides[0].1;
    found.goals.push(Goal {
        what: "a file of 1 KB written: p50 at most 2 ms",
        measured: format!("{:.2} ms", p50.as_secs_f64() * 1e3),
        pass: p50 <= Duration::from_millis(2),
    });
    found.rows.push(one);
    let rate = at_once(rig).await?;
    found.goals.push(Goal {
        what: "1,500 files of 1 KB a second, 32 clients",
        measured: format!("{rate:.0}"),
        pass: rate >= 1500.0,
    });
    let many = in_one_archive(rig).await?;
    let took = many.sides[0].1;
    found.goals.push(Goal {
        what: "10,000 small files as one archive in at most 1 s",
        measured: format!("{:.2} s", took.as_secs_f64()),
        pass: took <= Duration::from_secs(1),
    });
    found.rows.push(many);
    Ok(())
}

fn place(number: usize) -> String {
    format!("/api/v1/containers/{TARGET}/files/tmp/podlane-bench-file-{number}")
}

async fn one_by_one(rig: &Rig) -> Result<Row> {
    let body = Bytes::from(content());
    let mut ours = rig.ours();
    let mut took = Vec::new();
    for _ in 0..600 {
        took.push(send(&mut ours, Method::PUT, &place(0), RAW, body.clone()).await?);
    }
    let mut libpods = rig.libpods();
    let packed = archive(
        ["podlane-bench-raw".to_owned()].into_iter(),
        content().as_bytes(),
    )?;
    let path = format!("/v4.0.0/libpod/containers/{TARGET}/archive?path=/tmp");
    let mut raw = Vec::new();
    for _ in 0..20 {
        raw.push(send(&mut libpods, Method::PUT, &path, TAR, packed.clone()).await?);
    }
    let file = std::env::temp_dir().join(format!("podlane-bench-{}", std::process::id()));
    std::fs::write(&file, content())?;
    let mut copied = Vec::new();
    for _ in 0..10 {
        let to = format!("{TARGET}:/tmp/podlane-bench-copy");
        copied.push(timed(&[&rig.cli, "cp", &file.to_string_lossy(), &to]).await?);
    }
    std::fs::remove_file(&file)?;
    Ok(Row {
        what: "a file of 1 KB written",
        sides: vec![
            ("Podlane".into(), Times::of(took).p50()),
            ("libpod's archive".into(), Times::of(raw).p50()),
            ("`podman cp`".into(), Times::of(copied).p50()),
        ],
    })
}

/// Files a second.
async fn at_once(rig: &Rig) -> Result<f64> {
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for number in 0..CLIENTS {
        let mut ours = rig.ours();
        clients.spawn(async move {
            let mut files = 0_u32;
            while began.elapsed() < TIME {
                send(
                    &mut ours,
                    Method::PUT,
                    &place(number),
                    RAW,
                    content().into(),
                )
                .await?;
                files += 1;
            }
            Result::Ok(files)
        });
    }
    let mut files = 0;
    while let Some(client) = clients.join_next().await {
        files += client??;
    }
    Ok(f64::from(files) / began.elapsed().as_secs_f64())
}

async fn in_one_archive(rig: &Rig) -> Result<Row> {
    let names = (0..MANY).map(|number| format!("many/{:02}/file-{number}", number % 50));
    let packed = archive(names, b"a small file\n")?;
    let mut ours = rig.ours();
    let there = format!("/api/v1/containers/{TARGET}/files/tmp/podlane-bench.tar");
    send(&mut ours, Method::PUT, &there, RAW, packed.clone()).await?;
    let (mut took, mut inside) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        let path = format!("/api/v1/containers/{TARGET}/archive?path=/tmp/ours{turn}&mkdirs=true");
        took.push(send(&mut ours, Method::PUT, &path, TAR, packed.clone()).await?);
        let line =
            format!("mkdir /tmp/tar{turn} && tar xf /tmp/podlane-bench.tar -C /tmp/tar{turn}");
        inside.push(shell(&mut ours, &line).await?);
    }
    let path = format!("/v4.0.0/libpod/containers/{TARGET}/archive?path=/tmp");
    let raw = send(&mut rig.libpods(), Method::PUT, &path, TAR, packed).await?;
    Ok(Row {
        what: "10,000 small files as one archive",
        sides: vec![
            ("Podlane".into(), Times::of(took).p50()),
            ("`tar x` in the container".into(), Times::of(inside).p50()),
            ("libpod's archive".into(), raw),
        ],
    })
}
