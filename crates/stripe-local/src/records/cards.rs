//! A card, the behaviour of its test number, and its declines. `billing::cards` has the rules.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) fingerprint: String,
    /// Set from the test number. The number itself is not stored.
    pub(crate) behaviour: CardBehaviour,
}

/// The result of attaching and of charging a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CardBehaviour {
    Good,
    /// Cannot be attached to a customer.
    Declined(DeclineReason),
    /// Can be attached. Every charge fails.
    FailsWhenCharged,
    /// The cardholder must confirm each charge.
    NeedsConfirmation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeclineReason {
    Generic,
    InsufficientFunds,
    Expired,
    IncorrectCvc,
    ProcessingError,
}

/// A declined card, with Stripe's codes and message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardDecline {
    pub(crate) code: String,
    pub(crate) decline_code: Option<String>,
    pub(crate) message: String,
}
