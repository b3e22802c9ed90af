//! Taking the money of an invoice, and what follows for its subscription.

use super::Work;
use crate::{
    billing::{
        cards::Behaviour,
        difference::previous_attributes,
        lifecycle::{self, Consequence},
    },
    failure::Failure,
    form::Metadata,
    render,
    world::{
        Charge, Decline, Invoice, InvoicePayment, InvoiceStatus, PaymentIntent, PaymentMethod, PaymentStatus,
        Status, Subscription,
    },
};

/// How an attempt to take the money went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    Paid,
    /// Not tried.
    Open,
    Failed(Decline),
    /// The card's owner must confirm.
    NeedsConfirmation,
}

fn no_card() -> Decline {
    Decline {
        code: "resource_missing".to_owned(),
        decline_code: None,
        message: "This customer has no attached payment source or default payment method.".to_owned(),
    }
}

impl Work<'_> {
    /// Tries to take an open invoice's money from `method`, else from the subscription's card.
    /// `confirmed`: the card's owner is there and says yes.
    pub(crate) fn collect(
        &mut self,
        id: &str,
        method: Option<PaymentMethod>,
        confirmed: bool,
    ) -> Result<Collected, Failure> {
        let invoice = self.find::<Invoice>("invoice", id, "id")?;
        if invoice.status != InvoiceStatus::Open {
            return Err(Failure::invalid("Invoice is not open: it cannot be paid."));
        }
        let subscription = self.find::<Subscription>("subscription", &invoice.subscription, "id")?;
        let method = method.or_else(|| self.payment_method_of(&subscription));
        let result = match &method {
            None => Collected::Failed(no_card()),
            Some(method) => match (method.card.behaviour, method.card.behaviour.charge()) {
                (_, Ok(())) => Collected::Paid,
                (Behaviour::NeedsConfirmation, _) if confirmed => Collected::Paid,
                (Behaviour::NeedsConfirmation, _) => Collected::NeedsConfirmation,
                (_, Err(decline)) => Collected::Failed(decline),
            },
        };
        self.move_money(&invoice, method.as_ref(), &result);
        if result == Collected::Paid {
            self.paid(&invoice);
        } else {
            self.failed(&invoice, &result);
        }
        Ok(result)
    }

    /// The payment intent and its charge.
    fn move_money(&mut self, invoice: &Invoice, method: Option<&PaymentMethod>, result: &Collected) {
        let Some(mut intent) = invoice
            .payment_intent
            .as_deref()
            .and_then(|id| self.world.get::<PaymentIntent>(id))
            .cloned()
        else {
            return;
        };
        intent.payment_method = method.map(|method| method.id.clone());
        let (status, event) = match result {
            Collected::Paid => (PaymentStatus::Succeeded, "payment_intent.succeeded"),
            Collected::NeedsConfirmation => (PaymentStatus::RequiresAction, "payment_intent.requires_action"),
            Collected::Open | Collected::Failed(_) => (
                PaymentStatus::RequiresPaymentMethod,
                "payment_intent.payment_failed",
            ),
        };
        intent.status = status;
        intent.error = match result {
            Collected::Failed(decline) => Some(decline.clone()),
            _ => None,
        };
        if let (Some(method), Collected::Paid | Collected::Failed(_)) = (method, result) {
            let charge = Charge {
                id: self.world.mint("ch"),
                created: self.now(invoice.test_clock.as_deref()),
                amount: intent.amount,
                amount_refunded: 0,
                currency: intent.currency.clone(),
                customer: intent.customer.clone(),
                payment_intent: intent.id.clone(),
                payment_method: method.id.clone(),
                card: method.card.clone(),
                email: method.email.clone(),
                name: method.name.clone(),
                description: intent.description.clone(),
                failure: intent.error.clone(),
                metadata: Metadata::new(),
            };
            intent.latest_charge = Some(charge.id.clone());
            let name = if charge.failure.is_none() {
                "charge.succeeded"
            } else {
                "charge.failed"
            };
            let object = render::charge(&charge);
            self.world.put(charge);
            self.emit(name, object, None);
        }
        let object = render::payment_intent(self.world, &intent);
        self.world.put(intent);
        self.emit(event, object, None);
    }

    fn paid(&mut self, invoice: &Invoice) {
        let now = self.now(invoice.test_clock.as_deref());
        let payment = self
            .world
            .all::<InvoicePayment>()
            .find(|payment| payment.invoice == invoice.id);
        if let Some(mut payment) = payment.cloned() {
            payment.status = "paid".to_owned();
            payment.amount_paid = Some(payment.amount_requested);
            payment.paid_at = Some(now);
            let object = render::invoice_payment(&payment);
            self.world.put(payment);
            self.emit("invoice_payment.paid", object, None);
        }
        let change = self.write_invoice(&invoice.id, |invoice| {
            invoice.status = InvoiceStatus::Paid;
            invoice.attempts += 1;
            invoice.next_attempt = None;
            invoice.auto_advance = false;
            invoice.amount_paid = invoice.total();
            invoice.paid_at = Some(now);
        });
        if let Some((before, after)) = change {
            let previous = previous_attributes(&before, &after);
            self.emit("invoice.updated", after, previous);
        }
        self.emit_invoice("invoice.paid", &invoice.id);
        self.emit_invoice("invoice.payment_succeeded", &invoice.id);
        let owes_more = self.world.all::<Invoice>().any(|other| {
            other.subscription == invoice.subscription
                && other.status == InvoiceStatus::Open
                && other.attempts > 0
        });
        self.change_subscription(&invoice.subscription, |subscription, _| {
            if let Some(status) = lifecycle::after_payment(subscription.status, owes_more) {
                subscription.status = status;
            }
        });
    }

    fn failed(&mut self, invoice: &Invoice, result: &Collected) {
        let now = self.now(invoice.test_clock.as_deref());
        let status = self
            .world
            .get::<Subscription>(&invoice.subscription)
            .map_or(Status::Canceled, |subscription| subscription.status);
        let attempts = invoice.attempts + 1;
        let next = lifecycle::next_attempt(attempts, now, invoice.reason, &self.rules.retry_days);
        let next = next.filter(|_| !matches!(status, Status::Canceled | Status::Unpaid));
        let change = self.write_invoice(&invoice.id, |invoice| {
            invoice.attempts = attempts;
            invoice.next_attempt = next;
            invoice.auto_advance = next.is_some();
        });
        if *result == Collected::NeedsConfirmation {
            self.emit_invoice("invoice.payment_action_required", &invoice.id);
        }
        self.emit_invoice("invoice.payment_failed", &invoice.id);
        if let Some((before, after)) = change {
            let previous = previous_attributes(&before, &after);
            self.emit("invoice.updated", after, previous);
        }
        match lifecycle::after_failure(
            status,
            invoice.reason,
            next.is_some(),
            self.rules.after_last_retry,
        ) {
            Consequence::None => {}
            Consequence::Become(status) => {
                self.change_subscription(&invoice.subscription, |subscription, _| {
                    subscription.status = status;
                });
            }
            Consequence::Cancel => self.end(&invoice.subscription, Some("payment_failed")),
        }
    }
}
