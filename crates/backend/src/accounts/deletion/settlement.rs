//! Decides the next state of a deletion after an attempt at its step. Pure functions of values.

use outbox::{MAX_PANICS, PANICKED};
use reqwest::StatusCode;

use super::{CustomerError, EraseError};
use crate::backoff::wait_ms;

const BASE_MS: i64 = 5_000;
const CAP_MS: i64 = 3_600_000;
/// Attempts that may be refused before the deletion is parked: about 2.5 hours.
const MAX_REFUSALS: i64 = 12;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StepError {
    /// The same attempt may succeed later.
    Transient(String),
    /// The other service refuses the request. Only an operator can change that, for example by correcting a key.
    Refused(String),
    /// No secret key of Amplitude is configured.
    NoSecretKey,
    /// The attempt panicked.
    Panicked,
}

impl From<CustomerError> for StepError {
    fn from(error: CustomerError) -> Self {
        if error.transient {
            Self::Transient(error.message)
        } else {
            Self::Refused(error.message)
        }
    }
}

impl From<EraseError> for StepError {
    fn from(error: EraseError) -> Self {
        match &error {
            EraseError::NoSecretKey => Self::NoSecretKey,
            EraseError::Status(status) if is_refusal(*status) => Self::Refused(error.to_string()),
            EraseError::Status(_) | EraseError::Transport(_) => Self::Transient(error.to_string()),
        }
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && status != StatusCode::TOO_MANY_REQUESTS
        && status != StatusCode::REQUEST_TIMEOUT
}

/// The state of a deletion whose step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The step is retried at `at_ms` (ms since the epoch). `panics`: attempts that panicked so far.
    Retry { at_ms: i64, panics: i64, error: String },
    /// The deletion waits for an operator, or for a setting. Contains the reason.
    Park(String),
}

/// Decides after the `attempts`-th attempt (from 1) at a step, of which `panics` panicked before this one.
pub(super) fn after_failure(attempts: i64, panics: i64, error: StepError, now_ms: i64) -> AfterFailure {
    let panics = panics + i64::from(error == StepError::Panicked);
    let (error, park) = match error {
        StepError::Transient(error) => (error, false),
        StepError::Refused(error) => (error, attempts >= MAX_REFUSALS),
        StepError::NoSecretKey => (EraseError::NoSecretKey.to_string(), true),
        StepError::Panicked => (PANICKED.to_owned(), panics >= MAX_PANICS),
    };
    if park {
        return AfterFailure::Park(error);
    }
    AfterFailure::Retry {
        at_ms: now_ms.saturating_add(wait_ms(BASE_MS, CAP_MS, attempts)),
        panics,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn only_an_operator_can_help_a_parked_deletion() {
        let transient = || StepError::Transient("500".to_owned());
        let refused = || StepError::Refused("401".to_owned());
        #[rustfmt::skip]
        let table = [
            // attempts, panics, error,                 retried in,      panics after
            (1,          0,      transient(),           Some(5_000),     0),
            (3,          1,      transient(),           Some(20_000),    1),
            (1_000,      0,      transient(),           Some(CAP_MS),    0),
            (1,          0,      refused(),             Some(5_000),     0),
            (11,         0,      refused(),             Some(CAP_MS),    0),
            (12,         0,      refused(),             None,            0),
            (1,          0,      StepError::NoSecretKey, None,           0),
            (1,          0,      StepError::Panicked,   Some(5_000),     1),
            (40,         1,      StepError::Panicked,   Some(CAP_MS),    2),
            (3,          2,      StepError::Panicked,   None,            3),
        ];
        for (attempts, panics, error, retried_in, panics_after) in table {
            match (after_failure(attempts, panics, error.clone(), NOW), retried_in) {
                (AfterFailure::Park(reason), None) => assert!(!reason.is_empty()),
                (AfterFailure::Retry { at_ms, panics, .. }, Some(wait_ms)) => {
                    assert_eq!(
                        (at_ms, panics),
                        (NOW + wait_ms, panics_after),
                        "{attempts} {error:?}"
                    );
                }
                (found, _) => panic!("{attempts} {panics} {error:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_no_outage() {
        for (status, refused) in [
            (400, true),
            (401, true),
            (403, true),
            (408, false),
            (429, false),
            (500, false),
        ] {
            let error = EraseError::Status(StatusCode::from_u16(status).unwrap()).into();
            assert_eq!(matches!(error, StepError::Refused(_)), refused, "{status}");
        }
    }
}
