//! Checkout sessions, portal sessions and portal configurations.

use serde::{Deserialize, Serialize};

use super::{BillingMode, MissingPaymentMethod};
use crate::form::Metadata;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckoutSessionRecord {
    pub(crate) id: String,
    /// Wall clock, also for `expires_at`: sessions do not expire with the billing clock.
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) mode: CheckoutMode,
    pub(crate) status: CheckoutStatus,
    pub(crate) payment_status: String,
    pub(crate) url: String,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) customer_email: Option<String>,
    /// The email address that was entered on the page.
    pub(crate) collected_email: Option<String>,
    pub(crate) collected_name: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) lines: Vec<CheckoutLine>,
    pub(crate) currency: String,
    /// Whether a card is required even if no amount is due.
    pub(crate) always_collect_card: bool,
    pub(crate) subscription_data: SubscriptionData,
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
    pub(crate) setup_intent: Option<String>,
    pub(crate) submit_type: Option<String>,
    pub(crate) locale: Option<String>,
}

impl CheckoutSessionRecord {
    pub(crate) fn has_trial(&self) -> bool {
        self.subscription_data.trial_period_days.is_some() || self.subscription_data.trial_end.is_some()
    }

    /// Whether the page asks for a card.
    pub(crate) fn needs_card(&self) -> bool {
        self.always_collect_card || !self.has_trial()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutMode {
    Subscription,
    /// Saves a card for a customer, without a purchase.
    Setup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutStatus {
    Open,
    Complete,
    Expired,
}

impl CheckoutStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckoutLine {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) quantity: i64,
}

/// Parameters of the subscription that a Checkout session creates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionData {
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) trial_period_days: Option<i64>,
    pub(crate) trial_end: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) billing_mode: BillingMode,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PortalSessionRecord {
    pub(crate) id: String,
    /// Wall clock.
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) configuration: String,
    pub(crate) return_url: Option<String>,
    pub(crate) url: String,
    pub(crate) flow: Option<PortalFlow>,
}

/// A portal session for one task. The browser returns to the application afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PortalFlow {
    pub(crate) kind: FlowKind,
    /// For `subscription_cancel` only.
    pub(crate) subscription: Option<String>,
    /// Where the browser is redirected afterwards. `None`: the portal's first page.
    pub(crate) redirect: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlowKind {
    PaymentMethodUpdate,
    SubscriptionCancel,
}

impl FlowKind {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::PaymentMethodUpdate, Self::SubscriptionCancel]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PaymentMethodUpdate => "payment_method_update",
            Self::SubscriptionCancel => "subscription_cancel",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PortalConfigurationRecord {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) active: bool,
    pub(crate) is_default: bool,
    pub(crate) name: Option<String>,
    pub(crate) headline: Option<String>,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
    pub(crate) default_return_url: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) invoice_history: bool,
    pub(crate) payment_method_update: bool,
    pub(crate) subscription_cancel: bool,
    /// `false`: the subscription is canceled at the end of the period.
    pub(crate) cancel_immediately: bool,
    /// The cancellation reasons that the page offers. If empty, the page does not ask.
    pub(crate) cancellation_reasons: Vec<String>,
}
