//! What the database knows about a user's timeline: input for the verdict, the reconciliation and the proofs.
//!
//! This module does not read the database: `backend` does.

use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::ids::{DeviceId, SessionId, UserId};
use crate::money::Money;
use crate::session::TIMEOUT_MS;
use crate::touch::FirstTouch;

/// How much later than the change a handoff may be, in ms. Stripe's times are in whole seconds.
const SKEW_MS: i64 = 2_000;

/// The database's records about one or more users. An empty list means that there are no such records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimelineFacts {
    /// IDs noted for a later webhook.
    pub handoffs: Vec<NotedHandoff>,
    /// Payments that Stripe collected.
    pub payments: Vec<PaymentRecord>,
    /// Refunds, including failed ones.
    pub refunds: Vec<RefundRecord>,
    /// Lost disputes.
    pub disputes: Vec<DisputeRecord>,
    /// Subscriptions that ended.
    pub ended_subscriptions: Vec<EndedSubscription>,
    /// Times at which tracking was granted or denied.
    pub consent: Vec<ConsentChange>,
    /// The first touch that the server recorded.
    pub first_touch: Option<FirstTouch>,
    /// Sessions in which the SDK ran.
    pub sdk_sessions: Vec<SdkSession>,
    /// Server events that are still in the outbox.
    pub undelivered: Vec<UndeliveredEvent>,
    /// The time of the oldest event that was read, in ms since the epoch, if older events exist; otherwise `None`. Rules do
    /// not report older events as missing.
    pub read_from_ms: Option<i64>,
}

/// A subscription that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSubscription {
    /// Stripe's subscription ID.
    pub subscription: String,
    /// When it ended, by the subscription's clock, in ms since the epoch.
    pub ended_at_ms: i64,
}

/// IDs recorded with a click or a portal visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedHandoff {
    /// What the handoff was recorded for.
    pub kind: HandoffKind,
    /// Insert ID of the browser's click event, or ID of the portal visit.
    pub id: String,
    /// The user who clicked.
    pub account: UserId,
    /// The browser, if known.
    pub device: Option<DeviceId>,
    /// The session, if known.
    pub session: Option<SessionId>,
    /// When it was recorded, in ms since the epoch.
    pub at_ms: i64,
    /// Whether the context of the click was recorded.
    #[serde(default)]
    pub has_context: bool,
}

/// What a handoff was recorded for, and where its IDs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffKind {
    /// Metadata of the Checkout session.
    Checkout,
    /// Subscription metadata written with a cancellation.
    Cancel,
    /// Subscription metadata written when a cancellation is undone.
    Resume,
    /// Subscription metadata written with a change of the interval.
    Change,
    /// A row in our database, because a portal session has no metadata.
    Portal,
}

/// A paid invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// Stripe's invoice ID.
    pub invoice: String,
    /// The user.
    pub account: UserId,
    /// The amount paid.
    pub amount: Money,
    /// When it was paid, by the subscription's clock, in ms since the epoch.
    pub paid_at_ms: i64,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecord {
    /// Stripe's refund ID.
    pub refund: String,
    /// The user.
    pub account: UserId,
    /// The amount, positive.
    pub amount: Money,
    /// Whether the refund succeeded and has not failed since.
    pub succeeded: bool,
}

/// A lost dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRecord {
    /// Stripe's dispute ID.
    pub dispute: String,
    /// The user.
    pub account: UserId,
    /// The disputed amount, positive.
    pub amount: Money,
}

/// A change of the consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChange {
    /// When it changed, in ms since the epoch.
    pub at_ms: i64,
    /// The consent from that time on.
    pub consent: Consent,
}

/// A session in which the SDK ran.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SdkSession {
    /// The browser.
    pub device: DeviceId,
    /// The session.
    pub session: SessionId,
}

/// A server event that is still in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeliveredEvent {
    /// Insert ID.
    pub insert_id: String,
    /// Stripe's invoice, refund or dispute ID, for revenue events.
    #[serde(default)]
    pub entry: Option<String>,
    /// Why it is parked; `None` if it will be sent.
    pub parked: Option<String>,
}

impl TimelineFacts {
    /// The handoff with this ID.
    pub fn handoff(&self, id: &str) -> Option<&NotedHandoff> {
        self.handoffs.iter().find(|handoff| handoff.id == id)
    }

    /// The newest handoff of `account` and one of `kinds` that has a device and a session and is not older than the session
    /// timeout at `change_ms`.
    pub fn usable_handoff(
        &self,
        account: &str,
        change_ms: i64,
        kinds: &[HandoffKind],
    ) -> Option<&NotedHandoff> {
        let valid_times = change_ms.saturating_sub(TIMEOUT_MS)..=change_ms.saturating_add(SKEW_MS);
        self.handoffs
            .iter()
            .filter(|handoff| kinds.contains(&handoff.kind) && handoff.account.to_string() == account)
            .filter(|handoff| handoff.device.is_some() && handoff.session.is_some())
            .filter(|handoff| valid_times.contains(&handoff.at_ms))
            .max_by_key(|handoff| handoff.at_ms)
    }

    /// The last change of the consent before `at_ms`.
    pub fn consent_at(&self, at_ms: i64) -> Option<ConsentChange> {
        let before = self.consent.iter().filter(|change| change.at_ms < at_ms);
        before.max_by_key(|change| change.at_ms).copied()
    }

    /// Whether there was a time without consent before `at_ms`. There are no events of such times.
    pub fn untracked_before(&self, at_ms: i64) -> bool {
        let first = self.consent.iter().min_by_key(|change| change.at_ms);
        let is_denial = |change: &ConsentChange| change.consent == Consent::Denied && change.at_ms < at_ms;
        // A user who grants consent had not granted it before.
        first.is_some_and(|first| first.consent == Consent::Granted && first.at_ms < at_ms)
            || self.consent.iter().any(is_denial)
    }

    /// The undelivered event with this insert ID.
    pub fn undelivered(&self, insert_id: &str) -> Option<&UndeliveredEvent> {
        self.undelivered.iter().find(|event| event.insert_id == insert_id)
    }
}
