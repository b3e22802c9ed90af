//! Limits on what is open at the same time: connections, feeds, password hashes. It counts; it does not close anything.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::NetworkKey;

/// Places for things that are open, in total and for each network. Cheap to clone; clones share the places.
#[derive(Clone, Debug)]
pub struct Slots {
    total: usize,
    per_network: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    of_network: HashMap<NetworkKey, usize>,
    refused_by_total: u64,
    refused_by_network: u64,
}

/// How many places are taken, and how often [`Slots::take`] has failed, by the limit that was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotUsage {
    /// Places that are taken now.
    pub taken: usize,
    /// Refusals because the total was reached.
    pub refused_by_total: u64,
    /// Refusals because the limit of a network was reached.
    pub refused_by_network: u64,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The total.
    Total,
    /// The limit of this network.
    Network,
}

impl Slots {
    /// Free places.
    pub fn new(total: usize, per_network: usize) -> Self {
        Self {
            total,
            per_network,
            taken: Arc::default(),
        }
    }

    /// Takes a place, which is free again when the slot is dropped. Without a network it counts in the total only.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn take(&self, network: Option<NetworkKey>) -> Result<Slot, LimitReached> {
        let mut taken = lock(&self.taken);
        if taken.total >= self.total {
            taken.refused_by_total += 1;
            return Err(LimitReached::Total);
        }
        if let Some(network) = network {
            let open = taken.of_network.entry(network).or_default();
            if *open >= self.per_network {
                taken.refused_by_network += 1;
                return Err(LimitReached::Network);
            }
            *open += 1;
        }
        taken.total += 1;
        Ok(Slot {
            network,
            taken: Arc::clone(&self.taken),
        })
    }

    /// The places that are taken now, and the refusals so far.
    pub fn usage(&self) -> SlotUsage {
        let taken = lock(&self.taken);
        SlotUsage {
            taken: taken.total,
            refused_by_total: taken.refused_by_total,
            refused_by_network: taken.refused_by_network,
        }
    }
}

/// A taken place.
#[derive(Debug)]
pub struct Slot {
    network: Option<NetworkKey>,
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.total -= 1;
        if let Some(network) = self.network
            && let Entry::Occupied(mut open) = taken.of_network.entry(network)
        {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<NetworkKey> {
        Some(NetworkKey::of(text.parse().unwrap()))
    }

    #[test]
    fn a_slot_is_free_again_after_its_drop() {
        let slots = Slots::new(3, 2);
        let mut open = Vec::new();
        for (address, expected) in [
            ("192.0.2.1", Ok(())),
            ("192.0.2.1", Ok(())),
            ("192.0.2.1", Err(LimitReached::Network)),
            ("192.0.2.2", Ok(())),
            ("192.0.2.3", Err(LimitReached::Total)),
        ] {
            let slot = slots.take(network(address));
            assert_eq!(
                slot.as_ref().map(|_| ()).map_err(|limit| *limit),
                expected,
                "{address}"
            );
            open.extend(slot);
        }
        let usage = |taken| SlotUsage {
            taken,
            refused_by_total: 1,
            refused_by_network: 1,
        };
        assert_eq!(slots.usage(), usage(3));
        drop(open);
        assert_eq!(slots.usage(), usage(0));
        let taken = lock(&slots.taken);
        assert!(taken.total == 0 && taken.of_network.is_empty(), "{taken:?}");
    }

    #[test]
    fn without_a_network_only_the_total_counts() {
        let slots = Slots::new(2, 1);
        let open = [slots.take(None), slots.take(None)];
        assert!(open.iter().all(Result::is_ok));
        assert_eq!(slots.take(None).unwrap_err(), LimitReached::Total);
    }

    #[test]
    fn a_refused_network_is_not_remembered() {
        let slots = Slots::new(0, 1);
        assert!(slots.take(network("2001:db8::1")).is_err());
        assert!(lock(&slots.taken).of_network.is_empty());
    }
}
