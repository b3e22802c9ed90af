//! Which analytics session a request belongs to.
//!
//! Two cookies can contain a session: the SDK's, with times of the browser's clock, and ours, with times of the server's
//! clock. The session with the later activity wins if it has not timed out; otherwise a new session starts.
//! This module does not decide which requests count as activity, and does not measure the browser's clock.

use std::fmt;

use crate::ids::{DeviceId, SessionId};
use crate::presence::IdSource;
use crate::sdk_cookie::SdkCookie;

/// Session timeout in ms, the SDK's default. As in the SDK, a session that was idle for exactly this time continues.
pub const TIMEOUT_MS: i64 = 1_800_000;

/// Maximum accepted offset of a browser's clock, in ms: the largest difference between two time zones. Larger
/// measurements are ignored.
pub const MAX_CLOCK_OFFSET_MS: i64 = 26 * 60 * 60 * 1000;

/// The session in our cookie `seam_session`. Both times are of the server's clock, unless the SDK started the session.
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

    /// Parses the output of [`fmt::Display`]; any other text is `None`.
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
pub struct ResolvedSession {
    /// The session of all events of this request.
    pub session: SessionId,
    /// [`IdSource::SdkCookie`] if the SDK's cookie contains the session, otherwise [`IdSource::ServerSession`].
    pub source: IdSource,
    /// Whether this request starts the session.
    pub started: bool,
}

/// Returns the session of a request at `now_ms` (server's clock, ms since the epoch) from the browser `device`. After a
/// change of the device ID the caller passes no cookie of the old one. `clock_offset_ms` is the browser's clock minus the
/// server's clock, measured by the browser and untrusted.
pub fn resolve(
    now_ms: i64,
    device: &DeviceId,
    own: Option<OwnSession>,
    sdk: Option<&SdkCookie>,
    clock_offset_ms: Option<i64>,
) -> ResolvedSession {
    let own = own.filter(|own| is_plausible(own.session, now_ms));
    let offset = clock_offset_ms.filter(|ms| (-MAX_CLOCK_OFFSET_MS..=MAX_CLOCK_OFFSET_MS).contains(ms));

    let ours =
        own.map(|own| Candidate::new(own.session, own.last_activity_ms, IdSource::ServerSession, now_ms));
    let theirs = sdk
        // An SDK instance from before a sign-out can write its old cookie again. It has another device and is ignored.
        .filter(|sdk| sdk.device == *device && is_plausible(sdk.session, now_ms))
        .and_then(|sdk| Some((sdk.session, last_event_ms(now_ms, sdk, own, offset)?)))
        .map(|(session, last)| Candidate::new(session, last, IdSource::SdkCookie, now_ms));

    let is_active = |candidate: &Candidate| now_ms.saturating_sub(candidate.last_activity_ms) <= TIMEOUT_MS;
    match (theirs.filter(is_active), ours.filter(is_active)) {
        // The SDK's cookie wins for the same session, and for equal times of activity.
        (Some(theirs), Some(ours))
            if theirs.session == ours.session || theirs.last_activity_ms >= ours.last_activity_ms =>
        {
            theirs.resolved()
        }
        (_, Some(ours)) => ours.resolved(),
        (Some(theirs), None) => theirs.resolved(),
        (None, None) => ResolvedSession {
            session: SessionId::starting_at(now_ms),
            source: IdSource::ServerSession,
            started: true,
        },
    }
}

struct Candidate {
    session: SessionId,
    last_activity_ms: i64,
    source: IdSource,
}

impl Candidate {
    /// Limits the last activity to now, because cookies can contain future times.
    fn new(session: SessionId, last_activity_ms: i64, source: IdSource, now_ms: i64) -> Self {
        Self {
            session,
            last_activity_ms: last_activity_ms.min(now_ms),
            source,
        }
    }

    fn resolved(self) -> ResolvedSession {
        ResolvedSession {
            session: self.session,
            source: self.source,
            started: false,
        }
    }
}

/// Time of the SDK's last event by the server's clock; `None` if it cannot be determined.
fn last_event_ms(now_ms: i64, sdk: &SdkCookie, own: Option<OwnSession>, offset: Option<i64>) -> Option<i64> {
    if let Some(offset) = offset {
        return Some(sdk.last_event_ms.saturating_sub(offset));
    }
    // The browser's clock is unknown. For the session in our cookie, use the server's time of its last activity.
    if let Some(own) = own.filter(|own| own.session == sdk.session) {
        return Some(own.last_activity_ms);
    }
    // A wrong clock could end an active session or keep an idle one active for hours, so accept only small differences.
    let distance = sdk.last_event_ms.saturating_sub(now_ms);
    (-TIMEOUT_MS..=TIMEOUT_MS)
        .contains(&distance)
        .then_some(sdk.last_event_ms)
}

/// Whether the session starts in the past, or in the future by at most the accepted clock offset.
fn is_plausible(session: SessionId, now_ms: i64) -> bool {
    session.ms() <= now_ms.saturating_add(MAX_CLOCK_OFFSET_MS)
}

#[cfg(test)]
mod tests;
