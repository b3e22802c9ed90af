//! Decides whether a failed webhook is retried or parked.

use outbox::{AttemptPanicError, MAX_PANICS};

use crate::billing::mapping::MappingError;
use crate::billing::payload::PayloadError;
use crate::billing::stripe::StripeCallError;

/// Attempts for permanent errors before the webhook is parked.
const ATTEMPTS: i64 = 6;

/// Attempts to find the customer of a payment, for about an hour. A dispute can overtake the webhook of its payment only
/// while that one waits.
pub(super) const PAYMENT_ATTEMPTS: i64 = 20;

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 5 * 60_000;

/// Why a webhook could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A call to Stripe failed.
    #[error(transparent)]
    Stripe(#[from] StripeCallError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The payload could not be mapped to events.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The customer is unknown. A webhook may arrive before our transaction that inserts the customer.
    #[error("unknown customer")]
    UnknownCustomer,
    /// The payload names no customer, and no recorded invoice was paid with its payment.
    #[error("unknown payment")]
    UnknownPayment,
    /// The attempt panicked.
    #[error(transparent)]
    Panicked(#[from] AttemptPanicError),
}

impl ApplyError {
    /// Whether Stripe cannot answer for now, so that no single webhook is the reason.
    pub(super) const fn is_stripe_outage(&self) -> bool {
        match self {
            Self::Stripe(error) => error.is_transient(),
            _ => false,
        }
    }
}

impl From<PayloadError> for ApplyError {
    fn from(error: PayloadError) -> Self {
        Self::Mapping(error.into())
    }
}

/// The decision about a failed webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// Retry at this time, in ms since the epoch.
    Retry { at_ms: i64 },
    /// Park until an operator replays it.
    Park,
}

/// Decides after the `attempts`-th attempt (from 1) failed at `now_ms`; `panics` of the attempts panicked. `jitter` is
/// from 0 to 1. Transient errors are retried without limit, because payments are known from webhooks only. Other errors
/// are retried a few times, and unreadable payloads never.
pub(super) fn decide(
    attempts: i64,
    panics: i64,
    error: &ApplyError,
    now_ms: i64,
    jitter: f64,
) -> RetryDecision {
    let again = match error {
        ApplyError::Database(_) => true,
        ApplyError::Stripe(error) => error.is_transient() || attempts < ATTEMPTS,
        ApplyError::UnknownCustomer => attempts < ATTEMPTS,
        ApplyError::UnknownPayment => attempts < PAYMENT_ATTEMPTS,
        ApplyError::Panicked(_) => panics < MAX_PANICS,
        ApplyError::Mapping(_) => false,
    };
    if !again {
        return RetryDecision::Park;
    }
    let wait_ms = u32::try_from(attempts - 1)
        .ok()
        .and_then(|exponent| FIRST_WAIT_MS.checked_shl(exponent.min(20)))
        .unwrap_or(LONGEST_WAIT_MS)
        .min(LONGEST_WAIT_MS);
    // Half of the wait is random, so that webhooks that failed together are not retried together.
    let half_ms = wait_ms / 2;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of five minutes in ms")]
    let random_ms = (jitter.clamp(0.0, 1.0) * f64::from(i32::try_from(half_ms).unwrap_or(i32::MAX))) as i64;
    RetryDecision::Retry {
        at_ms: now_ms.saturating_add(half_ms + random_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected() -> ApplyError {
        ApplyError::Stripe(StripeCallError::Rejected {
            status: 404,
            code: "resource_missing".to_owned(),
            message: String::new(),
        })
    }

    fn unreachable() -> ApplyError {
        ApplyError::Stripe(StripeCallError::Unreachable("no route".to_owned()))
    }

    fn unreadable() -> ApplyError {
        PayloadError {
            object: "invoice",
            field: "id",
        }
        .into()
    }

    #[test]
    fn transient_errors_are_retried_without_limit_and_others_a_few_times() {
        let at = |ms: i64| RetryDecision::Retry {
            at_ms: 1_000_000 + ms,
        };
        let rows = [
            (1, unreachable(), at(1_000)),
            (2, unreachable(), at(2_000)),
            (9, unreachable(), at(256_000)),
            (10, unreachable(), at(300_000)),
            (1_000_000, unreachable(), at(300_000)),
            (
                1_000_000,
                ApplyError::Database(sqlx::Error::PoolTimedOut),
                at(300_000),
            ),
            (1, rejected(), at(1_000)),
            (5, rejected(), at(16_000)),
            (6, rejected(), RetryDecision::Park),
            (1, ApplyError::UnknownCustomer, at(1_000)),
            (6, ApplyError::UnknownCustomer, RetryDecision::Park),
            (1, unreadable(), RetryDecision::Park),
        ];
        for (attempts, error, expected) in rows {
            assert_eq!(
                decide(attempts, 0, &error, 1_000_000, 1.0),
                expected,
                "{attempts} {error}"
            );
        }
    }

    #[test]
    fn the_third_panic_parks() {
        for (panics, parked) in [(1, false), (2, false), (3, true)] {
            let decision = decide(40, panics, &AttemptPanicError.into(), 0, 1.0);
            assert_eq!(decision == RetryDecision::Park, parked, "{panics}");
        }
    }

    #[test]
    fn half_of_the_wait_is_random() {
        for (jitter, ms) in [
            (0.0, 500),
            (0.5, 750),
            (1.0, 1_000),
            (7.0, 1_000),
            (f64::NAN, 500),
        ] {
            let RetryDecision::Retry { at_ms } = decide(1, 0, &unreachable(), 0, jitter) else {
                panic!("expected a retry");
            };
            assert_eq!(at_ms, ms, "{jitter}");
        }
    }
}
