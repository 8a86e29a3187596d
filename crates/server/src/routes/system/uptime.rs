//! The uptime as the contract writes it.

use std::time::Duration;

/// `1:00:00`, `1 day, 1:00:00`, `2 days, 0:00:01`.
pub(super) fn human(uptime: Duration) -> String {
    let seconds = uptime.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let clock = format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_like_the_contract() {
        for (seconds, text) in [
            (0, "0:00:00"),
            (3600, "1:00:00"),
            (90_061, "1 day, 1:01:01"),
            (172_800, "2 days, 0:00:00"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }
}
