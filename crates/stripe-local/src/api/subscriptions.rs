//! The endpoints that create, retrieve and list subscriptions.

use super::{
    cards::find_customer_card,
    list::list_page,
    subscription_params::{
        parse_billing_mode, parse_future_timestamp, parse_missing_payment_method, parse_trial_days,
    },
};
use crate::{
    api_error::{ApiError, ApiResult},
    billing::period::DAY_SECS,
    engine::{FirstPaymentPolicy, NewSubscription, Operation, SubscriptionChange},
    form::{Metadata, Params, Patch},
    records::{StripeSubscriptionStatus, SubscriptionRecord},
    render,
};

/// Parameters that are accepted and ignored.
const IGNORED_PARAMS: [&str; 5] = [
    "automatic_tax",
    "currency",
    "off_session",
    "payment_settings",
    "proration_behavior",
];

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.required("customer")?;
    let customer = operation.find_customer(&customer, "customer")?;
    let now = operation.now_secs(customer.test_clock.as_deref());
    let mut items = Vec::new();
    for mut part in params.elements("items")? {
        let mut metadata = Metadata::new();
        part.metadata(&mut metadata)?;
        items.push((
            part.required("price")?,
            part.quantity("quantity")?.unwrap_or(1),
            metadata,
        ));
        part.finish()?;
    }
    if items.is_empty() {
        return Err(ApiError::missing_parameter("items"));
    }
    let days = parse_trial_days(&mut params)?;
    let trial_end = match params.non_empty("trial_end")?.as_deref() {
        None | Some("now") => days.map(|days| now + days * DAY_SECS),
        Some(_) if days.is_some() => {
            return Err(ApiError::invalid_request(
                "You can only pass one of `trial_end` and `trial_period_days`.",
            ));
        }
        Some(text) => Some(parse_future_timestamp(text, now, "trial_end")?),
    };
    let default_payment_method = params.non_empty("default_payment_method")?;
    if let Some(id) = &default_payment_method {
        find_customer_card(operation, id, &customer.id, "default_payment_method")?;
    }
    let first_payment = params.one_of("payment_behavior", |word| match word {
        "allow_incomplete" => Some(FirstPaymentPolicy::AllowIncomplete),
        "default_incomplete" => Some(FirstPaymentPolicy::Defer),
        "error_if_incomplete" => Some(FirstPaymentPolicy::ErrorIfIncomplete),
        _ => None,
    })?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    let end = SubscriptionChange {
        cancel_at_period_end: params.boolean("cancel_at_period_end")?.filter(|flag| *flag),
        cancel_at: params.timestamp("cancel_at")?.map(Patch::Set),
        ..SubscriptionChange::default()
    };
    params.one_of("collection_method", |word| {
        (word == "charge_automatically").then_some(())
    })?;
    let new = NewSubscription {
        customer,
        items,
        trial_end,
        missing_payment_method: parse_missing_payment_method(&mut params)?.unwrap_or_default(),
        billing_mode: parse_billing_mode(&mut params)?,
        metadata,
        description: params.non_empty("description")?,
        default_payment_method,
        first_payment: first_payment.unwrap_or(FirstPaymentPolicy::AllowIncomplete),
    };
    params.ignore(&IGNORED_PARAMS);
    params.finish()?;
    let id = operation.create_subscription(new)?;
    if end.cancel_at_period_end.is_some() || end.cancel_at.is_some() {
        operation.apply_change(&id, end)?;
    }
    render_by_id(operation, &id)
}

pub(super) fn render_by_id(operation: &Operation<'_>, id: &str) -> ApiResult {
    let subscription = operation.find::<SubscriptionRecord>("subscription", id, "id")?;
    Ok(render::subscription(operation.records, &subscription))
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    render_by_id(operation, id)
}

/// Lists all items on one page. A subscription has 20 items at most.
pub(super) fn list_items(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let id = params.required("subscription")?;
    params.integer("limit")?;
    params.finish()?;
    let subscription = operation.find::<SubscriptionRecord>("subscription", &id, "subscription")?;
    Ok(render::subscription(operation.records, &subscription)["items"].take())
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    let price = params.non_empty("price")?;
    let test_clock = params.non_empty("test_clock")?;
    let created = params.range("created")?;
    let status = params.non_empty("status")?;
    let statuses = match status.as_deref() {
        // Without `status`, canceled subscriptions are not listed.
        None => StripeSubscriptionStatus::ALL
            .into_iter()
            .filter(|status| *status != StripeSubscriptionStatus::Canceled)
            .collect(),
        Some("all") => StripeSubscriptionStatus::ALL.to_vec(),
        Some("ended") => vec![
            StripeSubscriptionStatus::Canceled,
            StripeSubscriptionStatus::IncompleteExpired,
        ],
        Some(word) => match StripeSubscriptionStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
        {
            Some(status) => vec![status],
            None => {
                return Err(ApiError::invalid_parameter(
                    "status",
                    format!("Invalid status: {word}"),
                ));
            }
        },
    };
    list_page(
        operation,
        params,
        "/v1/subscriptions",
        customer.as_deref(),
        |subscription: &SubscriptionRecord| {
            statuses.contains(&subscription.status)
                && customer.as_ref().is_none_or(|id| subscription.customer == *id)
                && test_clock
                    .as_ref()
                    .is_none_or(|id| subscription.test_clock.as_ref() == Some(id))
                && price
                    .as_ref()
                    .is_none_or(|id| subscription.items.iter().any(|item| item.price == *id))
                && created.contains(subscription.created)
        },
        render::subscription,
    )
}
