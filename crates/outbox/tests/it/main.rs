//! The outbox from outside: what the dispatcher does with each outcome, and what Amplitude's answers become.

mod amplitude;
mod concurrency;
mod delivery;
mod receiver;
mod running;
mod support;
