//! Caches responses of a real Amplitude project for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Activity;

/// How long a response is reused, in ms. Amplitude allows 360 queries an hour (Dashboard REST API, "Rate limits").
const MAX_AGE_MS: i64 = 60_000;

/// The most responses to keep. Each may have some megabytes.
const MAX_RESPONSES: usize = 32;

/// An Amplitude ID and an offset.
type Key = (i64, usize);

/// Responses with the time of each, in ms since the epoch.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, (i64, Arc<Activity>)>>);

impl Cache {
    pub(super) fn get(&self, key: Key, now_ms: i64) -> Option<Arc<Activity>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at_ms, activity) = known.get(&key)?;
        (now_ms - at_ms < MAX_AGE_MS).then(|| Arc::clone(activity))
    }

    pub(super) fn put(&self, key: Key, now_ms: i64, activity: &Arc<Activity>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at_ms, _)| now_ms - *at_ms < MAX_AGE_MS);
        if known.len() >= MAX_RESPONSES {
            let oldest = known
                .iter()
                .min_by_key(|(_, (at_ms, _))| *at_ms)
                .map(|(key, _)| *key);
            oldest.map(|key| known.remove(&key));
        }
        known.insert(key, (now_ms, Arc::clone(activity)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_reused_for_a_minute() {
        let cache = Cache::default();
        let response = Arc::new(Activity::default());
        cache.put((1, 0), 1_000, &response);
        assert!(cache.get((1, 0), 60_999).is_some());
        assert!(cache.get((1, 0), 61_000).is_none());
        assert!(cache.get((1, 1_000), 1_000).is_none());
    }

    #[test]
    fn the_oldest_response_is_dropped() {
        let cache = Cache::default();
        let response = Arc::new(Activity::default());
        for person in 0..40 {
            cache.put((person, 0), 1_000 + person, &response);
        }
        let kept: Vec<i64> = (0..40)
            .filter(|&person| cache.get((person, 0), 1_100).is_some())
            .collect();
        assert_eq!(kept, (8..40).collect::<Vec<_>>());
    }
}
