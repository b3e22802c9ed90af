//! Every way in which delivery can break a promise, with the IDs to look for.

use std::collections::BTreeSet;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Offence {
    /// Somebody was told that they have an account.
    #[error("{email} signed up and has no account")]
    NoAccount {
        /// Who.
        email: String,
    },
    /// Nobody asked for it.
    #[error("account {user} belongs to nobody who signed up")]
    StrayAccount {
        /// Which.
        user: String,
    },
    /// A change without its event.
    #[error("{insert_id} ({name} of {user}) never arrived")]
    Missing {
        /// Which.
        insert_id: String,
        /// Its name.
        name: &'static str,
        /// Whose.
        user: String,
    },
    /// An event without its change.
    #[error("{insert_id} ({name} of {user}) arrived, and nothing in the database stands behind it")]
    Unfounded {
        /// Which.
        insert_id: String,
        /// Its name.
        name: String,
        /// Whose.
        user: String,
    },
    /// Deduplication let it through more than once.
    #[error("{insert_id} counts {times} times")]
    Doubled {
        /// Which.
        insert_id: String,
        /// How often.
        times: usize,
    },
    /// Its arrivals differ in what they must share.
    #[error("{insert_id} arrived with more than one {of}: {values:?}")]
    Changed {
        /// Which.
        insert_id: String,
        /// Of what.
        of: &'static str,
        /// The different ones.
        values: BTreeSet<String>,
    },
    /// It carries another device than the browser had.
    #[error("{insert_id} carries device {device}, and was brought about in browser {browser}")]
    WrongDevice {
        /// Which.
        insert_id: String,
        /// The event's.
        device: String,
        /// The visitor's.
        browser: String,
    },
    /// A person's events were first taken in another order than they happened in.
    #[error("of {user}, {later} ({name}) was taken after something that happened later")]
    OutOfOrder {
        /// Whose.
        user: String,
        /// The one that came too late.
        later: String,
        /// Its name.
        name: String,
    },
    /// Given up on.
    #[error("{insert_id} is parked: {reason}")]
    Parked {
        /// Which.
        insert_id: String,
        /// Why.
        reason: String,
    },
    /// Not as the tracking plan has it.
    #[error("{insert_id} ({name}) is {verdict} by the tracking plan")]
    OffPlan {
        /// Which.
        insert_id: String,
        /// Its name.
        name: String,
        /// The collector's word.
        verdict: String,
    },
    /// The app's log has a panic.
    #[error("the app panicked: {line}")]
    Panicked {
        /// From the log.
        line: String,
    },
}
