//! Subscriptions: changed, canceled, paused, resumed.

use super::{
    cards::owned_card,
    checkout::take_missing_payment_method,
    subscriptions::{future, show},
};
use crate::{
    billing::proration::Proration,
    engine::{Credit, ItemChange, Resume, SubscriptionChange, TrialChange, Work},
    failure::{Answer, Failure},
    form::{Metadata, Params, Patch},
    world::{Price, Subscription},
};

/// Parameters that change nothing here.
const WITHOUT_EFFECT: [&str; 3] = ["off_session", "payment_settings", "proration_date"];

/// What Stripe's pages offer as reasons (`cancellation_details[feedback]`).
pub(crate) const FEEDBACK: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];

pub(super) fn update(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let subscription = work.find::<Subscription>("subscription", id, "id")?;
    let now = work.now(subscription.test_clock.as_deref());
    let mut metadata = subscription.metadata.clone();
    params.metadata(&mut metadata)?;
    let mut change = SubscriptionChange {
        metadata: Some(metadata),
        description: Some(params.patch("description")?),
        default_payment_method: Some(params.patch("default_payment_method")?),
        cancel_at_period_end: params.boolean("cancel_at_period_end")?,
        cancel_at: take_cancel_at(&mut params, &subscription, now)?,
        missing_payment_method: take_missing_payment_method(&mut params)?,
        items: take_items(work, &mut params)?,
        proration: params
            .word("proration_behavior", Proration::read)?
            .unwrap_or_default(),
        trial: take_trial(&mut params, now)?,
        ..SubscriptionChange::default()
    };
    if change.cancel_at_period_end == Some(true) && matches!(change.cancel_at, Some(Patch::Set(_))) {
        return Err(Failure::invalid(
            "`cancel_at` and `cancel_at_period_end` may not both be set.",
        ));
    }
    if let Some(Patch::Set(method)) = &change.default_payment_method {
        owned_card(work, method, &subscription.customer, "default_payment_method")?;
    }
    take_details(&mut params, &mut change)?;
    let behavior = params.word("payment_behavior", |word| match word {
        "allow_incomplete" => Some(false),
        "error_if_incomplete" => Some(true),
        _ => None,
    })?;
    change.error_if_incomplete = behavior.unwrap_or(false);
    params.word("billing_cycle_anchor", |word| (word == "unchanged").then_some(()))?;
    params.ignore(&WITHOUT_EFFECT);
    params.finish()?;
    work.change(id, change)?;
    show(work, id)
}

/// A moment, `min_period_end`, or nothing to take a planned end back.
fn take_cancel_at(
    params: &mut Params,
    subscription: &Subscription,
    now: i64,
) -> Result<Option<Patch<i64>>, Failure> {
    Ok(match params.patch("cancel_at")? {
        Patch::Keep => None,
        Patch::Clear => Some(Patch::Clear),
        Patch::Set(word) if matches!(word.as_str(), "min_period_end" | "max_period_end") => {
            Some(Patch::Set(subscription.period.end))
        }
        Patch::Set(text) => Some(Patch::Set(future(&text, now, "cancel_at")?)),
    })
}

fn take_trial(params: &mut Params, now: i64) -> Result<Option<TrialChange>, Failure> {
    Ok(match params.filled("trial_end")?.as_deref() {
        None => None,
        Some("now") => Some(TrialChange::EndNow),
        Some(text) => Some(TrialChange::EndAt(future(text, now, "trial_end")?)),
    })
}

fn take_items(work: &Work<'_>, params: &mut Params) -> Result<Vec<ItemChange>, Failure> {
    let mut items = Vec::new();
    for mut given in params.elements("items")? {
        let mut metadata = Metadata::new();
        given.metadata(&mut metadata)?;
        let price = given.filled("price")?;
        if let Some(price) = &price {
            work.find::<Price>("price", price, &given.name("price"))?;
        }
        items.push(ItemChange {
            id: given.filled("id")?,
            price,
            quantity: given.quantity("quantity")?,
            metadata: (!metadata.is_empty()).then_some(metadata),
        });
        given.finish()?;
    }
    Ok(items)
}

fn take_details(params: &mut Params, change: &mut SubscriptionChange) -> Result<(), Failure> {
    let Some(mut details) = params.nested("cancellation_details")? else {
        return Ok(());
    };
    change.comment = Some(details.patch("comment")?);
    let feedback = details.patch("feedback")?;
    if let Patch::Set(word) = &feedback
        && !FEEDBACK.contains(&word.as_str())
    {
        return Err(Failure::parameter(
            "cancellation_details[feedback]",
            format!("Invalid feedback: {word}"),
        ));
    }
    change.feedback = Some(feedback);
    details.finish()
}

pub(super) fn cancel(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let subscription = work.find::<Subscription>("subscription", id, "id")?;
    if subscription.is_over() {
        return Err(Failure::missing("subscription", id, "id"));
    }
    for key in ["invoice_now", "prorate"] {
        params.word(key, |word| (word == "false").then_some(()))?;
    }
    let mut details = SubscriptionChange::default();
    take_details(&mut params, &mut details)?;
    params.finish()?;
    work.cancel_now(id, details.comment, details.feedback);
    show(work, id)
}

pub(super) fn pause(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    params.word("type", |word| (word == "subscription").then_some(()))?;
    let mut credit = Credit::default();
    if let Some(mut bill_for) = params.nested("bill_for")? {
        credit = take_type(&mut bill_for, "unused_time_from", |word| match word {
            "item_current_period_start" => Some(Credit::Whole),
            "none" => Some(Credit::Nothing),
            "now" => Some(Credit::Rest),
            _ => None,
        })?
        .unwrap_or_default();
        // Prices here have no usage that could be outstanding.
        take_type(&mut bill_for, "outstanding_usage_through", |word| {
            matches!(word, "none" | "now").then_some(())
        })?;
        bill_for.finish()?;
    }
    let at_once = params.word("invoicing_behavior", |word| match word {
        "pending_invoice_item" => Some(false),
        "invoice" => Some(true),
        _ => None,
    })?;
    params.finish()?;
    if credit != Credit::Nothing && at_once == Some(true) {
        return Err(Failure::parameter(
            "invoicing_behavior",
            "stripe-local keeps no customer balance: a credit waits for the next invoice (pending_invoice_item), or there is none (bill_for[unused_time_from][type]=none).",
        ));
    }
    work.pause(id, credit)?;
    show(work, id)
}

/// A part that says nothing but `type`.
fn take_type<T>(
    params: &mut Params,
    key: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some(mut given) = params.nested(key)? else {
        return Ok(None);
    };
    let kind = given.word("type", read)?;
    let kind = kind.ok_or_else(|| Failure::missing_parameter(&given.name("type")))?;
    given.finish()?;
    Ok(Some(kind))
}

pub(super) fn resume(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let in_step = take_type(&mut params, "billing_cycle_anchor", |word| match word {
        "now" => Some(false),
        "unchanged" => Some(true),
        _ => None,
    })?;
    let proration = params
        .word("proration_behavior", Proration::read)?
        .unwrap_or_default();
    params.word("payment_behavior", |word| {
        (word == "resume_on_payment_attempt").then_some(())
    })?;
    params.finish()?;
    let how = if in_step == Some(true) {
        Resume::InStep(proration)
    } else {
        Resume::Anew
    };
    work.resume(id, how)?;
    show(work, id)
}
