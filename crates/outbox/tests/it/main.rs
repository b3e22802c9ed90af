//! The outbox from outside: what the dispatcher does with each outcome, and what Amplitude's answers become.

#![expect(
    clippy::unwrap_used,
    reason = "also in what the tests are made of, where clippy does not allow it by itself"
)]

mod amplitude;
mod concurrency;
mod delivery;
mod receiver;
mod running;
mod support;
