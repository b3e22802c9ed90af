//! What the pages of billing show, and their forms. Money and dates are text, ready to be shown.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tracking::{Interval, SubscriptionStatus};

/// What the page of prices shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricingView {
    /// A user is signed in.
    pub signed_in: bool,
    /// The account has Pro.
    pub is_pro: bool,
    /// The account has had its trial.
    pub had_trial: bool,
    /// Length of a trial, in days.
    pub trial_days: u32,
}

/// What the billing page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingView {
    /// The account's running subscription, or the last one.
    pub subscription: Option<SubscriptionView>,
    /// Payments, newest first.
    pub invoices: Vec<InvoiceView>,
    /// Grows with each webhook that was applied.
    pub revision: i64,
    /// The clock of the stand-in for Stripe.
    pub clock: Option<ClockView>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// Its status.
    pub status: SubscriptionStatus,
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

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceView {
    /// Stripe's ID.
    pub id: String,
    /// The day of the payment.
    pub day: String,
    /// The amount.
    pub amount: String,
    /// The part that was refunded.
    pub refunded: Option<String>,
    /// Its page at Stripe.
    pub url: Option<String>,
}

/// The clock of the stand-in for Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockView {
    /// The day that it shows.
    pub today: String,
    /// Whole days by which it is ahead.
    pub days_ahead: i64,
}

/// What the page shows that Checkout returns to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutReturn {
    /// Status of the Checkout session.
    pub outcome: CheckoutOutcome,
    /// Grows with each webhook that was applied. It is read before the outcome, so that a feed that begins after it misses
    /// nothing.
    pub revision: i64,
}

/// Status of a Checkout session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutOutcome {
    /// The account has no such session.
    NotFound,
    /// The user left it, and can still complete it.
    Left {
        /// Stripe's page.
        url: String,
    },
    /// It was completed, and its webhook is awaited.
    Waiting,
    /// It was completed, and its webhook was applied.
    Done,
    /// It expired, or a newer one has replaced it.
    Expired,
    /// Stripe does not answer.
    Unknown,
}

impl CheckoutOutcome {
    /// Its webhook is awaited.
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting | Self::Unknown)
    }

    /// It may still become another one.
    pub const fn may_change(&self) -> bool {
        self.is_waiting() || matches!(self, Self::Left { .. })
    }
}

/// The form that leads to Stripe's Checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CheckoutForm {
    /// `month` or `year`.
    pub interval: String,
    /// ID of the rendered form.
    pub form: String,
}

impl CheckoutForm {
    /// The interval that is selected: monthly, unless the form says yearly.
    pub fn interval(&self) -> Interval {
        match self.interval.as_str() {
            "year" => Interval::Year,
            _ => Interval::Month,
        }
    }
}

/// A button of the billing page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BillingActionForm {
    /// See [`BillingAction::as_str`].
    pub action: String,
    /// ID of the rendered form.
    pub form: String,
}

/// What a button of the billing page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillingAction {
    /// Cancels at the end of the period.
    Cancel,
    /// Takes the cancellation back.
    Resume,
    /// Changes from monthly to yearly.
    Yearly,
    /// Opens Stripe's portal.
    Portal,
    /// Opens the portal's form for a card.
    AddCard,
    /// Moves the stand-in's clock past the end of the trial.
    JumpTrialEnd,
    /// Moves the stand-in's clock past the next renewal.
    JumpRenewal,
    /// Moves the stand-in's clock to the next attempt to charge the card.
    JumpPayment,
}

impl BillingAction {
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

    /// The value of the form's hidden field.
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

    /// The action of that value.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Path of the page that Checkout returns to, for a session's ID. Such an ID may come from a query, so it is encoded.
pub fn return_path(checkout: &str) -> String {
    const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');
    format!("/billing/return?checkout={}", utf8_percent_encode(checkout, ID))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_from_its_own_text() {
        for action in BillingAction::ALL {
            assert_eq!(BillingAction::parse(action.as_str()), Some(action));
        }
        assert_eq!(BillingAction::parse("refund"), None);
    }

    #[test]
    fn the_return_path_encodes_what_is_no_id() {
        assert_eq!(return_path("cs_test_a1"), "/billing/return?checkout=cs_test_a1");
        assert_eq!(
            return_path("a&b=\"é"),
            "/billing/return?checkout=a%26b%3D%22%C3%A9"
        );
    }
}
