//! The next step of a subscription or an invoice that a clock makes due, and when.

use crate::{
    billing::{
        lifecycle::{self, TrialEndAction},
        period::DAY_SECS,
    },
    records::{InvoiceRecord, InvoiceStatus, StripeSubscriptionStatus, SubscriptionRecord},
};

/// Days before a trial's end at which `trial_will_end` is sent.
const TRIAL_NOTICE_DAYS: i64 = 3;

/// Seconds after which an unpaid first invoice expires the subscription.
const INCOMPLETE_EXPIRY_SECS: i64 = 23 * 3600;

/// A step that becomes due with time. Steps of the same second run in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScheduledStep {
    TrialNotice,
    UpcomingNotice,
    Cancel,
    TrialEnd,
    Renew,
    ExpireIncomplete,
    Finalize,
    Collect,
}

/// The next due step of a subscription and its time in Unix seconds, or `None`.
pub(crate) fn next_subscription_step(
    subscription: &SubscriptionRecord,
    upcoming_days: Option<i64>,
) -> Option<(i64, ScheduledStep)> {
    let mut steps: Vec<(i64, ScheduledStep)> = Vec::new();
    let period = subscription.period;
    match subscription.status {
        StripeSubscriptionStatus::Canceled | StripeSubscriptionStatus::IncompleteExpired => return None,
        StripeSubscriptionStatus::Paused => {}
        StripeSubscriptionStatus::Incomplete => steps.push((
            subscription.created + INCOMPLETE_EXPIRY_SECS,
            ScheduledStep::ExpireIncomplete,
        )),
        StripeSubscriptionStatus::Trialing => {
            if let Some(trial) = subscription.trial {
                steps.push((trial.end, ScheduledStep::TrialEnd));
                if !subscription.trial_notice_sent {
                    let notice = (trial.end - TRIAL_NOTICE_DAYS * DAY_SECS).max(trial.start);
                    steps.push((notice, ScheduledStep::TrialNotice));
                }
            }
        }
        StripeSubscriptionStatus::Active
        | StripeSubscriptionStatus::PastDue
        | StripeSubscriptionStatus::Unpaid => {
            steps.push((period.end, ScheduledStep::Renew));
            let notice_sent = subscription.upcoming_sent_for == Some(period.end);
            let is_ending = subscription.ends_at().is_some_and(|at| at <= period.end);
            if let (Some(days), false, false) = (upcoming_days, notice_sent, is_ending) {
                steps.push((
                    (period.end - days * DAY_SECS).max(period.start),
                    ScheduledStep::UpcomingNotice,
                ));
            }
        }
    }
    if let Some(at) = subscription.ends_at() {
        steps.push((at, ScheduledStep::Cancel));
    }
    steps.into_iter().min()
}

/// Whether the end of the current period creates an invoice that is collected.
pub(crate) fn is_billed_at_period_end(subscription: &SubscriptionRecord, has_card: bool) -> bool {
    let is_ending = subscription
        .ends_at()
        .is_some_and(|at| at <= subscription.period.end);
    let is_billed = match subscription.status {
        StripeSubscriptionStatus::Active | StripeSubscriptionStatus::PastDue => true,
        StripeSubscriptionStatus::Trialing => {
            lifecycle::trial_end_action(has_card, subscription.missing_payment_method) == TrialEndAction::Bill
        }
        // An unpaid subscription gets drafts that are not finalized.
        StripeSubscriptionStatus::Canceled
        | StripeSubscriptionStatus::Incomplete
        | StripeSubscriptionStatus::IncompleteExpired
        | StripeSubscriptionStatus::Paused
        | StripeSubscriptionStatus::Unpaid => false,
    };
    is_billed && !is_ending && subscription.collection_pause.is_none()
}

/// The next due step of an invoice and its time in Unix seconds, or `None`.
pub(crate) fn next_invoice_step(invoice: &InvoiceRecord) -> Option<(i64, ScheduledStep)> {
    if !invoice.auto_advance {
        return None;
    }
    match invoice.status {
        InvoiceStatus::Draft => invoice.finalizes_at.map(|at| (at, ScheduledStep::Finalize)),
        InvoiceStatus::Open => invoice.next_attempt.map(|at| (at, ScheduledStep::Collect)),
        InvoiceStatus::Paid | InvoiceStatus::Void => None,
    }
}

#[cfg(test)]
mod tests;
