//! The load of containers: what they have used of the processors since the last measurement.

use podlane_engine::{ContainerId, Stats};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The last measurement.
#[derive(Debug, Default)]
pub(crate) struct Load(Option<(Instant, HashMap<ContainerId, Duration>)>);

impl Load {
    /// Tells the load since the last measurement in place of that since the start, of each container that was there
    /// then and has not been started anew.
    pub(crate) fn note(&mut self, stats: &mut [Stats], now: Instant) {
        let used = stats
            .iter()
            .map(|stats| (stats.id.clone(), stats.cpu_time))
            .collect();
        let Some((then, before)) = self.0.replace((now, used)) else {
            return;
        };
        let passed = now.saturating_duration_since(then).as_secs_f64();
        for stats in stats {
            let before = before.get(&stats.id).copied();
            let used = before.and_then(|before| stats.cpu_time.checked_sub(before));
            if let Some(used) = used.filter(|_| passed > 0.0) {
                stats.cpu_percent = used.as_secs_f64() / passed * 100.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(id: char, cpu_percent: f64, seconds: u64) -> Stats {
        Stats {
            id: ContainerId::parse(&id.to_string().repeat(64)).expect("an ID"),
            name: id.into(),
            cpu_percent,
            cpu_time: Duration::from_secs(seconds),
            memory: 0,
            memory_limit: 0,
            received: 0,
            sent: 0,
            read: 0,
            written: 0,
            pids: 1,
        }
    }

    #[test]
    fn the_load_is_that_since_the_last_measurement() {
        let mut load = Load::default();
        let began = Instant::now();
        let mut told = |after: u64, stats: &mut [Stats]| {
            load.note(stats, began + Duration::from_secs(after));
            let told: Vec<f64> = stats.iter().map(|stats| stats.cpu_percent).collect();
            told
        };
        let of = [stats('a', 90.0, 9), stats('b', 1.0, 3)];
        assert_eq!(told(0, &mut of.clone()), [90.0, 1.0], "since the start");
        let of = [stats('a', 80.0, 9), stats('b', 9.0, 7), stats('c', 5.0, 1)];
        assert_eq!(told(2, &mut of.clone()), [0.0, 200.0, 5.0]);
        let of = [stats('b', 6.0, 1)];
        assert_eq!(told(3, &mut of.clone()), [6.0], "it was started anew");
        let of = [stats('b', 6.0, 1)];
        assert_eq!(told(3, &mut of.clone()), [6.0], "no time has passed");
    }
}
