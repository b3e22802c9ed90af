//! Integration tests: the dispatcher's handling of each outcome, and the Amplitude sink's handling of each response.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's exception for tests does not cover their support code"
)]

mod amplitude;
mod concurrency;
mod delivery;
mod panics;
mod receiver;
mod running;
mod support;
