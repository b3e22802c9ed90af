//! Pausing and resuming a subscription.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::{lifecycle, period, proration::Proration},
    records::{
        InvoiceBillingReason, InvoiceLineRecord, Pause, PauseReason, StripeSubscriptionStatus,
        SubscriptionRecord,
    },
};

/// The credit for the period in which a subscription is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PauseCredit {
    /// For the unused time.
    #[default]
    Unused,
    WholePeriod,
    NoCredit,
}

/// How a paused subscription is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResumeMode {
    /// A new period starts and is billed.
    NewPeriod,
    /// The billing cycle continues as if there had been no pause. The rest of the current period is billed with this
    /// proration.
    KeepCycle(Proration),
}

impl Operation<'_> {
    /// Pauses an active subscription. A credit is added to its next invoice.
    ///
    /// Fails if the subscription is not active or in classic billing mode.
    pub(crate) fn pause_subscription(&mut self, id: &str, credit: PauseCredit) -> Result<(), ApiError> {
        let subscription = self.find::<SubscriptionRecord>("subscription", id, "id")?;
        if let Some(reason) = lifecycle::pause_obstacle(subscription.status, subscription.billing_mode) {
            return Err(ApiError::invalid_request(reason));
        }
        let from = match credit {
            PauseCredit::Unused => Some(self.next_change_at(&subscription)),
            PauseCredit::WholePeriod => Some(subscription.period.start),
            PauseCredit::NoCredit => None,
        };
        let credits = match from {
            Some(from) => self.proration_lines(&subscription, &subscription.items, from, -1),
            None => Vec::new(),
        };
        self.mark_paused(id, PauseReason::PauseRequested, credits);
        Ok(())
    }

    /// Sets the status to `paused` and emits `customer.subscription.paused`. `credits` are added to the next invoice.
    pub(super) fn mark_paused(&mut self, id: &str, reason: PauseReason, credits: Vec<InvoiceLineRecord>) {
        let change = self.write_subscription(id, |subscription, at| {
            // The pause at a trial's end starts at that end, also if the step runs later.
            let since = match (reason, subscription.trial) {
                (PauseReason::TrialEndWithoutPaymentMethod, Some(trial)) => trial.end.min(at),
                _ => at,
            };
            subscription.status = StripeSubscriptionStatus::Paused;
            subscription.pause = Some(Pause { since, reason });
            subscription.pending_lines.extend(credits);
        });
        if let Some((_, after)) = change {
            self.emit("customer.subscription.paused", after, None);
        }
    }

    /// Resumes a paused subscription now.
    ///
    /// Fails if it is not paused, or if a credit would remain.
    pub(crate) fn resume_subscription(&mut self, id: &str, how: ResumeMode) -> Result<(), ApiError> {
        let subscription = self.find::<SubscriptionRecord>("subscription", id, "id")?;
        if subscription.status != StripeSubscriptionStatus::Paused {
            return Err(ApiError::invalid_request(
                "The subscription can't be resumed because it isn't paused. To undo a scheduled cancellation, update `cancel_at_period_end`.",
            ));
        }
        let start = self.next_change_at(&subscription);
        let (anchor, period, lines, bill) = match how {
            ResumeMode::NewPeriod => {
                let first = period::first_period(start, subscription.recurring);
                (
                    start,
                    first,
                    self.period_lines(&subscription.items, first, false),
                    true,
                )
            }
            ResumeMode::KeepCycle(proration) => {
                let anchor = subscription.billing_cycle_anchor;
                let running = period::containing(anchor, subscription.recurring, start);
                let rest = SubscriptionRecord {
                    period: running,
                    ..subscription.clone()
                };
                let lines = match proration {
                    Proration::None => Vec::new(),
                    Proration::Create | Proration::AlwaysInvoice => {
                        self.proration_lines(&rest, &rest.items, start, 1)
                    }
                };
                (anchor, running, lines, proration == Proration::AlwaysInvoice)
            }
        };
        let invoice = if bill {
            require_no_credit(lines.iter().chain(&subscription.pending_lines))?;
            Some(self.create_draft(
                &subscription,
                InvoiceBillingReason::SubscriptionUpdate,
                lines.clone(),
                subscription.period,
            ))
        } else {
            None
        };
        let change = self.write_subscription(id, |subscription, _| {
            subscription.status = StripeSubscriptionStatus::Active;
            subscription.pause = None;
            subscription.billing_cycle_anchor = anchor;
            subscription.period = period;
            if invoice.is_some() {
                subscription.latest_invoice.clone_from(&invoice);
                subscription.pending_lines.clear();
            } else {
                subscription.pending_lines.extend(lines);
            }
        });
        if let Some((_, after)) = change {
            self.emit("customer.subscription.resumed", after, None);
        }
        if let Some(invoice) = invoice {
            self.emit_invoice("invoice.created", &invoice);
            self.finalize_invoice(&invoice, true, false)?;
        }
        Ok(())
    }
}

/// Fails if the lines sum up to a credit. The stand-in has no customer balances.
pub(super) fn require_no_credit<'l>(
    lines: impl Iterator<Item = &'l InvoiceLineRecord>,
) -> Result<(), ApiError> {
    if lines.map(|line| line.amount).sum::<i64>() < 0 {
        return Err(ApiError::invalid_request(
            "stripe-local has no customer balances: this change would leave a credit. Use proration_behavior=none.",
        ));
    }
    Ok(())
}
