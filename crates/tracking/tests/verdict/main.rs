//! The verdict and what stands beside it, on lives that are well made and on lives that are not.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may panic; clippy's exception covers only test functions"
)]

mod books;
mod life;
mod metrics;
mod proofs;
mod random;
mod seeds;
