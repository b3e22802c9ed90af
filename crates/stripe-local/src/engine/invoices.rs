//! Invoices from draft to open, and what stands on them.

use serde_json::Value;

use super::{Collected, Work};
use crate::{
    billing::period,
    failure::Failure,
    form::Metadata,
    money::amount_in_words,
    render,
    world::{
        BillingReason, Customer, Invoice, InvoicePayment, InvoiceStatus, Item, Line, PaymentIntent,
        PaymentStatus, Period, Price, Product, Subscription,
    },
};

impl Work<'_> {
    /// Writes an invoice down as a draft; nobody hears of it yet. Lines that waited for it are taken along.
    pub(crate) fn draft(
        &mut self,
        subscription: &Subscription,
        reason: BillingReason,
        mut lines: Vec<Line>,
        period: Period,
    ) -> String {
        let now = self.now(subscription.test_clock.as_deref());
        lines.extend(subscription.pending_lines.iter().cloned());
        let invoice = Invoice {
            id: self.world.mint("in"),
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
            auto_advance: true,
            finalizes_at: (reason == BillingReason::SubscriptionCycle)
                .then(|| now + self.rules.draft_seconds),
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
        self.world.put(invoice);
        id
    }

    /// The lines of a whole period. `free`: of a trial.
    pub(crate) fn period_lines(&mut self, items: &[Item], period: Period, free: bool) -> Vec<Line> {
        items
            .iter()
            .filter_map(|item| {
                let price = self.world.get::<Price>(&item.price)?.clone();
                let amount = if free {
                    0
                } else {
                    price.unit_amount * item.quantity
                };
                let name = self.product_name(&price);
                let description = if free {
                    format!("Trial period for {name}")
                } else {
                    let cost = amount_in_words(price.unit_amount, &price.currency);
                    let interval = price
                        .recurring
                        .map_or("once", |recurring| recurring.interval.as_str());
                    format!("{} × {name} (at {cost} / {interval})", item.quantity)
                };
                Some(self.line(item, &price, amount, description, period, false))
            })
            .collect()
    }

    pub(crate) fn line(
        &mut self,
        item: &Item,
        price: &Price,
        amount: i64,
        description: String,
        period: Period,
        proration: bool,
    ) -> Line {
        Line {
            id: self.world.mint("il"),
            amount,
            description,
            item: item.id.clone(),
            price: price.id.clone(),
            product: price.product.clone(),
            unit_amount: price.unit_amount,
            quantity: item.quantity,
            period,
            proration,
        }
    }

    pub(crate) fn product_name(&self, price: &Price) -> String {
        self.world
            .get::<Product>(&price.product)
            .map_or_else(|| price.product.clone(), |product| product.name.clone())
    }

    /// Makes a draft final and takes the money, if any is due and `pay` says so.
    pub(crate) fn finalize(&mut self, id: &str, pay: bool, confirmed: bool) -> Result<Collected, Failure> {
        let invoice = self.find::<Invoice>("invoice", id, "id")?;
        if invoice.status != InvoiceStatus::Draft {
            return Err(Failure::invalid(
                "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            ));
        }
        let now = self.now(invoice.test_clock.as_deref());
        let number = self.next_number(&invoice.customer);
        let total = invoice.total();
        let intent = (total > 0).then(|| self.payment_intent_for(&invoice, total, now));
        let metadata = self
            .world
            .get::<Subscription>(&invoice.subscription)
            .map(|subscription| subscription.metadata.clone());
        self.write_invoice(id, |invoice| {
            // From now on it says what the subscription said at this moment.
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
            return Ok(Collected::Paid);
        };
        let object = render::payment_intent(self.world, &intent);
        self.emit("payment_intent.created", object, None);
        if pay {
            self.collect(id, None, confirmed)
        } else {
            Ok(Collected::Open)
        }
    }

    fn next_number(&mut self, customer: &str) -> Option<String> {
        let mut customer = self.world.get::<Customer>(customer)?.clone();
        let number = format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice);
        customer.next_invoice += 1;
        self.world.put(customer);
        Some(number)
    }

    fn payment_intent_for(&mut self, invoice: &Invoice, amount: i64, now: i64) -> PaymentIntent {
        let intent = PaymentIntent {
            id: self.world.mint("pi"),
            created: now,
            amount,
            currency: invoice.currency.clone(),
            customer: invoice.customer.clone(),
            payment_method: None,
            status: PaymentStatus::RequiresPaymentMethod,
            latest_charge: None,
            description: Some(match invoice.reason {
                BillingReason::SubscriptionCreate => "Subscription creation".to_owned(),
                _ => "Subscription update".to_owned(),
            }),
            error: None,
            metadata: Metadata::new(),
        };
        let payment = InvoicePayment {
            id: self.world.mint("inpay"),
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
        self.world.put(intent.clone());
        self.world.put(payment);
        intent
    }

    /// The invoice that the next renewal will bring, as `invoice.upcoming` and previews show it. Nothing is kept.
    pub(crate) fn upcoming(&mut self, subscription: &Subscription) -> Value {
        let start = subscription.period.end;
        let next = Period {
            start,
            end: period::end_after(subscription.billing_cycle_anchor, subscription.recurring, start),
        };
        let lines = self.period_lines(&subscription.items, next, false);
        let id = self.draft(subscription, BillingReason::Upcoming, lines, subscription.period);
        let Some(mut invoice) = self.world.get::<Invoice>(&id).cloned() else {
            return Value::Null;
        };
        self.world.remove(&id);
        invoice.created = start;
        invoice.next_attempt = Some(start + self.rules.draft_seconds);
        // Stripe's line items name the invoice that they will be on; there is none yet.
        invoice.id = format!("upcoming_{id}");
        render::upcoming_invoice(self.world, &invoice)
    }
}
