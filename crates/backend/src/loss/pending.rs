//! Counts that wait in memory until they are written, all in one transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use tracking::loss::FiredCount;
use tracking::{DeviceId, SessionId, UserId};

use super::ArrivedCounts;
use crate::unwritten::MergeCounts;

/// The most sessions of each kind. Further sessions are not counted until the next flush.
const MAX_SESSIONS: usize = 10_000;

/// A session of a browser.
pub(super) type SessionKey = (DeviceId, SessionId);

/// The counts of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingFired {
    pub(super) count: FiredCount,
    /// The user, if this is the session of the request.
    pub(super) user: Option<UserId>,
    /// Whether a count may be created: it is the session of the request.
    pub(super) is_present: bool,
    pub(super) at_ms: i64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct PendingCounts {
    pub(super) fired: HashMap<SessionKey, PendingFired>,
    pub(super) arrived: HashMap<SessionKey, ArrivedCounts>,
    /// The user in whose session the SDK ran, and when this was recorded.
    pub(super) sdk_sessions: HashMap<SessionKey, (UserId, i64)>,
    /// The campaign of the first touch that the SDK reported for a device.
    pub(super) sdk_campaigns: HashMap<DeviceId, String>,
}

impl PendingCounts {
    pub(super) fn is_empty(&self) -> bool {
        self.fired.is_empty()
            && self.arrived.is_empty()
            && self.sdk_sessions.is_empty()
            && self.sdk_campaigns.is_empty()
    }

    /// Adds a script's count. The larger counts and the later time stay.
    pub(super) fn add_fired(&mut self, fired: PendingFired) {
        let key = (fired.count.device.clone(), fired.count.session);
        merge(&mut self.fired, key, fired, |known, new| {
            known.count.events = known.count.events.max(new.count.events);
            known.count.pages = known.count.pages.max(new.count.pages);
            known.user = known.user.or(new.user);
            known.is_present |= new.is_present;
            known.at_ms = known.at_ms.max(new.at_ms);
        });
    }

    /// Adds events that arrived.
    pub(super) fn add_arrived(&mut self, session: SessionKey, arrived: ArrivedCounts) {
        merge(&mut self.arrived, session, arrived, |known, new| {
            known.events = known.events.saturating_add(new.events);
            known.pages = known.pages.saturating_add(new.pages);
            known.sdk_events = known.sdk_events.saturating_add(new.sdk_events);
        });
    }

    /// Adds a session in which the SDK ran. The first sighting stays.
    pub(super) fn add_sdk_session(&mut self, session: SessionKey, user: UserId, at_ms: i64) {
        merge(&mut self.sdk_sessions, session, (user, at_ms), |_, _| {});
    }

    /// Adds a first touch that the SDK reported. The first report stays.
    pub(super) fn add_sdk_campaign(&mut self, device: DeviceId, campaign: String) {
        merge(&mut self.sdk_campaigns, device, campaign, |_, _| {});
    }
}

impl MergeCounts for PendingCounts {
    fn put_back(&mut self, taken: Self) {
        for fired in taken.fired.into_values() {
            self.add_fired(fired);
        }
        for (session, arrived) in taken.arrived {
            self.add_arrived(session, arrived);
        }
        for (session, (user, at_ms)) in taken.sdk_sessions {
            self.add_sdk_session(session, user, at_ms);
        }
        for (device, campaign) in taken.sdk_campaigns {
            self.add_sdk_campaign(device, campaign);
        }
    }
}

fn merge<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, new: V, combine: impl FnOnce(&mut V, V)) {
    let is_full = map.len() >= MAX_SESSIONS;
    match map.entry(key) {
        Entry::Occupied(mut known) => combine(known.get_mut(), new),
        Entry::Vacant(place) if !is_full => {
            place.insert(new);
        }
        Entry::Vacant(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: usize) -> SessionKey {
        let device = DeviceId::parse(&format!("device-{number:06}")).unwrap();
        (device, SessionId::from_ms(1_795_000_000_000).unwrap())
    }

    #[test]
    fn memory_is_bounded_and_known_sessions_still_count() {
        let mut pending = PendingCounts::default();
        let one = ArrivedCounts {
            pages: 1,
            ..ArrivedCounts::default()
        };
        for number in 0..MAX_SESSIONS + 5 {
            pending.add_arrived(session(number), one);
        }
        pending.add_arrived(session(0), one);
        assert_eq!(pending.arrived.len(), MAX_SESSIONS);
        assert_eq!(pending.arrived[&session(0)].pages, 2);
    }
}
