//! Subscriptions: trial started, cancellation scheduled or undone, ended.

use tracking::{
    ServerEvent, SubscriptionCanceled, SubscriptionExpiration, SubscriptionResumed, SubscriptionStatus,
    TrialCanceled, TrialExpiration, TrialResumed, TrialStarted,
};

use super::{MappingError, Webhook};
use crate::billing::payload::{PayloadError, StripeStatus, Subscription};
use crate::billing::plan::subscription_status;

impl Webhook<'_> {
    /// Without a trial, the subscription starts with its first payment.
    pub(super) fn created(self) -> Result<Vec<ServerEvent>, MappingError> {
        let now = self.subscription()?;
        if now.status != StripeStatus::Trialing {
            return Ok(Vec::new());
        }
        let report = self.report(subscription_status(&now), Some(self.plan_interval(&now)?))?;
        let trial_days = trial_days(&now)?;
        Ok(vec![self.present(&now.metadata, |handoff| TrialStarted {
            report,
            handoff,
            trial_days,
            stripe_customer: now.customer.clone(),
        })])
    }

    /// Stripe sends this webhook for every change of a subscription. Most give no event; one may give two.
    pub(super) fn updated(self) -> Result<Vec<ServerEvent>, MappingError> {
        let now = self.subscription()?;
        let before = Subscription::read(&self.event.before())?;
        let ending = match (before.is_scheduled_to_end(), now.is_scheduled_to_end()) {
            (false, true) => self.canceled(&now)?,
            (true, false) => self.resumed(&now, &before)?,
            (false, false) | (true, true) => None,
        };
        let change = self.items_changed(&now, &before)?;
        Ok(ending.into_iter().chain(change).collect())
    }

    fn canceled(self, now: &Subscription) -> Result<Option<ServerEvent>, MappingError> {
        let report = self.report(subscription_status(now), Some(self.plan_interval(now)?))?;
        // The time of the cancellation distinguishes repeated cancellations.
        let canceled_at = now.canceled_at.unwrap_or(self.event.created);
        Ok(match now.status {
            StripeStatus::Trialing => Some(self.present(&now.metadata, |handoff| TrialCanceled {
                report,
                handoff,
                canceled_at,
            })),
            StripeStatus::Active | StripeStatus::PastDue => {
                Some(self.present(&now.metadata, |handoff| SubscriptionCanceled {
                    report,
                    handoff,
                    canceled_at,
                }))
            }
            _ => None,
        })
    }

    fn resumed(self, now: &Subscription, before: &Subscription) -> Result<Option<ServerEvent>, MappingError> {
        let report = self.report(subscription_status(now), Some(self.plan_interval(now)?))?;
        let previous_canceled_at = before.canceled_at.unwrap_or(self.event.created);
        Ok(match now.status {
            StripeStatus::Trialing => Some(self.present(&now.metadata, |handoff| TrialResumed {
                report,
                handoff,
                previous_canceled_at,
            })),
            StripeStatus::Active | StripeStatus::PastDue => {
                Some(self.present(&now.metadata, |handoff| SubscriptionResumed {
                    report,
                    handoff,
                    previous_canceled_at,
                }))
            }
            _ => None,
        })
    }

    /// The subscription ended: by schedule, after failed payments, or as a trial without a card. The app offers no
    /// immediate cancellation.
    pub(super) fn deleted(self) -> Result<Vec<ServerEvent>, MappingError> {
        let now = self.subscription()?;
        let report = self.report(SubscriptionStatus::Expired, Some(self.plan_interval(&now)?))?;
        // An invoice that was paid after the end does not count.
        let was_paid = self.periods().any(|invoice| {
            let (paid_at, ..) = invoice.payment_order();
            now.ended_at.is_none_or(|ended_at| paid_at <= ended_at)
        });
        Ok(if was_paid {
            vec![self.system(&SubscriptionExpiration { report })]
        } else if now.trial_end.is_some() {
            vec![self.system(&TrialExpiration { report })]
        } else {
            Vec::new()
        })
    }

    /// A trial without a card was paused instead of ended. A paused paid subscription gives no event.
    pub(super) fn paused(self) -> Result<Vec<ServerEvent>, MappingError> {
        let now = self.subscription()?;
        if now.trial_end.is_none() || self.periods().next().is_some() {
            return Ok(Vec::new());
        }
        let report = self.report(subscription_status(&now), Some(self.plan_interval(&now)?))?;
        Ok(vec![self.system(&TrialExpiration { report })])
    }
}

fn trial_days(subscription: &Subscription) -> Result<u32, PayloadError> {
    const DAY: i64 = 86_400;
    let missing = |field| PayloadError {
        object: "subscription",
        field,
    };
    let start = subscription.trial_start.ok_or_else(|| missing("trial_start"))?;
    let end = subscription.trial_end.ok_or_else(|| missing("trial_end"))?;
    // Rounded, because Checkout starts the trial a little later than the subscription.
    let days = end.saturating_sub(start).saturating_add(DAY / 2) / DAY;
    u32::try_from(days).map_err(|_| missing("trial_end"))
}
