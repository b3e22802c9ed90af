//! Verdict, proofs, reconciliation and session metrics of correct and of broken timelines.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may panic; clippy's exception covers only test functions"
)]

mod broken_timelines;
mod metrics;
mod proofs;
mod random;
mod reconciliation;
mod rules;
mod scenario;
