//! A bounded in-memory set of values that were already processed.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Remembers inserted values. When it is full it is cleared, which only causes redundant writes.
pub(crate) struct SeenSet<T>(Mutex<HashSet<T>>);

/// The most values to remember.
const MAX_VALUES: usize = 10_000;

impl<T> Default for SeenSet<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Eq + Hash> SeenSet<T> {
    pub(crate) fn contains(&self, item: &T) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(item)
    }

    /// Returns false if the value was inserted before.
    pub(crate) fn insert(&self, item: T) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_VALUES {
            seen.clear();
        }
        seen.insert(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_value_is_not_new() {
        let seen = SeenSet::default();
        assert!(seen.insert(1));
        assert!(!seen.insert(1));
        assert!(seen.insert(2));
    }
}
