//! The devices that a browser had before its last sign-outs, and which events a browser may send.

use std::fmt;

use tracking::{DeviceId, UserId};
use uuid::Uuid;

/// A device that a browser had until a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousDevice {
    /// The device.
    pub device: DeviceId,
    /// The login that ended.
    pub login: Uuid,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: i64,
}

impl PreviousDevice {
    /// For how long late events of such a device are accepted. The SDK sends them when the next page starts.
    pub const LIFE_MS: i64 = 24 * 3_600_000;

    /// Sign-outs that a browser remembers.
    const MAX: usize = 4;

    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        Some(Self {
            device: DeviceId::parse(parts.next()?)?,
            login: Uuid::parse_str(parts.next()?).ok()?,
            ended_at_ms: parts.next()?.parse().ok()?,
        })
    }

    /// This device and those before it, newest first, without those that are too old.
    pub fn followed_by(self, earlier: &[Self]) -> Vec<Self> {
        let now_ms = self.ended_at_ms;
        let earlier = still_accepted(earlier, now_ms).filter(|known| known.device != self.device);
        let mut all = vec![self.clone()];
        all.extend(earlier.cloned());
        all.truncate(Self::MAX);
        all
    }
}

impl fmt::Display for PreviousDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.device, self.login, self.ended_at_ms)
    }
}

/// The devices whose late events are accepted at `now_ms`.
fn still_accepted(devices: &[PreviousDevice], now_ms: i64) -> impl Iterator<Item = &PreviousDevice> {
    devices
        .iter()
        .filter(move |known| now_ms - known.ended_at_ms < PreviousDevice::LIFE_MS)
}

/// A device that may send late events of a login that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSender {
    /// The device.
    pub device: DeviceId,
    /// The login.
    pub login: Uuid,
    /// When the browser stopped being this device, in ms since the epoch; `None`: it still is.
    pub until_ms: Option<i64>,
}

/// The events that a browser may send, by its cookies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSenders {
    /// The browser's device.
    pub own: Option<DeviceId>,
    /// The user who is signed in.
    pub user: Option<UserId>,
    /// The device of each login that has ended in this browser, and of an ended login whose cookie the browser still has.
    pub ended: Vec<EndedSender>,
    /// When tracking began with the user's consent, in ms since the epoch; `None` if it was never off.
    pub consented_since_ms: Option<i64>,
}

impl EventSenders {
    /// `ended`: the login that the browser presented and that has ended.
    pub fn new(
        own: Option<&DeviceId>,
        user: Option<UserId>,
        ended: Option<Uuid>,
        previous: &[PreviousDevice],
        consented_since_ms: Option<i64>,
        now_ms: i64,
    ) -> Self {
        let previous = still_accepted(previous, now_ms).map(|known| EndedSender {
            device: known.device.clone(),
            login: known.login,
            until_ms: Some(known.ended_at_ms),
        });
        let presented = own.cloned().zip(ended).map(|(device, login)| EndedSender {
            device,
            login,
            until_ms: None,
        });
        Self {
            own: own.cloned(),
            user,
            ended: presented.into_iter().chain(previous).collect(),
            consented_since_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u128, ended_at_ms: i64) -> PreviousDevice {
        PreviousDevice {
            device: DeviceId::from_uuid(Uuid::from_u128(number)),
            login: Uuid::from_u128(number),
            ended_at_ms,
        }
    }

    #[test]
    fn the_newest_sign_outs_of_one_day_are_kept() {
        const NOW: i64 = 1_795_000_000_000;
        let earlier: Vec<_> = (2..9).map(|number| device(number, NOW - 1_000)).collect();
        let kept = device(1, NOW).followed_by(&earlier);
        assert_eq!(
            kept,
            [
                device(1, NOW),
                device(2, NOW - 1_000),
                device(3, NOW - 1_000),
                device(4, NOW - 1_000)
            ]
        );
        let old = device(2, NOW - PreviousDevice::LIFE_MS);
        assert_eq!(
            device(1, NOW).followed_by(std::slice::from_ref(&old)),
            [device(1, NOW)]
        );
        let senders = EventSenders::new(None, None, None, &[old], None, NOW);
        assert_eq!(senders, EventSenders::default());
    }

    #[test]
    fn malformed_entries_are_absent() {
        for text in [
            "",
            "~~",
            "device-0001~x~1",
            "device-0001~00000000-0000-0000-0000-000000000001",
            "x~y~z~1",
        ] {
            assert_eq!(PreviousDevice::parse(text), None, "{text}");
        }
    }
}
