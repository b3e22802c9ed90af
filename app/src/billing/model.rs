//! The data of the pricing page, and the forms of billing.

use backend::billing::ClockTarget;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tracking::PlanInterval;

/// What the page of prices shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricingView {
    /// A user is signed in.
    pub signed_in: bool,
    /// The account has Pro.
    pub is_pro: bool,
    /// The account has a subscription that neither runs nor has ended.
    pub is_suspended: bool,
    /// The account has had its trial.
    pub had_trial: bool,
    /// Length of a trial, in days.
    pub trial_days: u32,
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
    pub fn interval(&self) -> PlanInterval {
        match self.interval.as_str() {
            "year" => PlanInterval::Year,
            _ => PlanInterval::Month,
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
    /// Moves the clock of the stand-in for Stripe.
    Jump(ClockTarget),
}

impl BillingAction {
    const ALL: [Self; 8] = [
        Self::Cancel,
        Self::Resume,
        Self::Yearly,
        Self::Portal,
        Self::AddCard,
        Self::Jump(ClockTarget::TrialEnd),
        Self::Jump(ClockTarget::Renewal),
        Self::Jump(ClockTarget::Payment),
    ];

    /// The value of the form's hidden field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::Yearly => "yearly",
            Self::Portal => "portal",
            Self::AddCard => "add_card",
            Self::Jump(ClockTarget::TrialEnd) => "jump_trial_end",
            Self::Jump(ClockTarget::Renewal) => "jump_renewal",
            Self::Jump(ClockTarget::Payment) => "jump_payment",
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
