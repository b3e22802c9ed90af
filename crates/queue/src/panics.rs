//! Panics in the attempt to process one row. The worker catches them, so that it can count them and park the row.
//! Panics elsewhere in a worker are not caught here: they end the task, and its supervisor restarts it.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// Panics after which a row is parked.
pub const MAX_PANICS: i64 = 3;

/// The reason and the error text of a row whose attempt panicked.
pub const PANICKED: &str = "panicked";

/// An attempt panicked. The panic hook has already logged the message and the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panicked")]
pub struct AttemptPanicError;

/// Runs an attempt to its end.
///
/// # Errors
/// When the attempt panics. What it has not committed is rolled back.
pub async fn catch_panic<T>(attempt: impl Future<Output = T>) -> Result<T, AttemptPanicError> {
    // Workers keep their state in the database, so a panic leaves no half-changed value behind.
    AssertUnwindSafe(attempt)
        .catch_unwind()
        .await
        .map_err(|_| AttemptPanicError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        assert_eq!(catch_panic(async { 1 }).await, Ok(1));
        let panicking = async { assert!(PANICKED.is_empty(), "expected in this test") };
        assert_eq!(catch_panic(panicking).await, Err(AttemptPanicError));
    }
}
