//! Handoffs: the IDs of a click, passed through Stripe to the webhook that the click causes.
//!
//! A click writes its IDs into the subscription's metadata, in the request that makes the change. Stripe's portal does
//! not carry metadata, so a visit to it is recorded before the redirect. Metadata that comes back is untrusted: invalid
//! values are dropped, and a handoff of another account is ignored.

use std::collections::BTreeMap;

use tracking::{DeviceId, IdSource, InsertId, PresentIds, SessionId, UserId};
use uuid::Uuid;

const USER: &str = "seam_user";
const DEVICE: &str = "seam_device";
const SESSION: &str = "seam_session";
const AT: &str = "seam_at";
const CLICK: &str = "seam_click";

/// Every metadata key that we write. Stripe allows 50 keys of 40 characters with values of 500 (API reference,
/// "Metadata").
pub const KEYS: [&str; 5] = [USER, DEVICE, SESSION, AT, CLICK];

/// By how many ms a handoff may be later than the change that it caused. Stripe's times are whole seconds, and its
/// clock differs from ours.
pub const SKEW_MS: i64 = 2_000;

/// The IDs of a click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeHandoff {
    /// The account that clicked.
    pub account: UserId,
    /// The browser's device ID, if known.
    pub device: Option<DeviceId>,
    /// The session, if known.
    pub session: Option<SessionId>,
    /// Time of the click, in ms since the epoch.
    pub at_ms: i64,
    /// Insert ID of the browser's click event.
    pub click: Option<InsertId>,
}

/// A visit to Stripe's portal, recorded before the redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalVisit {
    /// ID of the row.
    pub id: Uuid,
    /// The account.
    pub account: UserId,
    /// The browser's device ID, if known.
    pub device: Option<DeviceId>,
    /// The session, if known.
    pub session: Option<SessionId>,
    /// Time of the visit, in ms since the epoch.
    pub at_ms: i64,
}

/// The browser that caused a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceAtChange {
    /// The browser's IDs.
    pub ids: PresentIds,
    /// The click or visit that caused the change, if it was recent enough.
    pub caused_by: Option<tracking::HandoffRef>,
    /// Time of the change, in ms since the epoch. Always later than its cause.
    pub time_ms: i64,
}

/// Parses the insert ID of a click event from a form field or from metadata: 8 to 64 of `A-Z a-z 0-9 . _ : -`. It is
/// short enough for an idempotency key.
pub fn parse_click(text: &str) -> Option<InsertId> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    ((8..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| InsertId::existing(text))
}

impl StripeHandoff {
    /// A click of `account` at `at_ms` (ms since the epoch) in a request with these IDs.
    pub fn new(account: UserId, ids: &PresentIds, at_ms: i64, click: Option<InsertId>) -> Self {
        let (device, session) = match ids {
            PresentIds::Live { device, session, .. } => (Some(device.clone()), Some(*session)),
            PresentIds::DeviceOnly { device } => (Some(device.clone()), None),
            PresentIds::Unknown => (None, None),
        };
        Self {
            account,
            device,
            session,
            at_ms,
            click,
        }
    }

    /// Metadata for a new subscription.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        self.values()
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    /// Metadata for a subscription that may have older values. Stripe keeps keys that a request does not name, so keys
    /// without a value are sent empty, which removes them.
    pub fn replacement_metadata(&self) -> BTreeMap<String, String> {
        self.values()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.unwrap_or_default()))
            .collect()
    }

    /// Metadata that removes every ID, for a change without consent.
    pub fn removal_metadata() -> BTreeMap<String, String> {
        KEYS.into_iter()
            .map(|key| (key.to_owned(), String::new()))
            .collect()
    }

    /// Reads a handoff from untrusted metadata. `None` without a valid user and time.
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let value = |key| metadata.get(key).map(String::as_str);
        Some(Self {
            account: UserId::parse(value(USER)?)?,
            device: value(DEVICE).and_then(DeviceId::parse),
            session: value(SESSION).and_then(SessionId::parse),
            // Session IDs are times in ms too, so the same parser applies.
            at_ms: SessionId::parse(value(AT)?)?.ms(),
            click: value(CLICK).and_then(parse_click),
        })
    }

    fn values(&self) -> [(&'static str, Option<String>); 5] {
        [
            (USER, Some(self.account.to_string())),
            (DEVICE, self.device.as_ref().map(DeviceId::to_string)),
            (SESSION, self.session.map(|session| session.to_string())),
            (AT, Some(self.at_ms.to_string())),
            (
                CLICK,
                self.click
                    .as_ref()
                    .and_then(|click| parse_click(click.as_str()))
                    .map(|click| click.to_string()),
            ),
        ]
    }
}

/// The browser that caused a change of `account` at `change_ms` (ms since the epoch, wall clock). The newest handoff
/// counts. One older than `timeout_ms` gives the device only, not the session.
pub fn present_ids(
    account: UserId,
    change_ms: i64,
    handoffs: &[StripeHandoff],
    visits: &[PortalVisit],
    timeout_ms: i64,
) -> PresenceAtChange {
    let clicks = handoffs
        .iter()
        .filter(|handoff| handoff.account == account)
        .map(Candidate::from_click);
    let visits = visits
        .iter()
        .filter(|visit| visit.account == account)
        .map(Candidate::from_visit);
    let newest = clicks
        .chain(visits)
        .filter(|candidate| candidate.at_ms <= change_ms.saturating_add(SKEW_MS))
        .max_by_key(|candidate| candidate.at_ms);
    let Some(newest) = newest else {
        return PresenceAtChange {
            ids: PresentIds::Unknown,
            caused_by: None,
            time_ms: change_ms,
        };
    };
    let live = newest.at_ms >= change_ms.saturating_sub(timeout_ms);
    PresenceAtChange {
        ids: match (newest.device, newest.session) {
            (Some(device), Some(session)) if live => PresentIds::Live {
                device: device.clone(),
                session,
                source: newest.source,
            },
            (Some(device), _) => PresentIds::DeviceOnly {
                device: device.clone(),
            },
            (None, _) => PresentIds::Unknown,
        },
        caused_by: newest.caused_by.filter(|_| live),
        time_ms: change_ms.max(newest.at_ms.saturating_add(1)),
    }
}

struct Candidate<'a> {
    device: Option<&'a DeviceId>,
    session: Option<SessionId>,
    at_ms: i64,
    source: IdSource,
    caused_by: Option<tracking::HandoffRef>,
}

impl<'a> Candidate<'a> {
    fn from_click(handoff: &'a StripeHandoff) -> Self {
        Self {
            device: handoff.device.as_ref(),
            session: handoff.session,
            at_ms: handoff.at_ms,
            source: IdSource::CheckoutHandoff,
            caused_by: handoff.click.clone().map(tracking::HandoffRef::Click),
        }
    }

    fn from_visit(visit: &'a PortalVisit) -> Self {
        Self {
            device: visit.device.as_ref(),
            session: visit.session,
            at_ms: visit.at_ms,
            source: IdSource::PortalVisit,
            caused_by: Some(tracking::HandoffRef::PortalVisit(visit.id.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
