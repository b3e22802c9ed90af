//! What is known besides the events: the database's side of the story.

use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::ids::{DeviceId, SessionId, UserId};
use crate::money::Money;
use crate::session::TIMEOUT_MS;

/// How far a handoff may seem to be later than the change that it caused, in ms: Stripe tells moments in seconds.
const SKEW_MS: i64 = 2_000;

/// Everything that events can be held against. Empty lists say that nothing of the kind happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// IDs noted for a later webhook.
    pub handoffs: Vec<NotedHandoff>,
    /// What Stripe has collected.
    pub payments: Vec<Payment>,
    /// What went back, or was meant to.
    pub refunds: Vec<Refund>,
    /// When subscriptions ended.
    pub ends: Vec<Ended>,
    /// When tracking was agreed to and refused.
    pub consent: Vec<ConsentChange>,
    /// Sessions in which the browser's script reported itself.
    pub scripted: Vec<Scripted>,
    /// Events of the server's that have not arrived.
    pub undelivered: Vec<Undelivered>,
    /// Where only the newest events were read: the moment of the oldest of them, in ms since the epoch. What an event
    /// needs before that moment cannot be missed.
    pub read_from_ms: Option<i64>,
}

/// A subscription that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Stripe's ID of it.
    pub subscription: String,
    /// When, by the clock that moves it, in ms since the epoch.
    pub ended_at_ms: i64,
}

/// IDs that a click or a visit to the portal noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedHandoff {
    /// By which way they travel.
    pub way: Way,
    /// Insert ID of the browser's click event, or the ID of the visit.
    pub id: String,
    /// Who clicked.
    pub account: UserId,
    /// In which browser, where that is known.
    pub device: Option<DeviceId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// When, in ms since the epoch.
    pub at_ms: i64,
}

/// What a handoff was noted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Checkout's metadata.
    Checkout,
    /// The metadata that came with a cancellation.
    Cancel,
    /// The metadata that came with taking it back.
    Resume,
    /// The metadata that came with another interval.
    Change,
    /// Our own row: a portal session carries no metadata.
    Portal,
}

/// An invoice that was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Stripe's invoice.
    pub invoice: String,
    /// Whose.
    pub account: UserId,
    /// How much.
    pub amount: Money,
    /// When, in ms since the epoch, by the clock that moves the subscription.
    pub paid_at_ms: i64,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Stripe's refund.
    pub refund: String,
    /// Whose.
    pub account: UserId,
    /// How much, positive.
    pub amount: Money,
    /// Whether the money is with the customer now.
    pub succeeded: bool,
}

/// From `at_ms` on this held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChange {
    /// When, in ms since the epoch.
    pub at_ms: i64,
    /// What.
    pub consent: Consent,
}

/// The SDK ran on this device in this session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scripted {
    /// The browser.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// Its insert ID.
    pub insert_id: String,
    /// Stripe's invoice or refund, where money moved.
    #[serde(default)]
    pub entry: Option<String>,
    /// Why it will not be sent; `None`: it is on its way.
    pub parked: Option<String>,
}

impl Facts {
    /// The handoff of that ID.
    pub fn handoff(&self, id: &str) -> Option<&NotedHandoff> {
        self.handoffs.iter().find(|handoff| handoff.id == id)
    }

    /// The newest handoff by one of these ways that says in which session `account` was at `change_ms`.
    pub fn usable_handoff(&self, account: &str, change_ms: i64, ways: &[Way]) -> Option<&NotedHandoff> {
        let young = change_ms.saturating_sub(TIMEOUT_MS)..=change_ms.saturating_add(SKEW_MS);
        self.handoffs
            .iter()
            .filter(|handoff| ways.contains(&handoff.way) && handoff.account.to_string() == account)
            .filter(|handoff| handoff.device.is_some() && handoff.session.is_some())
            .filter(|handoff| young.contains(&handoff.at_ms))
            .max_by_key(|handoff| handoff.at_ms)
    }

    /// The last word on consent at `moment_ms`, and since when it held.
    pub fn consent_at(&self, moment_ms: i64) -> Option<ConsentChange> {
        let before = self.consent.iter().filter(|change| change.at_ms < moment_ms);
        before.max_by_key(|change| change.at_ms).copied()
    }

    /// Whether there was a time without consent before `moment_ms`: events of that time do not exist.
    pub fn untracked_before(&self, moment_ms: i64) -> bool {
        let first = self.consent.iter().min_by_key(|change| change.at_ms);
        let refused = |change: &ConsentChange| change.consent == Consent::Denied && change.at_ms < moment_ms;
        // Who agrees at some moment had not agreed before it.
        first.is_some_and(|first| first.consent == Consent::Granted && first.at_ms < moment_ms)
            || self.consent.iter().any(refused)
    }

    /// What the outbox says of an event.
    pub fn undelivered(&self, insert_id: &str) -> Option<&Undelivered> {
        self.undelivered.iter().find(|event| event.insert_id == insert_id)
    }
}
