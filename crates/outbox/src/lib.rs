//! Durable delivery of server events. A domain action writes the event in its own transaction; a dispatcher sends it.
//!
//! A domain action calls [`enqueue`] inside its transaction and [`Wakeup::wake`] after the commit. A [`Dispatcher`]
//! claims due rows under a lease (`queue`), passes them to a [`Sink`], and settles each row by the sink's outcome. Delivery
//! is at-least-once; the receiver drops duplicates by insert ID, which is unique in the table. The README documents the
//! guarantees, the row states, and the handling of each failure.
//!
//! This crate does not define events (`tracking` does) and does not check consent (the caller does, before it
//! enqueues).

mod amplitude;
mod dispatcher;
mod health;
mod memory_sink;
mod park_reason;
mod report;
mod retry;
mod settings;
mod sink;
mod store;

pub use amplitude::{AmplitudeSink, SinkError};
pub use dispatcher::Dispatcher;
pub use health::{Condition, Health};
pub use memory_sink::MemorySink;
pub use park_reason::ParkReason;
pub use queue::{AttemptPanicError, COUNT_LIMIT, MAX_PANICS, MillisClock, PANICKED, Wakeup, catch_panic};
pub use report::DispatchReport;
pub use retry::RetryPolicy;
pub use settings::DispatcherSettings;
pub use sink::{DeliveryFailure, DeliveryOutcome, FailureKind, OutboundEvent, Sink};
pub use store::{
    Enqueued, OutboxCounts, OutboxEntry, OutboxState, PARKED_KEEP_DAYS, ReplayOutcome, counts, delete_unsent,
    enqueue, events_of, insert_statements, park_unsent, parked, prune, read_entries, recent_users, replay,
    undelivered_of,
};
