//! Which analytics session a request belongs to.
//!
//! Two cookies may know one: the SDK's, whose moments are the browser's clock, and ours, whose moments are the
//! server's. The one with the later activity wins while it is younger than the timeout; else a new session starts.
//! Whether a request counts as activity, and how the browser's clock is measured, is decided elsewhere.

use std::fmt;

use crate::ids::{DeviceId, SessionId};
use crate::presence::Found;
use crate::sdk_cookie::SdkCookie;

/// How long a session may idle, in ms. The SDK's default, and its boundary: a session that idled for exactly this
/// long goes on.
pub const TIMEOUT_MS: i64 = 1_800_000;

/// The furthest that a browser's clock is believed to be off, in ms: the widest difference between two time zones,
/// for clocks that are set to the wrong one. Beyond it the measurement is not believed.
pub const MAX_CLOCK_OFFSET_MS: i64 = 26 * 60 * 60 * 1000;

/// Our own record of the session, in the cookie `seam_session`. Both moments are the server's clock, unless the
/// session was started by the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// The session.
    pub session: SessionId,
    /// Last activity that the server saw, in ms since the epoch.
    pub last_activity_ms: i64,
}

impl OwnSession {
    /// Name of the cookie.
    pub const COOKIE: &'static str = "seam_session";

    /// Reads what [`fmt::Display`] writes; anything else, however long, is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, last_activity) = text.split_once('.')?;
        let last_activity_ms = SessionId::parse(last_activity)?.ms();
        Some(Self {
            session: SessionId::parse(session)?,
            last_activity_ms,
        })
    }
}

/// `<session>.<last activity>`, both in ms since the epoch.
impl fmt::Display for OwnSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.last_activity_ms)
    }
}

/// The session of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The session that everything in this request belongs to.
    pub session: SessionId,
    /// [`Found::SdkCookie`] if the SDK's cookie vouches for it, else [`Found::ServerSession`].
    pub found: Found,
    /// Whether it starts here.
    pub started: bool,
}

/// Picks the session of a request that came at `now_ms` (server's clock, ms since the epoch) from the browser
/// `device`. After a rotation of the device the caller passes no cookie of the old one. `clock_offset_ms` is the browser's clock minus the server's, as the browser measured it: untrusted.
pub fn resolve(
    now_ms: i64,
    device: &DeviceId,
    own: Option<OwnSession>,
    sdk: Option<&SdkCookie>,
    clock_offset_ms: Option<i64>,
) -> Resolved {
    let own = own.filter(|own| plausible(own.session, now_ms));
    let offset = clock_offset_ms.filter(|ms| (-MAX_CLOCK_OFFSET_MS..=MAX_CLOCK_OFFSET_MS).contains(ms));

    let ours = own.map(|own| Candidate::new(own.session, own.last_activity_ms, Found::ServerSession, now_ms));
    let theirs = sdk
        // Whatever still runs with the identity before a sign-out writes its cookie back: not ours, not read.
        .filter(|sdk| sdk.device == *device && plausible(sdk.session, now_ms))
        .and_then(|sdk| Some((sdk.session, last_event_ms(now_ms, sdk, own, offset)?)))
        .map(|(session, last)| Candidate::new(session, last, Found::SdkCookie, now_ms));

    let alive = |candidate: &Candidate| now_ms.saturating_sub(candidate.last_activity_ms) <= TIMEOUT_MS;
    match (theirs.filter(alive), ours.filter(alive)) {
        // One session in both: the SDK's word is the better one, whoever saw the last activity. And at a tie.
        (Some(theirs), Some(ours))
            if theirs.session == ours.session || theirs.last_activity_ms >= ours.last_activity_ms =>
        {
            theirs.resolved()
        }
        (_, Some(ours)) => ours.resolved(),
        (Some(theirs), None) => theirs.resolved(),
        (None, None) => Resolved {
            session: SessionId::starting_at(now_ms),
            found: Found::ServerSession,
            started: true,
        },
    }
}

struct Candidate {
    session: SessionId,
    last_activity_ms: i64,
    found: Found,
}

impl Candidate {
    /// Nothing happened later than now, whatever a cookie says.
    fn new(session: SessionId, last_activity_ms: i64, found: Found, now_ms: i64) -> Self {
        Self {
            session,
            last_activity_ms: last_activity_ms.min(now_ms),
            found,
        }
    }

    fn resolved(self) -> Resolved {
        Resolved {
            session: self.session,
            found: self.found,
            started: false,
        }
    }
}

/// The SDK's last event by the server's clock, as far as that can be known.
fn last_event_ms(now_ms: i64, sdk: &SdkCookie, own: Option<OwnSession>, offset: Option<i64>) -> Option<i64> {
    if let Some(offset) = offset {
        return Some(sdk.last_event_ms.saturating_sub(offset));
    }
    // The browser's clock is unknown. Of a session that we know, our own clock tells when it was last active.
    if let Some(own) = own.filter(|own| own.session == sdk.session) {
        return Some(own.last_activity_ms);
    }
    // A clock that is far off would make every session dead, or an idle one young for hours.
    let distance = sdk.last_event_ms.saturating_sub(now_ms);
    (-TIMEOUT_MS..=TIMEOUT_MS)
        .contains(&distance)
        .then_some(sdk.last_event_ms)
}

/// A browser's clock may be ahead and so may a session that it started, but not by more than any clock is.
fn plausible(session: SessionId, now_ms: i64) -> bool {
    session.ms() <= now_ms.saturating_add(MAX_CLOCK_OFFSET_MS)
}

#[cfg(test)]
mod tests;
