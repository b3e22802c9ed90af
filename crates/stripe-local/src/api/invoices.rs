//! The endpoints for invoices and invoice payments.

use super::{cards::find_or_create_card, list::list_page};
use crate::{
    api_error::{ApiError, ApiResult},
    engine::{CollectionOutcome, Operation},
    form::Params,
    records::{InvoicePaymentRecord, InvoiceRecord, InvoiceStatus, SubscriptionRecord},
    render,
};

fn render_by_id(operation: &Operation<'_>, id: &str) -> ApiResult {
    Ok(render::invoice(
        operation.records,
        &operation.find("invoice", id, "id")?,
    ))
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    render_by_id(operation, id)
}

/// Lists all lines on one page. Invoices have few lines.
pub(super) fn list_lines(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    params.integer("limit")?;
    params.finish()?;
    Ok(render_by_id(operation, id)?["lines"].take())
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    let subscription = params.non_empty("subscription")?;
    let status = params.non_empty("status")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/invoices",
        customer.as_deref().or(subscription.as_deref()),
        |invoice: &InvoiceRecord| {
            customer.as_ref().is_none_or(|id| invoice.customer == *id)
                && subscription.as_ref().is_none_or(|id| invoice.subscription == *id)
                && status
                    .as_ref()
                    .is_none_or(|status| invoice.status.as_str() == status)
                && created.contains(invoice.created)
        },
        render::invoice,
    )
}

pub(super) fn create_preview(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let subscription = params.required("subscription")?;
    params.ignore(&["customer"]);
    params.finish()?;
    let subscription = operation.find::<SubscriptionRecord>("subscription", &subscription, "subscription")?;
    if subscription.has_ended() || subscription.ends_at().is_some() {
        return Err(
            ApiError::invalid_request("No upcoming invoices for this subscription.")
                .with_code("invoice_upcoming_none"),
        );
    }
    let mut value = operation.preview_renewal(&subscription);
    // A preview has an ID; the invoice of `invoice.upcoming` has none.
    value["id"] = operation.records.new_id("upcoming_in").into();
    Ok(value)
}

pub(super) fn finalize(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let advance = params.boolean("auto_advance")?.unwrap_or(true);
    params.finish()?;
    operation.finalize_invoice(id, advance, false)?;
    render_by_id(operation, id)
}

pub(super) fn pay(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let method = params.non_empty("payment_method")?;
    params.ignore(&["off_session"]);
    params.finish()?;
    let invoice = operation.find::<InvoiceRecord>("invoice", id, "id")?;
    let method = match method {
        Some(method) => {
            let method = find_or_create_card(operation, &method, "payment_method")?;
            Some(operation.attach_card(&method, &invoice.customer)?)
        }
        None => None,
    };
    if invoice.status == InvoiceStatus::Draft {
        operation.finalize_invoice(id, false, false)?;
    }
    if operation.find::<InvoiceRecord>("invoice", id, "id")?.status == InvoiceStatus::Paid {
        return if invoice.status == InvoiceStatus::Paid {
            Err(ApiError::invalid_request("Invoice is already paid"))
        } else {
            render_by_id(operation, id)
        };
    }
    match operation.collect_invoice(id, method, false)? {
        CollectionOutcome::Paid | CollectionOutcome::Open => render_by_id(operation, id),
        // Stripe saves a failed attempt, and responds with the decline.
        CollectionOutcome::Failed(decline) => operation.commit_with_error(ApiError::card_declined(
            &decline.code,
            decline.decline_code.as_deref(),
            &decline.message,
        )),
        CollectionOutcome::NeedsConfirmation => operation.commit_with_error(ApiError::card_declined(
            "invoice_payment_intent_requires_action",
            None,
            "This payment requires additional user action before it can be completed successfully.",
        )),
    }
}

pub(super) fn void(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let invoice = operation.find::<InvoiceRecord>("invoice", id, "id")?;
    if invoice.status != InvoiceStatus::Open {
        return Err(ApiError::invalid_request(
            "You can only pass in open invoices. This invoice isn't open.",
        ));
    }
    operation.void_invoice(id);
    render_by_id(operation, id)
}

pub(super) fn retrieve_payment(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::invoice_payment(&operation.find(
        "invoice_payment",
        id,
        "id",
    )?))
}

pub(super) fn list_payments(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let invoice = params.non_empty("invoice")?;
    let status = params.non_empty("status")?;
    let mut intent = None;
    if let Some(mut payment) = params.nested("payment")? {
        payment.one_of("type", |word| (word == "payment_intent").then_some(()))?;
        intent = payment.non_empty("payment_intent")?;
        payment.finish()?;
    }
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/invoice_payments",
        invoice.as_deref().or(intent.as_deref()),
        |payment: &InvoicePaymentRecord| {
            invoice.as_ref().is_none_or(|id| payment.invoice == *id)
                && intent.as_ref().is_none_or(|id| payment.payment_intent == *id)
                && status.as_ref().is_none_or(|status| payment.status == *status)
                && created.contains(payment.created)
        },
        |_, payment| render::invoice_payment(payment),
    )
}
