//! What follows an attempt: pure, from values alone.

use crate::{Failure, FailureKind, Outcome, ParkReason};

/// Waits between attempts, all in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first wait; each further one is twice as long.
    pub base_ms: i64,
    /// The longest wait. It is also how long the end of an outage goes unnoticed.
    pub cap_ms: i64,
    /// For a throttled user or device (`HTTP V2`, "429": 30 seconds).
    pub throttle_ms: i64,
    /// For a user or device over its daily quota, which is counted in steps of an hour (`Batch Event Upload`).
    pub quota_ms: i64,
    /// The receiver recognises a second delivery for this long (`HTTP V2`, "Event deduplication": 7 days).
    pub dedup_window_ms: i64,
    /// The longest pause of a dispatcher whose key is refused.
    pub misconfigured_cap_ms: i64,
}

impl Default for Policy {
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

impl Policy {
    /// The wait after `failures` failures in a row: doubling to the cap, between half of it and all of it by `jitter`
    /// (0..1), so that those who failed together do not return together.
    pub(crate) fn backoff_ms(&self, failures: i64, jitter: f64) -> i64 {
        spread(self.base_ms, self.cap_ms, failures, jitter)
    }

    /// The same for a refused key: it starts at the throttle's wait, since nothing will change by itself.
    pub(crate) fn misconfigured_ms(&self, failures: i64, jitter: f64) -> i64 {
        spread(self.throttle_ms, self.misconfigured_cap_ms, failures, jitter)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a part of `full`, which is an i64 of ms"
)]
#[expect(clippy::cast_precision_loss, reason = "waits are far below 2^52 ms")]
fn spread(base_ms: i64, cap_ms: i64, failures: i64, jitter: f64) -> i64 {
    let doublings = u32::try_from(failures.clamp(1, 31) - 1).unwrap_or(0);
    let full = base_ms.saturating_mul(1 << doublings).min(cap_ms);
    let half = full / 2;
    half + ((full - half) as f64 * jitter.clamp(0.0, 1.0)) as i64
}

/// One attempt at one row, as far as the next one depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Attempts so far, this one included.
    pub(crate) attempts: i64,
    /// Start of the first attempt of unknown outcome, before this one.
    pub(crate) first_unknown_ms: Option<i64>,
    /// When this attempt began.
    pub(crate) started_ms: i64,
    /// When its outcome was known.
    pub(crate) now_ms: i64,
    /// 0..1.
    pub(crate) jitter: f64,
}

/// What becomes of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Sent,
    Park(ParkReason),
    Retry {
        at_ms: i64,
        attempts: i64,
        first_unknown_ms: Option<i64>,
        error: Option<String>,
    },
}

/// Whether a second delivery would no longer be recognised as one: asked before every attempt.
pub(crate) fn too_late(policy: &Policy, first_unknown_ms: Option<i64>, now_ms: i64) -> bool {
    first_unknown_ms.is_some_and(|first| now_ms >= first.saturating_add(policy.dedup_window_ms))
}

/// What follows from the outcome of an attempt.
pub(crate) fn next(policy: &Policy, attempt: &Attempt, outcome: Outcome) -> Next {
    let Failure { kind, detail } = match outcome {
        Outcome::Sent => return Next::Sent,
        Outcome::Park(reason) => return Next::Park(reason),
        Outcome::Held => {
            return Next::Retry {
                at_ms: attempt.now_ms,
                attempts: attempt.attempts - 1,
                first_unknown_ms: attempt.first_unknown_ms,
                error: None,
            };
        }
        Outcome::Retry(failure) => failure,
    };
    let first_unknown_ms = match kind {
        FailureKind::Unknown => attempt.first_unknown_ms.or(Some(attempt.started_ms)),
        _ => attempt.first_unknown_ms,
    };
    if too_late(policy, first_unknown_ms, attempt.now_ms) {
        return Next::Park(ParkReason::DedupWindowPassed);
    }
    let wait_ms = match kind {
        FailureKind::NotAccepted | FailureKind::Unknown | FailureKind::Refused => {
            policy.backoff_ms(attempt.attempts, attempt.jitter)
        }
        FailureKind::Throttled | FailureKind::Overloaded => policy.throttle_ms,
        FailureKind::QuotaExceeded => policy.quota_ms,
        // The dispatcher pauses; the row goes the moment that the key is right.
        FailureKind::Misconfigured => 0,
    };
    let at_ms = attempt.now_ms.saturating_add(wait_ms);
    Next::Retry {
        // Due no later than the window's end, to be parked then and not a backoff after it.
        at_ms: first_unknown_ms.map_or(at_ms, |first| {
            at_ms.min(first.saturating_add(policy.dedup_window_ms))
        }),
        attempts: if kind == FailureKind::Misconfigured {
            attempt.attempts - 1
        } else {
            attempt.attempts
        },
        first_unknown_ms,
        error: Some(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const DAY: i64 = 24 * 60 * 60_000;

    #[test]
    fn backoff_doubles_to_its_cap_and_spreads_over_its_upper_half() {
        let policy = Policy::default();
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
            // kind,        attempts, first unknown,    due in,    attempts then, first unknown then
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
            // The end of the dedup window comes before the end of the wait.
            (Unknown,       9,        Some(NOW - 7 * DAY + 500), 500, 9,          Some(NOW - 7 * DAY + 500)),
        ];
        for (kind, attempts, first_unknown_ms, due_in, attempts_then, unknown_then) in table {
            let attempt = Attempt {
                attempts,
                first_unknown_ms,
                started_ms: NOW - 10,
                now_ms: NOW,
                jitter: 1.0,
            };
            assert_eq!(
                next(
                    &Policy::default(),
                    &attempt,
                    Outcome::Retry(Failure::new(kind, "why"))
                ),
                Next::Retry {
                    at_ms: NOW + due_in,
                    attempts: attempts_then,
                    first_unknown_ms: unknown_then,
                    error: Some("why".to_owned()),
                },
                "{kind:?} after {attempts} attempts, unknown since {first_unknown_ms:?}"
            );
        }
    }

    #[test]
    fn what_is_settled_stays_settled_and_what_was_held_never_happened() {
        let attempt = Attempt {
            attempts: 4,
            first_unknown_ms: Some(NOW - DAY),
            started_ms: NOW,
            now_ms: NOW,
            jitter: 0.3,
        };
        let policy = Policy::default();
        assert_eq!(next(&policy, &attempt, Outcome::Sent), Next::Sent);
        assert_eq!(
            next(&policy, &attempt, Outcome::Park(ParkReason::Silenced)),
            Next::Park(ParkReason::Silenced)
        );
        assert_eq!(
            next(&policy, &attempt, Outcome::Held),
            Next::Retry {
                at_ms: NOW,
                attempts: 3,
                first_unknown_ms: Some(NOW - DAY),
                error: None
            }
        );
    }

    #[test]
    fn seven_days_after_an_unknown_outcome_nothing_is_sent_again() {
        let policy = Policy::default();
        #[rustfmt::skip]
        let table = [
            (None,                    false),
            (Some(NOW),               false),
            (Some(NOW - 7 * DAY + 1), false),
            (Some(NOW - 7 * DAY),     true),
            (Some(NOW - 8 * DAY),     true),
        ];
        for (first_unknown_ms, late) in table {
            assert_eq!(
                too_late(&policy, first_unknown_ms, NOW),
                late,
                "{first_unknown_ms:?}"
            );
            let attempt = Attempt {
                attempts: 1,
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
                let parked = next(&policy, &attempt, Outcome::Retry(Failure::new(kind, "why")))
                    == Next::Park(ParkReason::DedupWindowPassed);
                assert_eq!(parked, late, "{kind:?}, {first_unknown_ms:?}");
            }
        }
    }
}
