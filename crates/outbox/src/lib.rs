//! Durable delivery of server events: written in the transaction of the change that they report, sent by a dispatcher.
//!
//! A verb calls [`enqueue`] inside its transaction and [`Nudge::wake`] after the commit. A [`Dispatcher`] claims due
//! rows under a lease, hands them to a [`Sink`], and settles each by what the sink says became of it. Delivery is
//! at-least-once; the insert ID, unique here for ever, makes it once. Guarantees, states and the table of failures
//! stand in the crate's README.
//!
//! Not here: what the events are (`tracking`), and whether somebody consented to them (the verb asks before it enqueues).

mod amplitude;
mod dispatcher;
mod health;
mod memory;
mod nudge;
mod park_reason;
mod retry;
mod settings;
mod sink;
mod store;

pub use amplitude::{AmplitudeSink, SinkError};
pub use dispatcher::{Dispatcher, Round};
pub use health::{Condition, Health};
pub use memory::MemorySink;
pub use nudge::Nudge;
pub use park_reason::ParkReason;
pub use retry::Policy;
pub use settings::{Clock, Settings};
pub use sink::{Delivery, Failure, FailureKind, Outcome, Sink};
pub use store::{
    Counts, Enqueued, Entry, Replayed, State, counts, drop_unsent, enqueue, events_of, forget_sent,
    newest_people, park_unsent, parked, prune, replay, undelivered_of,
};
