//! Money that moved: payment intents, charges, refunds.

use super::list::page;
use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    world::{Charge, PaymentIntent, Refund},
};

/// `reason` of a refund.
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let charge = match (params.filled("charge")?, params.filled("payment_intent")?) {
        (Some(id), _) => work.find::<Charge>("charge", &id, "charge")?,
        (None, Some(id)) => {
            let intent = work.find::<PaymentIntent>("payment_intent", &id, "payment_intent")?;
            let charge = intent
                .latest_charge
                .and_then(|id| work.world.get::<Charge>(&id).cloned());
            charge.ok_or_else(|| {
                Failure::invalid(format!("The PaymentIntent {id} has no successful charge."))
            })?
        }
        (None, None) => {
            return Err(Failure::invalid(
                "One of the following params should be provided for this request: payment_intent or charge.",
            ));
        }
    };
    let amount = params.integer("amount")?;
    let reason = params.word("reason", |word| REASONS.contains(&word).then(|| word.to_owned()))?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.finish()?;
    let refund = work.refund(&charge, amount, reason, metadata)?;
    Ok(render::refund(&refund))
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::refund(&work.find("refund", id, "id")?))
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let charge = params.filled("charge")?;
    let intent = params.filled("payment_intent")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/refunds",
        |refund: &Refund| {
            charge.as_ref().is_none_or(|id| refund.charge == *id)
                && intent.as_ref().is_none_or(|id| refund.payment_intent == *id)
                && created.has(refund.created)
        },
        |_, refund| render::refund(refund),
    )
}

pub(super) fn charge(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::charge(&work.find("charge", id, "id")?))
}

pub(super) fn list_charges(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    let intent = params.filled("payment_intent")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/charges",
        |charge: &Charge| {
            customer.as_ref().is_none_or(|id| charge.customer == *id)
                && intent.as_ref().is_none_or(|id| charge.payment_intent == *id)
                && created.has(charge.created)
        },
        |_, charge| render::charge(charge),
    )
}

pub(super) fn intent(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let intent = work.find::<PaymentIntent>("payment_intent", id, "id")?;
    Ok(render::payment_intent(work.world, &intent))
}

pub(super) fn list_intents(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/payment_intents",
        |intent: &PaymentIntent| {
            customer.as_ref().is_none_or(|id| intent.customer == *id) && created.has(intent.created)
        },
        render::payment_intent,
    )
}
