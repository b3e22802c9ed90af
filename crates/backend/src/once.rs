//! What was written down already, as far as this process remembers.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Tells what is new, up to a size at which it starts over. Forgetting costs a write that changes nothing.
pub(crate) struct Once<T>(Mutex<HashSet<T>>);

/// Most that is remembered.
const MOST_SEEN: usize = 10_000;

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Eq + Hash> Once<T> {
    pub(crate) fn is_new(&self, item: T) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        seen.insert(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_not_new() {
        let once = Once::default();
        assert!(once.is_new(1));
        assert!(!once.is_new(1));
        assert!(once.is_new(2));
    }
}
