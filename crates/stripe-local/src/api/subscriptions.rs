//! Subscriptions: made, found, listed.

use super::{
    cards::owned_card,
    checkout::{take_billing_mode, take_missing_payment_method},
    list::page,
};
use crate::{
    billing::period::DAY,
    engine::{NewSubscription, PayFirst, SubscriptionChange, Work},
    failure::{Answer, Failure},
    form::{LATEST, Metadata, Params, Patch},
    render,
    world::{Status, Subscription},
};

/// Parameters that change nothing here.
const WITHOUT_EFFECT: [&str; 5] = [
    "automatic_tax",
    "currency",
    "off_session",
    "payment_settings",
    "proration_behavior",
];

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    let customer = work.customer(&customer, "customer")?;
    let now = work.now(customer.test_clock.as_deref());
    let mut items = Vec::new();
    for mut given in params.elements("items")? {
        let mut metadata = Metadata::new();
        given.metadata(&mut metadata)?;
        items.push((
            given.required("price")?,
            given.quantity("quantity")?.unwrap_or(1),
            metadata,
        ));
        given.finish()?;
    }
    if items.is_empty() {
        return Err(Failure::missing_parameter("items"));
    }
    let days = take_trial_days(&mut params)?;
    let trial_end = match params.filled("trial_end")?.as_deref() {
        None | Some("now") => days.map(|days| now + days * DAY),
        Some(_) if days.is_some() => {
            return Err(Failure::invalid(
                "You can only pass one of `trial_end` and `trial_period_days`.",
            ));
        }
        Some(text) => Some(future(text, now, "trial_end")?),
    };
    let default_payment_method = params.filled("default_payment_method")?;
    if let Some(id) = &default_payment_method {
        owned_card(work, id, &customer.id, "default_payment_method")?;
    }
    let pay = params.word("payment_behavior", |word| match word {
        "allow_incomplete" => Some(PayFirst::Try),
        "default_incomplete" => Some(PayFirst::Later),
        "error_if_incomplete" => Some(PayFirst::OrRefuse),
        _ => None,
    })?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    let end = SubscriptionChange {
        cancel_at_period_end: params.boolean("cancel_at_period_end")?.filter(|flag| *flag),
        cancel_at: params.moment("cancel_at")?.map(Patch::Set),
        ..SubscriptionChange::default()
    };
    params.word("collection_method", |word| {
        (word == "charge_automatically").then_some(())
    })?;
    let new = NewSubscription {
        customer,
        items,
        trial_end,
        missing_payment_method: take_missing_payment_method(&mut params)?.unwrap_or_default(),
        billing_mode: take_billing_mode(&mut params)?,
        metadata,
        description: params.filled("description")?,
        default_payment_method,
        pay: pay.unwrap_or(PayFirst::Try),
    };
    params.ignore(&WITHOUT_EFFECT);
    params.finish()?;
    let id = work.subscribe(new)?;
    if end.cancel_at_period_end.is_some() || end.cancel_at.is_some() {
        work.change(&id, end)?;
    }
    show(work, &id)
}

/// `trial_period_days`: up to two years.
pub(super) fn take_trial_days(params: &mut Params) -> Result<Option<i64>, Failure> {
    let days = params.integer("trial_period_days")?;
    if days.is_some_and(|days| !(1..=730).contains(&days)) {
        return Err(Failure::parameter(
            params.name("trial_period_days"),
            "This value must be between 1 and 730.",
        ));
    }
    Ok(days)
}

/// A timestamp after `now`.
pub(super) fn future(text: &str, now: i64, param: &str) -> Result<i64, Failure> {
    let at = text
        .parse()
        .map_err(|_| Failure::parameter(param, format!("Invalid timestamp: {text}")))?;
    if !(now + 1..=LATEST).contains(&at) {
        return Err(Failure::parameter(
            param,
            format!("`{param}` must be in the future, before 2100."),
        ));
    }
    Ok(at)
}

pub(super) fn show(work: &Work<'_>, id: &str) -> Answer {
    let subscription = work.find::<Subscription>("subscription", id, "id")?;
    Ok(render::subscription(work.world, &subscription))
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    show(work, id)
}

/// All items of a subscription: there are 20 at most.
pub(super) fn items(work: &mut Work<'_>, mut params: Params) -> Answer {
    let id = params.required("subscription")?;
    params.integer("limit")?;
    params.finish()?;
    let subscription = work.find::<Subscription>("subscription", &id, "subscription")?;
    Ok(render::subscription(work.world, &subscription)["items"].take())
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.filled("customer")?;
    let price = params.filled("price")?;
    let test_clock = params.filled("test_clock")?;
    let created = params.range("created")?;
    let status = params.filled("status")?;
    let wanted = match status.as_deref() {
        // Without a word all but the canceled ones are listed.
        None => Status::ALL
            .into_iter()
            .filter(|status| *status != Status::Canceled)
            .collect(),
        Some("all") => Status::ALL.to_vec(),
        Some("ended") => vec![Status::Canceled, Status::IncompleteExpired],
        Some(word) => match Status::ALL.into_iter().find(|status| status.as_str() == word) {
            Some(status) => vec![status],
            None => return Err(Failure::parameter("status", format!("Invalid status: {word}"))),
        },
    };
    page(
        work,
        params,
        "/v1/subscriptions",
        |subscription: &Subscription| {
            wanted.contains(&subscription.status)
                && customer.as_ref().is_none_or(|id| subscription.customer == *id)
                && test_clock
                    .as_ref()
                    .is_none_or(|id| subscription.test_clock.as_ref() == Some(id))
                && price
                    .as_ref()
                    .is_none_or(|id| subscription.items.iter().any(|item| item.price == *id))
                && created.has(subscription.created)
        },
        render::subscription,
    )
}
