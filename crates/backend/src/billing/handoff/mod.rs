//! IDs of a click, handed through Stripe to the webhook that the click causes.
//!
//! A click writes them into the subscription's metadata, in the call that makes the change. Stripe's portal carries no
//! metadata; a visit to it is noted before the redirect. What comes back is untrusted, as anything from outside: a
//! value that we would not have written is absent, and a handoff of another account is nobody's.

use std::collections::BTreeMap;

use tracking::{DeviceId, Found, InsertId, PresentIds, SessionId, UserId};
use uuid::Uuid;

const USER: &str = "seam_user";
const DEVICE: &str = "seam_device";
const SESSION: &str = "seam_session";
const AT: &str = "seam_at";
const CLICK: &str = "seam_click";

/// Every key that we write. Stripe keeps up to 50 keys of 40 characters with values of 500 (API reference, "Metadata").
pub const KEYS: [&str; 5] = [USER, DEVICE, SESSION, AT, CLICK];

/// How far a handoff may seem to be later than the change that it caused, in ms: Stripe tells the moment of a change
/// in whole seconds, and its clock is not ours.
pub const SKEW_MS: i64 = 2_000;

/// What a click hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// Who clicked.
    pub account: UserId,
    /// In which browser, where that is known.
    pub device: Option<DeviceId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// When, in ms since the epoch.
    pub at_ms: i64,
    /// Insert ID of the browser's click event.
    pub click: Option<InsertId>,
}

/// A visit to Stripe's portal, noted before the redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalVisit {
    /// Our row.
    pub id: Uuid,
    /// Who went there.
    pub account: UserId,
    /// In which browser, where that is known.
    pub device: Option<DeviceId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// When, in ms since the epoch.
    pub at_ms: i64,
}

/// Who was there at a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The browser's IDs.
    pub ids: PresentIds,
    /// What led there: only what was young enough to have done so.
    pub led_by: Option<tracking::Handoff>,
    /// When the change happened, in ms since the epoch: never before what led to it.
    pub time_ms: i64,
}

/// The insert ID of a click event, as a form's hidden field or Stripe's metadata repeats it: 8 to 64 of
/// `A-Z a-z 0-9 . _ : -`. Short enough for an idempotency key.
pub fn read_click(text: &str) -> Option<InsertId> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    ((8..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| InsertId::existing(text))
}

impl Handoff {
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

    /// Metadata for a subscription that is to be made.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        self.values()
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    /// Metadata for a subscription that has some. Stripe keeps the keys that it is not told of, so those without a
    /// value are sent empty, which removes them; or the last click's would pass for this one's.
    pub fn metadata_over_older(&self) -> BTreeMap<String, String> {
        self.values()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.unwrap_or_default()))
            .collect()
    }

    /// Metadata that removes every ID: for a change by somebody who wants none kept at Stripe.
    pub fn withdrawn() -> BTreeMap<String, String> {
        KEYS.into_iter()
            .map(|key| (key.to_owned(), String::new()))
            .collect()
    }

    /// Reads what the metadata of a subscription says, in whatever hands it was. Without a user or a moment there is
    /// no handoff.
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let value = |key| metadata.get(key).map(String::as_str);
        Some(Self {
            account: UserId::parse(value(USER)?)?,
            device: value(DEVICE).and_then(DeviceId::parse),
            session: value(SESSION).and_then(SessionId::parse),
            // A moment of a session and a moment of ours look alike.
            at_ms: SessionId::parse(value(AT)?)?.ms(),
            click: value(CLICK).and_then(read_click),
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
                    .and_then(|click| read_click(click.as_str()))
                    .map(|click| click.to_string()),
            ),
        ]
    }
}

/// Who was there when something of `account` changed at `change_ms` (ms since the epoch, wall clock). The newest
/// handoff counts; one older than `timeout_ms` says in which browser the account was at home, not in which session.
pub fn present_ids(
    account: UserId,
    change_ms: i64,
    handoffs: &[Handoff],
    visits: &[PortalVisit],
    timeout_ms: i64,
) -> Presence {
    let clicks = handoffs
        .iter()
        .filter(|handoff| handoff.account == account)
        .map(Candidate::of_click);
    let visits = visits
        .iter()
        .filter(|visit| visit.account == account)
        .map(Candidate::of_visit);
    let newest = clicks
        .chain(visits)
        .filter(|candidate| candidate.at_ms <= change_ms.saturating_add(SKEW_MS))
        .max_by_key(|candidate| candidate.at_ms);
    let Some(newest) = newest else {
        return Presence {
            ids: PresentIds::Unknown,
            led_by: None,
            time_ms: change_ms,
        };
    };
    let live = newest.at_ms >= change_ms.saturating_sub(timeout_ms);
    Presence {
        ids: match (newest.device, newest.session) {
            (Some(device), Some(session)) if live => PresentIds::Live {
                device: device.clone(),
                session,
                found: newest.found,
            },
            (Some(device), _) => PresentIds::DeviceOnly {
                device: device.clone(),
            },
            (None, _) => PresentIds::Unknown,
        },
        led_by: newest.led_by.filter(|_| live),
        time_ms: change_ms.max(newest.at_ms.saturating_add(1)),
    }
}

struct Candidate<'a> {
    device: Option<&'a DeviceId>,
    session: Option<SessionId>,
    at_ms: i64,
    found: Found,
    led_by: Option<tracking::Handoff>,
}

impl<'a> Candidate<'a> {
    fn of_click(handoff: &'a Handoff) -> Self {
        Self {
            device: handoff.device.as_ref(),
            session: handoff.session,
            at_ms: handoff.at_ms,
            found: Found::CheckoutHandoff,
            led_by: handoff.click.clone().map(tracking::Handoff::Click),
        }
    }

    fn of_visit(visit: &'a PortalVisit) -> Self {
        Self {
            device: visit.device.as_ref(),
            session: visit.session,
            at_ms: visit.at_ms,
            found: Found::PortalVisit,
            led_by: Some(tracking::Handoff::PortalVisit(visit.id.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
