use super::*;
use crate::NewLifetime;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn life(ttl: Option<u64>, idle: Option<u64>, own: bool) -> Life {
    let new = NewLifetime {
        ttl: ttl.map(Duration::from_secs),
        max_ttl: None,
        idle_timeout: idle.map(Duration::from_secs),
        on_expiry: None,
    };
    Life::new(Terms::of(&new, "a", 1).expect("an end"), own, None)
}

fn waits(life: &Life) -> u64 {
    match life.need() {
        Need::Wait(until) => (until - Instant::now() + SECOND / 2).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_comes_at_its_time_and_later_for_others() {
    assert_eq!(waits(&life(Some(10), None, true)), 10);
    assert_eq!(waits(&life(Some(10), None, false)), 15);
    let late = life(Some(10), None, true);
    late.set_expiry(SystemTime::now() - SECOND);
    assert_eq!(late.need(), Need::End(Reason::Ttl));
    assert!(late.is_due(Reason::Ttl) && late.expired().is_some());
    late.set_expiry(SystemTime::now() + 20 * SECOND);
    assert!(!late.is_due(Reason::Ttl) && late.expired().is_none());
    assert_eq!(waits(&late), 20);
}

#[tokio::test(start_paused = true)]
async fn only_what_nobody_uses_and_does_nothing_is_idle() {
    let life = life(None, Some(10), true);
    life.begin();
    assert_eq!(waits(&life), 10);
    advance(10 * SECOND).await;
    assert_eq!(life.need(), Need::Look);
    // A tenth of the time.
    assert_eq!(life.measure(SECOND), Found::Busy);
    assert!(!life.is_due(Reason::Idle));
    advance(10 * SECOND).await;
    // Half of a hundredth.
    assert_eq!(life.measure(SECOND * 21 / 20), Found::Idle);
    assert!(life.is_due(Reason::Idle));

    life.begin_use();
    assert!(!life.is_due(Reason::Idle));
    advance(100 * SECOND).await;
    assert_eq!(waits(&life), 5);
    life.end_use();
    // What the use used does not count: it is measured from half-way on.
    advance(5 * SECOND).await;
    assert_eq!(life.need(), Need::Look);
    assert_eq!(life.measure(90 * SECOND), Found::Unknown);
    assert_eq!(waits(&life), 5);
    advance(5 * SECOND).await;
    assert_eq!(life.measure(90 * SECOND), Found::Idle);
    // Started anew, it has used less than before.
    assert_eq!(life.measure(SECOND), Found::Busy);
    assert!(!life.is_due(Reason::Idle));
}

#[tokio::test(start_paused = true)]
async fn others_do_not_know_what_is_idle() {
    let life = life(None, Some(10), false);
    assert_eq!(life.need(), Need::Nothing);
    assert_eq!(life.told().idle_expires, None);
    assert_eq!(life.told().idle_timeout, Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_more_and_more_seldom() {
    let life = life(Some(10), None, true);
    life.set_expiry(SystemTime::now() - SECOND);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        assert!(life.begin_end() && !life.begin_end());
        assert_eq!(life.need(), Need::Nothing);
        pauses.push(life.end_ended(None).as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    advance(60 * SECOND).await;
    assert_eq!(life.need(), Need::End(Reason::Ttl));
    assert!(life.begin_end());
    life.end_ended(Some(true));
    assert_eq!(life.need(), Need::Nothing);
    life.seen_alive();
    assert_eq!(life.need(), Need::End(Reason::Ttl));
}
