//! A subscription set aside, and taken up again.

use super::Work;
use crate::{
    billing::{lifecycle, period, proration::Proration},
    failure::Failure,
    world::{BillingReason, Line, Pause, PauseReason, Status, Subscription},
};

/// What is given back of the period in which a subscription is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Credit {
    /// What is left of it.
    #[default]
    Rest,
    Whole,
    Nothing,
}

/// How a paused subscription is taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// A new period begins, and is billed.
    Anew,
    /// The periods go on as if there had been no pause; the rest of the running one is billed like this.
    InStep(Proration),
}

impl Work<'_> {
    /// Sets an active subscription aside. A credit waits for its next invoice.
    pub(crate) fn pause(&mut self, id: &str, credit: Credit) -> Result<(), Failure> {
        let subscription = self.find::<Subscription>("subscription", id, "id")?;
        if let Some(reason) = lifecycle::why_not_paused(subscription.status, subscription.billing_mode) {
            return Err(Failure::invalid(reason));
        }
        let from = match credit {
            Credit::Rest => Some(self.next_second(&subscription)),
            Credit::Whole => Some(subscription.period.start),
            Credit::Nothing => None,
        };
        let credits = match from {
            Some(from) => self.shares(&subscription, &subscription.items, from, -1),
            None => Vec::new(),
        };
        self.set_aside(id, PauseReason::PauseRequested, credits);
        Ok(())
    }

    /// Makes a subscription `paused` and says so. `credits` wait for its next invoice.
    pub(super) fn set_aside(&mut self, id: &str, reason: PauseReason, credits: Vec<Line>) {
        let change = self.write_subscription(id, |subscription, at| {
            // What time brought about happened at its own second.
            let since = match (reason, subscription.trial) {
                (PauseReason::TrialEndWithoutPaymentMethod, Some(trial)) => trial.end.min(at),
                _ => at,
            };
            subscription.status = Status::Paused;
            subscription.pause = Some(Pause { since, reason });
            subscription.pending_lines.extend(credits);
        });
        if let Some((_, after)) = change {
            self.emit("customer.subscription.paused", after, None);
        }
    }

    /// Takes a paused subscription up again, from now on.
    pub(crate) fn resume(&mut self, id: &str, how: Resume) -> Result<(), Failure> {
        let subscription = self.find::<Subscription>("subscription", id, "id")?;
        if subscription.status != Status::Paused {
            return Err(Failure::invalid(
                "The subscription can't be resumed because it isn't paused. To take back a scheduled cancellation, update `cancel_at_period_end`.",
            ));
        }
        let start = self.next_second(&subscription);
        let (anchor, period, lines, bill) = match how {
            Resume::Anew => {
                let first = period::first(start, subscription.recurring);
                (
                    start,
                    first,
                    self.period_lines(&subscription.items, first, false),
                    true,
                )
            }
            Resume::InStep(proration) => {
                let anchor = subscription.billing_cycle_anchor;
                let running = period::around(anchor, subscription.recurring, start);
                let rest = Subscription {
                    period: running,
                    ..subscription.clone()
                };
                let lines = match proration {
                    Proration::None => Vec::new(),
                    Proration::Create | Proration::AlwaysInvoice => self.shares(&rest, &rest.items, start, 1),
                };
                (anchor, running, lines, proration == Proration::AlwaysInvoice)
            }
        };
        let invoice = if bill {
            no_credit_left(lines.iter().chain(&subscription.pending_lines))?;
            Some(self.draft(
                &subscription,
                BillingReason::SubscriptionUpdate,
                lines.clone(),
                subscription.period,
            ))
        } else {
            None
        };
        let change = self.write_subscription(id, |subscription, _| {
            subscription.status = Status::Active;
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
            self.finalize(&invoice, true, false)?;
        }
        Ok(())
    }
}

/// Refuses an invoice that would owe its customer something: there are no customer balances here.
pub(super) fn no_credit_left<'l>(lines: impl Iterator<Item = &'l Line>) -> Result<(), Failure> {
    if lines.map(|line| line.amount).sum::<i64>() < 0 {
        return Err(Failure::invalid(
            "stripe-local keeps no customer balance: this change would leave a credit. Do it without prorations.",
        ));
    }
    Ok(())
}
