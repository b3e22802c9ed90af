//! What to do about a webhook that could not be applied.

use crate::billing::mapping::MappingError;
use crate::billing::payload::Unreadable;
use crate::billing::stripe::StripeFault;

/// Attempts at what will hardly get better, before a person has to look.
const ATTEMPTS: i64 = 6;

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 5 * 60_000;

/// Why a webhook could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Stripe said so, or said nothing.
    #[error(transparent)]
    Stripe(#[from] StripeFault),
    /// The database did.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It cannot be understood.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Nobody has this customer. A webhook may be quicker than our own record of the customer that it is about.
    #[error("unknown customer")]
    UnknownCustomer,
}

impl From<Unreadable> for Trouble {
    fn from(error: Unreadable) -> Self {
        Self::Mapping(error.into())
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Again, at this moment (ms since the epoch).
    Retry { at_ms: i64 },
    /// Not again by itself.
    Park,
}

/// After the `attempts`-th attempt (from 1) has failed at `now_ms`. `jitter` is from 0 to 1. What passes is tried for
/// ever, since a webhook is all that tells of money; the rest a few times, and then it is somebody's to look at.
pub(super) fn next(attempts: i64, trouble: &Trouble, now_ms: i64, jitter: f64) -> Next {
    let again = match trouble {
        Trouble::Database(_) => true,
        Trouble::Stripe(fault) => fault.is_passing() || attempts < ATTEMPTS,
        Trouble::UnknownCustomer => attempts < ATTEMPTS,
        Trouble::Mapping(_) => false,
    };
    if !again {
        return Next::Park;
    }
    let doubled = u32::try_from(attempts - 1)
        .ok()
        .and_then(|exponent| FIRST_WAIT_MS.checked_shl(exponent.min(20)))
        .unwrap_or(LONGEST_WAIT_MS)
        .min(LONGEST_WAIT_MS);
    // Half of it is drawn, so that what failed together does not come back together.
    let half = doubled / 2;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of five minutes in ms")]
    let drawn = (jitter.clamp(0.0, 1.0) * f64::from(i32::try_from(half).unwrap_or(i32::MAX))) as i64;
    Next::Retry {
        at_ms: now_ms.saturating_add(half + drawn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Trouble {
        Trouble::Stripe(StripeFault::Refused {
            status: 404,
            code: "resource_missing".to_owned(),
            message: String::new(),
        })
    }

    fn unreachable() -> Trouble {
        Trouble::Stripe(StripeFault::Unreachable("no route".to_owned()))
    }

    fn unreadable() -> Trouble {
        Unreadable {
            object: "invoice",
            field: "id",
        }
        .into()
    }

    #[test]
    fn what_passes_is_tried_for_ever_the_rest_a_few_times() {
        let at = |ms: i64| Next::Retry {
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
                Trouble::Database(sqlx::Error::PoolTimedOut),
                at(300_000),
            ),
            (1, refused(), at(1_000)),
            (5, refused(), at(16_000)),
            (6, refused(), Next::Park),
            (1, Trouble::UnknownCustomer, at(1_000)),
            (6, Trouble::UnknownCustomer, Next::Park),
            (1, unreadable(), Next::Park),
        ];
        for (attempts, trouble, expected) in rows {
            assert_eq!(
                next(attempts, &trouble, 1_000_000, 1.0),
                expected,
                "{attempts} {trouble}"
            );
        }
    }

    #[test]
    fn half_of_the_wait_is_drawn() {
        for (jitter, ms) in [
            (0.0, 500),
            (0.5, 750),
            (1.0, 1_000),
            (7.0, 1_000),
            (f64::NAN, 500),
        ] {
            let Next::Retry { at_ms } = next(1, &unreachable(), 0, jitter) else {
                panic!("it passes");
            };
            assert_eq!(at_ms, ms, "{jitter}");
        }
    }
}
