//! Caches responses of a real Amplitude project. Concurrent reads of the same key share one query.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::ReadError;

/// A bounded cache.
pub(super) struct Cache<K, V> {
    /// How long a response is reused, in ms.
    max_age_ms: fn(&V) -> i64,
    /// The most entries.
    most: usize,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

/// A response, or a query that is under way.
struct Entry<V> {
    /// When the query began, in ms since the epoch.
    at_ms: i64,
    value: Arc<OnceCell<V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(most: usize, max_age_ms: fn(&V) -> i64) -> Self {
        Self {
            max_age_ms,
            most,
            entries: Mutex::default(),
        }
    }

    /// The cached response, else that of `read`. Errors are not cached.
    pub(super) async fn get_or_read(
        &self,
        key: K,
        now_ms: i64,
        read: impl Future<Output = Result<V, ReadError>>,
    ) -> Result<V, ReadError> {
        let value = self.entry(key, now_ms);
        value.get_or_try_init(|| read).await.cloned()
    }

    /// The entry of the key: a fresh one, else a new, empty one.
    fn entry(&self, key: K, now_ms: i64) -> Arc<OnceCell<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| {
            let age_ms = now_ms - entry.at_ms;
            entry
                .value
                .get()
                .is_none_or(|value| age_ms < (self.max_age_ms)(value))
        });
        if let Some(entry) = entries.get(&key) {
            return Arc::clone(&entry.value);
        }
        if entries.len() >= self.most {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.at_ms);
            oldest.map(|(key, _)| key.clone()).map(|key| entries.remove(&key));
        }
        let value = Arc::default();
        entries.insert(
            key,
            Entry {
                at_ms: now_ms,
                value: Arc::clone(&value),
            },
        );
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> Cache<u32, &'static str> {
        Cache::new(3, |value| if *value == "short" { 1_000 } else { 60_000 })
    }

    async fn read(
        cache: &Cache<u32, &'static str>,
        key: u32,
        now_ms: i64,
        new: &'static str,
    ) -> &'static str {
        cache.get_or_read(key, now_ms, async { Ok(new) }).await.unwrap()
    }

    #[tokio::test]
    async fn a_response_is_reused_until_its_age() {
        let cache = cache();
        assert_eq!(read(&cache, 1, 1_000, "old").await, "old");
        assert_eq!(read(&cache, 1, 60_999, "new").await, "old");
        assert_eq!(read(&cache, 1, 61_000, "new").await, "new");
        assert_eq!(read(&cache, 2, 1_000, "short").await, "short");
        assert_eq!(read(&cache, 2, 2_000, "new").await, "new");
    }

    #[tokio::test]
    async fn an_error_is_not_cached() {
        let cache = cache();
        let failed = cache
            .get_or_read(1, 1_000, async { Err(ReadError::RateLimited) })
            .await;
        assert!(failed.is_err());
        assert_eq!(read(&cache, 1, 1_000, "new").await, "new");
    }

    #[tokio::test]
    async fn concurrent_reads_share_a_query() {
        let cache = cache();
        let reads = std::sync::atomic::AtomicU32::new(0);
        let query = || async {
            reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok("value")
        };
        let read = || cache.get_or_read(1, 1_000, query());
        let (first, second) = tokio::join!(read(), read());
        assert_eq!((first.unwrap(), second.unwrap()), ("value", "value"));
        assert_eq!(reads.into_inner(), 1);
    }

    #[tokio::test]
    async fn the_oldest_response_is_dropped() {
        let cache = cache();
        for key in 1..=4 {
            read(&cache, key, 1_000 + i64::from(key), "old").await;
        }
        for (key, expected) in [(1, "new"), (4, "old")] {
            assert_eq!(read(&cache, key, 1_010, "new").await, expected, "{key}");
        }
    }
}
