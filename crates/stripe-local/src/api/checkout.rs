//! The endpoints for Checkout sessions.

use serde_json::{Value, json};

use super::{
    list::list_page,
    subscription_params::{parse_billing_mode, parse_missing_payment_method, parse_trial_days},
};
use crate::{
    api_error::{ApiError, ApiResult},
    billing::period::DAY_SECS,
    engine::Operation,
    form::{Metadata, Params},
    records::{CheckoutLine, CheckoutMode, CheckoutSessionRecord, CheckoutStatus, SubscriptionData},
    render,
};

/// Limits for the time that a session is open, in seconds.
const MIN_OPEN_SECS: i64 = 30 * 60;
const MAX_OPEN_SECS: i64 = DAY_SECS;

/// Seconds from now that a trial's end must be away at least.
const MIN_TRIAL_SECS: i64 = 2 * DAY_SECS;

const MAX_REFERENCE_CHARS: usize = 200;

/// Parameters that are accepted and ignored: appearance, wording, tax, coupons and shipping.
const IGNORED_PARAMS: [&str; 12] = [
    "allow_promotion_codes",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "custom_text",
    "customer_update",
    "integration_identifier",
    "name_collection",
    "origin_context",
    "phone_number_collection",
    "saved_payment_method_options",
    "tax_id_collection",
];

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let created = operation.wall_secs();
    let mode = params.one_of("mode", |word| match word {
        "subscription" => Some(CheckoutMode::Subscription),
        "setup" => Some(CheckoutMode::Setup),
        _ => None,
    })?;
    let mode = mode.ok_or_else(|| ApiError::missing_parameter("mode"))?;
    params.one_of("ui_mode", |word| (word == "hosted_page").then_some(()))?;
    let customer = params.non_empty("customer")?;
    if let Some(id) = &customer {
        operation.find_customer(id, "customer")?;
    }
    let customer_email = params.non_empty("customer_email")?;
    if customer.is_some() && customer_email.is_some() {
        return Err(ApiError::invalid_request(
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    let client_reference_id = params.non_empty("client_reference_id")?;
    if client_reference_id
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_REFERENCE_CHARS)
    {
        return Err(ApiError::invalid_parameter(
            "client_reference_id",
            "Invalid string: at most 200 characters.",
        ));
    }
    let expires_at = params.integer("expires_at")?.unwrap_or(created + MAX_OPEN_SECS);
    if !(created + MIN_OPEN_SECS..=created + MAX_OPEN_SECS).contains(&expires_at) {
        return Err(ApiError::invalid_parameter(
            "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
        ));
    }
    let (lines, currency) = parse_lines(operation, &mut params, mode)?;
    let subscription_data = parse_subscription_data(operation, &mut params, mode)?;
    let collection = params.one_of("payment_method_collection", |word| match word {
        "always" => Some(true),
        "if_required" => Some(false),
        _ => None,
    })?;
    let id = format!("cs_test_{}", operation.records.random_text(58));
    let mut session = CheckoutSessionRecord {
        url: format!("{}/c/pay/{id}", operation.base_url),
        id,
        created,
        expires_at,
        mode,
        status: CheckoutStatus::Open,
        payment_status: if mode == CheckoutMode::Setup {
            "no_payment_required"
        } else {
            "unpaid"
        }
        .to_owned(),
        success_url: params.required("success_url")?,
        cancel_url: params.non_empty("cancel_url")?,
        client_reference_id,
        customer,
        customer_email,
        collected_email: None,
        collected_name: None,
        metadata: Metadata::new(),
        lines,
        currency,
        always_collect_card: collection.unwrap_or(true),
        subscription_data,
        subscription: None,
        invoice: None,
        setup_intent: None,
        submit_type: params.non_empty("submit_type")?,
        locale: params.non_empty("locale")?,
    };
    for (name, url) in [
        ("success_url", Some(&session.success_url)),
        ("cancel_url", session.cancel_url.as_ref()),
    ] {
        if url.is_some_and(|url| !is_web_url(url)) {
            return Err(ApiError::invalid_parameter(
                name,
                "Not a valid URL: it must begin with http:// or https://.",
            )
            .with_code("url_invalid"));
        }
    }
    params.metadata(&mut session.metadata)?;
    if let Some(mut tax) = params.nested("automatic_tax")? {
        tax.one_of("enabled", |word| (word == "false").then_some(()))?;
        tax.finish()?;
    }
    params.ignore(&IGNORED_PARAMS);
    params.finish()?;
    let object = render::checkout_session(operation.records, &session);
    operation.records.put(session);
    Ok(object)
}

/// Whether a browser can be redirected to this URL.
pub(super) fn is_web_url(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn parse_lines(
    operation: &mut Operation<'_>,
    params: &mut Params,
    mode: CheckoutMode,
) -> Result<(Vec<CheckoutLine>, String), ApiError> {
    let mut lines = Vec::new();
    for mut part in params.elements("line_items")? {
        let line = CheckoutLine {
            id: operation.records.new_id("li"),
            price: part.required("price")?,
            quantity: part.quantity("quantity")?.unwrap_or(1),
        };
        part.finish()?;
        lines.push(line);
    }
    let currency = params.non_empty("currency")?;
    if mode == CheckoutMode::Setup {
        if !lines.is_empty() {
            return Err(ApiError::invalid_parameter(
                "line_items",
                "You cannot pass `line_items` in `setup` mode.",
            ));
        }
        return Ok((lines, currency.unwrap_or_else(|| "usd".to_owned())));
    }
    if lines.is_empty() {
        return Err(ApiError::missing_parameter("line_items"));
    }
    let (_, currency) = operation.common_terms(lines.iter().map(|line| line.price.as_str()))?;
    Ok((lines, currency))
}

fn parse_subscription_data(
    operation: &Operation<'_>,
    params: &mut Params,
    mode: CheckoutMode,
) -> Result<SubscriptionData, ApiError> {
    let mut data = SubscriptionData::default();
    let Some(mut part) = params.nested("subscription_data")? else {
        return Ok(data);
    };
    if mode == CheckoutMode::Setup {
        return Err(ApiError::invalid_parameter(
            "subscription_data",
            "You can not pass `subscription_data` in `setup` mode.",
        ));
    }
    data.description = part.non_empty("description")?;
    part.metadata(&mut data.metadata)?;
    data.trial_period_days = parse_trial_days(&mut part)?;
    data.trial_end = part.timestamp("trial_end")?;
    match (data.trial_period_days, data.trial_end) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid_request(
                "You can only pass one of `trial_end` and `trial_period_days`.",
            ));
        }
        (_, Some(end)) if end < operation.now_secs(None) + MIN_TRIAL_SECS => {
            return Err(ApiError::invalid_parameter(
                "subscription_data[trial_end]",
                "The `trial_end` date has to be at least 2 days in the future.",
            ));
        }
        _ => {}
    }
    data.missing_payment_method = parse_missing_payment_method(&mut part)?.unwrap_or_default();
    data.billing_mode = parse_billing_mode(&mut part)?;
    part.finish()?;
    Ok(data)
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let session = operation.find::<CheckoutSessionRecord>("checkout.session", id, "id")?;
    Ok(render::checkout_session(operation.records, &session))
}

pub(super) fn expire(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    let session = operation.find::<CheckoutSessionRecord>("checkout.session", id, "id")?;
    if session.status != CheckoutStatus::Open {
        return Err(ApiError::invalid_request(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{}`.",
            session.status.as_str()
        )));
    }
    let expired = operation.expire_checkout(&session);
    Ok(render::checkout_session(operation.records, &expired))
}

pub(super) fn list_line_items(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    params.integer("limit")?;
    params.finish()?;
    let session = operation.find::<CheckoutSessionRecord>("checkout.session", id, "id")?;
    let due = !session.has_trial();
    let data: Vec<Value> = session
        .lines
        .iter()
        .map(|line| render::checkout_line(operation.records, line, due))
        .collect();
    Ok(json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "url": format!("/v1/checkout/sessions/{id}/line_items"),
    }))
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.non_empty("customer")?;
    let subscription = params.non_empty("subscription")?;
    let status = params.non_empty("status")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/checkout/sessions",
        customer.as_deref().or(subscription.as_deref()),
        |session: &CheckoutSessionRecord| {
            customer
                .as_ref()
                .is_none_or(|id| session.customer.as_ref() == Some(id))
                && subscription
                    .as_ref()
                    .is_none_or(|id| session.subscription.as_ref() == Some(id))
                && status
                    .as_ref()
                    .is_none_or(|status| session.status.as_str() == status)
                && created.contains(session.created)
        },
        render::checkout_session,
    )
}
