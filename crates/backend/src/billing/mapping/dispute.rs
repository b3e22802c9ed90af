//! Disputes that were lost.

use tracking::{ServerEvent, SubscriptionDispute};

use super::{MappingError, Webhook};
use crate::billing::payload::{Dispute, DisputeStatus};

impl Webhook<'_> {
    /// The bank keeps the money. A dispute that is won, or that was only a warning, moved none in the end.
    pub(super) fn dispute_closed(self) -> Result<Vec<ServerEvent>, MappingError> {
        let dispute = Dispute::read(&self.event.object)?;
        let (DisputeStatus::Lost, Some(invoice)) = (dispute.status, self.input.reversed_invoice) else {
            return Ok(Vec::new());
        };
        Ok(vec![self.system(&SubscriptionDispute {
            report: self.report_of_reversal(dispute.created, invoice)?,
            dispute: dispute.id,
            amount: dispute.amount,
        })])
    }
}
