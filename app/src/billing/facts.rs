//! What the pages know of billing. Money and moments come as text: the server has said them in words.

use serde::{Deserialize, Serialize};
use tracking::{Interval, SubscriptionStatus};

/// Prices, and how the visitor stands to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// Somebody is signed in.
    pub signed_in: bool,
    /// The account's running subscription, or the last one.
    pub standing: Option<Standing>,
    /// The account has had its trial.
    pub had_trial: bool,
    /// Length of a trial.
    pub trial_days: u32,
    /// Payments, newest first.
    pub invoices: Vec<Invoice>,
    /// Grows with everything that was applied.
    pub revision: i64,
    /// The stand-in's clock: what can be moved, and how far it was.
    pub clock: Option<Clock>,
}

/// A subscription, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stands.
    pub state: SubscriptionStatus,
    /// How often it is paid.
    pub interval: Option<Interval>,
    /// Days until the trial is over, the running one included.
    pub days_left: Option<i64>,
    /// The day on which the period or the trial ends: of the next payment, or of the end.
    pub until: Option<String>,
    /// The day on which it ended.
    pub ended: Option<String>,
    /// What is paid each time.
    pub price: Option<String>,
    /// There is a card to charge.
    pub has_card: bool,
    /// It can be changed to yearly.
    pub may_change_to_yearly: bool,
}

impl Standing {
    /// Whether it gives Pro.
    pub const fn is_running(&self) -> bool {
        !matches!(self.state, SubscriptionStatus::Expired)
    }
}

/// A payment, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Stripe's ID.
    pub id: String,
    /// The day.
    pub day: String,
    /// The amount.
    pub amount: String,
    /// What of it was given back.
    pub refunded: Option<String>,
    /// Stripe's page of it.
    pub url: Option<String>,
}

/// The clock of the stand-in for Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Today, there.
    pub today: String,
    /// Whole days by which it is ahead.
    pub days_ahead: i64,
}

/// Where a Checkout session stands, for the page that it returns to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Returned {
    /// Nobody is signed in.
    SignedOut,
    /// The account has no such session.
    NotTheirs,
    /// It was left, and can still be completed there.
    Left {
        /// Stripe's page.
        url: String,
    },
    /// It was completed, and the webhook is awaited.
    Waiting,
    /// Everything is in place.
    Done,
    /// It ran out, or was replaced by a newer one.
    Expired,
    /// Stripe cannot be asked.
    Unknown,
}

/// What stands in the forms of the billing pages; they have no fields that somebody types into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingForm {
    /// The price that is selected.
    pub interval: Interval,
}

impl Default for BillingForm {
    fn default() -> Self {
        Self {
            interval: Interval::Month,
        }
    }
}

/// What a form of the billing page asks for: the value of its hidden field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End with the period.
    Cancel,
    /// Take that back.
    Resume,
    /// From monthly to yearly.
    Yearly,
    /// To Stripe's portal.
    Portal,
    /// To Stripe's form for a card.
    AddCard,
    /// Move the stand-in's clock over the end of the trial.
    JumpTrialEnd,
    /// … over the next renewal.
    JumpRenewal,
    /// … to the next attempt to take money.
    JumpPayment,
}

impl Action {
    const ALL: [Self; 8] = [
        Self::Cancel,
        Self::Resume,
        Self::Yearly,
        Self::Portal,
        Self::AddCard,
        Self::JumpTrialEnd,
        Self::JumpRenewal,
        Self::JumpPayment,
    ];

    /// The value of the hidden field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::Yearly => "yearly",
            Self::Portal => "portal",
            Self::AddCard => "add_card",
            Self::JumpTrialEnd => "jump_trial_end",
            Self::JumpRenewal => "jump_renewal",
            Self::JumpPayment => "jump_payment",
        }
    }

    /// Reads it; anything else is no action.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}
