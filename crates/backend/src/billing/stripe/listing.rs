//! Reads Stripe's lists of paid invoices, refunds and disputes.

use std::collections::HashMap;

use serde_json::Value;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::invoice_payment::ListInvoicePayment;
use stripe_core::dispute::ListDispute;
use stripe_core::refund::ListRefund;
use stripe_shared::InvoiceStatus;

use super::{PAGE, StripeCallError, StripeClient};
use crate::billing::ledger::{Movement, MovementKind, MovementScope, StripeLedger};
use crate::billing::payload::{Dispute, DisputeStatus, Invoice, Refund, RefundStatus};
use crate::billing::plan::PlanProduct;

/// The request for the objects after the ID `after`.
macro_rules! page {
    ($request:expr, $after:expr) => {{
        let request = $request.limit(PAGE);
        match $after {
            Some(after) => request.starting_after(after),
            None => request,
        }
    }};
}

impl StripeClient {
    /// The newest payments, refunds and lost disputes of the Stripe account, `most` of each. Zero amounts, refunds that
    /// did not succeed and other disputes are omitted.
    pub(in crate::billing) async fn ledger(
        &self,
        most: usize,
        product: &PlanProduct,
    ) -> Result<StripeLedger, StripeCallError> {
        let invoices = self.newest(most, |after: Option<String>| {
            page!(ListInvoice::new().status(InvoiceStatus::Paid), after)
        });
        // Refunds and disputes name a payment, and this list names its invoice.
        let payments = self.newest(most, |after: Option<String>| {
            page!(ListInvoicePayment::new(), after)
        });
        // Expanded, because a refund or a dispute names only its charge, and the charge names the customer.
        let charge = || vec!["data.charge".to_owned()];
        let refunds = self.newest(most, |after: Option<String>| {
            page!(ListRefund::new().expand(charge()), after)
        });
        let disputes = self.newest(most, |after: Option<String>| {
            page!(ListDispute::new().expand(charge()), after)
        });
        let (invoices, payments, refunds, disputes) =
            tokio::try_join!(invoices, payments, refunds, disputes)?;
        let mut movements = Vec::new();
        let mut scopes = PaymentScopes {
            is_complete: !invoices.1 && !payments.1,
            ..PaymentScopes::default()
        };
        for object in &invoices.0 {
            let invoice = Invoice::read(object)?;
            let scope = invoice_scope(&invoice, product);
            scopes.invoices.insert(invoice.id.clone(), scope);
            movements.extend(payment(invoice, scope));
        }
        for object in &payments.0 {
            let intent = object.pointer("/payment/payment_intent").and_then(Value::as_str);
            if let (Some(intent), Some(invoice)) = (intent, object["invoice"].as_str()) {
                scopes.payments.insert(intent.to_owned(), invoice.to_owned());
            }
        }
        for object in &refunds.0 {
            movements.extend(refund(object, &scopes)?);
        }
        for object in &disputes.0 {
            movements.extend(dispute(object, &scopes)?);
        }
        Ok(StripeLedger {
            movements,
            cut_off: invoices.1 || refunds.1 || disputes.1,
        })
    }
}

/// What payments were for, by their invoices.
#[derive(Default)]
struct PaymentScopes {
    /// The invoice of each payment intent.
    payments: HashMap<String, String>,
    /// The scope of each paid invoice.
    invoices: HashMap<String, MovementScope>,
    /// Whether both lists were read to their end, so that a payment that is not listed has no invoice.
    is_complete: bool,
}

impl PaymentScopes {
    fn of(&self, payment_intent: Option<&str>) -> MovementScope {
        let Some(payment) = payment_intent else {
            return MovementScope::Plan;
        };
        match self.payments.get(payment) {
            Some(invoice) => self.invoices.get(invoice).copied().unwrap_or(MovementScope::Plan),
            None if self.is_complete => MovementScope::OneOff,
            None => MovementScope::Plan,
        }
    }
}

/// An invoice without lines that name a product counts for the plan, so that it cannot be missed.
fn invoice_scope(invoice: &Invoice, product: &PlanProduct) -> MovementScope {
    if invoice.subscription.is_none() {
        return MovementScope::OneOff;
    }
    let mut products = invoice
        .lines
        .iter()
        .filter_map(|line| line.product.as_ref())
        .peekable();
    let is_other = products.peek().is_some()
        && product.id.is_some()
        && products.all(|line| Some(line) != product.id.as_ref());
    match is_other {
        true => MovementScope::OtherProduct,
        false => MovementScope::Plan,
    }
}

fn payment(invoice: Invoice, scope: MovementScope) -> Option<Movement> {
    (invoice.paid.minor != 0).then_some(Movement {
        kind: MovementKind::Payment,
        id: invoice.id,
        customer: invoice.customer,
        amount: invoice.paid,
        scope,
    })
}

fn refund(object: &Value, scopes: &PaymentScopes) -> Result<Option<Movement>, StripeCallError> {
    let refund = Refund::read(object)?;
    Ok((refund.status == RefundStatus::Succeeded).then_some(Movement {
        kind: MovementKind::Refund,
        id: refund.id,
        customer: object["charge"]["customer"].as_str().map(str::to_owned),
        amount: refund.amount,
        scope: scopes.of(refund.payment_intent.as_deref()),
    }))
}

fn dispute(object: &Value, scopes: &PaymentScopes) -> Result<Option<Movement>, StripeCallError> {
    let dispute = Dispute::read(object)?;
    Ok((dispute.status == DisputeStatus::Lost).then_some(Movement {
        kind: MovementKind::Dispute,
        id: dispute.id,
        customer: object["charge"]["customer"].as_str().map(str::to_owned),
        amount: dispute.amount,
        scope: scopes.of(dispute.payment_intent.as_deref()),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn product() -> PlanProduct {
        PlanProduct {
            id: Some("prod_1".to_owned()),
            lookup_keys: Vec::new(),
        }
    }

    #[test]
    fn zero_amounts_and_failed_refunds_are_omitted() {
        let reversal = |status: &str| {
            json!({
                "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "status": status, "created": 1,
                "charge": {"id": "ch_1", "customer": "cus_1"}, "payment_intent": "pi_1",
            })
        };
        let scopes = PaymentScopes::default();
        let found = refund(&reversal("succeeded"), &scopes).unwrap().unwrap();
        assert_eq!(
            (found.customer.as_deref(), found.amount.minor),
            (Some("cus_1"), 500)
        );
        for status in ["failed", "pending", "canceled"] {
            assert_eq!(refund(&reversal(status), &scopes).unwrap(), None, "{status}");
        }
        let lost = dispute(&reversal("lost"), &scopes).unwrap().unwrap();
        assert_eq!(
            (lost.kind, lost.customer.as_deref()),
            (MovementKind::Dispute, Some("cus_1"))
        );
        for status in ["won", "needs_response", "warning_closed"] {
            assert_eq!(dispute(&reversal(status), &scopes).unwrap(), None, "{status}");
        }
        let invoice = |paid: i64| {
            let object = json!({
                "id": "in_1", "object": "invoice", "currency": "usd", "amount_paid": paid, "amount_due": paid,
                "attempt_count": 1, "created": 1, "customer": "cus_1", "status": "paid",
            });
            payment(Invoice::read(&object).unwrap(), MovementScope::Plan)
        };
        assert_eq!(invoice(0), None);
        assert_eq!(invoice(1_200).map(|one| one.amount.minor), Some(1_200));
    }

    #[test]
    fn case_8_the_scope_follows_from_the_invoice() {
        let invoice = |subscription: Value, products: &[&str]| {
            let line = |product: &&str| json!({"pricing": {"price_details": {"price": "price_1", "product": product}}});
            let object = json!({
                "id": "in_1", "object": "invoice", "currency": "usd", "amount_paid": 1, "amount_due": 1,
                "attempt_count": 1, "created": 1, "customer": "cus_1", "status": "paid",
                "parent": {"subscription_details": {"subscription": subscription}},
                "lines": {"data": products.iter().map(line).collect::<Vec<_>>()},
            });
            invoice_scope(&Invoice::read(&object).unwrap(), &product())
        };
        assert_eq!(invoice(json!(null), &["prod_1"]), MovementScope::OneOff);
        assert_eq!(
            invoice(json!("sub_1"), &["prod_2", "prod_1"]),
            MovementScope::Plan
        );
        assert_eq!(invoice(json!("sub_1"), &["prod_2"]), MovementScope::OtherProduct);
        assert_eq!(invoice(json!("sub_1"), &[]), MovementScope::Plan);

        let scopes = |is_complete| PaymentScopes {
            payments: [("pi_1".to_owned(), "in_1".to_owned())].into(),
            invoices: [("in_1".to_owned(), MovementScope::OtherProduct)].into(),
            is_complete,
        };
        assert_eq!(scopes(true).of(Some("pi_1")), MovementScope::OtherProduct);
        assert_eq!(scopes(true).of(Some("pi_2")), MovementScope::OneOff);
        assert_eq!(scopes(false).of(Some("pi_2")), MovementScope::Plan);
        assert_eq!(scopes(true).of(None), MovementScope::Plan);
    }
}
