//! The receiver of events, and the outcomes of a delivery.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::ParkReason;

/// An event to deliver.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundEvent {
    /// Identifies the event: the receiver drops a second event with the same insert ID.
    pub insert_id: String,
    /// The user, as the receiver's `user_id`. Events of one user are delivered in order.
    pub user_id: String,
    /// The device ID, if one is known.
    pub device_id: Option<String>,
    /// The event's name.
    pub event_type: String,
    /// The event as a JSON object. The bytes are the same in every attempt.
    pub payload: String,
    /// The W3C `traceparent` of the request or work that enqueued the event, if traces are exported. The sink does not send it.
    pub trace_parent: Option<String>,
}

impl fmt::Debug for OutboundEvent {
    /// Omits the payload, which may contain an email address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundEvent")
            .field("insert_id", &self.insert_id)
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// The outcome for one event. It says what the dispatcher does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver accepted the event.
    Sent,
    /// The receiver will never accept the event. Park it.
    Park(ParkReason),
    /// The attempt failed. Retry as the failure kind requires.
    Retry(DeliveryFailure),
    /// The event was not attempted because an earlier event failed. Retry at once; this is not counted as an attempt.
    Held,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Decides when the next attempt is made.
    pub kind: FailureKind,
    /// One line for the operator. It never contains a key, an address or a payload.
    pub detail: String,
}

impl DeliveryFailure {
    /// Creates a failure of `kind` with a message for the operator.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// Kinds of failure. Each has its own retry rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The receiver did not accept the event (connection refused, 503). Retried without limit.
    NotAccepted,
    /// The receiver may have accepted the event (timeout, 500, 502, 504, broken connection). Retried within the
    /// deduplication window.
    Unknown,
    /// All requests are rejected (403, wrong URL). Retried without limit, and logged as an error.
    Refused,
    /// This user or device sends too many events per second. Only this user waits.
    Throttled,
    /// This user or device exceeded a daily quota. Only this user waits, for longer.
    QuotaExceeded,
    /// The whole project sends too many events. All users wait.
    Overloaded,
    /// Delivery cannot work until an operator acts (invalid key). Nothing is sent, and no attempt is counted.
    Misconfigured,
    /// The sink panicked, so the outcome is unknown. The dispatcher sends the row alone from then on, and parks it after
    /// three panics.
    Panicked,
}

/// A receiver of events.
///
/// Order: a sink may return [`DeliveryOutcome::Sent`] for an event only if no earlier event of the same user in the
/// batch ended in [`DeliveryOutcome::Retry`] or [`DeliveryOutcome::Held`] before it was sent. It returns `Held` for
/// events that it skips for this reason.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Delivers the batch and returns one outcome per event, in the order of the batch. `sent_at_ms` (ms since the
    /// epoch) is the upload time. The dispatcher never calls this inside a transaction.
    async fn deliver(&self, batch: &[OutboundEvent], sent_at_ms: i64) -> Vec<DeliveryOutcome>;

    /// The longest time that one `deliver` call can take. Leases last longer than this.
    fn longest_delivery(&self) -> Duration;
}
