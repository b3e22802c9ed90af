//! Why a row was set aside.

use std::fmt;

/// Why an event will not be sent any more. [`fmt::Display`] gives the text that the row keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// The receiver named this field's value (`HTTP V2`, `events_with_invalid_fields`).
    InvalidField(String),
    /// The receiver missed this field (`events_with_missing_fields`, or `missing_field` of an event sent alone).
    MissingField(String),
    /// The receiver finds this ID too short (`events_with_invalid_id_lengths`).
    InvalidIdLength(String),
    /// The device is silenced on the receiver's side (`silenced_events`, `silenced_devices`).
    Silenced,
    /// Too large for a request of its own (413).
    TooLarge,
    /// Refused when sent alone, in the receiver's words.
    Refused(String),
    /// An attempt of unknown outcome is too long ago for the receiver to recognise a second one.
    DedupWindowPassed,
    /// The person withdrew consent before it was sent.
    ConsentWithdrawn,
}

/// The text of [`ParkReason::ConsentWithdrawn`]: what was parked so is never replayed.
pub(crate) const CONSENT_WITHDRAWN: &str = "consent withdrawn";

impl fmt::Display for ParkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidField(field) => write!(f, "invalid field: {field}"),
            Self::MissingField(field) => write!(f, "missing field: {field}"),
            Self::InvalidIdLength(field) => write!(f, "invalid ID length: {field}"),
            Self::Silenced => f.write_str("device silenced"),
            Self::TooLarge => f.write_str("too large"),
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::DedupWindowPassed => f.write_str("dedup window passed"),
            Self::ConsentWithdrawn => f.write_str(CONSENT_WITHDRAWN),
        }
    }
}
