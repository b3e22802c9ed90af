//! Revenue events, each read from one of Stripe's webhooks. Stripe's IDs in them are opaque and name nobody.
//!
//! Which webhook is which event is decided elsewhere. Here stands what each one says: present events carry the
//! handoff of the click behind them; system events have nowhere to put one.

use serde::Serialize;

use super::Fact;
use crate::ids::{InsertId, UserId};
use crate::money::{Money, Revenue, RevenueKind};
use crate::properties::{Interval, SubscriptionStatus, UserProperties, UserProperty};

/// What every revenue event says of its webhook and of the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionReport {
    /// ID of Stripe's event that this one was read from.
    pub stripe_event: String,
    /// The state that this event reports, as its payload has it.
    pub subscription_status: SubscriptionStatus,
    /// How often the subscription is paid.
    pub interval: Interval,
    /// Stripe's subscription.
    #[serde(skip)]
    pub subscription: String,
    /// The state as fetched when the webhook was applied: the user property. Webhooks come in any order, so it may
    /// be ahead of what the event reports.
    #[serde(skip)]
    pub fetched_status: SubscriptionStatus,
}

impl SubscriptionReport {
    fn user_properties(&self) -> UserProperties {
        UserProperties::default()
            .set(UserProperty::SubscriptionStatus, self.fetched_status.as_str())
            .set(
                UserProperty::AccountType,
                self.fetched_status.account_type().as_str(),
            )
    }

    fn insert_id(&self, fact: &str) -> InsertId {
        InsertId::of(fact, &self.subscription)
    }

    /// A subscription can be canceled and resumed again and again; the moment tells the rounds apart.
    fn insert_id_at(&self, fact: &str, seconds: i64) -> InsertId {
        InsertId::of(fact, format_args!("{}:{seconds}", self.subscription))
    }
}

/// What led to a present event, where it is known: the event property `click` or `portal_visit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Handoff {
    /// Insert ID of the browser's click event, as the click wrote it into Stripe's metadata.
    Click(InsertId),
    /// ID of the visit to Stripe's portal that we noted before the redirect.
    PortalVisit(String),
}

/// The same as [`Handoff`] for the JSON Schema: flattened, the two are optional properties.
#[cfg(feature = "catalog")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct HandoffProperties {
    /// Insert ID of the browser's click event that led here.
    click: Option<String>,
    /// The visit to Stripe's portal that led here.
    portal_visit: Option<String>,
}

/// A trial began, no money moved. Tells which clicks on "Start trial" go through Checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialStarted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Length of the trial in days.
    pub trial_days: u32,
    /// Stripe's customer.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl Fact for TrialStarted {
    const NAME: &'static str = "Trial started";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-started")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report
            .user_properties()
            .set(UserProperty::StripeCustomerId, self.stripe_customer.as_str())
    }
}

/// Somebody canceled during the trial, which still runs to its end. Tells when trials are given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialCanceled {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Stripe's `canceled_at`, in seconds since the epoch.
    #[serde(skip)]
    pub canceled_at: i64,
}

impl Fact for TrialCanceled {
    const NAME: &'static str = "Trial canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id_at("trial-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody took the cancellation of a trial back. Tells how many are won back before they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialResumed {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// The `canceled_at` that was taken back, in seconds since the epoch.
    #[serde(skip)]
    pub previous_canceled_at: i64,
}

impl Fact for TrialResumed {
    const NAME: &'static str = "Trial resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("trial-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// A subscription was paid at once, without a trial before it. Tells what people buy unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionStarted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
    /// Stripe's customer.
    #[serde(skip)]
    pub stripe_customer: String,
}

impl Fact for SubscriptionStarted {
    const NAME: &'static str = "Subscription started";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("subscription-started")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report
            .user_properties()
            .set(UserProperty::StripeCustomerId, self.stripe_customer.as_str())
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Purchase))
    }
}

/// Somebody canceled a paid subscription, which still runs to the end of its period. Tells who is about to leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionCanceled {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// Stripe's `canceled_at`, in seconds since the epoch.
    #[serde(skip)]
    pub canceled_at: i64,
}

impl Fact for SubscriptionCanceled {
    const NAME: &'static str = "Subscription canceled";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-canceled", self.canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody took the cancellation of a paid subscription back. Tells how many are won back before they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionResumed {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// The `canceled_at` that was taken back, in seconds since the epoch.
    #[serde(skip)]
    pub previous_canceled_at: i64,
}

impl Fact for SubscriptionResumed {
    const NAME: &'static str = "Subscription resumed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report
            .insert_id_at("subscription-resumed", self.previous_canceled_at)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Somebody moved to another interval of the same plan. Tells who commits for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionChanged {
    /// Webhook and state; its interval is the new one.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// What led here.
    #[serde(flatten)]
    #[cfg_attr(feature = "catalog", schemars(with = "HandoffProperties"))]
    pub handoff: Option<Handoff>,
    /// The interval before.
    pub previous_interval: Interval,
    /// Stripe's invoice of the change.
    pub invoice: String,
    /// What was paid, if money moved: during a trial none does.
    #[serde(flatten)]
    pub amount: Option<Money>,
}

impl Fact for SubscriptionChanged {
    const NAME: &'static str = "Subscription changed";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("subscription-changed", &self.invoice)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        self.amount
            .map(|amount| Revenue::of_pro(amount, RevenueKind::Change))
    }
}

/// The first payment after a trial. The one number that says whether trials work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialConverted {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for TrialConverted {
    const NAME: &'static str = "Trial converted";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-converted")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Purchase))
    }
}

/// Another period was paid. Tells what keeps coming in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRenewal {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// What was paid.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for SubscriptionRenewal {
    const NAME: &'static str = "Subscription renewal";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of("renewal", &self.invoice)
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        Some(Revenue::of_pro(self.amount, RevenueKind::Renewal))
    }
}

/// A subscription ended that was never paid. Tells how many trials lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct TrialExpiration {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl Fact for TrialExpiration {
    const NAME: &'static str = "Trial expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("trial-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// A subscription ended that had been paid. Tells who left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionExpiration {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
}

impl Fact for SubscriptionExpiration {
    const NAME: &'static str = "Subscription expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        self.report.insert_id("subscription-expiration")
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Stripe could not collect an invoice. Tells whom a declined card is about to cost us; no money moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PaymentFailure {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's invoice.
    pub invoice: String,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// What is due.
    #[serde(flatten)]
    pub amount: Money,
}

impl Fact for PaymentFailure {
    const NAME: &'static str = "Payment failure";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of(
            "payment-failure",
            format_args!("{}:{}", self.invoice, self.attempt),
        )
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }
}

/// Money went back to a customer, or a refund that had succeeded failed after all. Corrects what earlier events said
/// came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct SubscriptionRefund {
    /// Webhook and state.
    #[serde(flatten)]
    pub report: SubscriptionReport,
    /// Stripe's refund.
    pub refund: String,
    /// Whether the money went or came back.
    pub outcome: RefundOutcome,
    /// Size of the refund, positive in both outcomes; the sign is on the revenue.
    #[serde(flatten)]
    pub amount: Money,
}

/// How a refund went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The money went to the customer: negative revenue.
    Succeeded,
    /// The customer's bank sent it back later: positive revenue, which cancels the negative one.
    Failed,
}

impl Fact for SubscriptionRefund {
    const NAME: &'static str = "Subscription refund";

    fn insert_id(&self, _user: UserId) -> InsertId {
        match self.outcome {
            RefundOutcome::Succeeded => InsertId::of("refund", &self.refund),
            RefundOutcome::Failed => InsertId::of("refund-failed", &self.refund),
        }
    }

    fn user_properties(&self, _user: UserId) -> UserProperties {
        self.report.user_properties()
    }

    fn revenue(&self) -> Option<Revenue> {
        let amount = match self.outcome {
            RefundOutcome::Succeeded => self.amount.reversed(),
            RefundOutcome::Failed => self.amount,
        };
        Some(Revenue::of_pro(amount, RevenueKind::Refund))
    }
}
