//! What the pages know. Moments and amounts come as text: the server has said them in words.

use serde::{Deserialize, Serialize};
use tracking::loss::Loss;

/// What the URL asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Webhooks in this state alone.
    pub webhooks: Option<WebhookState>,
}

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookState {
    /// To be applied.
    Pending,
    /// Applied.
    Applied,
    /// Set aside until somebody replays it.
    Parked,
}

impl WebhookState {
    /// Every state, in the order of a webhook's life.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Applied, Self::Parked];

    /// The word in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Parked => "parked",
        }
    }

    /// Reads it; anything else is no state.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pending => "to be applied",
            Self::Applied => "applied",
            Self::Parked => "set aside",
        }
    }
}

/// The first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operations {
    /// How delivery is going.
    pub delivery: Delivery,
    /// Events that were set aside, the latest first.
    pub parked: Vec<ParkedEvent>,
    /// What everybody's browsers lost.
    pub loss: Loss,
    /// How the inbox stands.
    pub inbox: Inbox,
    /// The newest webhooks, or those in the state that was asked for.
    pub webhooks: Vec<Webhook>,
    /// Second subscriptions that were ended.
    pub turned_away: Vec<TurnedAway>,
}

/// The outbox, and what the dispatcher says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Rows that wait.
    pub waiting: i64,
    /// Rows that are being sent.
    pub leased: i64,
    /// Rows that arrived.
    pub sent: i64,
    /// Rows that were set aside.
    pub parked: i64,
    /// Age of the oldest that is still to go.
    pub oldest: Option<String>,
    /// This server's dispatcher; `None` where none runs.
    pub health: Option<Health>,
    /// Arrived in each minute of the last hour.
    pub by_minute: Vec<i64>,
    /// When that hour began, UTC.
    pub hour_from: String,
}

/// What the last answers of Amplitude say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// It takes events.
    pub well: bool,
    /// In a sentence.
    pub sentence: String,
    /// When an event last arrived.
    pub last_sent: Option<Moment>,
    /// What the last failed batch said.
    pub last_error: Option<String>,
}

/// A moment as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// For machines, UTC.
    pub at: String,
    /// How long ago.
    pub ago: String,
}

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedEvent {
    /// Its insert ID.
    pub insert_id: String,
    /// Its name.
    pub name: String,
    /// Whose.
    pub user: String,
    /// Why.
    pub reason: String,
    /// Consent was withdrawn: it stays here.
    pub withheld: bool,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was set aside.
    pub parked: Option<Moment>,
    /// The event, indented.
    pub payload: Option<String>,
}

/// How many webhooks are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxCounts {
    /// To be applied.
    pub pending: i64,
    /// Applied.
    pub applied: i64,
    /// Set aside.
    pub parked: i64,
}

/// How the inbox stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// By state.
    pub counts: InboxCounts,
    /// Age of the oldest that is to be applied.
    pub oldest: Option<String>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Stripe's event ID.
    pub id: String,
    /// Stripe's type.
    pub kind: String,
    /// Stripe's customer, or the event itself.
    pub lane: String,
    /// Where it stands.
    pub state: WebhookState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it came.
    pub received: Moment,
    /// When it is tried next, if it waits.
    pub next: Option<String>,
    /// How many events it became.
    pub events: Option<i64>,
    /// Why it was set aside, or what went wrong last.
    pub trouble: Option<String>,
    /// As it came, indented; as far as it is shown.
    pub payload: Option<String>,
}

/// A second subscription that was ended because another one ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// Stripe's ID.
    pub subscription: String,
    /// Stripe's customer.
    pub customer: String,
    /// The account; `None`: it was deleted.
    pub user: Option<String>,
    /// Stripe's word for where it stands.
    pub status: String,
    /// When it was seen last.
    pub seen: Moment,
}

/// What a form asks for: the value of its hidden field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a parked event after all.
    ReplayEvent,
    /// Apply a parked webhook after all.
    ReplayWebhook,
}

impl Action {
    /// The value of the hidden field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReplayEvent => "replay_event",
            Self::ReplayWebhook => "replay_webhook",
        }
    }

    /// Reads it; anything else is no action.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ReplayEvent, Self::ReplayWebhook]
            .into_iter()
            .find(|action| action.as_str() == text)
    }
}

/// What became of a form, for the page that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event waits to be sent.
    EventReplayed,
    /// The webhook waits to be applied.
    WebhookReplayed,
    /// Nothing of that ID is set aside.
    NotParked,
    /// Its person has withdrawn consent.
    Withheld,
    /// The form was none of ours.
    Unknown,
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::EventReplayed,
        Self::WebhookReplayed,
        Self::NotParked,
        Self::Withheld,
        Self::Unknown,
    ];

    /// The word in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventReplayed => "event-replayed",
            Self::WebhookReplayed => "webhook-replayed",
            Self::NotParked => "not-parked",
            Self::Withheld => "withheld",
            Self::Unknown => "unknown",
        }
    }

    /// Reads it; anything else is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether something was done.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::EventReplayed | Self::WebhookReplayed)
    }

    /// In a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::EventReplayed => "The event is on its way again.",
            Self::WebhookReplayed => "The webhook is being applied again.",
            Self::NotParked => "Nothing was done: this is not set aside any more, or never was.",
            Self::Withheld => {
                "Nothing was done: the person has withdrawn consent, so this event is never sent."
            }
            Self::Unknown => "Nothing was done: this page knows no such action. Please load it again.",
        }
    }
}
