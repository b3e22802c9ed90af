//! Payments: the first one, later ones, and failed ones.

use tracking::{
    Interval, PaymentFailure, ServerEvent, SubscriptionChanged, SubscriptionRenewal, SubscriptionStarted,
    SubscriptionStatus, TrialConverted,
};

use super::{MappingError, Webhook};
use crate::billing::payload::{BillingReason, Invoice};

impl Webhook<'_> {
    /// The subscription's invoices with a positive amount, in no order.
    pub(super) fn payments(&self) -> impl Iterator<Item = &Invoice> {
        self.input
            .paid_invoices
            .iter()
            .filter(|invoice| invoice.paid.minor > 0)
    }

    /// An invoice was paid. Its amount may be zero, for example at the start of a trial. Each payment is one event with
    /// its revenue.
    pub(super) fn paid(self) -> Result<Vec<ServerEvent>, MappingError> {
        let invoice = Invoice::read(&self.event.object)?;
        let Some(subscription) = &invoice.subscription else {
            return Ok(Vec::new());
        };
        self.check_subscription(subscription)?;

        // The listed invoice is newer than the payload and has the time of payment.
        let listed = self
            .input
            .paid_invoices
            .iter()
            .find(|listed| listed.id == invoice.id)
            .unwrap_or(&invoice);
        let is_earlier =
            |other: &&Invoice| other.id != listed.id && other.payment_order() < listed.payment_order();
        let is_first = !self.payments().any(|other| is_earlier(&other));
        let before = self
            .input
            .paid_invoices
            .iter()
            .filter(is_earlier)
            .max_by_key(|other| other.payment_order());

        let change = self.interval_change(&invoice, before)?;
        if invoice.paid.minor <= 0 {
            let was_reported_on_trial = self.is_on_trial_at(listed);
            return Ok(match change {
                Some(previous) if !was_reported_on_trial => vec![self.changed(&invoice, previous, false)?],
                _ => Vec::new(),
            });
        }
        Ok(match (is_first, change) {
            (true, None) => vec![self.first(&invoice, listed)?],
            // The interval changed after the trial and before the first payment: this payment is both.
            (true, Some(previous)) => vec![
                self.first(&invoice, listed)?,
                self.changed(&invoice, previous, false)?,
            ],
            (false, Some(previous)) => vec![self.changed(&invoice, previous, true)?],
            (false, None) => vec![self.system(&SubscriptionRenewal {
                report: self.report(SubscriptionStatus::Active, invoice.interval)?,
                invoice: invoice.id.clone(),
                amount: invoice.paid,
            })],
        })
    }

    /// The first payment of the subscription.
    fn first(self, invoice: &Invoice, listed: &Invoice) -> Result<ServerEvent, MappingError> {
        let report = self.report(SubscriptionStatus::Active, invoice.interval)?;
        let (paid_at, ..) = listed.payment_order();
        let had_trial = self
            .input
            .fetched
            .trial_start
            .is_some_and(|start| start <= paid_at);
        if had_trial {
            return Ok(self.system(&TrialConverted {
                report,
                invoice: invoice.id.clone(),
                amount: invoice.paid,
            }));
        }
        let fact = |handoff| SubscriptionStarted {
            report,
            handoff,
            invoice: invoice.id.clone(),
            amount: invoice.paid,
            stripe_customer: self.input.fetched.customer.clone(),
        };
        Ok(match invoice.reason {
            BillingReason::SubscriptionCreate | BillingReason::SubscriptionUpdate => {
                self.present(&invoice.metadata, fact)
            }
            // The subscription was free until this period, for example with a voucher, so no click caused the payment.
            BillingReason::SubscriptionCycle | BillingReason::Other => self.present_without_click(fact),
        })
    }

    fn changed(
        self,
        invoice: &Invoice,
        previous_interval: Interval,
        money_moved: bool,
    ) -> Result<ServerEvent, MappingError> {
        let report = self.report(SubscriptionStatus::Active, invoice.interval)?;
        Ok(self.present(&invoice.metadata, |handoff| SubscriptionChanged {
            report,
            handoff,
            previous_interval,
            invoice: invoice.id.clone(),
            amount: money_moved.then_some(invoice.paid),
        }))
    }

    /// The previous interval, if this invoice is for a change to another one. `before` is the invoice paid before it.
    /// In newer API versions a trial's invoice does not name its interval; then it is the other of the two.
    fn interval_change(
        self,
        invoice: &Invoice,
        before: Option<&Invoice>,
    ) -> Result<Option<Interval>, MappingError> {
        if invoice.reason != BillingReason::SubscriptionUpdate {
            return Ok(None);
        }
        let interval = self.interval(invoice.interval)?;
        let previous = before
            .and_then(|before| before.interval)
            .unwrap_or(match interval {
                Interval::Month => Interval::Year,
                Interval::Year => Interval::Month,
            });
        Ok((previous != interval).then_some(previous))
    }

    fn is_on_trial_at(self, invoice: &Invoice) -> bool {
        let (paid_at, ..) = invoice.payment_order();
        self.input.fetched.trial_end.is_some_and(|end| paid_at < end)
    }

    /// One event for each attempt.
    pub(super) fn payment_failed(self) -> Result<Vec<ServerEvent>, MappingError> {
        let invoice = Invoice::read(&self.event.object)?;
        let Some(subscription) = &invoice.subscription else {
            return Ok(Vec::new());
        };
        self.check_subscription(subscription)?;
        Ok(vec![self.system(&PaymentFailure {
            report: self.report(SubscriptionStatus::PastDue, invoice.interval)?,
            invoice: invoice.id,
            attempt: invoice.attempts,
            amount: invoice.due,
        })])
    }
}
