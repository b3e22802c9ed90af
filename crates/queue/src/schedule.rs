//! When the next attempt is due, and when a row is parked. Pure functions of values.

use crate::{MAX_PANICS, NextRowState, PANICKED, QueuedRow};

/// Waits between attempts, in ms. The wait doubles with each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The first wait.
    pub base_ms: i64,
    /// The longest wait.
    pub cap_ms: i64,
}

impl RetrySchedule {
    /// The wait in ms after `failures` consecutive failures. `jitter` (0..1) spreads it between half and all of the wait,
    /// so that rows that failed together are not retried together; 1 is the whole wait.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the product is at most `full`, and waits are far below 2^52 ms"
    )]
    pub fn wait_ms(self, failures: i64, jitter: f64) -> i64 {
        let doublings = u32::try_from(failures.clamp(1, 31) - 1).unwrap_or(0);
        let full = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let half = full / 2;
        half + ((full - half) as f64 * jitter.clamp(0.0, 1.0)) as i64
    }
}

/// How a [`crate::JobWorker`] retries the rows of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPolicy {
    /// Waits between attempts.
    pub schedule: RetrySchedule,
    /// The attempt after which a refused row is parked.
    pub max_refusals: i64,
}

/// Why an attempt failed. The text is for the operator; it contains no secret and no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobFailure {
    /// The same attempt may succeed later. Retried without limit.
    Transient(String),
    /// The other service refuses. Parked after [`JobPolicy::max_refusals`] attempts.
    Refused(String),
    /// No further attempt can succeed. Parked at once.
    Permanent(String),
    /// The attempt panicked. Parked after [`MAX_PANICS`] panics.
    Panicked,
}

impl JobPolicy {
    /// The state of a row after a failed attempt. `jitter` is a number in 0..1 (see [`RetrySchedule::wait_ms`]).
    pub fn after_failure<T>(
        &self,
        row: &QueuedRow<T>,
        failure: JobFailure,
        now_ms: i64,
        jitter: f64,
    ) -> NextRowState {
        let panics = row.panics + i64::from(failure == JobFailure::Panicked);
        let (error, park) = match failure {
            JobFailure::Transient(error) => (error, false),
            JobFailure::Refused(error) => (error, row.attempts >= self.max_refusals),
            JobFailure::Permanent(error) => (error, true),
            JobFailure::Panicked => (PANICKED.to_owned(), panics >= MAX_PANICS),
        };
        if park {
            return NextRowState::Park(error);
        }
        NextRowState::Retry {
            at_ms: now_ms.saturating_add(self.schedule.wait_ms(row.attempts, jitter)),
            attempts: row.attempts,
            panics,
            first_unknown_ms: row.first_unknown_ms,
            error: Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_spreads_over_the_upper_half() {
        let schedule = RetrySchedule {
            base_ms: 1_000,
            cap_ms: 120_000,
        };
        #[rustfmt::skip]
        let table = [
            // failures, jitter, wait
            (0,        0.0,      500),
            (1,        0.0,      500),
            (1,        0.5,      750),
            (1,        1.0,    1_000),
            (2,        1.0,    2_000),
            (7,        1.0,   64_000),
            (8,        0.0,   60_000),
            (8,        1.0,  120_000),
            (1_000,    1.0,  120_000),
            (i64::MAX, 1.0,  120_000),
            (3,        7.0,    4_000),
            (3,       -1.0,    2_000),
        ];
        for (failures, jitter, wait_ms) in table {
            assert_eq!(schedule.wait_ms(failures, jitter), wait_ms, "{failures} {jitter}");
        }
    }

    #[test]
    fn a_row_is_parked_by_its_kind_of_failure() {
        let policy = JobPolicy {
            schedule: RetrySchedule {
                base_ms: 5_000,
                cap_ms: 3_600_000,
            },
            max_refusals: 12,
        };
        let text = || "error".to_owned();
        #[rustfmt::skip]
        let table = [
            // attempts, panics, failure,                     retried in,      panics after
            (1,          0,      JobFailure::Transient(text()), Some(5_000),     0),
            (3,          1,      JobFailure::Transient(text()), Some(20_000),    1),
            (1_000,      0,      JobFailure::Transient(text()), Some(3_600_000), 0),
            (11,         0,      JobFailure::Refused(text()),   Some(3_600_000), 0),
            (12,         0,      JobFailure::Refused(text()),   None,            0),
            (1,          0,      JobFailure::Permanent(text()), None,            0),
            (1,          0,      JobFailure::Panicked,          Some(5_000),     1),
            (40,         1,      JobFailure::Panicked,          Some(3_600_000), 2),
            (3,          2,      JobFailure::Panicked,          None,            3),
        ];
        for (attempts, panics, failure, retried_in_ms, panics_after) in table {
            let reason = if failure == JobFailure::Panicked {
                PANICKED
            } else {
                "error"
            };
            let row = QueuedRow {
                lane: 0,
                sequence: 1,
                attempts,
                panics,
                first_unknown_ms: None,
                job: (),
            };
            let next = policy.after_failure(&row, failure.clone(), NOW, 1.0);
            let expected = match retried_in_ms {
                None => NextRowState::Park(reason.to_owned()),
                Some(wait_ms) => NextRowState::Retry {
                    at_ms: NOW + wait_ms,
                    attempts,
                    panics: panics_after,
                    first_unknown_ms: None,
                    error: Some(reason.to_owned()),
                },
            };
            assert_eq!(next, expected, "{attempts} {panics} {failure:?}");
        }
    }
}
