//! The violations of the delivery guarantees, with the IDs to look for in the logs.

use std::collections::BTreeSet;

/// A violated guarantee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Violation {
    /// A visitor's sign-up succeeded, and the database has no account.
    #[error("{email} signed up and has no account")]
    NoAccount {
        /// The visitor's email address.
        email: String,
    },
    /// An account of no visitor.
    #[error("account {user} belongs to no visitor who signed up")]
    StrayAccount {
        /// The user ID.
        user: String,
    },
    /// A change whose event the collector does not have.
    #[error("{insert_id} ({name} of {user}) never arrived")]
    Missing {
        /// The insert ID.
        insert_id: String,
        /// The event's name.
        name: &'static str,
        /// The user ID.
        user: String,
    },
    /// An event without its change in the database.
    #[error("{insert_id} ({name} of {user}) arrived without its change in the database")]
    Unexpected {
        /// The insert ID.
        insert_id: String,
        /// The event's name.
        name: String,
        /// The user ID.
        user: String,
    },
    /// An event that is counted more than once after deduplication.
    #[error("{insert_id} counts {times} times")]
    Doubled {
        /// The insert ID.
        insert_id: String,
        /// How often it counts.
        times: usize,
    },
    /// Arrivals of one insert ID with different values.
    #[error("{insert_id} arrived with more than one {field}: {values:?}")]
    Changed {
        /// The insert ID.
        insert_id: String,
        /// The field that differs.
        field: &'static str,
        /// Its values.
        values: BTreeSet<String>,
    },
    /// A sign-up with another device than the visitor's browser.
    #[error("{insert_id} has device {device}, but the browser has {browser}")]
    WrongDevice {
        /// The insert ID.
        insert_id: String,
        /// The device of the event.
        device: String,
        /// The device of the browser.
        browser: String,
    },
    /// An event that was first accepted after a later event of the same user.
    #[error("{user}: {insert_id} ({name}) was accepted after a later event")]
    OutOfOrder {
        /// The user ID.
        user: String,
        /// The insert ID of the earlier event.
        insert_id: String,
        /// Its name.
        name: String,
    },
    /// A parked outbox row.
    #[error("{insert_id} is parked: {reason}")]
    Parked {
        /// The insert ID.
        insert_id: String,
        /// Why it was parked.
        reason: String,
    },
    /// An event that does not match the tracking plan.
    #[error("{insert_id} ({name}) is {status} by the tracking plan")]
    OffPlan {
        /// The insert ID.
        insert_id: String,
        /// The event's name.
        name: String,
        /// The result of the collector's check.
        status: String,
    },
    /// A panic in the app's log.
    #[error("the app panicked: {line}")]
    Panicked {
        /// The log line.
        line: String,
    },
}
