//! The account's billing as its pages show it. Read from our database only, so the pages also work while Stripe is
//! unreachable.

use tracking::{Money, SubscriptionStatus};

use super::change::may_change_to_yearly;
use super::payload::RecurringPrice;
use super::plan::{SuspensionReason, subscription_status};
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
    /// Whether several subscriptions grant Pro at the same time.
    pub has_second: bool,
    /// Whether Stripe has a customer of the account, so that the portal can be opened.
    pub has_customer: bool,
}

/// A subscription as shown to its owner. Times are in seconds since the epoch, by the clock that moves the
/// subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionOverview {
    /// Stripe's ID.
    pub id: String,
    /// Its status in the tracking plan.
    pub status: SubscriptionStatus,
    /// Why it grants no Pro although it has not ended.
    pub suspension: Option<SuspensionReason>,
    /// Whether Stripe collects no payments for now.
    pub is_collection_paused: bool,
    /// What it costs, by interval and without discounts; empty if the prices are not fixed amounts.
    pub prices: Vec<RecurringPrice>,
    /// The amount of the next payment with its discounts; `None` if the terms do not say it, or if no payment is due.
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
        let (customer, subscriptions, invoices, revision) = tokio::try_join!(
            store::customer_of(pool, user.id),
            store::subscriptions(pool, user.id),
            store::paid_invoices(pool, user.id),
            store::revision(pool, user.id)
        )?;
        Ok(BillingOverview {
            had_trial: subscriptions
                .iter()
                .any(|stored| stored.subscription.trial_start.is_some()),
            subscription: current_subscription(&subscriptions).map(|stored| {
                SubscriptionOverview::of(stored, customer.as_ref().is_some_and(|one| one.has_card))
            }),
            invoices,
            revision,
            has_second: subscriptions.iter().filter(|stored| stored.grants_pro()).count() > 1,
            has_customer: customer.is_some(),
        })
    }
}

/// The newest subscription that grants Pro, otherwise the newest suspended one, otherwise the newest one. Canceled
/// duplicates are skipped.
pub(super) fn current_subscription(subscriptions: &[StoredSubscription]) -> Option<&StoredSubscription> {
    subscriptions
        .iter()
        .filter(|stored| !stored.is_duplicate)
        .max_by_key(|stored| {
            (
                stored.grants_pro(),
                stored.suspension().is_some(),
                stored.subscription.created,
                &stored.subscription.id,
            )
        })
}

impl SubscriptionOverview {
    fn of(stored: &StoredSubscription, customer_has_card: bool) -> Self {
        let subscription = &stored.subscription;
        let terms = &subscription.terms;
        let period_end = subscription.current_period.map(|period| period.end);
        let is_charged = stored.grants_pro() && !terms.is_collection_paused;
        Self {
            id: subscription.id.clone(),
            status: match stored.is_of_deleted_customer {
                true => SubscriptionStatus::Expired,
                false => subscription_status(subscription),
            },
            suspension: stored.suspension(),
            is_collection_paused: terms.is_collection_paused,
            prices: terms.recurring_prices().unwrap_or_default(),
            next_payment: period_end
                .filter(|_| is_charged)
                .and_then(|end| terms.next_payment(end)),
            has_discount: terms.has_discount(),
            trial_end_secs: subscription.trial_end,
            period_end_secs: period_end,
            cancel_at_secs: subscription
                .cancel_at
                .or(period_end.filter(|_| subscription.cancel_at_period_end)),
            ended_at_secs: subscription.ended_at,
            has_card: customer_has_card || subscription.payment_method.is_some(),
            may_change_to_yearly: stored.grants_pro() && may_change_to_yearly(subscription),
        }
    }
}
