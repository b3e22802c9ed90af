//! A real project's answers, for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Activity;

/// How long an answer is good for, in ms: 360 queries an hour are allowed (Dashboard REST API, "Rate limits").
const GOOD_FOR_MS: i64 = 60_000;

/// Most answers that are kept; each may be some megabytes.
const MOST: usize = 32;

/// A person and an offset.
type Key = (i64, usize);

/// Answers, with the moment at which each was given.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, (i64, Arc<Activity>)>>);

impl Cache {
    pub(super) fn get(&self, key: Key, now_ms: i64) -> Option<Arc<Activity>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at_ms, activity) = known.get(&key)?;
        (now_ms - at_ms < GOOD_FOR_MS).then(|| Arc::clone(activity))
    }

    pub(super) fn put(&self, key: Key, now_ms: i64, activity: &Arc<Activity>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at_ms, _)| now_ms - *at_ms < GOOD_FOR_MS);
        if known.len() >= MOST {
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
    fn an_answer_is_good_for_a_minute() {
        let cache = Cache::default();
        let answer = Arc::new(Activity::default());
        cache.put((1, 0), 1_000, &answer);
        assert!(cache.get((1, 0), 60_999).is_some());
        assert!(cache.get((1, 0), 61_000).is_none());
        assert!(cache.get((1, 1_000), 1_000).is_none());
    }

    #[test]
    fn the_oldest_answer_makes_room() {
        let cache = Cache::default();
        let answer = Arc::new(Activity::default());
        for person in 0..40 {
            cache.put((person, 0), 1_000 + person, &answer);
        }
        let kept: Vec<i64> = (0..40)
            .filter(|&person| cache.get((person, 0), 1_100).is_some())
            .collect();
        assert_eq!(kept, (8..40).collect::<Vec<_>>());
    }
}
