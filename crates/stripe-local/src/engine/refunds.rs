//! Money given back, and a bank that sends it back later.

use super::Work;
use crate::{
    billing::difference::previous_attributes,
    failure::Failure,
    form::Metadata,
    render,
    world::{Charge, Customer, Refund},
};

impl Work<'_> {
    /// Refunds a charge, in whole (`amount` `None`: what is left of it) or in part.
    pub(crate) fn refund(
        &mut self,
        charge: &Charge,
        amount: Option<i64>,
        reason: Option<String>,
        metadata: Metadata,
    ) -> Result<Refund, Failure> {
        let left = charge.amount - charge.amount_refunded;
        let amount = amount.unwrap_or(left);
        if charge.failure.is_some() {
            return Err(Failure::invalid(
                "This charge did not succeed: there is nothing to refund.",
            ));
        }
        if left == 0 {
            return Err(
                Failure::invalid(format!("Charge {} has already been refunded.", charge.id))
                    .with_code("charge_already_refunded"),
            );
        }
        if amount < 1 || amount > left {
            return Err(Failure::parameter(
                "amount",
                format!(
                    "Refund amount ({amount}) must be between 1 and the unrefunded amount on the charge ({left})."
                ),
            ));
        }
        let test_clock = self
            .world
            .get::<Customer>(&charge.customer)
            .and_then(|customer| customer.test_clock.clone());
        let refund = Refund {
            id: self.world.mint("re"),
            created: self.now(test_clock.as_deref()),
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
        self.world.put(refund.clone());
        self.emit("refund.created", render::refund(&refund), None);
        self.change_refunded(charge, amount, "charge.refunded");
        Ok(refund)
    }

    /// The bank could not take a refund: it fails after it had succeeded.
    pub(crate) fn fail_refund(&mut self, refund: &Refund) -> Result<Refund, Failure> {
        if refund.status != "succeeded" {
            return Err(Failure::invalid("This refund has failed already."));
        }
        let failed = Refund {
            status: "failed".to_owned(),
            failure_reason: Some("lost_or_stolen_card".to_owned()),
            ..refund.clone()
        };
        let before = render::refund(refund);
        let after = render::refund(&failed);
        self.world.put(failed.clone());
        let previous = previous_attributes(&before, &after);
        self.emit("refund.updated", after.clone(), previous.clone());
        self.emit("refund.failed", after.clone(), None);
        self.emit("charge.refund.updated", after, previous);
        let charge = self.find::<Charge>("charge", &refund.charge, "id")?;
        self.change_refunded(&charge, -refund.amount, "charge.updated");
        Ok(failed)
    }

    fn change_refunded(&mut self, charge: &Charge, by: i64, event: &str) {
        let changed = Charge {
            amount_refunded: charge.amount_refunded + by,
            ..charge.clone()
        };
        let before = render::charge(charge);
        let after = render::charge(&changed);
        self.world.put(changed);
        let previous = previous_attributes(&before, &after);
        self.emit(event, after, previous);
    }
}
