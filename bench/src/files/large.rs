//! One large file, up and down, and what it does to the server's memory.

use super::{Found, Goal, Rig, Row, archive, send, shell};
use crate::TARGET;
use crate::connection::Result;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use std::time::{Duration, Instant};

const SIZE: usize = 1 << 30;
const ROUNDS: usize = 3;
/// Kilobytes that the server may grow by.
const GROWTH: u64 = 8 * 1024;

pub(super) async fn measure(rig: &Rig, found: &mut Found) -> Result<()> {
    let content = Bytes::from(vec![b'x'; SIZE]);
    let path = format!("/api/v1/containers/{TARGET}/files/tmp/podlane-bench-large");
    let mut ours = rig.ours();
    // Buffers and the agent are there then.
    send(
        &mut ours,
        Method::PUT,
        &path,
        "application/octet-stream",
        Bytes::from_static(b"x"),
    )
    .await?;
    let before = rig.server.memory()?;
    let (mut up, mut down, mut inside) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let body = content.clone();
        up = up.min(
            send(
                &mut ours,
                Method::PUT,
                &path,
                "application/octet-stream",
                body,
            )
            .await?,
        );
        down = down.min(read(rig, &path).await?);
        let line = format!(
            "dd if=/dev/zero bs=1M count={} | cat >/tmp/podlane-bench-cat",
            SIZE >> 20
        );
        inside = inside.min(shell(&mut ours, &line).await?);
    }
    let growth = rig.server.peak_memory()?.saturating_sub(before);
    for (what, took) in [("1 GB up at 1 GB/s", up), ("1 GB down at 1 GB/s", down)] {
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let rate = SIZE as f64 / took.as_secs_f64() / 1e9;
        found.goals.push(Goal {
            what,
            measured: format!("{rate:.2} GB/s"),
            pass: rate >= 1.0,
        });
    }
    found.goals.push(Goal {
        what: "the server grows by at most 8 MB meanwhile",
        measured: format!("{growth} KB"),
        pass: growth <= GROWTH,
    });
    let packed = archive(["podlane-bench-raw".to_owned()].into_iter(), &content)?;
    let path = format!("/v4.0.0/libpod/containers/{TARGET}/archive?path=/tmp");
    let raw = send(
        &mut rig.libpods(),
        Method::PUT,
        &path,
        "application/x-tar",
        packed,
    )
    .await?;
    found.rows.push(Row {
        what: "a file of 1 GiB written",
        sides: vec![
            ("Podlane".into(), up),
            ("`cat >file` in the container".into(), inside),
            ("libpod's archive".into(), raw),
        ],
    });
    Ok(())
}

/// Reads the file and throws it away.
async fn read(rig: &Rig, path: &str) -> Result<Duration> {
    let mut ours = rig.ours();
    let request = ours.request(Method::GET, path, Bytes::new())?;
    let began = Instant::now();
    let response = ours.begin(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("status {} to a read", response.status()).into());
    }
    let mut body = response.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame?.data_ref().map_or(0, Bytes::len);
    }
    if read == SIZE {
        Ok(began.elapsed())
    } else {
        Err(format!("{read} bytes came").into())
    }
}
