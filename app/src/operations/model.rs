//! The form of the operator's pages, its actions, and their outcomes.

use backend::billing::inbox::InboxState;
use serde::Deserialize;

/// Every state of webhooks, in the order of the page. A filter in a URL is the name of one.
pub(super) const STATES: [InboxState; 3] = [InboxState::Pending, InboxState::Applied, InboxState::Parked];

/// The state that a filter names; `None` for any other text.
pub(super) fn state_named(text: &str) -> Option<InboxState> {
    STATES.into_iter().find(|state| state.as_str() == text)
}

/// The form of a row: hidden fields and a button.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OperationsForm {
    /// `replay_event`, `replay_webhook`, `replay_deletion` or `replay_email`.
    pub action: String,
    /// Insert ID of the event, ID of the webhook, of the deleted user, or of Stripe's customer.
    pub id: String,
    /// The filter of webhooks, which the next page keeps.
    pub webhooks: String,
}

/// The kind of parked row that the form replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplayTarget {
    /// A parked event, to be sent.
    Event,
    /// A parked webhook, to be applied.
    Webhook,
    /// A parked account deletion, to be continued.
    Deletion,
    /// A parked change of an address, to be sent to Stripe.
    Email,
}

impl ReplayTarget {
    /// The value in the form.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "replay_event",
            Self::Webhook => "replay_webhook",
            Self::Deletion => "replay_deletion",
            Self::Email => "replay_email",
        }
    }

    /// Reads the value in the form; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Event, Self::Webhook, Self::Deletion, Self::Email]
            .into_iter()
            .find(|target| target.as_str() == text)
    }

    /// Label of the button.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Event | Self::Email => "Send again",
            Self::Webhook => "Apply again",
            Self::Deletion => "Try again",
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
    /// The account deletion is pending again.
    DeletionReplayed,
    /// The address is due again.
    EmailReplayed,
    /// No event, webhook, deletion or address of this ID is parked.
    NotParked,
    /// The user of the event has withdrawn consent.
    Withheld,
    /// The form names no action.
    Unknown,
}

impl ActionOutcome {
    const ALL: [Self; 7] = [
        Self::EventReplayed,
        Self::WebhookReplayed,
        Self::DeletionReplayed,
        Self::EmailReplayed,
        Self::NotParked,
        Self::Withheld,
        Self::Unknown,
    ];

    /// The value in URLs, and the sentence on the page.
    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::EventReplayed => ("event-replayed", "The event is queued and will be sent again."),
            Self::WebhookReplayed => ("webhook-replayed", "The webhook is being applied again."),
            Self::DeletionReplayed => ("deletion-replayed", "The account deletion continues."),
            Self::EmailReplayed => ("email-replayed", "The address is sent to Stripe again."),
            Self::NotParked => ("not-parked", "Nothing was changed: this entry is not parked."),
            Self::Withheld => (
                "withheld",
                "Nothing was changed: the user has withdrawn consent, so this event is never sent.",
            ),
            Self::Unknown => (
                "unknown",
                "Nothing was changed: this action is unknown. Please load the page again.",
            ),
        }
    }

    /// The value in URLs.
    pub(super) const fn as_str(self) -> &'static str {
        self.texts().0
    }

    /// Reads the value in URLs; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether something was replayed.
    pub(super) const fn is_done(self) -> bool {
        matches!(
            self,
            Self::EventReplayed | Self::WebhookReplayed | Self::DeletionReplayed | Self::EmailReplayed
        )
    }

    /// The sentence on the page.
    pub(super) const fn sentence(self) -> &'static str {
        self.texts().1
    }
}
