//! Rendering of payment methods, intents, charges, refunds and disputes.

use serde_json::{Value, json};

use crate::records::{
    Card, CardDecline, ChargeRecord, InvoicePaymentRecord, PaymentIntentRecord, PaymentMethodRecord,
    PaymentStatus, Records, SetupIntentRecord, SetupStatus, StripeDisputeRecord, StripeRefundRecord,
};

pub(crate) fn payment_method(method: &PaymentMethodRecord) -> Value {
    json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(method.email.as_deref(), method.name.as_deref()),
        "card": {
            "brand": method.card.brand,
            "checks": checks(),
            "country": "US",
            "display_brand": method.card.brand,
            "exp_month": method.card.exp_month,
            "exp_year": method.card.exp_year,
            "fingerprint": method.card.fingerprint,
            "funding": "credit",
            "generated_from": null,
            "last4": method.card.last4,
            "networks": {"available": [method.card.brand], "preferred": null},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": true},
            "wallet": null,
        },
        "created": method.created,
        "customer": method.customer,
        "customer_account": null,
        "livemode": false,
        "metadata": method.metadata,
        "type": "card",
    })
}

fn billing_details(email: Option<&str>, name: Option<&str>) -> Value {
    json!({"address": null, "email": email, "name": name, "phone": null, "tax_id": null})
}

fn checks() -> Value {
    json!({"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"})
}

/// `last_payment_error` or `last_setup_error`.
fn error(
    records: &Records,
    decline: Option<&CardDecline>,
    method: Option<&str>,
    charge: Option<&str>,
) -> Value {
    let Some(decline) = decline else {
        return Value::Null;
    };
    let mut error = json!({
        "type": "card_error",
        "code": decline.code,
        "doc_url": format!("https://docs.stripe.com/error-codes/{}", decline.code),
        "message": decline.message,
    });
    if let Some(code) = &decline.decline_code {
        error["decline_code"] = json!(code);
    }
    if let Some(charge) = charge {
        error["charge"] = json!(charge);
    }
    if let Some(method) = method.and_then(|id| records.get::<PaymentMethodRecord>(id)) {
        error["payment_method"] = payment_method(method);
    }
    error
}

pub(crate) fn setup_intent(records: &Records, intent: &SetupIntentRecord) -> Value {
    json!({
        "id": intent.id,
        "object": "setup_intent",
        "allowed_payment_method_types": null,
        "application": null,
        "automatic_payment_methods": null,
        "cancellation_reason": null,
        "client_secret": format!("{}_secret_local", intent.id),
        "created": intent.created,
        "customer": intent.customer,
        "customer_account": null,
        "description": intent.description,
        "excluded_payment_method_types": null,
        "last_setup_error": error(records, intent.error.as_ref(), intent.payment_method.as_deref(), None),
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": intent.metadata,
        "next_action": next_action(intent.status == SetupStatus::RequiresAction),
        "on_behalf_of": null,
        "payment_method": intent.payment_method.as_ref().filter(|_| intent.error.is_none()),
        "payment_method_configuration_details": null,
        "payment_method_options": null,
        "payment_method_types": ["card"],
        "single_use_mandate": null,
        "status": intent.status.as_str(),
        "usage": intent.usage,
    })
}

fn next_action(needed: bool) -> Value {
    if needed {
        json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}})
    } else {
        Value::Null
    }
}

pub(crate) fn payment_intent(records: &Records, intent: &PaymentIntentRecord) -> Value {
    let paid = intent.status == PaymentStatus::Succeeded;
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "allowed_payment_method_types": null,
        "amount": intent.amount,
        "amount_capturable": 0,
        "amount_received": if paid { intent.amount } else { 0 },
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": if intent.status == PaymentStatus::Canceled { json!("void_invoice") } else { Value::Null },
        "capture_method": "automatic",
        "client_secret": format!("{}_secret_local", intent.id),
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "customer_account": null,
        "description": intent.description,
        "excluded_payment_method_types": null,
        "last_payment_error": error(records, intent.error.as_ref(), intent.payment_method.as_deref(), intent.latest_charge.as_deref()),
        "latest_charge": intent.latest_charge,
        "livemode": false,
        "managed_payments": null,
        "metadata": intent.metadata,
        "next_action": next_action(intent.status == PaymentStatus::RequiresAction),
        "on_behalf_of": null,
        "payment_method": intent.payment_method.as_ref().filter(|_| intent.status != PaymentStatus::RequiresPaymentMethod),
        "payment_method_configuration_details": null,
        "payment_method_options": null,
        "payment_method_types": ["card"],
        "payment_record": null,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": "off_session",
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": intent.status.as_str(),
        "transfer_group": null,
    })
}

pub(crate) fn charge(charge: &ChargeRecord) -> Value {
    let failure = charge.failure.as_ref();
    let paid = failure.is_none();
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": if paid { charge.amount } else { 0 },
        "amount_refunded": charge.amount_refunded,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": billing_details(charge.email.as_deref(), charge.name.as_deref()),
        "calculated_statement_descriptor": null,
        "captured": paid,
        "created": charge.created,
        "currency": charge.currency,
        "customer": charge.customer,
        "description": charge.description,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": failure.map(|failure| &failure.code),
        "failure_message": failure.map(|failure| &failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": charge.metadata,
        "on_behalf_of": null,
        "outcome": outcome(failure),
        "paid": paid,
        "payment_intent": charge.payment_intent,
        "payment_method": charge.payment_method,
        "payment_method_details": {"card": charged_card(&charge.card, charge.amount), "type": "card"},
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": paid && charge.amount_refunded == charge.amount,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": if paid { "succeeded" } else { "failed" },
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn outcome(failure: Option<&CardDecline>) -> Value {
    json!({
        "advice_code": failure.map(|_| "try_again_later"),
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": if failure.is_some() { "declined_by_network" } else { "approved_by_network" },
        "reason": failure.and_then(|failure| failure.decline_code.as_ref()),
        "risk_level": "normal",
        "seller_message": failure.map_or("Payment complete.", |_| "The bank did not return any further details with this decline."),
        "type": if failure.is_some() { "issuer_declined" } else { "authorized" },
    })
}

fn charged_card(card: &Card, amount: i64) -> Value {
    json!({
        "amount_authorized": amount,
        "authorization_code": null,
        "brand": card.brand,
        "checks": checks(),
        "country": "US",
        "electronic_commerce_indicator": null,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "network": card.brand,
        "network_transaction_id": null,
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "transaction_link_id": null,
        "wallet": null,
    })
}

pub(crate) fn refund(refund: &StripeRefundRecord) -> Value {
    // A card refund is taken from the balance immediately. Without a balance transaction it would look pending.
    let transaction = refund.id.replace("re_", "txn_");
    let mut value = json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": transaction,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "customer": refund.customer,
        "customer_account": null,
        "metadata": refund.metadata,
        "payment_intent": refund.payment_intent,
        "payment_method": refund.payment_method,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": refund.status,
        "transfer_reversal": null,
    });
    if let Some(reason) = &refund.failure_reason {
        value["failure_reason"] = json!(reason);
        value["failure_balance_transaction"] = json!(format!("{transaction}Back"));
    }
    value
}

pub(crate) fn dispute(dispute: &StripeDisputeRecord) -> Value {
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": null,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "payment_intent": dispute.payment_intent,
        "reason": "fraudulent",
        "status": dispute.status.as_str(),
    })
}

pub(crate) fn invoice_payment(payment: &InvoicePaymentRecord) -> Value {
    json!({
        "id": payment.id,
        "object": "invoice_payment",
        "amount_paid": payment.amount_paid,
        "amount_requested": payment.amount_requested,
        "created": payment.created,
        "currency": payment.currency,
        "invoice": payment.invoice,
        "is_default": true,
        "livemode": false,
        "payment": {"payment_intent": payment.payment_intent, "type": "payment_intent"},
        "status": payment.status,
        "status_transitions": {"canceled_at": payment.canceled_at, "paid_at": payment.paid_at},
    })
}
