//! What the pages show, and their form. Times and amounts are texts that `labels` has written.

use serde::Deserialize;
use tracking::loss::Loss;

/// State of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WebhookState {
    /// Not applied yet.
    Pending,
    /// Applied.
    Applied,
    /// Not applied again until an operator replays it.
    Parked,
}

impl WebhookState {
    /// Every state, in the order of the page.
    pub(super) const ALL: [Self; 3] = [Self::Pending, Self::Applied, Self::Parked];

    /// The value in URLs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Parked => "parked",
        }
    }

    /// Reads the value in URLs; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The label on the page.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Applied => "Applied",
            Self::Parked => "Parked",
        }
    }
}

/// The delivery page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OperationsOverview {
    /// The outbox.
    pub(super) outbox: OutboxSummary,
    /// Parked events, the latest first.
    pub(super) parked: Vec<ParkedEvent>,
    /// Browser events that were fired and did not arrive, of all browsers.
    pub(super) loss: Loss,
    /// The inbox.
    pub(super) inbox: InboxSummary,
    /// The newest webhooks that the filter selects.
    pub(super) webhooks: Vec<WebhookSummary>,
    /// Duplicate subscriptions that were ended.
    pub(super) duplicates: Vec<DuplicateSubscription>,
}

/// Counts of the outbox, and the health of the dispatcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutboxSummary {
    /// Rows that are pending.
    pub(super) pending: i64,
    /// Rows that are being sent.
    pub(super) leased: i64,
    /// Rows that arrived.
    pub(super) sent: i64,
    /// Rows that are parked.
    pub(super) parked: i64,
    /// Age of the oldest row that is not sent yet.
    pub(super) oldest: Option<String>,
    /// Health of this process's dispatcher; `None` where none runs.
    pub(super) health: Option<DispatcherHealth>,
    /// Events that arrived in each minute of the last hour.
    pub(super) by_minute: Vec<i64>,
    /// Start of that hour, UTC.
    pub(super) hour_from: String,
}

/// Health of the dispatcher, from Amplitude's last answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DispatcherHealth {
    /// Amplitude accepts events.
    pub(super) healthy: bool,
    /// One sentence about it.
    pub(super) sentence: String,
    /// When an event last arrived.
    pub(super) last_sent: Option<RelativeTime>,
    /// Error of the last failed batch.
    pub(super) last_error: Option<String>,
}

/// A time, relative to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelativeTime {
    /// The exact time, UTC.
    pub(super) at: String,
    /// `3 min ago`.
    pub(super) ago: String,
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParkedEvent {
    /// Its insert ID.
    pub(super) insert_id: String,
    /// Its name.
    pub(super) name: String,
    /// Its user ID.
    pub(super) user: String,
    /// Why it was parked.
    pub(super) reason: String,
    /// The user has withdrawn consent, so it is never sent.
    pub(super) withheld: bool,
    /// How often sending it was tried.
    pub(super) attempts: i64,
    /// When it was parked.
    pub(super) parked: Option<RelativeTime>,
    /// The event as indented JSON; `None`: the payload was deleted.
    pub(super) payload: Option<String>,
}

/// Counts of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InboxSummary {
    /// Webhooks that are pending.
    pub(super) pending: i64,
    /// Webhooks that were applied.
    pub(super) applied: i64,
    /// Webhooks that are parked.
    pub(super) parked: i64,
    /// Age of the oldest pending webhook.
    pub(super) oldest: Option<String>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebhookSummary {
    /// Stripe's event ID.
    pub(super) id: String,
    /// Stripe's event type.
    pub(super) kind: String,
    /// Stripe's customer, or the event ID where it has none.
    pub(super) lane: String,
    /// Its state.
    pub(super) state: WebhookState,
    /// How often applying it was tried.
    pub(super) attempts: i64,
    /// When it was received.
    pub(super) received: RelativeTime,
    /// When it is tried next, while it is pending.
    pub(super) next: Option<String>,
    /// How many events it produced.
    pub(super) events: Option<i64>,
    /// Why it was parked, or its last error.
    pub(super) error: Option<String>,
    /// The payload as indented JSON, cut off where it is long; `None`: it was deleted.
    pub(super) payload: Option<String>,
}

/// A second subscription of one customer, which was ended because another one is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DuplicateSubscription {
    /// Stripe's subscription ID.
    pub(super) subscription: String,
    /// Stripe's customer ID.
    pub(super) customer: String,
    /// The account; `None`: it was deleted.
    pub(super) user: Option<String>,
    /// Stripe's status of it.
    pub(super) status: String,
    /// When it was last fetched from Stripe.
    pub(super) seen: RelativeTime,
}

/// The form of a row: hidden fields and a button.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OperationsForm {
    /// `replay_event` or `replay_webhook`.
    pub action: String,
    /// Insert ID of the event, or ID of the webhook.
    pub id: String,
    /// The filter of webhooks, which the next page keeps.
    pub webhooks: String,
}

/// What the form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperatorAction {
    /// Send a parked event again.
    ReplayEvent,
    /// Apply a parked webhook again.
    ReplayWebhook,
}

impl OperatorAction {
    /// The value in the form.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ReplayEvent => "replay_event",
            Self::ReplayWebhook => "replay_webhook",
        }
    }

    /// Reads the value in the form; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::ReplayEvent, Self::ReplayWebhook]
            .into_iter()
            .find(|action| action.as_str() == text)
    }

    /// Label of the button.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::ReplayEvent => "Send again",
            Self::ReplayWebhook => "Apply again",
        }
    }
}

/// Outcome of the form, shown on the page that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionOutcome {
    /// The event is pending again.
    EventReplayed,
    /// The webhook is pending again.
    WebhookReplayed,
    /// No event or webhook of this ID is parked.
    NotParked,
    /// The user of the event has withdrawn consent.
    Withheld,
    /// The form names no action.
    Unknown,
}

impl ActionOutcome {
    const ALL: [Self; 5] = [
        Self::EventReplayed,
        Self::WebhookReplayed,
        Self::NotParked,
        Self::Withheld,
        Self::Unknown,
    ];

    /// The value in URLs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::EventReplayed => "event-replayed",
            Self::WebhookReplayed => "webhook-replayed",
            Self::NotParked => "not-parked",
            Self::Withheld => "withheld",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the value in URLs; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether something was replayed.
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Self::EventReplayed | Self::WebhookReplayed)
    }

    /// The sentence on the page.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::EventReplayed => "The event is queued and will be sent again.",
            Self::WebhookReplayed => "The webhook is being applied again.",
            Self::NotParked => "Nothing was changed: this entry is not parked.",
            Self::Withheld => {
                "Nothing was changed: the user has withdrawn consent, so this event is never sent."
            }
            Self::Unknown => "Nothing was changed: this action is unknown. Please load the page again.",
        }
    }
}
