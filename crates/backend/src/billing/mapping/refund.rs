//! Refunds: succeeded ones, and those that failed afterwards.

use tracking::{RefundOutcome, ServerEvent, SubscriptionRefund, SubscriptionReport, SubscriptionStatus};

use super::{MappingError, Webhook};
use crate::billing::payload::{Refund, RefundStatus};

impl Webhook<'_> {
    /// Card refunds succeed at once.
    pub(super) fn refund_created(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        if refund.status == RefundStatus::Succeeded {
            self.refunded(&refund, RefundOutcome::Succeeded)
        } else {
            Ok(Vec::new())
        }
    }

    /// A pending refund that succeeded. Other updates, such as a bank's reference number, give no event.
    pub(super) fn refund_updated(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        let before = Refund::read(&self.event.before())?;
        if refund.status == RefundStatus::Succeeded && before.status != RefundStatus::Succeeded {
            self.refunded(&refund, RefundOutcome::Succeeded)
        } else {
            Ok(Vec::new())
        }
    }

    /// A failed refund. The webhook does not contain the earlier status. A refund that had not been debited from our
    /// balance gives no event.
    pub(super) fn refund_failed(self) -> Result<Vec<ServerEvent>, MappingError> {
        let refund = Refund::read(&self.event.object)?;
        if refund.never_debited {
            Ok(Vec::new())
        } else {
            self.refunded(&refund, RefundOutcome::Failed)
        }
    }

    /// Each refund has its own amount, so partial refunds add up.
    fn refunded(self, refund: &Refund, outcome: RefundOutcome) -> Result<Vec<ServerEvent>, MappingError> {
        let Some(invoice) = self.input.reversed_invoice else {
            return Ok(Vec::new());
        };
        Ok(vec![self.system(&SubscriptionRefund {
            report: self.report_of_reversal(refund.created, invoice)?,
            refund: refund.id.clone(),
            outcome,
            amount: refund.amount,
        })])
    }

    /// The report about money of `invoice` that went back at `created` (seconds since the epoch).
    pub(super) fn report_of_reversal(
        &self,
        created: i64,
        invoice: &str,
    ) -> Result<SubscriptionReport, MappingError> {
        let mut paid = self.input.paid_invoices.iter();
        let interval = paid
            .find(|paid| paid.id == invoice)
            .and_then(|paid| self.invoice_interval(paid));
        // Whether the subscription had ended before. The result is the same at any time of the fetch.
        let ended_at = self.input.fetched.ended_at;
        let state = match ended_at.is_some_and(|ended_at| ended_at <= created) {
            true => SubscriptionStatus::Expired,
            false => SubscriptionStatus::Active,
        };
        Ok(self.report(state, interval)?)
    }
}
