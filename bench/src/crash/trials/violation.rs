//! The violations of a crash run of trials.

use crate::crash::Violation;

/// A violated guarantee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialViolation {
    /// An event of the reference timeline that the user's timeline lacks.
    #[error("{email}: {name} never arrived")]
    Missing {
        /// The user's email address.
        email: String,
        /// The event's name.
        name: String,
    },
    /// An event that the reference timeline lacks.
    #[error("{email}: {name} ({insert_id}) is unexpected")]
    Unexpected {
        /// The user's email address.
        email: String,
        /// The event's name.
        name: String,
        /// The insert ID, with roles for IDs.
        insert_id: String,
    },
    /// An event with other values than in the reference timeline.
    #[error("{email}: {name} has {actual}; without kills it has {expected}")]
    Different {
        /// The user's email address.
        email: String,
        /// The event's name.
        name: String,
        /// The values that differ.
        actual: String,
        /// The same values in the reference timeline.
        expected: String,
    },
    /// The same events as in the reference timeline, in another order of time.
    #[error("{email}: the events happened in the order {order:?}")]
    Order {
        /// The user's email address.
        email: String,
        /// The event names in order of time.
        order: Vec<String>,
    },
    /// Revenue that differs from the payments at Stripe.
    #[error("{email}: revenue is {revenue_minor}, and Stripe has {paid_minor} (minor units)")]
    Revenue {
        /// The user's email address.
        email: String,
        /// Revenue in the collector, in minor units.
        revenue_minor: i64,
        /// Payments at Stripe, in minor units.
        paid_minor: i64,
    },
    /// A stored webhook that was not applied.
    #[error("webhook {id} is {state}")]
    WebhookNotApplied {
        /// Stripe's event ID.
        id: String,
        /// The state of the webhook.
        state: String,
    },
    /// A violation of a delivery guarantee.
    #[error(transparent)]
    Delivery(Violation),
    /// A user without exactly one customer and one subscription at Stripe.
    #[error("{email}: Stripe has no customer, or no subscription, or more than one")]
    NoSingleSubscription {
        /// The user's email address.
        email: String,
    },
}
