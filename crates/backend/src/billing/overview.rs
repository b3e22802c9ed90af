//! The account's billing as its pages show it. Read from our database only, so the pages also work while Stripe is
//! unreachable.

use tracking::{Money, SubscriptionStatus};

use super::change::may_change_to_yearly;
use super::payload::{RecurringPrice, Subscription};
use super::plan::{Plan, plan, subscription_status};
use super::store::{self, StoredSubscription};
use super::{Billing, PaidInvoice};
use crate::accounts::User;

/// An account's billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingOverview {
    /// The running subscription, or the latest one.
    pub subscription: Option<SubscriptionOverview>,
    /// Whether the account has had its trial.
    pub had_trial: bool,
    /// Payments, newest first.
    pub invoices: Vec<PaidInvoice>,
    /// How many webhooks of the account have been applied.
    pub revision: i64,
}

/// A subscription as shown to its owner. Times are in seconds since the epoch, by the clock that moves the
/// subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionOverview {
    /// Stripe's ID.
    pub id: String,
    /// Its status in the tracking plan.
    pub status: SubscriptionStatus,
    /// What it costs, by interval and without discounts; empty if the prices are not fixed amounts.
    pub prices: Vec<RecurringPrice>,
    /// The amount of the next payment with its discounts; `None` if the terms do not say it.
    pub next_payment: Option<Money>,
    /// Whether it has a discount.
    pub has_discount: bool,
    /// When the trial ends or ended.
    pub trial_end_secs: Option<i64>,
    /// When the current period ends.
    pub period_end_secs: Option<i64>,
    /// When the subscription is scheduled to end.
    pub cancel_at_secs: Option<i64>,
    /// When the subscription ended.
    pub ended_at_secs: Option<i64>,
    /// Whether a card can be charged.
    pub has_card: bool,
    /// Whether it can be changed to yearly.
    pub may_change_to_yearly: bool,
}

impl Billing {
    /// Reads the account's billing.
    pub async fn overview(&self, user: &User) -> Result<BillingOverview, sqlx::Error> {
        let pool = self.db.pool();
        let Some(customer) = store::customer_of(pool, user.id).await? else {
            return Ok(BillingOverview {
                subscription: None,
                had_trial: false,
                invoices: Vec::new(),
                revision: 0,
            });
        };
        let (subscriptions, invoices) = tokio::try_join!(
            store::subscriptions(pool, user.id),
            store::paid_invoices(pool, user.id)
        )?;
        Ok(BillingOverview {
            had_trial: subscriptions
                .iter()
                .any(|stored| stored.subscription.trial_start.is_some()),
            subscription: current_subscription(&subscriptions)
                .map(|subscription| SubscriptionOverview::of(subscription, customer.has_card)),
            invoices,
            revision: customer.revision,
        })
    }
}

/// The newest subscription that grants Pro, otherwise the newest one. Duplicates are skipped.
fn current_subscription(subscriptions: &[StoredSubscription]) -> Option<&Subscription> {
    subscriptions
        .iter()
        .filter(|stored| !stored.is_duplicate)
        .map(|stored| &stored.subscription)
        .max_by_key(|subscription| {
            (
                plan(&subscription.status) == Plan::Pro,
                subscription.created,
                &subscription.id,
            )
        })
}

impl SubscriptionOverview {
    fn of(subscription: &Subscription, customer_has_card: bool) -> Self {
        let period_end = subscription.current_period.map(|period| period.end);
        Self {
            id: subscription.id.clone(),
            status: subscription_status(subscription),
            prices: subscription.terms.recurring_prices().unwrap_or_default(),
            next_payment: period_end.and_then(|end| subscription.terms.next_payment(end)),
            has_discount: subscription.terms.has_discount(),
            trial_end_secs: subscription.trial_end,
            period_end_secs: period_end,
            cancel_at_secs: subscription
                .cancel_at
                .or(period_end.filter(|_| subscription.cancel_at_period_end)),
            ended_at_secs: subscription.ended_at,
            has_card: customer_has_card || subscription.payment_method.is_some(),
            may_change_to_yearly: may_change_to_yearly(subscription),
        }
    }
}
