//! Rendering of subscriptions and invoices.

use serde_json::{Value, json};

use super::{
    catalog::{plan, price},
    inner_list,
};
use crate::records::{
    CustomerRecord, InvoiceLineRecord, InvoiceRecord, InvoiceStatus, PriceRecord, Records, SubscriptionItem,
    SubscriptionRecord,
};

pub(crate) fn subscription(records: &Records, subscription: &SubscriptionRecord) -> Value {
    let items = subscription
        .items
        .iter()
        .map(|one| item(records, subscription, one))
        .collect();
    let cancellation = &subscription.cancellation;
    let mut value = json!({
        "id": subscription.id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
        "billing_cycle_anchor": subscription.billing_cycle_anchor,
        "billing_cycle_anchor_config": null,
        "billing_mode": {
            "type": subscription.billing_mode.as_str(),
            "flexible": if subscription.billing_mode.as_str() == "flexible" { json!({"proration_discounts": "included"}) } else { Value::Null },
        },
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": subscription.cancel_at,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": subscription.canceled_at,
        "cancellation_details": {
            "comment": cancellation.comment,
            "feedback": cancellation.feedback,
            "feedback_option": null,
            "reason": cancellation.reason,
        },
        "collection_method": "charge_automatically",
        "created": subscription.created,
        "currency": subscription.currency,
        "customer": subscription.customer,
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": subscription.default_payment_method,
        "default_source": null,
        "default_tax_rates": [],
        "description": subscription.description,
        "discounts": [],
        "ended_at": subscription.ended_at,
        "invoice_settings": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": {"type": "self"},
        },
        "items": inner_list(&format!("/v1/subscription_items?subscription={}", subscription.id), items),
        "latest_invoice": subscription.latest_invoice,
        "livemode": false,
        "managed_payments": null,
        "metadata": subscription.metadata,
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": subscription.collection_pause.map(|pause| json!({
            "behavior": pause.as_str(),
            "resumes_at": null,
        })),
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": subscription.created,
        "status": subscription.status.as_str(),
        "test_clock": subscription.test_clock,
        "transfer_data": null,
        "trial_end": subscription.trial.map(|trial| trial.end),
        "trial_settings": {"end_behavior": {
            "billing_cycle_anchor": null,
            "missing_payment_method": subscription.missing_payment_method.as_str(),
        }},
        "trial_start": subscription.trial.map(|trial| trial.start),
    });
    if let Some(pause) = subscription.pause {
        value["status_details"] = json!({"paused": {
            "subscription": {"type": pause.reason.as_str()},
            "transitioned_at": pause.since,
            "type": "subscription",
        }});
    }
    value
}

fn item(records: &Records, subscription: &SubscriptionRecord, item: &SubscriptionItem) -> Value {
    let (plan, price) = match records.get::<PriceRecord>(&item.price) {
        Some(found) => (plan(found), price(found)),
        None => (Value::Null, Value::Null),
    };
    json!({
        "id": item.id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": item.created,
        "current_period_end": subscription.period.end,
        "current_period_start": subscription.period.start,
        "current_trial": null,
        "discounts": [],
        "metadata": item.metadata,
        "plan": plan,
        "price": price,
        "quantity": item.quantity,
        "subscription": subscription.id,
        "tax_rates": [],
    })
}

pub(crate) fn invoice(records: &Records, invoice: &InvoiceRecord) -> Value {
    let total = invoice.total();
    let remaining = match invoice.status {
        InvoiceStatus::Paid | InvoiceStatus::Void => 0,
        InvoiceStatus::Draft | InvoiceStatus::Open => total - invoice.amount_paid,
    };
    let customer = records.get::<CustomerRecord>(&invoice.customer);
    let lines = invoice.lines.iter().map(|one| line(invoice, one)).collect();
    json!({
        "id": invoice.id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Local test account",
        "account_tax_ids": null,
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": invoice.amount_paid,
        "amount_remaining": remaining,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": invoice.attempts,
        "attempted": invoice.attempts > 0 || invoice.status == InvoiceStatus::Paid,
        "auto_advance": invoice.auto_advance,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
        "automatically_finalizes_at": invoice.finalizes_at,
        "billing_reason": invoice.reason.as_str(),
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": invoice.currency,
        "custom_fields": null,
        "customer": invoice.customer,
        "customer_account": null,
        "customer_address": null,
        "customer_email": customer.and_then(|customer| customer.email.as_ref()),
        "customer_name": customer.and_then(|customer| customer.name.as_ref()),
        "customer_phone": customer.and_then(|customer| customer.phone.as_ref()),
        "customer_shipping": null,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "effective_at": invoice.finalized_at,
        "ending_balance": invoice.finalized_at.map(|_| 0),
        "footer": null,
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": {"type": "self"},
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": inner_list(&format!("/v1/invoices/{}/lines", invoice.id), lines),
        "livemode": false,
        "metadata": invoice.metadata,
        "next_payment_attempt": invoice.next_attempt,
        "number": invoice.number,
        "on_behalf_of": null,
        "parent": {
            "quote_details": null,
            "subscription_details": {"metadata": invoice.subscription_metadata, "subscription": invoice.subscription},
            "type": "subscription_details",
        },
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "period_end": invoice.period.end,
        "period_start": invoice.period.start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": 0,
        "statement_descriptor": null,
        "status": invoice.status.as_str(),
        "status_transitions": {
            "finalized_at": invoice.finalized_at,
            "marked_uncollectible_at": null,
            "paid_at": invoice.paid_at,
            "voided_at": invoice.voided_at,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": invoice.test_clock,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": invoice.finalized_at,
    })
}

/// A preview of an invoice. It has no ID, because the invoice does not exist yet.
pub(crate) fn upcoming_invoice(records: &Records, upcoming: &InvoiceRecord) -> Value {
    let mut value = invoice(records, upcoming);
    if let Some(object) = value.as_object_mut() {
        object.remove("id");
    }
    value
}

fn line(invoice: &InvoiceRecord, line: &InvoiceLineRecord) -> Value {
    json!({
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": invoice.currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": !line.is_proration,
        "discounts": [],
        "invoice": invoice.id,
        "livemode": false,
        "metadata": invoice.subscription_metadata,
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": line.is_proration,
                "proration_details": {"credited_items": null},
                "subscription": invoice.subscription,
                "subscription_item": line.item,
            },
            "type": "subscription_item_details",
        },
        "period": {"end": line.period.end, "start": line.period.start},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": line.price, "product": line.product},
            "type": "price_details",
            "unit_amount_decimal": line.unit_amount.to_string(),
        },
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "subscription": invoice.subscription,
        "subtotal": line.amount,
        "taxes": [],
    })
}
