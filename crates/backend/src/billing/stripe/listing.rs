//! Reads Stripe's lists of paid invoices and refunds.

use serde_json::Value;
use stripe_billing::invoice::ListInvoice;
use stripe_core::refund::ListRefund;
use stripe_shared::InvoiceStatus;

use super::{PAGE, StripeCallError, StripeClient};
use crate::billing::ledger::{Movement, MovementKind, StripeLedger};
use crate::billing::payload::{Invoice, Refund, RefundStatus};

impl StripeClient {
    /// The newest payments and refunds of the Stripe account, `most` of each. Zero amounts and refunds that did not
    /// succeed are omitted.
    pub(in crate::billing) async fn ledger(&self, most: usize) -> Result<StripeLedger, StripeCallError> {
        let invoices = self.newest(most, |after: Option<String>| {
            let request = ListInvoice::new().status(InvoiceStatus::Paid).limit(PAGE);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        });
        let refunds = self.newest(most, |after: Option<String>| {
            // Expanded, because a refund names only its charge, and the charge names the customer.
            let request = ListRefund::new()
                .limit(PAGE)
                .expand(vec!["data.charge".to_owned()]);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        });
        let ((invoices, more_invoices), (refunds, more_refunds)) = tokio::try_join!(invoices, refunds)?;
        let mut movements = Vec::with_capacity(invoices.len() + refunds.len());
        for invoice in &invoices {
            movements.extend(payment(invoice)?);
        }
        for object in &refunds {
            movements.extend(refund(object)?);
        }
        Ok(StripeLedger {
            movements,
            cut_off: more_invoices || more_refunds,
        })
    }
}

fn payment(object: &Value) -> Result<Option<Movement>, StripeCallError> {
    let invoice = Invoice::read(object)?;
    Ok((invoice.paid.minor != 0).then_some(Movement {
        kind: MovementKind::Payment,
        id: invoice.id,
        customer: invoice.customer,
        amount: invoice.paid,
    }))
}

fn refund(object: &Value) -> Result<Option<Movement>, StripeCallError> {
    let customer = object["charge"]["customer"].as_str().map(str::to_owned);
    let mut object = object.clone();
    // [`Refund::read`] expects the charge's ID.
    object["charge"] = object["charge"]["id"].take();
    let refund = Refund::read(&object)?;
    Ok((refund.status == RefundStatus::Succeeded).then_some(Movement {
        kind: MovementKind::Refund,
        id: refund.id,
        customer,
        amount: refund.amount,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zero_amounts_and_failed_refunds_are_omitted() {
        let refund_of = |status: &str| {
            json!({
                "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "status": status, "created": 1,
                "charge": {"id": "ch_1", "customer": "cus_1"}, "payment_intent": "pi_1",
            })
        };
        let found = refund(&refund_of("succeeded")).unwrap().unwrap();
        assert_eq!(
            (found.customer.as_deref(), found.amount.minor),
            (Some("cus_1"), 500)
        );
        for status in ["failed", "pending", "canceled"] {
            assert_eq!(refund(&refund_of(status)).unwrap(), None, "{status}");
        }
        let invoice = |paid: i64| {
            json!({
                "id": "in_1", "object": "invoice", "currency": "usd", "amount_paid": paid, "amount_due": paid,
                "attempt_count": 1, "created": 1, "customer": "cus_1", "status": "paid",
            })
        };
        assert_eq!(payment(&invoice(0)).unwrap(), None);
        assert_eq!(
            payment(&invoice(1_200)).unwrap().map(|one| one.amount.minor),
            Some(1_200)
        );
    }
}
