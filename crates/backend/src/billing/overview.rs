//! What the pages say of an account's billing: from our own records alone, so that they open when Stripe does not.

use tracking::{Interval, SubscriptionStatus};

use super::change::may_change_to_yearly;
use super::payload::Subscription;
use super::plan::{Plan, plan, state};
use super::store::{self, Mirrored};
use super::{Billing, PaidInvoice};
use crate::accounts::User;

/// An account's billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Its running subscription, or the last one.
    pub standing: Option<Standing>,
    /// It has had its trial.
    pub had_trial: bool,
    /// Payments, newest first.
    pub invoices: Vec<PaidInvoice>,
    /// Grows with each change.
    pub revision: i64,
}

/// A subscription, as its owner wants to know it. Moments are in seconds since the epoch, by the clock that moves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Stripe's ID.
    pub subscription: String,
    /// Where it stands.
    pub state: SubscriptionStatus,
    /// How often it is paid.
    pub interval: Option<Interval>,
    /// When the trial ends or ended.
    pub trial_end: Option<i64>,
    /// When the running period ends: the next payment, if there is one.
    pub period_end: Option<i64>,
    /// When it will end.
    pub cancel_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Whether there is a card to charge.
    pub has_card: bool,
    /// Whether it can be changed to yearly.
    pub may_change_to_yearly: bool,
}

impl Billing {
    /// How things stand.
    pub async fn overview(&self, user: &User) -> Result<Overview, sqlx::Error> {
        let pool = self.db.pool();
        let Some(customer) = store::customer_of(pool, user.id).await? else {
            return Ok(Overview {
                standing: None,
                had_trial: false,
                invoices: Vec::new(),
                revision: 0,
            });
        };
        let (subscriptions, invoices) = tokio::try_join!(
            store::subscriptions(pool, user.id),
            store::paid_invoices(pool, user.id)
        )?;
        Ok(Overview {
            had_trial: subscriptions
                .iter()
                .any(|mirrored| mirrored.subscription.trial_start.is_some()),
            standing: shown(&subscriptions).map(|subscription| Standing::of(subscription, customer.has_card)),
            invoices,
            revision: customer.revision,
        })
    }
}

/// The newest that gives something, else the newest; one that was turned away was never theirs.
fn shown(subscriptions: &[Mirrored]) -> Option<&Subscription> {
    subscriptions
        .iter()
        .filter(|mirrored| !mirrored.turned_away)
        .map(|mirrored| &mirrored.subscription)
        .max_by_key(|subscription| {
            (
                plan(&subscription.status) == Plan::Pro,
                subscription.created,
                &subscription.id,
            )
        })
}

impl Standing {
    fn of(subscription: &Subscription, customer_has_card: bool) -> Self {
        let period_end = subscription.current_period.map(|period| period.end);
        Self {
            subscription: subscription.id.clone(),
            state: state(subscription),
            interval: subscription.interval,
            trial_end: subscription.trial_end,
            period_end,
            cancel_at: subscription
                .cancel_at
                .or(period_end.filter(|_| subscription.cancel_at_period_end)),
            ended_at: subscription.ended_at,
            has_card: customer_has_card || subscription.payment_method.is_some(),
            may_change_to_yearly: may_change_to_yearly(subscription),
        }
    }
}
