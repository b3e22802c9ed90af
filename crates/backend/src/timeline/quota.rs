//! Divides Amplitude's limit of queries between operators and visitors, and between visitors' networks. It counts the
//! queries of this process only.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::direct::NotKeyed;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::ReadError;
use crate::NetworkKey;

/// Whose share of the limit a query uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryShare {
    /// The operators' third; after it, what the visitors have left.
    Operator,
    /// The visitors' two thirds, of which one network may use a sixth.
    Visitor(NetworkKey),
}

/// A limit of all queries of one kind of readers.
type Limit<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A limit of each network.
type NetworkLimit<C> =
    RateLimiter<NetworkKey, DefaultKeyedStateStore<NetworkKey>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The queries that are left.
pub(super) struct QueryQuota<C: Clock = DefaultClock> {
    operators: Limit<C>,
    visitors: Limit<C>,
    networks: NetworkLimit<C>,
    clock: C,
}

impl QueryQuota {
    pub(super) fn new(per_hour: NonZeroU32) -> Self {
        Self::with_clock(per_hour, DefaultClock::default())
    }
}

impl<C: Clock + Clone> QueryQuota<C> {
    fn with_clock(per_hour: NonZeroU32, clock: C) -> Self {
        let visitors = per_hour.get() / 3 * 2;
        Self {
            operators: RateLimiter::direct_with_clock(hourly(per_hour.get() - visitors), clock.clone()),
            visitors: RateLimiter::direct_with_clock(hourly(visitors), clock.clone()),
            networks: RateLimiter::new(
                hourly(visitors / 6),
                DefaultKeyedStateStore::default(),
                clock.clone(),
            ),
            clock,
        }
    }

    /// Counts a query.
    ///
    /// # Errors
    /// `RateLimited` when the share is used up, `NetworkLimited` when the network has used its part.
    pub(super) fn spend(&self, share: QueryShare) -> Result<(), ReadError> {
        if let QueryShare::Visitor(network) = share {
            self.networks.retain_recent();
            self.networks.check_key(&network).map_err(|until| {
                let wait = until.wait_time_from(self.clock.now());
                ReadError::NetworkLimited {
                    minutes: u32::try_from(wait.as_secs().div_ceil(60)).unwrap_or(u32::MAX),
                }
            })?;
        } else if self.operators.check().is_ok() {
            return Ok(());
        }
        self.visitors.check().map_err(|_| ReadError::RateLimited)
    }
}

/// At most so many in any hour: half of them at once, and the other half evenly.
fn hourly(queries: u32) -> Quota {
    let half = NonZeroU32::new(queries / 2).unwrap_or(NonZeroU32::MIN);
    Quota::per_hour(half)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn visitor(number: u8) -> QueryShare {
        QueryShare::Visitor(NetworkKey::of([192, 0, 2, number].into()))
    }

    /// How many of `tries` queries are allowed.
    fn allowed(quota: &QueryQuota<FakeRelativeClock>, share: QueryShare, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(quota.spend(share).is_ok())).sum()
    }

    fn quota() -> (QueryQuota<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_hour = NonZeroU32::new(360).unwrap();
        (QueryQuota::with_clock(per_hour, clock.clone()), clock)
    }

    #[test]
    fn a_network_has_a_part_of_the_visitors_share() {
        let (quota, clock) = quota();
        assert_eq!(allowed(&quota, visitor(1), 100), 20);
        let error = quota.spend(visitor(1)).unwrap_err();
        assert!(
            matches!(error, ReadError::NetworkLimited { minutes: 3 }),
            "{error}"
        );
        assert_eq!(allowed(&quota, visitor(2), 100), 20, "another network");
        clock.advance(Duration::from_secs(3 * 60));
        assert_eq!(allowed(&quota, visitor(1), 100), 1);
    }

    #[test]
    fn visitors_leave_the_operators_share() {
        let (quota, clock) = quota();
        let visitors: u32 = (0..200).map(|number| allowed(&quota, visitor(number), 20)).sum();
        assert_eq!(visitors, 120);
        assert!(matches!(quota.spend(visitor(201)), Err(ReadError::RateLimited)));
        assert_eq!(allowed(&quota, QueryShare::Operator, 100), 60);
        let mut later = 0;
        for _ in 0..60 {
            clock.advance(Duration::from_secs(60));
            later += allowed(&quota, QueryShare::Operator, 10);
            later += (0..200)
                .map(|number| allowed(&quota, visitor(number), 1))
                .sum::<u32>();
        }
        assert!(visitors + 60 + later <= 360, "{later} more within an hour");
    }

    #[test]
    fn operators_use_what_visitors_leave() {
        let (quota, _) = quota();
        assert_eq!(allowed(&quota, QueryShare::Operator, 400), 180);
        assert_eq!(allowed(&quota, visitor(1), 1), 0);
    }
}
