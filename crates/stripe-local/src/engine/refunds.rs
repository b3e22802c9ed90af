//! Refunds, and refunds that the bank rejects afterwards.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::previous_attributes::previous_attributes,
    form::Metadata,
    records::{ChargeRecord, CustomerRecord, StripeRefundRecord},
    render,
};

impl Operation<'_> {
    /// Refunds a charge. Without `amount` the rest of the charge is refunded.
    ///
    /// Fails if the charge did not succeed, or the amount is not between 1 and the rest.
    pub(crate) fn create_refund(
        &mut self,
        charge: &ChargeRecord,
        amount: Option<i64>,
        reason: Option<String>,
        metadata: Metadata,
    ) -> Result<StripeRefundRecord, ApiError> {
        let left = charge.amount - charge.amount_refunded;
        let amount = amount.unwrap_or(left);
        if charge.failure.is_some() {
            return Err(ApiError::invalid_request(
                "This charge did not succeed: there is nothing to refund.",
            ));
        }
        if left == 0 {
            return Err(ApiError::invalid_request(format!(
                "Charge {} has already been refunded.",
                charge.id
            ))
            .with_code("charge_already_refunded"));
        }
        if amount < 1 || amount > left {
            return Err(ApiError::invalid_parameter(
                "amount",
                format!(
                    "Refund amount ({amount}) must be between 1 and the unrefunded amount on the charge ({left})."
                ),
            ));
        }
        let test_clock = self
            .records
            .get::<CustomerRecord>(&charge.customer)
            .and_then(|customer| customer.test_clock.clone());
        let refund = StripeRefundRecord {
            id: self.records.new_id("re"),
            created: self.now_secs(test_clock.as_deref()),
            amount,
            currency: charge.currency.clone(),
            charge: charge.id.clone(),
            customer: charge.customer.clone(),
            payment_intent: charge.payment_intent.clone(),
            payment_method: charge.payment_method.clone(),
            reason,
            status: "succeeded".to_owned(),
            failure_reason: None,
            metadata,
        };
        self.records.put(refund.clone());
        self.emit("refund.created", render::refund(&refund), None);
        self.adjust_refunded_amount(charge, amount, "charge.refunded");
        Ok(refund)
    }

    /// Marks a refund as failed after it succeeded, because the bank rejected it.
    ///
    /// Fails if it failed before.
    pub(crate) fn fail_refund(
        &mut self,
        refund: &StripeRefundRecord,
    ) -> Result<StripeRefundRecord, ApiError> {
        if refund.status != "succeeded" {
            return Err(ApiError::invalid_request("This refund has failed already."));
        }
        let failed = StripeRefundRecord {
            status: "failed".to_owned(),
            failure_reason: Some("lost_or_stolen_card".to_owned()),
            ..refund.clone()
        };
        let before = render::refund(refund);
        let after = render::refund(&failed);
        self.records.put(failed.clone());
        let previous = previous_attributes(&before, &after);
        self.emit("refund.updated", after.clone(), previous.clone());
        self.emit("refund.failed", after.clone(), None);
        self.emit("charge.refund.updated", after, previous);
        let charge = self.find::<ChargeRecord>("charge", &refund.charge, "id")?;
        self.adjust_refunded_amount(&charge, -refund.amount, "charge.updated");
        Ok(failed)
    }

    fn adjust_refunded_amount(&mut self, charge: &ChargeRecord, by: i64, event: &str) {
        let changed = ChargeRecord {
            amount_refunded: charge.amount_refunded + by,
            ..charge.clone()
        };
        let before = render::charge(charge);
        let after = render::charge(&changed);
        self.records.put(changed);
        let previous = previous_attributes(&before, &after);
        self.emit(event, after, previous);
    }
}
