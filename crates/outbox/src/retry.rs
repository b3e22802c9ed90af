//! Decides the next state of a row after an attempt. Pure functions of values.

use queue::{MAX_PANICS, NextRowState, RetrySchedule};

use crate::store::SENT;
use crate::{DeliveryFailure, DeliveryOutcome, FailureKind, ParkReason};

/// Waits between attempts, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first wait. Each further wait is twice as long.
    pub base_ms: i64,
    /// The longest wait. It also limits how late the end of an outage is noticed.
    pub cap_ms: i64,
    /// The wait for a throttled user or device (`HTTP V2`, "429": 30 seconds).
    pub throttle_ms: i64,
    /// The wait for a user or device over its daily quota, which Amplitude counts per hour (`Batch Event Upload`).
    pub quota_ms: i64,
    /// How long the receiver drops duplicates (`HTTP V2`, "Event deduplication": 7 days).
    pub dedup_window_ms: i64,
    /// The longest pause of a dispatcher with an invalid key.
    pub misconfigured_cap_ms: i64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base_ms: 1_000,
            cap_ms: 2 * 60_000,
            throttle_ms: 30_000,
            quota_ms: 60 * 60_000,
            dedup_window_ms: 7 * 24 * 60 * 60_000,
            misconfigured_cap_ms: 10 * 60_000,
        }
    }
}

impl RetryPolicy {
    /// The wait in ms after `failures` consecutive failures. It doubles up to the cap. `jitter` (0..1) spreads it
    /// between half and all of that, so that rows that failed together are not retried together.
    pub(crate) fn backoff_ms(&self, failures: i64, jitter: f64) -> i64 {
        let schedule = RetrySchedule {
            base_ms: self.base_ms,
            cap_ms: self.cap_ms,
        };
        schedule.wait_ms(failures, jitter)
    }

    /// The wait in ms for an invalid key. It starts at `throttle_ms`, because only an operator can fix the key.
    pub(crate) fn misconfigured_ms(&self, failures: i64, jitter: f64) -> i64 {
        let schedule = RetrySchedule {
            base_ms: self.throttle_ms,
            cap_ms: self.misconfigured_cap_ms,
        };
        schedule.wait_ms(failures, jitter)
    }
}

/// An attempt to deliver one row: the input of [`next_state`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryAttempt {
    /// Attempts so far, including this one.
    pub(crate) attempts: i64,
    /// Earlier attempts that panicked.
    pub(crate) panics: i64,
    /// Start of the first earlier attempt of unknown outcome, in ms since the epoch.
    pub(crate) first_unknown_ms: Option<i64>,
    /// When this attempt began, in ms since the epoch.
    pub(crate) started_ms: i64,
    /// When the outcome was known, in ms since the epoch.
    pub(crate) now_ms: i64,
    /// A random number in 0..1.
    pub(crate) jitter: f64,
}

/// Whether the receiver may no longer drop a duplicate. Checked before every attempt.
pub(crate) fn dedup_window_passed(policy: &RetryPolicy, first_unknown_ms: Option<i64>, now_ms: i64) -> bool {
    first_unknown_ms.is_some_and(|first| now_ms >= first.saturating_add(policy.dedup_window_ms))
}

/// Returns the state of the row after the outcome of an attempt; `None` for a held row, which does not change.
pub(crate) fn next_state(
    policy: &RetryPolicy,
    attempt: &DeliveryAttempt,
    outcome: DeliveryOutcome,
) -> Option<NextRowState> {
    let park = |reason: ParkReason| Some(NextRowState::Park(reason.to_string()));
    let DeliveryFailure { kind, detail } = match outcome {
        DeliveryOutcome::Sent => return Some(NextRowState::Done(SENT)),
        DeliveryOutcome::Park(reason) => return park(reason),
        DeliveryOutcome::Held => return None,
        DeliveryOutcome::Retry(failure) => failure,
    };
    let panics = attempt.panics + i64::from(kind == FailureKind::Panicked);
    if panics >= MAX_PANICS {
        return park(ParkReason::Panicked);
    }
    let first_unknown_ms = match kind {
        FailureKind::Unknown | FailureKind::Panicked => attempt.first_unknown_ms.or(Some(attempt.started_ms)),
        _ => attempt.first_unknown_ms,
    };
    if dedup_window_passed(policy, first_unknown_ms, attempt.now_ms) {
        return park(ParkReason::DedupWindowPassed);
    }
    let wait_ms = match kind {
        FailureKind::NotAccepted | FailureKind::Unknown | FailureKind::Refused | FailureKind::Panicked => {
            policy.backoff_ms(attempt.attempts, attempt.jitter)
        }
        FailureKind::Throttled | FailureKind::Overloaded => policy.throttle_ms,
        FailureKind::QuotaExceeded => policy.quota_ms,
        // The dispatcher pauses instead. The row is due as soon as the key is corrected.
        FailureKind::Misconfigured => 0,
    };
    let at_ms = attempt.now_ms.saturating_add(wait_ms);
    Some(NextRowState::Retry {
        // Due at the end of the deduplication window at the latest, so that it is parked without further delay.
        at_ms: first_unknown_ms.map_or(at_ms, |first| {
            at_ms.min(first.saturating_add(policy.dedup_window_ms))
        }),
        attempts: if kind == FailureKind::Misconfigured {
            attempt.attempts - 1
        } else {
            attempt.attempts
        },
        panics,
        first_unknown_ms,
        error: Some(detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const DAY: i64 = 24 * 60 * 60_000;

    #[test]
    fn backoff_doubles_up_to_its_cap_with_jitter_over_the_upper_half() {
        let policy = RetryPolicy::default();
        #[rustfmt::skip]
        let table = [
            // failures, jitter, wait
            (0,        0.0,      500),
            (1,        0.0,      500),
            (1,        0.5,      750),
            (1,        1.0,    1_000),
            (2,        1.0,    2_000),
            (4,        0.0,    4_000),
            (7,        1.0,   64_000),
            (8,        1.0,  120_000),
            (8,        0.0,   60_000),
            (i64::MAX, 1.0,  120_000),
        ];
        for (failures, jitter, wait) in table {
            assert_eq!(
                policy.backoff_ms(failures, jitter),
                wait,
                "{failures} failures, jitter {jitter}"
            );
        }
        assert_eq!(policy.misconfigured_ms(1, 1.0), 30_000);
        assert_eq!(policy.misconfigured_ms(9, 1.0), 600_000);
    }

    #[test]
    fn each_kind_of_failure_has_its_wait() {
        use FailureKind::*;
        #[rustfmt::skip]
        let table = [
            // kind,        attempts, first unknown,    due in,    new attempts,  new first unknown
            (NotAccepted,   3,        None,             4_000,     3,             None),
            (NotAccepted,   3,        Some(NOW - DAY),  4_000,     3,             Some(NOW - DAY)),
            (NotAccepted,   900,      None,             120_000,   900,           None),
            (Refused,       1,        None,             1_000,     1,             None),
            (Unknown,       1,        None,             1_000,     1,             Some(NOW - 10)),
            (Unknown,       2,        Some(NOW - DAY),  2_000,     2,             Some(NOW - DAY)),
            (Throttled,     1,        None,             30_000,    1,             None),
            (Throttled,     9,        None,             30_000,    9,             None),
            (Overloaded,    1,        None,             30_000,    1,             None),
            (QuotaExceeded, 1,        None,             3_600_000, 1,             None),
            (Misconfigured, 5,        None,             0,         4,             None),
            (Misconfigured, 1,        Some(NOW - DAY),  0,         0,             Some(NOW - DAY)),
            // The end of the dedup window comes before the end of the backoff.
            (Unknown,       9,        Some(NOW - 7 * DAY + 500), 500, 9,          Some(NOW - 7 * DAY + 500)),
        ];
        for (kind, attempts, first_unknown_ms, due_in, new_attempts, new_first_unknown_ms) in table {
            let attempt = DeliveryAttempt {
                attempts,
                panics: 1,
                first_unknown_ms,
                started_ms: NOW - 10,
                now_ms: NOW,
                jitter: 1.0,
            };
            assert_eq!(
                next_state(
                    &RetryPolicy::default(),
                    &attempt,
                    DeliveryOutcome::Retry(DeliveryFailure::new(kind, "error"))
                ),
                Some(NextRowState::Retry {
                    at_ms: NOW + due_in,
                    attempts: new_attempts,
                    panics: 1,
                    first_unknown_ms: new_first_unknown_ms,
                    error: Some("error".to_owned()),
                }),
                "{kind:?} after {attempts} attempts, unknown since {first_unknown_ms:?}"
            );
        }
    }

    #[test]
    fn sent_and_parked_are_final_and_held_counts_no_attempt() {
        let attempt = DeliveryAttempt {
            attempts: 4,
            panics: 2,
            first_unknown_ms: Some(NOW - DAY),
            started_ms: NOW,
            now_ms: NOW,
            jitter: 0.3,
        };
        let policy = RetryPolicy::default();
        assert_eq!(
            next_state(&policy, &attempt, DeliveryOutcome::Sent),
            Some(NextRowState::Done("sent"))
        );
        assert_eq!(
            next_state(&policy, &attempt, DeliveryOutcome::Park(ParkReason::Silenced)),
            Some(NextRowState::Park("device silenced".to_owned()))
        );
        assert_eq!(next_state(&policy, &attempt, DeliveryOutcome::Held), None);
    }

    #[test]
    fn the_third_panic_parks_the_row() {
        for (earlier, parked) in [(0, false), (1, false), (2, true), (3, true)] {
            let attempt = DeliveryAttempt {
                attempts: 40,
                panics: earlier,
                first_unknown_ms: None,
                started_ms: NOW - 10,
                now_ms: NOW,
                jitter: 0.0,
            };
            let panicked = DeliveryOutcome::Retry(DeliveryFailure::new(FailureKind::Panicked, "panicked"));
            let next = next_state(&RetryPolicy::default(), &attempt, panicked);
            match next {
                Some(NextRowState::Park(reason)) => assert!(parked && reason == "panicked", "{earlier}"),
                Some(NextRowState::Retry {
                    panics,
                    first_unknown_ms,
                    ..
                }) => {
                    assert!(!parked, "{earlier}");
                    assert_eq!((panics, first_unknown_ms), (earlier + 1, Some(NOW - 10)));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_row_is_parked_seven_days_after_an_unknown_outcome() {
        let policy = RetryPolicy::default();
        #[rustfmt::skip]
        let table = [
            (None,                    false),
            (Some(NOW),               false),
            (Some(NOW - 7 * DAY + 1), false),
            (Some(NOW - 7 * DAY),     true),
            (Some(NOW - 8 * DAY),     true),
        ];
        for (first_unknown_ms, is_past) in table {
            assert_eq!(
                dedup_window_passed(&policy, first_unknown_ms, NOW),
                is_past,
                "{first_unknown_ms:?}"
            );
            let attempt = DeliveryAttempt {
                attempts: 1,
                panics: 0,
                first_unknown_ms,
                started_ms: NOW,
                now_ms: NOW,
                jitter: 0.0,
            };
            for kind in [
                FailureKind::NotAccepted,
                FailureKind::Unknown,
                FailureKind::Throttled,
            ] {
                let parked = next_state(
                    &policy,
                    &attempt,
                    DeliveryOutcome::Retry(DeliveryFailure::new(kind, "error")),
                ) == Some(NextRowState::Park("dedup window passed".to_owned()));
                assert_eq!(parked, is_past, "{kind:?}, {first_unknown_ms:?}");
            }
        }
    }
}
