//! What blockers eat: what a browser's script says it has fired, against what has come by.
//!
//! The count is our own and travels in a cookie with every request, so it gets through where Amplitude's SDK does not. It has
//! feature events and page views; what the SDK fires by itself is estimated. A browser can say anything here, so nothing
//! follows from it but a figure.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SessionId};

/// More than this nobody does in one session.
const MOST: u32 = 10_000;

/// What a browser's script has fired so far in one session, by its own count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fired {
    /// The browser, as the script knows it.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
    /// Feature events.
    pub events: u32,
    /// Page views: documents and route changes.
    pub pages: u32,
}

impl Fired {
    /// The cookie that carries it.
    pub const COOKIE: &'static str = "seam_fired";

    /// Reads the cookie's value, `device.session.events.pages`. What is no such value is no count; of one that is too high
    /// only so much is believed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '.');
        let mut count = || Some(parts.next()?.parse::<u32>().ok()?.min(MOST));
        let (pages, events) = (count()?, count()?);
        Some(Self {
            session: SessionId::parse(parts.next()?)?,
            device: DeviceId::parse(parts.next()?)?,
            events,
            pages,
        })
    }
}

/// What arrived of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What left, or tried to.
    pub fired: u64,
    /// What arrived of it; repeats are left out as far as they are known, so never more than that.
    pub arrived: u64,
}

impl Share {
    /// What did not arrive.
    pub const fn lost(self) -> u64 {
        self.fired.saturating_sub(self.arrived)
    }

    /// What did not arrive, in whole percent; `None` where nothing was fired.
    pub const fn lost_percent(self) -> Option<u64> {
        (self.lost() * 100 + self.fired / 2).checked_div(self.fired)
    }
}

/// What browsers lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Sessions in which a script counted.
    pub sessions: u64,
    /// Feature events.
    pub events: Share,
    /// Page views.
    pub pages: Share,
    /// Sessions in which something of the SDK's own arrived.
    pub sessions_of_sdk: u64,
}

impl Loss {
    /// What was counted.
    pub const fn counted(&self) -> Share {
        Share {
            fired: self.events.fired + self.pages.fired,
            arrived: self.events.arrived + self.pages.arrived,
        }
    }

    /// Estimated: a `session_start` of the SDK's own in each of the sessions.
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
    fn what_the_cookie_may_say() {
        let fired = |device: &str, events, pages| Fired {
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
                Some(fired("device-0001", MOST, 2)),
            ),
            ("device-0001.1795000000000.3", None),
            ("device-0001.1795000000000.-1.2", None),
            ("device-0001.1795000000000.1e3.2", None),
            ("device-0001.5.1.2", None),
            (".1795000000000.1.2", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Fired::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn percent_is_rounded_and_of_nothing_there_is_none() {
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
