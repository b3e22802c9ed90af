//! The endpoints for payment intents, charges, refunds and disputes.

use super::list::list_page;
use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::{Metadata, Params},
    records::{ChargeRecord, PaymentIntentRecord, StripeDisputeRecord, StripeRefundRecord},
    render,
};

/// Values of a refund's `reason`.
const REFUND_REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let charge = match (params.non_empty("charge")?, params.non_empty("payment_intent")?) {
        (Some(id), _) => operation.find::<ChargeRecord>("charge", &id, "charge")?,
        (None, Some(id)) => {
            let intent = operation.find::<PaymentIntentRecord>("payment_intent", &id, "payment_intent")?;
            let charge = intent
                .latest_charge
                .and_then(|id| operation.records.get::<ChargeRecord>(&id).cloned());
            charge.ok_or_else(|| {
                ApiError::invalid_request(format!("The PaymentIntent {id} has no successful charge."))
            })?
        }
        (None, None) => {
            return Err(ApiError::invalid_request(
                "One of the following params should be provided for this request: payment_intent or charge.",
            ));
        }
    };
    let amount = params.integer("amount")?;
    let reason = params.one_of("reason", |word| {
        REFUND_REASONS.contains(&word).then(|| word.to_owned())
    })?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.finish()?;
    let refund = operation.create_refund(&charge, amount, reason, metadata)?;
    Ok(render::refund(&refund))
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::refund(&operation.find("refund", id, "id")?))
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let charge = params.non_empty("charge")?;
    let intent = params.non_empty("payment_intent")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/refunds",
        charge.as_deref().or(intent.as_deref()),
        |refund: &StripeRefundRecord| {
            charge.as_ref().is_none_or(|id| refund.charge == *id)
                && intent.as_ref().is_none_or(|id| refund.payment_intent == *id)
                && created.contains(refund.created)
        },
        |_, refund| render::refund(refund),
    )
}

pub(super) fn retrieve_dispute(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::dispute(&operation.find("dispute", id, "id")?))
}

pub(super) fn list_disputes(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let charge = params.non_empty("charge")?;
    let intent = params.non_empty("payment_intent")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/disputes",
        charge.as_deref().or(intent.as_deref()),
        |dispute: &StripeDisputeRecord| {
            charge.as_ref().is_none_or(|id| dispute.charge == *id)
                && intent.as_ref().is_none_or(|id| dispute.payment_intent == *id)
                && created.contains(dispute.created)
        },
        |_, dispute| render::dispute(dispute),
    )
}

pub(super) fn retrieve_charge(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::charge(&operation.find("charge", id, "id")?))
}

pub(super) fn list_charges(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    let intent = params.non_empty("payment_intent")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/charges",
        customer.as_deref().or(intent.as_deref()),
        |charge: &ChargeRecord| {
            customer.as_ref().is_none_or(|id| charge.customer == *id)
                && intent.as_ref().is_none_or(|id| charge.payment_intent == *id)
                && created.contains(charge.created)
        },
        |_, charge| render::charge(charge),
    )
}

pub(super) fn retrieve_payment_intent(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let intent = operation.find::<PaymentIntentRecord>("payment_intent", id, "id")?;
    Ok(render::payment_intent(operation.records, &intent))
}

pub(super) fn list_payment_intents(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/payment_intents",
        customer.as_deref(),
        |intent: &PaymentIntentRecord| {
            customer.as_ref().is_none_or(|id| intent.customer == *id) && created.contains(intent.created)
        },
        render::payment_intent,
    )
}
