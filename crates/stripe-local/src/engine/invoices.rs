//! Invoices: drafts, lines, finalization and previews. `collect` has the payment.

use serde_json::Value;

use super::{CollectionOutcome, Operation};
use crate::{
    api_error::ApiError,
    billing::period,
    form::Metadata,
    money::format_amount,
    records::{
        BillingPeriod, CustomerRecord, InvoiceBillingReason, InvoiceLineRecord, InvoicePaymentRecord,
        InvoiceRecord, InvoiceStatus, PaymentIntentRecord, PaymentStatus, PriceRecord, ProductRecord,
        StripeSubscriptionStatus, SubscriptionItem, SubscriptionRecord,
    },
    render,
};

impl Operation<'_> {
    /// Creates a draft invoice and returns its ID. Pending lines of the subscription are added. Emits no event.
    pub(crate) fn create_draft(
        &mut self,
        subscription: &SubscriptionRecord,
        reason: InvoiceBillingReason,
        mut lines: Vec<InvoiceLineRecord>,
        period: BillingPeriod,
    ) -> String {
        let now = self.now_secs(subscription.test_clock.as_deref());
        // Stripe continues to create drafts, but does not finalize them.
        let is_cycle = reason == InvoiceBillingReason::SubscriptionCycle;
        let is_held = is_cycle
            && (subscription.status == StripeSubscriptionStatus::Unpaid
                || subscription.collection_pause.is_some());
        lines.extend(subscription.pending_lines.iter().cloned());
        let invoice = InvoiceRecord {
            id: self.records.new_id("in"),
            created: now,
            customer: subscription.customer.clone(),
            test_clock: subscription.test_clock.clone(),
            subscription: subscription.id.clone(),
            subscription_metadata: subscription.metadata.clone(),
            status: InvoiceStatus::Draft,
            reason,
            currency: subscription.currency.clone(),
            lines,
            period,
            number: None,
            auto_advance: !is_held,
            finalizes_at: (is_cycle && !is_held).then(|| now + self.rules.draft_secs),
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            attempts: 0,
            next_attempt: None,
            amount_paid: 0,
            payment_intent: None,
            metadata: Metadata::new(),
        };
        let id = invoice.id.clone();
        self.records.put(invoice);
        id
    }

    /// The invoice lines for a whole period. In a trial (`free`) they cost nothing.
    pub(crate) fn period_lines(
        &mut self,
        items: &[SubscriptionItem],
        period: BillingPeriod,
        free: bool,
    ) -> Vec<InvoiceLineRecord> {
        items
            .iter()
            .filter_map(|item| {
                let price = self.records.get::<PriceRecord>(&item.price)?.clone();
                let amount = if free {
                    0
                } else {
                    price.unit_amount * item.quantity
                };
                let name = self.product_name(&price);
                let description = if free {
                    format!("Trial period for {name}")
                } else {
                    let cost = format_amount(price.unit_amount, &price.currency);
                    let interval = price
                        .recurring
                        .map_or("once", |recurring| recurring.interval.as_str());
                    format!("{} × {name} (at {cost} / {interval})", item.quantity)
                };
                Some(self.invoice_line(item, &price, amount, description, period, false))
            })
            .collect()
    }

    pub(crate) fn invoice_line(
        &mut self,
        item: &SubscriptionItem,
        price: &PriceRecord,
        amount: i64,
        description: String,
        period: BillingPeriod,
        is_proration: bool,
    ) -> InvoiceLineRecord {
        InvoiceLineRecord {
            id: self.records.new_id("il"),
            amount,
            description,
            item: item.id.clone(),
            price: price.id.clone(),
            product: price.product.clone(),
            unit_amount: price.unit_amount,
            quantity: item.quantity,
            period,
            is_proration,
        }
    }

    pub(crate) fn product_name(&self, price: &PriceRecord) -> String {
        self.records
            .get::<ProductRecord>(&price.product)
            .map_or_else(|| price.product.clone(), |product| product.name.clone())
    }

    /// Finalizes a draft. If `pay` is true and an amount is due, the payment is attempted.
    ///
    /// Fails if the invoice is not a draft.
    pub(crate) fn finalize_invoice(
        &mut self,
        id: &str,
        pay: bool,
        confirmed: bool,
    ) -> Result<CollectionOutcome, ApiError> {
        let invoice = self.find::<InvoiceRecord>("invoice", id, "id")?;
        if invoice.status != InvoiceStatus::Draft {
            return Err(ApiError::invalid_request(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            ));
        }
        let now = self.now_secs(invoice.test_clock.as_deref());
        let number = self.next_number(&invoice.customer);
        let total = invoice.total();
        let intent = (total > 0).then(|| self.payment_intent_for(&invoice, total, now));
        let metadata = self
            .records
            .get::<SubscriptionRecord>(&invoice.subscription)
            .map(|subscription| subscription.metadata.clone());
        self.write_invoice(id, |invoice| {
            // The invoice keeps the subscription's metadata of this moment.
            if let Some(metadata) = metadata {
                invoice.subscription_metadata = metadata;
            }
            invoice.status = InvoiceStatus::Open;
            invoice.finalizes_at = None;
            invoice.finalized_at = Some(now);
            invoice.number = number;
            invoice.payment_intent = intent.as_ref().map(|intent| intent.id.clone());
        });
        self.emit_invoice("invoice.finalized", id);
        let Some(intent) = intent else {
            self.write_invoice(id, |invoice| {
                invoice.status = InvoiceStatus::Paid;
                invoice.paid_at = Some(now);
                invoice.auto_advance = false;
            });
            self.emit_invoice("invoice.paid", id);
            self.emit_invoice("invoice.payment_succeeded", id);
            return Ok(CollectionOutcome::Paid);
        };
        let object = render::payment_intent(self.records, &intent);
        self.emit("payment_intent.created", object, None);
        if pay {
            self.collect_invoice(id, None, confirmed)
        } else {
            Ok(CollectionOutcome::Open)
        }
    }

    fn next_number(&mut self, customer: &str) -> Option<String> {
        let mut customer = self.records.get::<CustomerRecord>(customer)?.clone();
        let number = format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice);
        customer.next_invoice += 1;
        self.records.put(customer);
        Some(number)
    }

    fn payment_intent_for(&mut self, invoice: &InvoiceRecord, amount: i64, now: i64) -> PaymentIntentRecord {
        let intent = PaymentIntentRecord {
            id: self.records.new_id("pi"),
            created: now,
            amount,
            currency: invoice.currency.clone(),
            customer: invoice.customer.clone(),
            payment_method: None,
            status: PaymentStatus::RequiresPaymentMethod,
            latest_charge: None,
            description: Some(match invoice.reason {
                InvoiceBillingReason::SubscriptionCreate => "Subscription creation".to_owned(),
                _ => "Subscription update".to_owned(),
            }),
            error: None,
            metadata: Metadata::new(),
        };
        let payment = InvoicePaymentRecord {
            id: self.records.new_id("inpay"),
            created: now,
            invoice: invoice.id.clone(),
            payment_intent: intent.id.clone(),
            amount_requested: amount,
            amount_paid: None,
            currency: invoice.currency.clone(),
            status: "open".to_owned(),
            paid_at: None,
            canceled_at: None,
        };
        self.records.put(intent.clone());
        self.records.put(payment);
        intent
    }

    /// The invoice of the next renewal, as `invoice.upcoming` and previews show it. It is not stored.
    pub(crate) fn preview_renewal(&mut self, subscription: &SubscriptionRecord) -> Value {
        let start = subscription.period.end;
        let next = BillingPeriod {
            start,
            end: period::end_of_period(subscription.billing_cycle_anchor, subscription.recurring, start),
        };
        let lines = self.period_lines(&subscription.items, next, false);
        let id = self.create_draft(
            subscription,
            InvoiceBillingReason::Upcoming,
            lines,
            subscription.period,
        );
        let Some(mut invoice) = self.records.get::<InvoiceRecord>(&id).cloned() else {
            return Value::Null;
        };
        self.records.remove(&id);
        invoice.created = start;
        invoice.next_attempt = Some(start + self.rules.draft_secs);
        // Stripe's line items name their invoice. The previewed invoice has no real ID.
        invoice.id = format!("upcoming_{id}");
        render::upcoming_invoice(self.records, &invoice)
    }
}
