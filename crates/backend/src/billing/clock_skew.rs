//! Compares the server's clock with Stripe's, by the signed time of sending of each webhook. It corrects nothing: operators
//! see the difference.
//!
//! Three limits apply. Up to [`CLOCK_TOLERANCE_MS`] nothing is different. Beyond it the operations page reports the clock, and
//! visits to the portal may be matched to the wrong change. Beyond 5 minutes Stripe's webhooks are refused.

use std::sync::{Arc, Mutex, PoisonError};

/// By how many ms the server's clock may differ from Stripe's, the whole seconds of Stripe's times included.
pub const CLOCK_TOLERANCE_MS: i64 = 10_000;

/// The last measured difference between the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    /// By how many ms the server's clock is ahead of Stripe's; negative if it is behind. The time on the way counts as ahead.
    pub ahead_ms: i64,
    /// When it was measured, in ms since the epoch by the server's clock.
    pub measured_ms: i64,
}

impl ClockSkew {
    /// Whether the clock is so far off that handoffs can be missed.
    pub const fn is_excessive(self) -> bool {
        self.ahead_ms.abs() > CLOCK_TOLERANCE_MS
    }
}

/// The last measurement of this process.
#[derive(Clone, Debug, Default)]
pub(super) struct ClockSkewMeter(Arc<Mutex<Option<ClockSkew>>>);

impl ClockSkewMeter {
    /// `sent_at_secs`: Stripe's time in a signature that is valid at `now_ms`. Stripe signs each attempt when it sends it.
    pub(super) fn record(&self, sent_at_secs: i64, now_ms: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(measure(sent_at_secs, now_ms));
    }

    pub(super) fn last(&self) -> Option<ClockSkew> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stripe's time is a whole second, so any time within it is no difference.
const fn measure(sent_at_secs: i64, now_ms: i64) -> ClockSkew {
    let sent_at_ms = sent_at_secs.saturating_mul(1_000);
    let ahead_ms = match now_ms.saturating_sub(sent_at_ms) {
        0..1_000 => 0,
        behind @ ..0 => behind,
        ahead => ahead - 999,
    };
    ClockSkew {
        ahead_ms,
        measured_ms: now_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_17_the_skew_is_measured_and_reported_beyond_the_tolerance() {
        let rows = [
            (0, 0, false),
            (999, 0, false),
            (1_500, 501, false),
            (-1, -1, false),
            (10_999, 10_000, false),
            (11_000, 10_001, true),
            (-10_000, -10_000, false),
            (-10_001, -10_001, true),
            (312_999, 312_000, true),
        ];
        for (after_ms, ahead_ms, is_excessive) in rows {
            let skew = measure(1_795_000_000, 1_795_000_000_000 + after_ms);
            assert_eq!(
                (skew.ahead_ms, skew.is_excessive()),
                (ahead_ms, is_excessive),
                "{after_ms}"
            );
        }
    }
}
