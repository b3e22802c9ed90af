//! Limits of frequent requests: browser events, votes, posts that call Stripe, and new sessions in the counts of browsers.
//!
//! The counts are in memory, so each server has its own. Limits of passwords, sign-ups and mails are in the database
//! (`accounts::throttle`), because all servers share them.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tracking::UserId;

use crate::NetworkKey;

/// Too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {retry_after_secs} s")]
pub struct LimitExceededError {
    /// Whole seconds until the request may succeed, at least 1.
    pub retry_after_secs: u64,
}

/// The limits of one server.
pub struct RequestLimits {
    events: KeyedLimit<NetworkKey>,
    new_sessions: KeyedLimit<NetworkKey>,
    votes: KeyedLimit<NetworkKey>,
    stripe_calls: KeyedLimit<NetworkKey>,
    stripe_calls_of_account: KeyedLimit<UserId>,
    checkout_reads: KeyedLimit<UserId>,
}

impl RequestLimits {
    /// The limits for real visitors; those of networks times `factor`.
    pub fn new(factor: u32) -> Self {
        let by_network = |burst: u32, period_ms: u64| KeyedLimit::new(burst, period_ms, factor);
        Self {
            // An office behind one address: 2,000 at once, then 50 a second.
            events: KeyedLimit::new(2_000, 20, factor),
            // 300 at once, then one in 10 s.
            new_sessions: by_network(300, 10_000),
            // A lecture hall behind one address: 300 at once, then 5 a second.
            votes: by_network(300, 200),
            // 30 at once, then one in 10 s.
            stripe_calls: by_network(30, 10_000),
            // 10 at once, then two a minute.
            stripe_calls_of_account: KeyedLimit::new(10, 30_000, 1),
            // A page that waits for a webhook reads again and again: 30 at once, then one in 2 s.
            checkout_reads: KeyedLimit::new(30, 2_000, 1),
        }
    }

    /// Counts browser events of a network. A batch larger than the limit counts as the limit.
    pub fn count_events(&self, network: NetworkKey, events: usize) -> Result<(), LimitExceededError> {
        self.events
            .count(&network, u32::try_from(events).unwrap_or(u32::MAX))
    }

    /// Counts a session that the counts of browsers do not have yet.
    pub fn count_new_session(&self, network: NetworkKey) -> Result<(), LimitExceededError> {
        self.new_sessions.count(&network, 1)
    }

    /// Counts a vote.
    pub fn count_vote(&self, network: NetworkKey) -> Result<(), LimitExceededError> {
        self.votes.count(&network, 1)
    }

    /// Counts a post that calls Stripe.
    pub fn count_stripe_call(&self, network: NetworkKey, account: UserId) -> Result<(), LimitExceededError> {
        self.stripe_calls_of_account.count(&account, 1)?;
        self.stripe_calls.count(&network, 1)
    }

    /// Counts a page that reads a Checkout session from Stripe.
    pub fn count_checkout_read(&self, account: UserId) -> Result<(), LimitExceededError> {
        self.checkout_reads.count(&account, 1)
    }

    /// Drops the keys whose requests no longer matter. Without it, memory would grow with every network.
    pub fn sweep(&self) {
        self.events.sweep();
        self.new_sessions.sweep();
        self.votes.sweep();
        self.stripe_calls.sweep();
        self.stripe_calls_of_account.sweep();
        self.checkout_reads.sweep();
    }
}

/// A limit for each key: a burst, and one more in each period.
struct KeyedLimit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    burst: NonZeroU32,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    fn new(burst: u32, period_ms: u64, factor: u32) -> Self {
        let factor = factor.max(1);
        let burst = NonZeroU32::MIN.saturating_add(burst.saturating_mul(factor).saturating_sub(1));
        let period = Duration::from_micros((period_ms * 1_000 / u64::from(factor)).max(1));
        let quota = Quota::with_period(period).expect("a period above zero makes a quota");
        Self {
            limiter: RateLimiter::keyed(quota.allow_burst(burst)),
            burst,
        }
    }

    fn count(&self, key: &K, requests: u32) -> Result<(), LimitExceededError> {
        let Some(requests) = NonZeroU32::new(requests.min(self.burst.get())) else {
            return Ok(());
        };
        match self.limiter.check_key_n(key, requests) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(wait)) => {
                let wait = wait.wait_time_from(DefaultClock::default().now());
                Err(LimitExceededError {
                    retry_after_secs: wait.as_secs() + 1,
                })
            }
            // Unreachable: never more than the burst is asked for.
            Err(_) => Err(LimitExceededError { retry_after_secs: 1 }),
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> NetworkKey {
        NetworkKey::of(text.parse().unwrap())
    }

    #[test]
    fn reads_of_a_checkout_session_are_limited_by_account() {
        let limits = RequestLimits::new(100);
        let account = |number| UserId::new(uuid::Uuid::from_u128(number));
        let allowed = (0..1_000).take_while(|_| limits.count_checkout_read(account(1)).is_ok());
        assert!(
            (30..=32).contains(&allowed.count()),
            "30, and what came back meanwhile"
        );
        assert_eq!(limits.count_checkout_read(account(2)), Ok(()));
    }

    #[test]
    fn events_are_counted_and_not_requests() {
        let limits = RequestLimits::new(1);
        let (office, other) = (network("192.0.2.7"), network("192.0.2.8"));
        assert_eq!(limits.count_events(office, 1_990), Ok(()));
        let exceeded = limits.count_events(office, 100).unwrap_err();
        assert!((1..=3).contains(&exceeded.retry_after_secs), "{exceeded}");
        assert_eq!(
            limits.count_events(other, 5_000),
            Ok(()),
            "another network, and a huge batch"
        );
        assert!(limits.count_events(other, 5_000).is_err());
        assert_eq!(limits.count_events(other, 0), Ok(()));
    }

    #[test]
    fn the_factor_multiplies_the_limits_of_networks_only() {
        let (limits, network) = (RequestLimits::new(10), network("192.0.2.7"));
        let account = UserId::new(uuid::Uuid::from_u128(1));
        let allowed = (0..1_000)
            .take_while(|_| limits.count_vote(network).is_ok())
            .count();
        assert_eq!(allowed, 1_000);
        let allowed = (0..1_000).take_while(|_| limits.count_stripe_call(network, account).is_ok());
        assert_eq!(allowed.count(), 10);
    }

    #[test]
    fn a_sweep_keeps_networks_at_their_limit() {
        let (limits, network) = (RequestLimits::new(1), network("192.0.2.7"));
        while limits
            .count_stripe_call(network, UserId::new(uuid::Uuid::from_u128(1)))
            .is_ok()
        {}
        limits.sweep();
        assert_eq!(limits.stripe_calls_of_account.limiter.len(), 1);
        assert!(limits.votes.limiter.is_empty());
    }
}
