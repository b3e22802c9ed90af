//! The endpoints that update, cancel, pause and resume a subscription.

use super::{
    cards::find_customer_card,
    subscription_params::{parse_future_timestamp, parse_missing_payment_method},
    subscriptions::render_by_id,
};
use crate::{
    api_error::{ApiError, ApiResult},
    billing::proration::Proration,
    engine::{ItemChange, Operation, PauseCredit, ResumeMode, SubscriptionChange, TrialChange},
    form::{Metadata, Params, Patch},
    records::{CollectionPause, PriceRecord, SubscriptionRecord},
};

/// Parameters that are accepted and ignored.
const IGNORED_PARAMS: [&str; 3] = ["off_session", "payment_settings", "proration_date"];

/// Values of `cancellation_details[feedback]`.
pub(crate) const FEEDBACK_OPTIONS: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];

pub(super) fn update(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let subscription = operation.find::<SubscriptionRecord>("subscription", id, "id")?;
    let now = operation.now_secs(subscription.test_clock.as_deref());
    let mut metadata = subscription.metadata.clone();
    params.metadata(&mut metadata)?;
    let mut change = SubscriptionChange {
        metadata: Some(metadata),
        description: Some(params.patch("description")?),
        default_payment_method: Some(params.patch("default_payment_method")?),
        cancel_at_period_end: params.boolean("cancel_at_period_end")?,
        cancel_at: parse_cancel_at(&mut params, &subscription, now)?,
        missing_payment_method: parse_missing_payment_method(&mut params)?,
        collection_pause: parse_collection_pause(&mut params)?,
        items: parse_item_changes(operation, &mut params)?,
        proration: params
            .one_of("proration_behavior", Proration::parse)?
            .unwrap_or_default(),
        trial: parse_trial_change(&mut params, now)?,
        ..SubscriptionChange::default()
    };
    if change.cancel_at_period_end == Some(true) && matches!(change.cancel_at, Some(Patch::Set(_))) {
        return Err(ApiError::invalid_request(
            "`cancel_at` and `cancel_at_period_end` may not both be set.",
        ));
    }
    if let Some(Patch::Set(method)) = &change.default_payment_method {
        find_customer_card(
            operation,
            method,
            &subscription.customer,
            "default_payment_method",
        )?;
    }
    parse_cancellation_details(&mut params, &mut change)?;
    let behavior = params.one_of("payment_behavior", |word| match word {
        "allow_incomplete" => Some(false),
        "error_if_incomplete" => Some(true),
        _ => None,
    })?;
    change.error_if_incomplete = behavior.unwrap_or(false);
    params.one_of("billing_cycle_anchor", |word| (word == "unchanged").then_some(()))?;
    params.ignore(&IGNORED_PARAMS);
    params.finish()?;
    operation.apply_change(id, change)?;
    render_by_id(operation, id)
}

/// Parses `cancel_at`: a timestamp, `min_period_end`, or an empty value that undoes a scheduled cancellation.
fn parse_cancel_at(
    params: &mut Params,
    subscription: &SubscriptionRecord,
    now: i64,
) -> Result<Option<Patch<i64>>, ApiError> {
    Ok(match params.patch("cancel_at")? {
        Patch::Keep => None,
        Patch::Clear => Some(Patch::Clear),
        Patch::Set(word) if matches!(word.as_str(), "min_period_end" | "max_period_end") => {
            Some(Patch::Set(subscription.period.end))
        }
        Patch::Set(text) => Some(Patch::Set(parse_future_timestamp(&text, now, "cancel_at")?)),
    })
}

/// Parses `pause_collection`; an empty value ends the pause.
fn parse_collection_pause(params: &mut Params) -> Result<Option<Option<CollectionPause>>, ApiError> {
    if params.take_empty("pause_collection") {
        return Ok(Some(None));
    }
    let Some(mut pause) = params.nested("pause_collection")? else {
        return Ok(None);
    };
    let behavior = pause.one_of("behavior", CollectionPause::parse)?;
    let behavior = behavior.ok_or_else(|| ApiError::missing_parameter(&pause.full_name("behavior")))?;
    pause.finish()?;
    Ok(Some(Some(behavior)))
}

fn parse_trial_change(params: &mut Params, now: i64) -> Result<Option<TrialChange>, ApiError> {
    Ok(match params.non_empty("trial_end")?.as_deref() {
        None => None,
        Some("now") => Some(TrialChange::EndNow),
        Some(text) => Some(TrialChange::EndAt(parse_future_timestamp(
            text,
            now,
            "trial_end",
        )?)),
    })
}

fn parse_item_changes(operation: &Operation<'_>, params: &mut Params) -> Result<Vec<ItemChange>, ApiError> {
    let mut items = Vec::new();
    for mut part in params.elements("items")? {
        let mut metadata = Metadata::new();
        part.metadata(&mut metadata)?;
        let price = part.non_empty("price")?;
        if let Some(price) = &price {
            operation.find::<PriceRecord>("price", price, &part.full_name("price"))?;
        }
        items.push(ItemChange {
            id: part.non_empty("id")?,
            price,
            quantity: part.quantity("quantity")?,
            metadata: (!metadata.is_empty()).then_some(metadata),
        });
        part.finish()?;
    }
    Ok(items)
}

fn parse_cancellation_details(params: &mut Params, change: &mut SubscriptionChange) -> Result<(), ApiError> {
    let Some(mut details) = params.nested("cancellation_details")? else {
        return Ok(());
    };
    change.comment = Some(details.patch("comment")?);
    let feedback = details.patch("feedback")?;
    if let Patch::Set(word) = &feedback
        && !FEEDBACK_OPTIONS.contains(&word.as_str())
    {
        return Err(ApiError::invalid_parameter(
            "cancellation_details[feedback]",
            format!("Invalid feedback: {word}"),
        ));
    }
    change.feedback = Some(feedback);
    details.finish()
}

pub(super) fn cancel(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let subscription = operation.find::<SubscriptionRecord>("subscription", id, "id")?;
    if subscription.has_ended() {
        return Err(ApiError::no_such_object("subscription", id, "id"));
    }
    for key in ["invoice_now", "prorate"] {
        params.one_of(key, |word| (word == "false").then_some(()))?;
    }
    let mut details = SubscriptionChange::default();
    parse_cancellation_details(&mut params, &mut details)?;
    params.finish()?;
    operation.cancel_now(id, details.comment, details.feedback);
    render_by_id(operation, id)
}

pub(super) fn pause(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    params.one_of("type", |word| (word == "subscription").then_some(()))?;
    let mut credit = PauseCredit::default();
    if let Some(mut bill_for) = params.nested("bill_for")? {
        credit = parse_type(&mut bill_for, "unused_time_from", |word| match word {
            "item_current_period_start" => Some(PauseCredit::WholePeriod),
            "none" => Some(PauseCredit::NoCredit),
            "now" => Some(PauseCredit::Unused),
            _ => None,
        })?
        .unwrap_or_default();
        // Prices have no metered usage, so the value has no effect.
        parse_type(&mut bill_for, "outstanding_usage_through", |word| {
            matches!(word, "none" | "now").then_some(())
        })?;
        bill_for.finish()?;
    }
    let at_once = params.one_of("invoicing_behavior", |word| match word {
        "pending_invoice_item" => Some(false),
        "invoice" => Some(true),
        _ => None,
    })?;
    params.finish()?;
    if credit != PauseCredit::NoCredit && at_once == Some(true) {
        return Err(ApiError::invalid_parameter(
            "invoicing_behavior",
            "stripe-local has no customer balances: a credit is added to the next invoice (pending_invoice_item), or there is none (bill_for[unused_time_from][type]=none).",
        ));
    }
    operation.pause_subscription(id, credit)?;
    render_by_id(operation, id)
}

/// Parses an object that has only the parameter `type`. Fails if `type` is missing.
fn parse_type<T>(
    params: &mut Params,
    key: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let Some(mut part) = params.nested(key)? else {
        return Ok(None);
    };
    let kind = part.one_of("type", read)?;
    let kind = kind.ok_or_else(|| ApiError::missing_parameter(&part.full_name("type")))?;
    part.finish()?;
    Ok(Some(kind))
}

pub(super) fn resume(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let in_step = parse_type(&mut params, "billing_cycle_anchor", |word| match word {
        "now" => Some(false),
        "unchanged" => Some(true),
        _ => None,
    })?;
    let proration = params
        .one_of("proration_behavior", Proration::parse)?
        .unwrap_or_default();
    params.one_of("payment_behavior", |word| {
        (word == "resume_on_payment_attempt").then_some(())
    })?;
    params.finish()?;
    let how = if in_step == Some(true) {
        ResumeMode::KeepCycle(proration)
    } else {
        ResumeMode::NewPeriod
    };
    operation.resume_subscription(id, how)?;
    render_by_id(operation, id)
}
