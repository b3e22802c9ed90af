//! Invoices and their payments.

use super::{cards::card, list::page};
use crate::{
    engine::{Collected, Work},
    failure::{Answer, Failure},
    form::Params,
    render,
    world::{Invoice, InvoicePayment, InvoiceStatus, Subscription},
};

fn show(work: &Work<'_>, id: &str) -> Answer {
    Ok(render::invoice(work.world, &work.find("invoice", id, "id")?))
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    show(work, id)
}

/// All lines: an invoice here has few.
pub(super) fn lines(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    params.integer("limit")?;
    params.finish()?;
    Ok(show(work, id)?["lines"].take())
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    let subscription = params.filled("subscription")?;
    let status = params.filled("status")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/invoices",
        |invoice: &Invoice| {
            customer.as_ref().is_none_or(|id| invoice.customer == *id)
                && subscription.as_ref().is_none_or(|id| invoice.subscription == *id)
                && status
                    .as_ref()
                    .is_none_or(|status| invoice.status.as_str() == status)
                && created.has(invoice.created)
        },
        render::invoice,
    )
}

pub(super) fn preview(work: &mut Work<'_>, mut params: Params) -> Answer {
    let subscription = params.required("subscription")?;
    params.ignore(&["customer"]);
    params.finish()?;
    let subscription = work.find::<Subscription>("subscription", &subscription, "subscription")?;
    if subscription.is_over() || subscription.ends_at().is_some() {
        return Err(Failure::invalid("No upcoming invoices for this subscription.")
            .with_code("invoice_upcoming_none"));
    }
    let mut value = work.upcoming(&subscription);
    // A preview has an ID, unlike the invoice of `invoice.upcoming`.
    value["id"] = work.world.mint("upcoming_in").into();
    Ok(value)
}

pub(super) fn finalize(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let advance = params.boolean("auto_advance")?.unwrap_or(true);
    params.finish()?;
    work.finalize(id, advance, false)?;
    show(work, id)
}

pub(super) fn pay(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let method = params.filled("payment_method")?;
    params.ignore(&["off_session"]);
    params.finish()?;
    let invoice = work.find::<Invoice>("invoice", id, "id")?;
    let method = match method {
        Some(method) => {
            let method = card(work, &method, "payment_method")?;
            Some(work.attach(&method, &invoice.customer)?)
        }
        None => None,
    };
    if invoice.status == InvoiceStatus::Draft {
        work.finalize(id, false, false)?;
    }
    if work.find::<Invoice>("invoice", id, "id")?.status == InvoiceStatus::Paid {
        return if invoice.status == InvoiceStatus::Paid {
            Err(Failure::invalid("Invoice is already paid"))
        } else {
            show(work, id)
        };
    }
    match work.collect(id, method, false)? {
        Collected::Paid | Collected::Open => show(work, id),
        // Stripe keeps what a failed attempt did, and answers with the card's refusal.
        Collected::Failed(decline) => work.keep_despite(Failure::card(
            &decline.code,
            decline.decline_code.as_deref(),
            &decline.message,
        )),
        Collected::NeedsConfirmation => work.keep_despite(Failure::card(
            "invoice_payment_intent_requires_action",
            None,
            "This payment requires additional user action before it can be completed successfully.",
        )),
    }
}

pub(super) fn void(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let invoice = work.find::<Invoice>("invoice", id, "id")?;
    if invoice.status != InvoiceStatus::Open {
        return Err(Failure::invalid(
            "You can only pass in open invoices. This invoice isn't open.",
        ));
    }
    work.void(id);
    show(work, id)
}

pub(super) fn payment(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::invoice_payment(&work.find(
        "invoice_payment",
        id,
        "id",
    )?))
}

pub(super) fn list_payments(work: &mut Work<'_>, mut params: Params) -> Answer {
    let invoice = params.filled("invoice")?;
    let status = params.filled("status")?;
    let mut intent = None;
    if let Some(mut payment) = params.nested("payment")? {
        payment.word("type", |word| (word == "payment_intent").then_some(()))?;
        intent = payment.filled("payment_intent")?;
        payment.finish()?;
    }
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/invoice_payments",
        |payment: &InvoicePayment| {
            invoice.as_ref().is_none_or(|id| payment.invoice == *id)
                && intent.as_ref().is_none_or(|id| payment.payment_intent == *id)
                && status.as_ref().is_none_or(|status| payment.status == *status)
                && created.has(payment.created)
        },
        |_, payment| render::invoice_payment(payment),
    )
}
