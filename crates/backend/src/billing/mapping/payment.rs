//! Payments: the first period, later ones, other charges, and failed payments.

use tracking::{
    PaymentFailure, ServerEvent, SubscriptionCharge, SubscriptionRenewal, SubscriptionStarted,
    SubscriptionStatus, TrialConverted,
};

use super::{MappingError, Webhook};
use crate::billing::payload::{BillingReason, Invoice};

impl Webhook<'_> {
    /// The subscription's paid invoices for a period that is not a trial, in no order. Their amount can be zero.
    pub(super) fn periods(&self) -> impl Iterator<Item = &Invoice> {
        let paid = self.input.paid_invoices.iter();
        paid.filter(|invoice| self.is_period(invoice))
    }

    /// Whether the invoice is for a period of the subscription that is not its trial.
    pub(super) fn is_period(&self, invoice: &Invoice) -> bool {
        let Some(period) = invoice.service_period() else {
            return false;
        };
        let trial = (self.input.fetched.trial_start, self.input.fetched.trial_end);
        match trial {
            (Some(start), Some(end)) => period.end > end || period.end <= start,
            _ => true,
        }
    }

    /// Whether no earlier invoice for a period was paid.
    pub(super) fn is_first_period(&self, invoice: &Invoice) -> bool {
        let is_earlier =
            |other: &Invoice| other.id != invoice.id && other.payment_order() < invoice.payment_order();
        self.is_period(invoice) && !self.periods().any(is_earlier)
    }

    /// The listed invoice, which is newer than a webhook's and has the time of payment.
    pub(super) fn listed<'a>(&'a self, invoice: &'a Invoice) -> &'a Invoice {
        let mut paid = self.input.paid_invoices.iter();
        paid.find(|listed| listed.id == invoice.id).unwrap_or(invoice)
    }

    /// An invoice was paid. Each amount is in one event, with its revenue.
    pub(super) fn paid(self) -> Result<Vec<ServerEvent>, MappingError> {
        let invoice = Invoice::read(&self.event.object)?;
        let Some(subscription) = &invoice.subscription else {
            return Ok(Vec::new());
        };
        self.check_subscription(subscription)?;
        let listed = self.listed(&invoice);
        let mut events = Vec::new();
        if self.is_first_period(listed) {
            events.push(self.first(&invoice, listed)?);
        } else if invoice.paid.minor > 0 {
            match invoice.reason {
                _ if self.is_before_trial_end(listed) => events.push(self.charge(&invoice)?),
                // The change is reported with its payment, by the other webhook's content.
                BillingReason::SubscriptionUpdate => {}
                _ if self.is_period(listed) => events.push(self.renewal(&invoice)?),
                _ => events.push(self.charge(&invoice)?),
            }
        }
        events.extend(self.change_of_invoice(&invoice)?);
        Ok(events)
    }

    /// Whether the invoice was paid during the trial and is not for a later period.
    pub(super) fn is_before_trial_end(&self, invoice: &Invoice) -> bool {
        let (paid_at, ..) = invoice.payment_order();
        let fetched = self.input.fetched;
        let on_trial = fetched.trial_start.is_some_and(|start| start <= paid_at)
            && fetched.trial_end.is_some_and(|end| paid_at < end);
        on_trial && !self.is_period(invoice)
    }

    /// The first paid period of the subscription.
    fn first(self, invoice: &Invoice, listed: &Invoice) -> Result<ServerEvent, MappingError> {
        let report = self.report(SubscriptionStatus::Active, self.invoice_interval(invoice))?;
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
                payment: invoice.payment(),
            }));
        }
        let fact = |handoff| SubscriptionStarted {
            report,
            handoff,
            invoice: invoice.id.clone(),
            payment: invoice.payment(),
            stripe_customer: self.input.fetched.customer.clone(),
        };
        Ok(match invoice.reason {
            BillingReason::SubscriptionCreate | BillingReason::SubscriptionUpdate => {
                self.present(&invoice.metadata, fact)
            }
            // No click caused the payment, for example after a pause.
            BillingReason::SubscriptionCycle | BillingReason::Other => self.present_without_click(fact),
        })
    }

    pub(super) fn renewal(self, invoice: &Invoice) -> Result<ServerEvent, MappingError> {
        Ok(self.system(&SubscriptionRenewal {
            report: self.report(SubscriptionStatus::Active, self.invoice_interval(invoice))?,
            invoice: invoice.id.clone(),
            payment: invoice.payment(),
        }))
    }

    fn charge(self, invoice: &Invoice) -> Result<ServerEvent, MappingError> {
        let listed = self.listed(invoice);
        let state = match self.is_before_trial_end(listed) {
            true => SubscriptionStatus::Trialing,
            false => SubscriptionStatus::Active,
        };
        Ok(self.system(&SubscriptionCharge {
            report: self.report(state, self.invoice_interval(invoice))?,
            invoice: invoice.id.clone(),
            payment: invoice.payment(),
        }))
    }

    /// One event for each attempt.
    pub(super) fn payment_failed(self) -> Result<Vec<ServerEvent>, MappingError> {
        let invoice = Invoice::read(&self.event.object)?;
        let Some(subscription) = &invoice.subscription else {
            return Ok(Vec::new());
        };
        self.check_subscription(subscription)?;
        Ok(vec![self.system(&PaymentFailure {
            report: self.report(SubscriptionStatus::PastDue, self.invoice_interval(&invoice))?,
            invoice: invoice.id,
            attempt: invoice.attempts,
            amount: invoice.due,
        })])
    }
}
