//! Where events go, and what can become of them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::ParkReason;

/// One event on its way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What makes a second delivery the same event.
    pub insert_id: String,
    /// The person, as the receiver's `user_id`. Order is kept within it.
    pub user_id: String,
    /// The browser, where one is known.
    pub device_id: Option<String>,
    /// The event's name.
    pub event_type: String,
    /// The event as a JSON object, the same bytes in every attempt.
    pub payload: String,
}

impl fmt::Debug for Delivery {
    /// Without the payload: it may hold an e-mail address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("insert_id", &self.insert_id)
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// What became of one delivery. It names what is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Sent,
    /// It will never be taken: set it aside.
    Park(ParkReason),
    /// Not this time: try again as the failure advises.
    Retry(Failure),
    /// No attempt was made, because something before it failed: try again at once, uncounted.
    Held,
}

/// An attempt that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the next attempt.
    pub kind: FailureKind,
    /// One line for the operator. Never a key, an address or a payload.
    pub detail: String,
}

impl Failure {
    /// A failure of `kind`, said in `detail`.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// Kinds of failure, told apart by what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Certainly not accepted (connection refused, 503): may be retried for ever.
    NotAccepted,
    /// Nobody knows (timeout, 500, 502, 504, a broken connection): may be retried within the dedup window.
    Unknown,
    /// Something refuses all our requests (403, an address that is not Amplitude's): retried for ever, and loud.
    Refused,
    /// This person or device is too fast: they wait, the others go on.
    Throttled,
    /// This person or device is over a daily quota: a longer wait.
    QuotaExceeded,
    /// The whole project is too fast: everybody waits.
    Overloaded,
    /// It cannot work until an operator acts (invalid key): nothing is sent meanwhile, nothing counts as an attempt.
    Misconfigured,
}

/// A receiver of events.
///
/// The contract on order: a row may be [`Outcome::Sent`] only if no earlier row of the same person in the batch ended
/// in [`Outcome::Retry`] or [`Outcome::Held`] before it was sent. What cannot be sent for that reason is `Held`.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Delivers the batch and answers for each row, in the batch's order. `sent_at_ms` (ms since the epoch) is the
    /// upload time to stamp. Never called inside a transaction.
    async fn deliver(&self, batch: &[Delivery], sent_at_ms: i64) -> Vec<Outcome>;

    /// The longest that one `deliver` may take. The lease is made longer than this.
    fn longest_delivery(&self) -> Duration;
}
