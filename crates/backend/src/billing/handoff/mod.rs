//! Handoffs: the IDs of a click, passed through Stripe to the webhook that the click causes.
//!
//! A click writes its IDs into the subscription's metadata, in the request that makes the change. Stripe's portal does
//! not carry metadata, so a visit to it is recorded before the redirect. Metadata that comes back is untrusted: invalid
//! values are dropped, and a handoff of another account is ignored.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tracking::{DeviceId, EventContext, IdSource, InsertId, PresentIds, SessionId, UserId};
use uuid::Uuid;

use super::clock_skew::CLOCK_TOLERANCE_MS;

const USER: &str = "seam_user";
const DEVICE: &str = "seam_device";
const SESSION: &str = "seam_session";
const AT: &str = "seam_at";
const CLICK: &str = "seam_click";

/// Every metadata key that we write. Stripe allows 50 keys of 40 characters with values of 500 (API reference,
/// "Metadata").
pub const KEYS: [&str; 5] = [USER, DEVICE, SESSION, AT, CLICK];

/// By how many ms a click may be later than the change that it caused, because our clock is ahead of Stripe's: as much as
/// a webhook's signature may be off. The metadata of the change itself names the click, so no other one is meant.
const CLICK_TOLERANCE_MS: i64 = 300_000;

/// Age in ms up to which a click names the device of a change: a Checkout page can be completed for a day.
const CLICK_LIMIT_MS: i64 = 24 * 3_600_000;

/// Age in ms up to which a visit to the portal names the device of a change: the portal signs out after an hour.
const PORTAL_VISIT_LIMIT_MS: i64 = 3_600_000;

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
    /// The browser and the page of the click. Our row of the click has it; metadata does not.
    pub context: Option<Box<EventContext>>,
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
    /// The browser and the page that the visit began on, without the address: one visit can cause several events, so the
    /// address could not be deleted with the first.
    pub context: Option<Box<EventContext>>,
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
        let (device, session, context) = match ids {
            PresentIds::Live {
                device,
                session,
                context,
                ..
            } => (Some(device.clone()), Some(*session), Some(context.clone())),
            PresentIds::DeviceOnly { device } => (Some(device.clone()), None, None),
            PresentIds::Unknown => (None, None, None),
        };
        Self {
            account,
            device,
            session,
            at_ms,
            click,
            context,
        }
    }

    /// The same handoff with the context of our row of the click, if `noted` has one.
    #[must_use]
    pub fn with_noted_context(self, noted: &[Self]) -> Self {
        let row = noted.iter().find(|row| {
            (row.account, row.at_ms, &row.device, row.session)
                == (self.account, self.at_ms, &self.device, self.session)
        });
        Self {
            context: row.and_then(|row| row.context.clone()),
            ..self
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
            context: None,
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

/// The account that metadata of ours names, without checking that it exists.
pub fn account_of(metadata: &BTreeMap<String, String>) -> Option<UserId> {
    UserId::parse(metadata.get(USER)?)
}

/// The browser that caused a change of `account` at `change_ms` (ms since the epoch, wall clock). The newest handoff
/// counts. One older than `timeout_ms` gives the device only, not the session. A click older than a day, a visit older than
/// an hour, or one that is later than the difference of the clocks allows, did not cause the change.
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
        .filter(|candidate| {
            candidate
                .valid_ms
                .contains(&change_ms.saturating_sub(candidate.at_ms))
        })
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
                context: Box::new(newest.context.cloned().unwrap_or_default()),
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

/// The times of the clicks and visits that can be the cause of changes from `first_ms` to `last_ms`. All in ms since the
/// epoch.
pub(super) const fn causing_times_ms(first_ms: i64, last_ms: i64) -> RangeInclusive<i64> {
    first_ms.saturating_sub(CLICK_LIMIT_MS)..=last_ms.saturating_add(CLICK_TOLERANCE_MS)
}

struct Candidate<'a> {
    device: Option<&'a DeviceId>,
    session: Option<SessionId>,
    at_ms: i64,
    /// How old it may be at the time of the change.
    valid_ms: RangeInclusive<i64>,
    source: IdSource,
    context: Option<&'a EventContext>,
    caused_by: Option<tracking::HandoffRef>,
}

impl<'a> Candidate<'a> {
    fn from_click(handoff: &'a StripeHandoff) -> Self {
        Self {
            device: handoff.device.as_ref(),
            session: handoff.session,
            at_ms: handoff.at_ms,
            valid_ms: -CLICK_TOLERANCE_MS..=CLICK_LIMIT_MS,
            source: IdSource::CheckoutHandoff,
            context: handoff.context.as_deref(),
            caused_by: handoff.click.clone().map(tracking::HandoffRef::Click),
        }
    }

    fn from_visit(visit: &'a PortalVisit) -> Self {
        Self {
            device: visit.device.as_ref(),
            session: visit.session,
            at_ms: visit.at_ms,
            valid_ms: -CLOCK_TOLERANCE_MS..=PORTAL_VISIT_LIMIT_MS,
            source: IdSource::PortalVisit,
            context: visit.context.as_deref(),
            caused_by: Some(tracking::HandoffRef::PortalVisit(visit.id.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
