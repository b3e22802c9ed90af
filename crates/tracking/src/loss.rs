//! Browser event loss: events that a page's script fired, compared with events that arrived. Blockers cause the loss.
//!
//! The script counts feature events and page views in a first-party cookie, which blockers do not stop. The SDK's own
//! events are estimated. The cookie is untrusted: it is used for statistics only.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SessionId};

/// Upper limit of a count in one session. Higher counts are capped.
const MAX_COUNT: u32 = 10_000;

/// How many events a page's script has fired in one session, by its own count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FiredCount {
    /// The browser's device ID.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
    /// Feature events.
    pub events: u32,
    /// Page views: documents and route changes.
    pub pages: u32,
}

impl FiredCount {
    /// Name of the cookie.
    pub const COOKIE: &'static str = "seam_fired";

    /// Parses the cookie's value, `device.session.events.pages`. Any other text is `None`. Counts above the limit are
    /// capped.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '.');
        let mut count = || Some(parts.next()?.parse::<u32>().ok()?.min(MAX_COUNT));
        let (pages, events) = (count()?, count()?);
        Some(Self {
            session: SessionId::parse(parts.next()?)?,
            device: DeviceId::parse(parts.next()?)?,
            events,
            pages,
        })
    }
}

/// Fired and arrived events of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Events that were fired.
    pub fired: u64,
    /// Events that arrived, without known duplicates; at most `fired`.
    pub arrived: u64,
}

impl Share {
    /// Events that did not arrive.
    pub const fn lost(self) -> u64 {
        self.fired.saturating_sub(self.arrived)
    }

    /// Events that did not arrive, in percent, rounded; `None` if no event was fired.
    pub const fn lost_percent(self) -> Option<u64> {
        (self.lost() * 100 + self.fired / 2).checked_div(self.fired)
    }
}

/// The event loss over all counted sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Sessions with a count.
    pub sessions: u64,
    /// Feature events.
    pub events: Share,
    /// Page views.
    pub pages: Share,
    /// Sessions in which an event of the SDK itself arrived.
    pub sessions_of_sdk: u64,
}

impl Loss {
    /// Feature events and page views together.
    pub const fn counted(&self) -> Share {
        Share {
            fired: self.events.fired + self.pages.fired,
            arrived: self.events.arrived + self.pages.arrived,
        }
    }

    /// The SDK's `session_start` events, estimated as one per session.
    pub const fn session_starts(&self) -> Share {
        Share {
            fired: self.sessions,
            arrived: self.sessions_of_sdk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_cookies_are_parsed() {
        let fired = |device: &str, events, pages| FiredCount {
            device: DeviceId::parse(device).unwrap(),
            session: SessionId::from_ms(1_795_000_000_000).unwrap(),
            events,
            pages,
        };
        let rows = [
            (
                "device-0001.1795000000000.3.12",
                Some(fired("device-0001", 3, 12)),
            ),
            (
                "an.sdk.device.1795000000000.0.1",
                Some(fired("an.sdk.device", 0, 1)),
            ),
            (
                "device-0001.1795000000000.4000000000.2",
                Some(fired("device-0001", MAX_COUNT, 2)),
            ),
            ("device-0001.1795000000000.3", None),
            ("device-0001.1795000000000.-1.2", None),
            ("device-0001.1795000000000.1e3.2", None),
            ("device-0001.5.1.2", None),
            (".1795000000000.1.2", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(FiredCount::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lost_percent_is_rounded_and_none_without_events() {
        let rows = [
            (0, 0, None),
            (3, 3, Some(0)),
            (3, 2, Some(33)),
            (3, 1, Some(67)),
            (7, 0, Some(100)),
        ];
        for (fired, arrived, expected) in rows {
            assert_eq!(
                Share { fired, arrived }.lost_percent(),
                expected,
                "{arrived} of {fired}"
            );
        }
    }
}
