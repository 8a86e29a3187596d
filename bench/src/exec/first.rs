//! The first command in a container, which has no agent yet.

use crate::connection::Result;
use crate::libpod;
use crate::side::Side;
use std::time::{Duration, Instant};

/// Containers for each side.
const CONTAINERS: usize = 11;

/// How long it took, sorted.
pub(super) struct First(Vec<Duration>);

impl First {
    pub(super) fn p50(&self) -> Duration {
        self.0[CONTAINERS / 2]
    }

    pub(super) fn worst(&self) -> Duration {
        self.0[CONTAINERS - 1]
    }
}

/// The first command of each side in fresh containers, one side after the other.
pub(super) async fn measure(podman: &mut libpod::Client, sides: &[&Side; 2]) -> Result<[First; 2]> {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..CONTAINERS {
        for (side, took) in sides.iter().zip(&mut took) {
            let name = "podlane-bench-first";
            podman.start_sleeper(name).await?;
            let mut client = side.client(0);
            client.connect().await?;
            let began = Instant::now();
            client.echo_in(name).await?;
            took.push(began.elapsed());
            podman.remove(name).await?;
        }
    }
    Ok(took.map(|mut took| {
        took.sort_unstable();
        First(took)
    }))
}
