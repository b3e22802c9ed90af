//! Payment methods and setup intents.

use super::list::page;
use crate::{
    billing::cards::{Behaviour, by_name, by_number},
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    world::{Decline, PaymentMethod, SetupIntent, SetupStatus},
};

/// The expiry of cards that are named rather than typed.
const EXPIRY: (i64, i64) = (12, 2034);

/// A card by its ID. Each use of a `pm_card_…` makes a new one.
pub(super) fn card(work: &mut Work<'_>, id: &str, param: &str) -> Result<PaymentMethod, Failure> {
    match by_name(id).filter(|_| id.starts_with("pm_card_")) {
        Some(card) => Ok(work.new_card(card, EXPIRY)),
        None => work.find("PaymentMethod", id, param),
    }
}

/// A card that belongs to a customer.
pub(super) fn owned_card(
    work: &Work<'_>,
    id: &str,
    customer: &str,
    param: &str,
) -> Result<PaymentMethod, Failure> {
    let method = work.find::<PaymentMethod>("PaymentMethod", id, param)?;
    if method.customer.as_deref() != Some(customer) {
        return Err(Failure::parameter(
            param,
            format!(
                "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
            ),
        ));
    }
    Ok(method)
}

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    params.word("type", |word| (word == "card").then_some(()))?;
    let mut given = params
        .nested("card")?
        .ok_or_else(|| Failure::missing_parameter("card"))?;
    let (test_card, expiry) = match given.filled("token")? {
        Some(token) => {
            let found = by_name(&token).filter(|_| token.starts_with("tok_"));
            (
                found.ok_or_else(|| Failure::missing("token", &token, "card[token]"))?,
                EXPIRY,
            )
        }
        None => {
            let number = given.required("number")?;
            let expiry = (
                given.integer("exp_month")?.unwrap_or(EXPIRY.0),
                given.integer("exp_year")?.unwrap_or(EXPIRY.1),
            );
            given.ignore(&["cvc"]);
            let found = by_number(&number)
                .ok_or_else(|| Failure::card("incorrect_number", None, "Your card number is incorrect."))?;
            (found, expiry)
        }
    };
    given.finish()?;
    let details = params.nested("billing_details")?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.finish()?;
    let mut method = work.new_card(test_card, expiry);
    if let Some(mut details) = details {
        method.email = details.filled("email")?;
        method.name = details.filled("name")?;
        details.ignore(&["address", "phone"]);
        details.finish()?;
    }
    method.metadata = metadata;
    let object = render::payment_method(&method);
    work.world.put(method);
    Ok(object)
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::payment_method(&card(work, id, "id")?))
}

pub(super) fn attach(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    params.finish()?;
    work.customer(&customer, "customer")?;
    let method = card(work, id, "id")?;
    Ok(render::payment_method(&work.attach(&method, &customer)?))
}

pub(super) fn detach(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let method = work.find::<PaymentMethod>("PaymentMethod", id, "id")?;
    Ok(render::payment_method(&work.detach(&method)?))
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    list_cards(work, params, &customer, "customer", "/v1/payment_methods")
}

pub(super) fn list_of(work: &mut Work<'_>, customer: &str, params: Params) -> Answer {
    let url = format!("/v1/customers/{customer}/payment_methods");
    list_cards(work, params, customer, "id", &url)
}

fn list_cards(work: &mut Work<'_>, mut params: Params, customer: &str, param: &str, url: &str) -> Answer {
    work.customer(customer, param)?;
    let kind = params.filled("type")?;
    let cards = kind.is_none_or(|kind| kind == "card");
    page(
        work,
        params,
        url,
        |method: &PaymentMethod| cards && method.customer.as_deref() == Some(customer),
        |_, method| render::payment_method(method),
    )
}

pub(super) fn create_setup(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    if let Some(id) = &customer {
        work.customer(id, "customer")?;
    }
    let method = params.filled("payment_method")?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let mut intent = SetupIntent {
        id: work.world.mint("seti"),
        created: work.now(None),
        customer,
        payment_method: None,
        status: SetupStatus::RequiresPaymentMethod,
        usage: params
            .filled("usage")?
            .unwrap_or_else(|| "off_session".to_owned()),
        description: params.filled("description")?,
        metadata: Metadata::new(),
        error: None,
    };
    params.metadata(&mut intent.metadata)?;
    params.ignore(&["automatic_payment_methods", "return_url"]);
    params.finish()?;
    work.emit_setup("setup_intent.created", &intent);
    if let (Some(id), true) = (method, confirm) {
        confirm_setup(work, &mut intent, &id)?;
    }
    Ok(render::setup_intent(work.world, &intent))
}

fn confirm_setup(work: &mut Work<'_>, intent: &mut SetupIntent, id: &str) -> Result<(), Failure> {
    let method = card(work, id, "payment_method")?;
    intent.payment_method = Some(method.id.clone());
    let refusal: Option<Decline> = method.card.behaviour.refusal();
    if refusal.is_some() {
        intent.error = refusal;
        work.emit_setup("setup_intent.setup_failed", intent);
        return Ok(());
    }
    if method.card.behaviour == Behaviour::NeedsConfirmation {
        intent.status = SetupStatus::RequiresAction;
        work.emit_setup("setup_intent.requires_action", intent);
        return Ok(());
    }
    if let Some(customer) = intent.customer.clone() {
        work.attach(&method, &customer)?;
    }
    intent.status = SetupStatus::Succeeded;
    work.emit_setup("setup_intent.succeeded", intent);
    Ok(())
}

pub(super) fn setup(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let intent = work.find::<SetupIntent>("setupintent", id, "id")?;
    Ok(render::setup_intent(work.world, &intent))
}
