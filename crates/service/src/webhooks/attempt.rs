//! What follows of an attempt: whether a message was taken, and when it is sent again.

use super::Received;
use podlane_store::{Attempt, DeliveryRecord, DeliveryState};
use std::time::Duration;

/// The longest pause, however long a receiver wants it to be: a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The status of an answer, and why it is no success.
pub(super) fn judged(received: &Received) -> (Option<u16>, Option<String>) {
    match received {
        Received::Answered { status, .. } => {
            let taken = (200..300).contains(status);
            let error = (!taken).then(|| format!("it answered {status}"));
            (Some(*status), error)
        }
        Received::Failed(why) => (None, Some((*why).to_owned())),
    }
}

/// What follows of an attempt.
pub(super) fn next(
    delivery: &DeliveryRecord,
    received: &Received,
    retries: &[Duration],
    now: i64,
    jitter: f64,
) -> Attempt {
    let (status, error) = judged(received);
    let wanted = match received {
        Received::Answered {
            status: 429 | 503,
            retry_after,
        } => *retry_after,
        _ => None,
    };
    let made = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
    let pause = retries
        .get(made)
        .filter(|_| error.is_some() && status != Some(410))
        .map(|pause| {
            pause
                .mul_f64(jitter)
                .max(wanted.unwrap_or_default())
                .min(LONGEST)
        });
    let pause = pause.map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    let state = match (&error, pause) {
        (None, _) => DeliveryState::Delivered,
        (Some(_), Some(_)) => DeliveryState::Waiting,
        (Some(_), None) => DeliveryState::Dead,
    };
    Attempt {
        at: now,
        state,
        next: pause.map(|pause| now.saturating_add(pause)),
        status,
        error,
    }
}

/// 0.8 to 1.2, so that what failed together does not come again together.
pub(super) fn jitter() -> f64 {
    let mut bits = [0_u8; 4];
    // Without random numbers the pauses are just not spread.
    if getrandom::fill(&mut bits).is_err() {
        return 1.0;
    }
    0.8 + 0.4 * f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(attempts: u32) -> DeliveryRecord {
        DeliveryRecord {
            number: 1,
            webhook: "a".into(),
            id: "m".into(),
            body: "{}".into(),
            created: 0,
            state: DeliveryState::Waiting,
            attempts,
            next: Some(0),
            last: None,
            status: None,
            error: None,
        }
    }

    fn answered(status: u16, retry_after: Option<u64>) -> Received {
        Received::Answered {
            status,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn pauses_grow_until_it_is_given_up() {
        let retries = [5, 30].map(Duration::from_secs);
        let day = 86_400_000;
        for (attempts, received, state, next_at) in [
            (0, answered(200, None), DeliveryState::Delivered, None),
            (0, answered(204, Some(9)), DeliveryState::Delivered, None),
            (0, answered(500, None), DeliveryState::Waiting, Some(6000)),
            (0, Received::Failed("x"), DeliveryState::Waiting, Some(6000)),
            (1, answered(302, None), DeliveryState::Waiting, Some(31_000)),
            (1, answered(404, None), DeliveryState::Waiting, Some(31_000)),
            (2, answered(500, None), DeliveryState::Dead, None),
            (2, answered(503, Some(9)), DeliveryState::Dead, None),
            (0, answered(410, None), DeliveryState::Dead, None),
            (
                0,
                answered(429, Some(100)),
                DeliveryState::Waiting,
                Some(101_000),
            ),
            (
                1,
                answered(503, Some(2)),
                DeliveryState::Waiting,
                Some(31_000),
            ),
            (
                0,
                answered(500, Some(100)),
                DeliveryState::Waiting,
                Some(6000),
            ),
            (
                0,
                answered(503, Some(u64::MAX)),
                DeliveryState::Waiting,
                Some(1000 + day),
            ),
        ] {
            let attempt = next(&delivery(attempts), &received, &retries, 1000, 1.0);
            assert_eq!(
                (attempt.state, attempt.next),
                (state, next_at),
                "{received:?}"
            );
            let taken = attempt.state == DeliveryState::Delivered;
            assert_eq!(attempt.error.is_none(), taken, "{received:?}");
        }
        for _ in 0..100 {
            assert!((0.8..=1.2).contains(&jitter()));
        }
    }
}
