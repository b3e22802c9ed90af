//! Checkout sessions.

use serde_json::{Value, json};

use super::{list::page, subscriptions::take_trial_days};
use crate::{
    billing::period::DAY,
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    world::{
        BillingMode, CheckoutLine, CheckoutMode, CheckoutSession, CheckoutStatus, MissingPaymentMethod,
        SubscriptionData,
    },
};

/// How long a session stays open, in seconds: least and most.
const SHORTEST: i64 = 30 * 60;
const LONGEST: i64 = DAY;

/// How far ahead a trial's end must be.
const TRIAL_AHEAD: i64 = 2 * DAY;

const MOST_REFERENCE_CHARS: usize = 200;

/// Parameters about looks and wording, and about parts that a subscription without tax or coupons does not need.
const WITHOUT_EFFECT: [&str; 12] = [
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

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let created = work.wall();
    let mode = params.word("mode", |word| match word {
        "subscription" => Some(CheckoutMode::Subscription),
        "setup" => Some(CheckoutMode::Setup),
        _ => None,
    })?;
    let mode = mode.ok_or_else(|| Failure::missing_parameter("mode"))?;
    params.word("ui_mode", |word| (word == "hosted_page").then_some(()))?;
    let customer = params.filled("customer")?;
    if let Some(id) = &customer {
        work.customer(id, "customer")?;
    }
    let customer_email = params.filled("customer_email")?;
    if customer.is_some() && customer_email.is_some() {
        return Err(Failure::invalid(
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    let client_reference_id = params.filled("client_reference_id")?;
    if client_reference_id
        .as_ref()
        .is_some_and(|text| text.chars().count() > MOST_REFERENCE_CHARS)
    {
        return Err(Failure::parameter(
            "client_reference_id",
            "Invalid string: at most 200 characters.",
        ));
    }
    let expires_at = params.integer("expires_at")?.unwrap_or(created + LONGEST);
    if !(created + SHORTEST..=created + LONGEST).contains(&expires_at) {
        return Err(Failure::parameter(
            "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
        ));
    }
    let (lines, currency) = take_lines(work, &mut params, mode)?;
    let subscription_data = take_subscription_data(work, &mut params, mode)?;
    let collection = params.word("payment_method_collection", |word| match word {
        "always" => Some(true),
        "if_required" => Some(false),
        _ => None,
    })?;
    let id = format!("cs_test_{}", work.world.letters(58));
    let mut session = CheckoutSession {
        url: format!("{}/c/pay/{id}", work.base_url),
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
        cancel_url: params.filled("cancel_url")?,
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
        submit_type: params.filled("submit_type")?,
        locale: params.filled("locale")?,
    };
    for (name, url) in [
        ("success_url", Some(&session.success_url)),
        ("cancel_url", session.cancel_url.as_ref()),
    ] {
        if url.is_some_and(|url| !is_web_url(url)) {
            return Err(
                Failure::parameter(name, "Not a valid URL: it must begin with http:// or https://.")
                    .with_code("url_invalid"),
            );
        }
    }
    params.metadata(&mut session.metadata)?;
    if let Some(mut tax) = params.nested("automatic_tax")? {
        tax.word("enabled", |word| (word == "false").then_some(()))?;
        tax.finish()?;
    }
    params.ignore(&WITHOUT_EFFECT);
    params.finish()?;
    let object = render::checkout_session(work.world, &session);
    work.world.put(session);
    Ok(object)
}

/// Whether a browser can be sent there.
pub(super) fn is_web_url(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn take_lines(
    work: &mut Work<'_>,
    params: &mut Params,
    mode: CheckoutMode,
) -> Result<(Vec<CheckoutLine>, String), Failure> {
    let mut lines = Vec::new();
    for mut given in params.elements("line_items")? {
        let line = CheckoutLine {
            id: work.world.mint("li"),
            price: given.required("price")?,
            quantity: given.quantity("quantity")?.unwrap_or(1),
        };
        given.finish()?;
        lines.push(line);
    }
    let currency = params.filled("currency")?;
    if mode == CheckoutMode::Setup {
        if !lines.is_empty() {
            return Err(Failure::parameter(
                "line_items",
                "You cannot pass `line_items` in `setup` mode.",
            ));
        }
        return Ok((lines, currency.unwrap_or_else(|| "usd".to_owned())));
    }
    if lines.is_empty() {
        return Err(Failure::missing_parameter("line_items"));
    }
    let (_, currency) = work.common_terms(lines.iter().map(|line| line.price.as_str()))?;
    Ok((lines, currency))
}

fn take_subscription_data(
    work: &Work<'_>,
    params: &mut Params,
    mode: CheckoutMode,
) -> Result<SubscriptionData, Failure> {
    let mut data = SubscriptionData::default();
    let Some(mut given) = params.nested("subscription_data")? else {
        return Ok(data);
    };
    if mode == CheckoutMode::Setup {
        return Err(Failure::parameter(
            "subscription_data",
            "You can not pass `subscription_data` in `setup` mode.",
        ));
    }
    data.description = given.filled("description")?;
    given.metadata(&mut data.metadata)?;
    data.trial_period_days = take_trial_days(&mut given)?;
    data.trial_end = given.moment("trial_end")?;
    match (data.trial_period_days, data.trial_end) {
        (Some(_), Some(_)) => {
            return Err(Failure::invalid(
                "You can only pass one of `trial_end` and `trial_period_days`.",
            ));
        }
        (_, Some(end)) if end < work.now(None) + TRIAL_AHEAD => {
            return Err(Failure::parameter(
                "subscription_data[trial_end]",
                "The `trial_end` date has to be at least 2 days in the future.",
            ));
        }
        _ => {}
    }
    data.missing_payment_method = take_missing_payment_method(&mut given)?.unwrap_or_default();
    data.billing_mode = take_billing_mode(&mut given)?;
    given.finish()?;
    Ok(data)
}

/// `trial_settings[end_behavior][missing_payment_method]`
pub(super) fn take_missing_payment_method(
    params: &mut Params,
) -> Result<Option<MissingPaymentMethod>, Failure> {
    let Some(mut settings) = params.nested("trial_settings")? else {
        return Ok(None);
    };
    let mut missing = None;
    if let Some(mut behavior) = settings.nested("end_behavior")? {
        missing = behavior.word("missing_payment_method", MissingPaymentMethod::read)?;
        behavior.finish()?;
    }
    settings.finish()?;
    Ok(missing)
}

/// `billing_mode[type]`
pub(super) fn take_billing_mode(params: &mut Params) -> Result<BillingMode, Failure> {
    let Some(mut given) = params.nested("billing_mode")? else {
        return Ok(BillingMode::default());
    };
    let mode = given.word("type", BillingMode::read)?;
    given.ignore(&["flexible"]);
    given.finish()?;
    Ok(mode.unwrap_or_default())
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let session = work.find::<CheckoutSession>("checkout.session", id, "id")?;
    Ok(render::checkout_session(work.world, &session))
}

pub(super) fn expire(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let session = work.find::<CheckoutSession>("checkout.session", id, "id")?;
    if session.status != CheckoutStatus::Open {
        return Err(Failure::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{}`.",
            session.status.as_str()
        )));
    }
    let expired = work.expire_checkout(&session);
    Ok(render::checkout_session(work.world, &expired))
}

pub(super) fn line_items(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    params.integer("limit")?;
    params.finish()?;
    let session = work.find::<CheckoutSession>("checkout.session", id, "id")?;
    let due = !session.has_trial();
    let data: Vec<Value> = session
        .lines
        .iter()
        .map(|line| render::checkout_line(work.world, line, due))
        .collect();
    Ok(json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "url": format!("/v1/checkout/sessions/{id}/line_items"),
    }))
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    let subscription = params.filled("subscription")?;
    let status = params.filled("status")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/checkout/sessions",
        |session: &CheckoutSession| {
            customer
                .as_ref()
                .is_none_or(|id| session.customer.as_ref() == Some(id))
                && subscription
                    .as_ref()
                    .is_none_or(|id| session.subscription.as_ref() == Some(id))
                && status
                    .as_ref()
                    .is_none_or(|status| session.status.as_str() == status)
                && created.has(session.created)
        },
        render::checkout_session,
    )
}
