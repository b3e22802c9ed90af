//! Counts that are kept in memory and written every few seconds, so that a request costs no write. A crash loses those of the
//! last seconds; a write that fails or is canceled loses none.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts to which others can be added.
pub(crate) trait MergeCounts: Default {
    /// Adds counts that were taken and not written.
    fn put_back(&mut self, taken: Self);
}

/// The counts that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct UnwrittenCounts<T>(Mutex<T>);

impl<T: MergeCounts> UnwrittenCounts<T> {
    /// The counts, to add to them.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all counts, to write them.
    pub(crate) fn take(&self) -> TakenCounts<'_, T> {
        TakenCounts {
            source: self,
            counts: std::mem::take(&mut *self.lock()),
        }
    }
}

/// Counts that are being written. Without [`TakenCounts::written`] they are put back.
pub(crate) struct TakenCounts<'a, T: MergeCounts> {
    source: &'a UnwrittenCounts<T>,
    counts: T,
}

impl<T: MergeCounts> TakenCounts<'_, T> {
    /// The transaction with the counts was committed.
    pub(crate) fn written(mut self) {
        self.counts = T::default();
    }
}

impl<T: MergeCounts> Deref for TakenCounts<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counts
    }
}

impl<T: MergeCounts> Drop for TakenCounts<'_, T> {
    fn drop(&mut self) {
        self.source.lock().put_back(std::mem::take(&mut self.counts));
    }
}
