//! Decides whether a failed webhook is retried or parked.

use outbox::AttemptPanicError;
use queue::{JobFailure, JobPolicy, NextRowState, QueuedRow, RetrySchedule};

use crate::billing::mapping::MappingError;
use crate::billing::payload::PayloadError;
use crate::billing::stripe::StripeCallError;

/// Attempts to find the customer of a payment, for about an hour. A dispute can overtake the webhook of its payment only
/// while that one waits.
pub(super) const PAYMENT_ATTEMPTS: i64 = 20;

/// The other webhooks of the customer wait meanwhile, so a webhook at fault is parked after half a minute. An outage delays
/// them for at most five minutes longer than it lasts.
const POLICY: JobPolicy = JobPolicy {
    schedule: RetrySchedule {
        base_ms: 1_000,
        cap_ms: 5 * 60_000,
    },
    max_refusals: 6,
};

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

    /// What the error means for the next attempt. An outage is retried without limit, because payments are known from
    /// webhooks only. An unreadable payload is never retried.
    fn failure(&self) -> JobFailure {
        let text = self.to_string();
        match self {
            Self::Stripe(error) if error.is_transient() => JobFailure::Transient(text),
            Self::Database(error) if !db::is_refusal(error) => JobFailure::Transient(text),
            // After [`PAYMENT_ATTEMPTS`] it is not ours.
            Self::UnknownPayment => JobFailure::Transient(text),
            Self::Stripe(_) | Self::Database(_) | Self::UnknownCustomer => JobFailure::Refused(text),
            Self::Mapping(_) => JobFailure::Permanent(text),
            Self::Panicked(_) => JobFailure::Panicked,
        }
    }
}

impl From<PayloadError> for ApplyError {
    fn from(error: PayloadError) -> Self {
        Self::Mapping(error.into())
    }
}

/// The next state of a webhook whose attempt failed at `now_ms` (ms since the epoch). `jitter` is from 0 to 1.
pub(super) fn decide<T>(
    webhook: &QueuedRow<T>,
    error: &ApplyError,
    now_ms: i64,
    jitter: f64,
) -> NextRowState {
    POLICY.after_failure(webhook, error.failure(), now_ms, jitter)
}

#[cfg(test)]
mod tests {
    use std::mem::discriminant;

    use super::*;

    #[test]
    fn outages_are_transient_and_errors_of_one_webhook_are_not() {
        let rejected = StripeCallError::Rejected {
            status: 404,
            code: "resource_missing".to_owned(),
            message: String::new(),
        };
        let unreadable = PayloadError {
            object: "invoice",
            field: "id",
        };
        let (transient, refused) = (
            JobFailure::Transient(String::new()),
            JobFailure::Refused(String::new()),
        );
        let permanent = JobFailure::Permanent(String::new());
        let unreachable = StripeCallError::Unreachable("no route".to_owned());
        let rows = [
            (ApplyError::from(unreachable), &transient),
            (sqlx::Error::PoolTimedOut.into(), &transient),
            (sqlx::Error::Decode("no UUID".into()).into(), &refused),
            (rejected.into(), &refused),
            (ApplyError::UnknownCustomer, &refused),
            (ApplyError::UnknownPayment, &transient),
            (unreadable.into(), &permanent),
            (AttemptPanicError.into(), &JobFailure::Panicked),
        ];
        for (error, expected) in rows {
            assert_eq!(discriminant(&error.failure()), discriminant(expected), "{error}");
        }
    }

    #[test]
    fn a_webhook_at_fault_delays_its_customer_for_half_a_minute() {
        let waits = (1..POLICY.max_refusals).map(|attempt| POLICY.schedule.wait_ms(attempt, 1.0));
        assert_eq!(waits.sum::<i64>(), 31_000);
    }
}
