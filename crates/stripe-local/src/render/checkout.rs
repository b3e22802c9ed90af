//! Rendering of Checkout sessions, portal sessions and portal configurations.

use serde_json::{Value, json};

use super::catalog::price;
use crate::records::{
    CheckoutLine, CheckoutMode, CheckoutSessionRecord, CheckoutStatus, CustomerRecord, FlowKind,
    PortalConfigurationRecord, PortalFlow, PortalSessionRecord, PriceRecord, ProductRecord, Records,
};

pub(crate) fn checkout_session(records: &Records, session: &CheckoutSessionRecord) -> Value {
    let total: i64 = session.lines.iter().map(|line| amount(records, line)).sum();
    // Nothing is due at the start of a trial.
    let due = if session.has_trial() { 0 } else { total };
    let is_subscription = session.mode == CheckoutMode::Subscription;
    let money = |amount: i64| {
        if is_subscription {
            json!(amount)
        } else {
            Value::Null
        }
    };
    let email = customer_email(records, session);
    let details = (email.is_some() || session.collected_name.is_some()).then(|| {
        json!({
            "address": null,
            "business_name": null,
            "email": email,
            "individual_name": null,
            "name": session.collected_name,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": null,
        })
    });
    let open = session.status == CheckoutStatus::Open;
    json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": null,
        "after_expiration": null,
        "allow_promotion_codes": null,
        "allowed_payment_method_types": null,
        "amount_subtotal": money(due),
        "amount_total": money(due),
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
        "billing_address_collection": null,
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": session.created,
        "currency": is_subscription.then_some(&session.currency),
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
        "customer": session.customer,
        "customer_account": null,
        "customer_creation": null,
        "customer_details": details,
        "customer_email": session.customer_email,
        "discounts": [],
        "expires_at": session.expires_at,
        "integration_identifier": null,
        "invoice": session.invoice,
        "invoice_creation": null,
        "livemode": false,
        "locale": session.locale,
        "managed_payments": null,
        "metadata": session.metadata,
        "mode": if is_subscription { "subscription" } else { "setup" },
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": if session.always_collect_card { "always" } else { "if_required" },
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": session.payment_status,
        "permissions": null,
        "phone_number_collection": {"enabled": false},
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": session.setup_intent.as_ref().filter(|_| !is_subscription),
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": session.status.as_str(),
        "submit_type": session.submit_type,
        "subscription": session.subscription,
        "success_url": session.success_url,
        "total_details": is_subscription.then(|| json!({"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0})),
        "ui_mode": "hosted_page",
        "url": open.then_some(&session.url),
        "wallet_options": null,
    })
}

/// The email address of the session's customer.
pub(crate) fn customer_email<'a>(
    records: &'a Records,
    session: &'a CheckoutSessionRecord,
) -> Option<&'a str> {
    let known = session
        .customer
        .as_deref()
        .and_then(|id| records.get::<CustomerRecord>(id))
        .and_then(|customer| customer.email.as_deref());
    session
        .collected_email
        .as_deref()
        .or(known)
        .or(session.customer_email.as_deref())
}

fn amount(records: &Records, line: &CheckoutLine) -> i64 {
    records
        .get::<PriceRecord>(&line.price)
        .map_or(0, |price| price.unit_amount * line.quantity)
}

/// A line item of a session. `due`: whether it is paid now.
pub(crate) fn checkout_line(records: &Records, line: &CheckoutLine, due: bool) -> Value {
    let found = records.get::<PriceRecord>(&line.price);
    let name = found
        .and_then(|price| records.get::<ProductRecord>(&price.product))
        .map(|product| &product.name);
    let amount = if due { amount(records, line) } else { 0 };
    json!({
        "id": line.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": found.map(|price| &price.currency),
        "description": name,
        "metadata": {},
        "price": found.map(price),
        "quantity": line.quantity,
    })
}

pub(crate) fn portal_session(session: &PortalSessionRecord) -> Value {
    json!({
        "id": session.id,
        "object": "billing_portal.session",
        "configuration": session.configuration,
        "created": session.created,
        "customer": session.customer,
        "customer_account": null,
        "flow": session.flow.as_ref().map(flow),
        "livemode": false,
        "locale": null,
        "on_behalf_of": null,
        "return_url": session.return_url,
        "url": session.url,
    })
}

fn flow(flow: &PortalFlow) -> Value {
    let cancel = (flow.kind == FlowKind::SubscriptionCancel)
        .then(|| json!({"retention": null, "subscription": flow.subscription}));
    json!({
        "after_completion": {
            "hosted_confirmation": null,
            "redirect": flow.redirect.as_ref().map(|url| json!({"return_url": url})),
            "type": if flow.redirect.is_some() { "redirect" } else { "portal_homepage" },
        },
        "customer_update": null,
        "subscription_cancel": cancel,
        "subscription_update": null,
        "subscription_update_confirm": null,
        "type": flow.kind.as_str(),
    })
}

pub(crate) fn portal_configuration(configuration: &PortalConfigurationRecord) -> Value {
    json!({
        "id": configuration.id,
        "object": "billing_portal.configuration",
        "active": configuration.active,
        "application": null,
        "business_profile": {
            "headline": configuration.headline,
            "privacy_policy_url": configuration.privacy_policy_url,
            "terms_of_service_url": configuration.terms_of_service_url,
        },
        "created": configuration.created,
        "default_return_url": configuration.default_return_url,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": false},
            "invoice_history": {"enabled": configuration.invoice_history},
            "payment_method_update": {
                "enabled": configuration.payment_method_update,
                "payment_method_configuration": null,
            },
            "subscription_cancel": {
                "cancellation_reason": {
                    "enabled": !configuration.cancellation_reasons.is_empty(),
                    "feedback_options": null,
                    "options": configuration.cancellation_reasons,
                },
                "enabled": configuration.subscription_cancel,
                "mode": if configuration.cancel_immediately { "immediately" } else { "at_period_end" },
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": null,
                "default_allowed_updates": [],
                "enabled": false,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": configuration.is_default,
        "livemode": false,
        "login_page": {"enabled": false, "url": null},
        "metadata": configuration.metadata,
        "name": configuration.name,
        "updated": configuration.updated,
    })
}
