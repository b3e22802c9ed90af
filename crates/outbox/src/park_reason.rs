//! The reasons for parking a row.

use std::fmt;

use queue::PANICKED;

/// Why an event is not sent. [`fmt::Display`] gives the text of the `parked_reason` column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// The receiver rejected this field's value (`HTTP V2`, `events_with_invalid_fields`).
    InvalidField(String),
    /// The receiver requires this field (`events_with_missing_fields`, or `missing_field` for an event sent alone).
    MissingField(String),
    /// The receiver rejected this ID as too short (`events_with_invalid_id_lengths`).
    InvalidIdLength(String),
    /// The receiver blocks this device (`silenced_events`, `silenced_devices`).
    Silenced,
    /// The event is too large, even in a request of its own (413).
    TooLarge,
    /// The receiver refused the event when it was sent alone. Contains the receiver's message.
    Refused(String),
    /// The deduplication window has ended since the first attempt of unknown outcome: the receiver could count a second
    /// attempt as a new event.
    DedupWindowPassed,
    /// Three attempts to send the event panicked.
    Panicked,
    /// The user withdrew consent before the event was sent.
    ConsentWithdrawn,
}

/// The text of [`ParkReason::ConsentWithdrawn`]. Rows with this reason are never replayed.
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
            Self::Panicked => f.write_str(PANICKED),
            Self::ConsentWithdrawn => f.write_str(CONSENT_WITHDRAWN),
        }
    }
}
