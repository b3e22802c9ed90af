//! The endpoints for payment methods and setup intents.

use super::list::list_page;
use crate::{
    api_error::{ApiError, ApiResult},
    billing::cards::{by_name, by_number},
    engine::Operation,
    form::{Metadata, Params},
    records::{CardBehaviour, CardDecline, PaymentMethodRecord, SetupIntentRecord, SetupStatus},
    render,
};

/// Month and year of expiry for test cards that are selected by ID.
const EXPIRY: (i64, i64) = (12, 2034);

/// The card with an ID. Each use of a `pm_card_…` test ID creates a new card.
pub(super) fn find_or_create_card(
    operation: &mut Operation<'_>,
    id: &str,
    param: &str,
) -> Result<PaymentMethodRecord, ApiError> {
    match by_name(id).filter(|_| id.starts_with("pm_card_")) {
        Some(card) => Ok(operation.new_card(card, EXPIRY)),
        None => operation.find("PaymentMethod", id, param),
    }
}

/// The card with an ID. Fails if it is not attached to the customer.
pub(super) fn find_customer_card(
    operation: &Operation<'_>,
    id: &str,
    customer: &str,
    param: &str,
) -> Result<PaymentMethodRecord, ApiError> {
    let method = operation.find::<PaymentMethodRecord>("PaymentMethod", id, param)?;
    if method.customer.as_deref() != Some(customer) {
        return Err(ApiError::invalid_parameter(
            param,
            format!(
                "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
            ),
        ));
    }
    Ok(method)
}

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    params.one_of("type", |word| (word == "card").then_some(()))?;
    let mut part = params
        .nested("card")?
        .ok_or_else(|| ApiError::missing_parameter("card"))?;
    let (test_card, expiry) = match part.non_empty("token")? {
        Some(token) => {
            let found = by_name(&token).filter(|_| token.starts_with("tok_"));
            (
                found.ok_or_else(|| ApiError::no_such_object("token", &token, "card[token]"))?,
                EXPIRY,
            )
        }
        None => {
            let number = part.required("number")?;
            let expiry = (
                part.integer("exp_month")?.unwrap_or(EXPIRY.0),
                part.integer("exp_year")?.unwrap_or(EXPIRY.1),
            );
            part.ignore(&["cvc"]);
            let found = by_number(&number).ok_or_else(|| {
                ApiError::card_declined("incorrect_number", None, "Your card number is incorrect.")
            })?;
            (found, expiry)
        }
    };
    part.finish()?;
    let details = params.nested("billing_details")?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.finish()?;
    let mut method = operation.new_card(test_card, expiry);
    if let Some(mut details) = details {
        method.email = details.non_empty("email")?;
        method.name = details.non_empty("name")?;
        details.ignore(&["address", "phone"]);
        details.finish()?;
    }
    method.metadata = metadata;
    let object = render::payment_method(&method);
    operation.records.put(method);
    Ok(object)
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::payment_method(&find_or_create_card(operation, id, "id")?))
}

pub(super) fn attach(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let customer = params.required("customer")?;
    params.finish()?;
    operation.find_customer(&customer, "customer")?;
    let method = find_or_create_card(operation, id, "id")?;
    Ok(render::payment_method(
        &operation.attach_card(&method, &customer)?,
    ))
}

pub(super) fn detach(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let method = operation.find::<PaymentMethodRecord>("PaymentMethod", id, "id")?;
    Ok(render::payment_method(&operation.detach_card(&method)?))
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.required("customer")?;
    list_cards(operation, params, &customer, "customer", "/v1/payment_methods")
}

pub(super) fn list_for_customer(operation: &mut Operation<'_>, customer: &str, params: Params) -> ApiResult {
    let url = format!("/v1/customers/{customer}/payment_methods");
    list_cards(operation, params, customer, "id", &url)
}

fn list_cards(
    operation: &mut Operation<'_>,
    mut params: Params,
    customer: &str,
    param: &str,
    url: &str,
) -> ApiResult {
    operation.find_customer(customer, param)?;
    let kind = params.non_empty("type")?;
    let cards = kind.is_none_or(|kind| kind == "card");
    list_page(
        operation,
        params,
        url,
        Some(customer),
        |method: &PaymentMethodRecord| cards && method.customer.as_deref() == Some(customer),
        |_, method| render::payment_method(method),
    )
}

pub(super) fn create_setup_intent(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    if let Some(id) = &customer {
        operation.find_customer(id, "customer")?;
    }
    let method = params.non_empty("payment_method")?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let mut intent = SetupIntentRecord {
        id: operation.records.new_id("seti"),
        created: operation.now_secs(None),
        customer,
        payment_method: None,
        status: SetupStatus::RequiresPaymentMethod,
        usage: params
            .non_empty("usage")?
            .unwrap_or_else(|| "off_session".to_owned()),
        description: params.non_empty("description")?,
        metadata: Metadata::new(),
        error: None,
    };
    params.metadata(&mut intent.metadata)?;
    params.ignore(&["automatic_payment_methods", "return_url"]);
    params.finish()?;
    operation.emit_setup_intent("setup_intent.created", &intent);
    if let (Some(id), true) = (method, confirm) {
        confirm_setup(operation, &mut intent, &id)?;
    }
    Ok(render::setup_intent(operation.records, &intent))
}

fn confirm_setup(
    operation: &mut Operation<'_>,
    intent: &mut SetupIntentRecord,
    id: &str,
) -> Result<(), ApiError> {
    let method = find_or_create_card(operation, id, "payment_method")?;
    intent.payment_method = Some(method.id.clone());
    let decline: Option<CardDecline> = method.card.behaviour.attach_decline();
    if decline.is_some() {
        intent.error = decline;
        operation.emit_setup_intent("setup_intent.setup_failed", intent);
        return Ok(());
    }
    if method.card.behaviour == CardBehaviour::NeedsConfirmation {
        intent.status = SetupStatus::RequiresAction;
        operation.emit_setup_intent("setup_intent.requires_action", intent);
        return Ok(());
    }
    if let Some(customer) = intent.customer.clone() {
        operation.attach_card(&method, &customer)?;
    }
    intent.status = SetupStatus::Succeeded;
    operation.emit_setup_intent("setup_intent.succeeded", intent);
    Ok(())
}

pub(super) fn retrieve_setup_intent(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let intent = operation.find::<SetupIntentRecord>("setupintent", id, "id")?;
    Ok(render::setup_intent(operation.records, &intent))
}
