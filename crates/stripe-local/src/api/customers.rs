//! The endpoints for customers.

use serde_json::{Value, json};

use super::{cards::find_customer_card, list::list_page};
use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::{Metadata, Params, Patch},
    records::{CustomerRecord, TestClockRecord},
    render,
};

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let test_clock = params.non_empty("test_clock")?;
    if let Some(clock) = &test_clock {
        operation.find::<TestClockRecord>("testclock", clock, "test_clock")?;
    }
    let mut customer = CustomerRecord {
        id: operation.records.new_id("cus"),
        created: operation.now_secs(test_clock.as_deref()),
        email: None,
        name: None,
        phone: None,
        description: None,
        metadata: Metadata::new(),
        default_payment_method: None,
        currency: None,
        invoice_prefix: operation.records.random_text(8).to_uppercase(),
        next_invoice: 1,
        test_clock,
        deleted: false,
    };
    apply_params(&mut customer, &mut params)?;
    let method = params.non_empty("payment_method")?;
    let default = default_method(&mut params)?;
    params.finish()?;
    operation.records.put(customer.clone());
    if let Some(id) = &method {
        let card = super::cards::find_or_create_card(operation, id, "payment_method")?;
        operation.attach_card(&card, &customer.id)?;
        if default == Patch::Set(id.clone()) {
            customer.default_payment_method = Some(card.id);
        }
    }
    let object = render::customer(&customer);
    operation.records.put(customer);
    operation.emit("customer.created", object.clone(), None);
    Ok(object)
}

/// Applies the parameters that creation and update share.
fn apply_params(customer: &mut CustomerRecord, params: &mut Params) -> Result<(), ApiError> {
    params.patch("email")?.apply(&mut customer.email);
    params.patch("name")?.apply(&mut customer.name);
    params.patch("phone")?.apply(&mut customer.phone);
    params.patch("description")?.apply(&mut customer.description);
    params.metadata(&mut customer.metadata)?;
    params.ignore(&["preferred_locales", "address"]);
    Ok(())
}

fn default_method(params: &mut Params) -> Result<Patch<String>, ApiError> {
    let Some(mut settings) = params.nested("invoice_settings")? else {
        return Ok(Patch::Keep);
    };
    let method = settings.patch("default_payment_method")?;
    settings.finish()?;
    Ok(method)
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::customer(&operation.find("customer", id, "id")?))
}

pub(super) fn update(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let mut customer = operation.find_customer(id, "id")?;
    apply_params(&mut customer, &mut params)?;
    let default = default_method(&mut params)?;
    params.finish()?;
    if let Patch::Set(method) = &default {
        find_customer_card(operation, method, id, "invoice_settings[default_payment_method]")?;
    }
    default.apply(&mut customer.default_payment_method);
    let object = render::customer(&customer);
    operation.change_customer(customer);
    Ok(object)
}

pub(super) fn delete(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let customer = operation.find_customer(id, "id")?;
    operation.delete_customer(&customer);
    Ok(render::deleted("customer", id))
}

/// Finds customers by one metadata value: `metadata['key']:'value'`. Other queries are refused. Stripe's own search finds a
/// new customer up to a minute late, and this one at once.
pub(super) fn search(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let query = params.required("query")?;
    params.integer("limit")?;
    params.finish()?;
    let (key, value) = metadata_query(&query).ok_or_else(|| {
        ApiError::invalid_parameter(
            "query",
            "This stand-in searches by metadata['key']:'value' only.".to_owned(),
        )
    })?;
    let data: Vec<Value> = operation
        .records
        .all::<CustomerRecord>()
        .rev()
        .filter(|customer| {
            !customer.deleted && customer.metadata.get(key).is_some_and(|found| found == value)
        })
        .map(render::customer)
        .collect();
    let url = "/v1/customers/search";
    Ok(json!({"object": "search_result", "data": data, "has_more": false, "next_page": null, "url": url}))
}

fn metadata_query(query: &str) -> Option<(&str, &str)> {
    query
        .strip_prefix("metadata['")?
        .strip_suffix('\'')?
        .split_once("']:'")
        .filter(|(key, value)| !key.contains('\'') && !value.contains('\''))
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let email = params.non_empty("email")?;
    let test_clock = params.non_empty("test_clock")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/customers",
        None,
        |customer: &CustomerRecord| {
            // Customers on a test clock are listed only if `test_clock` is given.
            !customer.deleted
                && customer.test_clock == test_clock
                && email
                    .as_ref()
                    .is_none_or(|email| customer.email.as_ref() == Some(email))
                && created.contains(customer.created)
        },
        |_, customer| render::customer(customer),
    )
}
