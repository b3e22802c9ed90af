//! Disputes: a customer's bank takes a payment back. Stripe's fee, evidence and warnings are not simulated.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::previous_attributes::previous_attributes,
    records::{ChargeRecord, CustomerRecord, DisputeOutcome, StripeDisputeRecord},
    render,
};

impl Operation<'_> {
    /// Opens a dispute about a charge. Without `amount` the whole charge is disputed.
    ///
    /// Fails if the charge did not succeed or is disputed already, or the amount is not between 1 and that of the charge.
    pub(crate) fn open_dispute(
        &mut self,
        charge: &ChargeRecord,
        amount: Option<i64>,
    ) -> Result<StripeDisputeRecord, ApiError> {
        if charge.failure.is_some() {
            return Err(ApiError::invalid_request(
                "This charge did not succeed: it cannot be disputed.",
            ));
        }
        if self
            .records
            .children::<StripeDisputeRecord>(&charge.id)
            .next()
            .is_some()
        {
            return Err(ApiError::invalid_request("This charge is disputed already."));
        }
        let amount = amount.unwrap_or(charge.amount);
        if !(1..=charge.amount).contains(&amount) {
            return Err(ApiError::invalid_parameter(
                "amount",
                format!("The disputed amount must be between 1 and {}.", charge.amount),
            ));
        }
        let customer = self.records.get::<CustomerRecord>(&charge.customer);
        let test_clock = customer.and_then(|customer| customer.test_clock.clone());
        let dispute = StripeDisputeRecord {
            id: self.records.new_id("du"),
            created: self.now_secs(test_clock.as_deref()),
            amount,
            currency: charge.currency.clone(),
            charge: charge.id.clone(),
            payment_intent: charge.payment_intent.clone(),
            status: DisputeOutcome::NeedsResponse,
        };
        self.records.put(dispute.clone());
        let object = render::dispute(&dispute);
        self.emit("charge.dispute.created", object.clone(), None);
        self.emit("charge.dispute.funds_withdrawn", object, None);
        Ok(dispute)
    }

    /// Closes a dispute. If it is won, the money comes back.
    ///
    /// Fails if it is closed already.
    pub(crate) fn close_dispute(
        &mut self,
        dispute: &StripeDisputeRecord,
        won: bool,
    ) -> Result<StripeDisputeRecord, ApiError> {
        if dispute.status != DisputeOutcome::NeedsResponse {
            return Err(ApiError::invalid_request("This dispute is closed already."));
        }
        let closed = StripeDisputeRecord {
            status: if won {
                DisputeOutcome::Won
            } else {
                DisputeOutcome::Lost
            },
            ..dispute.clone()
        };
        let (before, after) = (render::dispute(dispute), render::dispute(&closed));
        self.records.put(closed.clone());
        let previous = previous_attributes(&before, &after);
        self.emit("charge.dispute.updated", after.clone(), previous);
        if won {
            self.emit("charge.dispute.funds_reinstated", after.clone(), None);
        }
        self.emit("charge.dispute.closed", after, None);
        Ok(closed)
    }
}
