//! Refunds: the ones that succeeded, and the ones that failed after that.

use tracking::{RefundOutcome, ServerEvent, SubscriptionRefund, SubscriptionStatus};

use super::{MappingError, Webhook};
use crate::billing::payload::{Refund, RefundStatus};

impl Webhook<'_> {
    /// Cards are refunded at once.
    pub(super) fn refund_created(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        if refund.status == RefundStatus::Succeeded {
            self.refunded(&refund, RefundOutcome::Succeeded)
        } else {
            Ok(Vec::new())
        }
    }

    /// One that had to wait. A reference number that the bank adds later is an update too.
    pub(super) fn refund_updated(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        let before = Refund::read(&self.event.before())?;
        if refund.status == RefundStatus::Succeeded && before.status != RefundStatus::Succeeded {
            self.refunded(&refund, RefundOutcome::Succeeded)
        } else {
            Ok(Vec::new())
        }
    }

    /// A refund fails by this webhook, whatever else says so as well. It does not tell what the refund was before,
    /// but one that had succeeded has left our balance.
    pub(super) fn refund_failed(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        if refund.never_left {
            Ok(Vec::new())
        } else {
            self.refunded(&refund, RefundOutcome::Failed)
        }
    }

    /// Each refund by its own amount: several of one payment add up by themselves.
    fn refunded(self, refund: &Refund, outcome: RefundOutcome) -> Result<Vec<ServerEvent>, MappingError> {
        let Some(invoice) = self.facts.refunded_invoice else {
            return Ok(Vec::new());
        };
        let interval = self
            .facts
            .paid_invoices
            .iter()
            .find(|paid| paid.id == invoice)
            .and_then(|paid| paid.interval);
        // A refund says nothing of the subscription. Whether it had ended by then stays true whenever this is asked.
        let had_ended = self
            .facts
            .fetched
            .ended_at
            .is_some_and(|ended_at| ended_at <= refund.created);
        let state = if had_ended {
            SubscriptionStatus::Expired
        } else {
            SubscriptionStatus::Active
        };
        Ok(vec![self.system(&SubscriptionRefund {
            report: self.report(state, interval)?,
            refund: refund.id.clone(),
            outcome,
            amount: refund.amount,
        })])
    }
}
