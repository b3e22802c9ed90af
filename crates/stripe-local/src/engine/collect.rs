//! Payment of an invoice, and its effect on the subscription.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::{
        lifecycle::{self, FailedPaymentEffect},
        previous_attributes::previous_attributes,
    },
    form::Metadata,
    records::{
        CardBehaviour, CardDecline, ChargeRecord, InvoicePaymentRecord, InvoiceRecord, InvoiceStatus,
        PaymentIntentRecord, PaymentMethodRecord, PaymentStatus, StripeSubscriptionStatus,
        SubscriptionRecord,
    },
    render,
};

/// The result of a payment attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CollectionOutcome {
    Paid,
    /// No payment was attempted.
    Open,
    Failed(CardDecline),
    /// The cardholder must confirm the payment.
    NeedsConfirmation,
}

fn no_card() -> CardDecline {
    CardDecline {
        code: "resource_missing".to_owned(),
        decline_code: None,
        message: "This customer has no attached payment source or default payment method.".to_owned(),
    }
}

impl Operation<'_> {
    /// Tries to pay an open invoice with `method`, or with the subscription's card. With `confirmed` the cardholder is
    /// present and confirms.
    ///
    /// Fails if the invoice is not open. A declined card is not an error.
    pub(crate) fn collect_invoice(
        &mut self,
        id: &str,
        method: Option<PaymentMethodRecord>,
        confirmed: bool,
    ) -> Result<CollectionOutcome, ApiError> {
        let invoice = self.find::<InvoiceRecord>("invoice", id, "id")?;
        if invoice.status != InvoiceStatus::Open {
            return Err(ApiError::invalid_request(
                "Invoice is not open: it cannot be paid.",
            ));
        }
        let subscription = self.find::<SubscriptionRecord>("subscription", &invoice.subscription, "id")?;
        let method = method.or_else(|| self.payment_method_of(&subscription));
        let result = match &method {
            None => CollectionOutcome::Failed(no_card()),
            Some(method) => match (method.card.behaviour, method.card.behaviour.off_session_charge()) {
                (_, Ok(())) => CollectionOutcome::Paid,
                (CardBehaviour::NeedsConfirmation, _) if confirmed => CollectionOutcome::Paid,
                (CardBehaviour::NeedsConfirmation, _) => CollectionOutcome::NeedsConfirmation,
                (_, Err(decline)) => CollectionOutcome::Failed(decline),
            },
        };
        self.record_payment_attempt(&invoice, method.as_ref(), &result);
        if result == CollectionOutcome::Paid {
            self.mark_paid(&invoice);
        } else {
            self.mark_failed(&invoice, &result);
        }
        Ok(result)
    }

    /// Updates the payment intent and creates the charge.
    fn record_payment_attempt(
        &mut self,
        invoice: &InvoiceRecord,
        method: Option<&PaymentMethodRecord>,
        result: &CollectionOutcome,
    ) {
        let Some(mut intent) = invoice
            .payment_intent
            .as_deref()
            .and_then(|id| self.records.get::<PaymentIntentRecord>(id))
            .cloned()
        else {
            return;
        };
        intent.payment_method = method.map(|method| method.id.clone());
        let (status, event) = match result {
            CollectionOutcome::Paid => (PaymentStatus::Succeeded, "payment_intent.succeeded"),
            CollectionOutcome::NeedsConfirmation => {
                (PaymentStatus::RequiresAction, "payment_intent.requires_action")
            }
            CollectionOutcome::Open | CollectionOutcome::Failed(_) => (
                PaymentStatus::RequiresPaymentMethod,
                "payment_intent.payment_failed",
            ),
        };
        intent.status = status;
        intent.error = match result {
            CollectionOutcome::Failed(decline) => Some(decline.clone()),
            _ => None,
        };
        if let (Some(method), CollectionOutcome::Paid | CollectionOutcome::Failed(_)) = (method, result) {
            let charge = ChargeRecord {
                id: self.records.new_id("ch"),
                created: self.now_secs(invoice.test_clock.as_deref()),
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
            self.records.put(charge);
            self.emit(name, object, None);
        }
        let object = render::payment_intent(self.records, &intent);
        self.records.put(intent);
        self.emit(event, object, None);
    }

    fn mark_paid(&mut self, invoice: &InvoiceRecord) {
        let now = self.now_secs(invoice.test_clock.as_deref());
        let payment = self.records.children::<InvoicePaymentRecord>(&invoice.id).next();
        if let Some(mut payment) = payment.cloned() {
            payment.status = "paid".to_owned();
            payment.amount_paid = Some(payment.amount_requested);
            payment.paid_at = Some(now);
            let object = render::invoice_payment(&payment);
            self.records.put(payment);
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
        let owes_more = self
            .records
            .children::<InvoiceRecord>(&invoice.subscription)
            .any(|other| other.status == InvoiceStatus::Open && other.attempts > 0);
        self.change_subscription(&invoice.subscription, |subscription, _| {
            if let Some(status) = lifecycle::status_after_payment(subscription.status, owes_more) {
                subscription.status = status;
            }
        });
    }

    fn mark_failed(&mut self, invoice: &InvoiceRecord, result: &CollectionOutcome) {
        let now = self.now_secs(invoice.test_clock.as_deref());
        let status = self
            .records
            .get::<SubscriptionRecord>(&invoice.subscription)
            .map_or(StripeSubscriptionStatus::Canceled, |subscription| {
                subscription.status
            });
        let attempts = invoice.attempts + 1;
        let next = lifecycle::next_attempt_at(attempts, now, invoice.reason, &self.rules.retry_days);
        let next = next.filter(|_| {
            !matches!(
                status,
                StripeSubscriptionStatus::Canceled | StripeSubscriptionStatus::Unpaid
            )
        });
        let change = self.write_invoice(&invoice.id, |invoice| {
            invoice.attempts = attempts;
            invoice.next_attempt = next;
            invoice.auto_advance = next.is_some();
        });
        if *result == CollectionOutcome::NeedsConfirmation {
            self.emit_invoice("invoice.payment_action_required", &invoice.id);
        }
        self.emit_invoice("invoice.payment_failed", &invoice.id);
        if let Some((before, after)) = change {
            let previous = previous_attributes(&before, &after);
            self.emit("invoice.updated", after, previous);
        }
        match lifecycle::effect_of_failed_payment(
            status,
            invoice.reason,
            next.is_some(),
            self.rules.after_last_retry,
        ) {
            FailedPaymentEffect::None => {}
            FailedPaymentEffect::SetStatus(status) => {
                self.change_subscription(&invoice.subscription, |subscription, _| {
                    subscription.status = status;
                });
            }
            FailedPaymentEffect::Cancel => {
                self.end_subscription(&invoice.subscription, Some("payment_failed"));
            }
        }
    }
}
