//! A subscription as the portal shows it: what it is, what comes next, what can be done.

use super::Visit;
use crate::{
    billing::lifecycle::{TrialEnd, at_trial_end},
    engine::Work,
    http::pages::{date, escape, every},
    money::amount_in_words,
    world::{PauseReason, PaymentMethod, Price, Product, Status, Subscription},
};

/// Name and cost of a subscription.
pub(super) fn describe(work: &Work<'_>, subscription: &Subscription) -> (String, String) {
    let mut names = Vec::new();
    for item in &subscription.items {
        if let Some(price) = work.world.get::<Price>(&item.price) {
            let product = work.world.get::<Product>(&price.product);
            names.push(product.map_or_else(|| price.product.clone(), |product| product.name.clone()));
        }
    }
    (
        names.join(", "),
        format!(
            "{} per {}",
            amount(work, subscription),
            every(subscription.recurring)
        ),
    )
}

/// What a period costs.
fn amount(work: &Work<'_>, subscription: &Subscription) -> String {
    let total = subscription
        .items
        .iter()
        .filter_map(|item| Some(work.world.get::<Price>(&item.price)?.unit_amount * item.quantity))
        .sum();
    amount_in_words(total, &subscription.currency)
}

/// A word or two beside the plan's name, and how good that is.
fn badge(subscription: &Subscription) -> Option<(String, &'static str)> {
    if let Some(at) = subscription.ends_at() {
        return Some((format!("Cancels {}", date(at)), "quiet"));
    }
    match subscription.status {
        Status::Trialing => Some(("Trial".to_owned(), "good")),
        Status::Active => Some(("Active".to_owned(), "good")),
        Status::PastDue => Some(("Past due".to_owned(), "bad")),
        Status::Unpaid => Some(("Unpaid".to_owned(), "bad")),
        Status::Incomplete => Some(("Incomplete".to_owned(), "bad")),
        Status::Paused => Some(("Paused".to_owned(), "quiet")),
        Status::Canceled | Status::IncompleteExpired => None,
    }
}

/// What comes next, in a sentence or two.
fn outlook(work: &Work<'_>, subscription: &Subscription) -> String {
    let card = work.payment_method_of(subscription);
    let end = date(subscription.period.end);
    if let Some(at) = subscription.ends_at() {
        return format!("Your plan will be canceled on {}.", date(at));
    }
    match subscription.status {
        Status::Trialing => {
            let next = match at_trial_end(card.is_some(), subscription.missing_payment_method) {
                TrialEnd::Bill => paying(&amount(work, subscription), card.as_ref()),
                TrialEnd::Cancel => "Add a payment method before that to keep your plan.".to_owned(),
                TrialEnd::Pause => {
                    "Add a payment method before that, or your plan will be paused.".to_owned()
                }
            };
            format!("Your trial ends on {end}. {next}")
        }
        Status::PastDue => "Your last payment failed. Update your card to keep your plan.".to_owned(),
        Status::Unpaid | Status::Incomplete => "Your plan waits for a payment.".to_owned(),
        Status::Paused => match subscription.pause.map(|pause| pause.reason) {
            Some(PauseReason::TrialEndWithoutPaymentMethod) => {
                "Your plan is paused: its trial ended without a payment method.".to_owned()
            }
            _ => "Your plan is paused.".to_owned(),
        },
        _ => format!(
            "Your plan renews on {end}. {}",
            paying(&amount(work, subscription), card.as_ref())
        ),
    }
}

fn paying(amount: &str, card: Option<&PaymentMethod>) -> String {
    match card {
        Some(method) => format!(
            "{amount} will be charged to {} •••• {}.",
            method.card.brand.to_uppercase(),
            method.card.last4
        ),
        None => format!("{amount} will be due."),
    }
}

pub(super) fn plan(work: &Work<'_>, visit: &Visit, subscription: &Subscription) -> String {
    let (name, cost) = describe(work, subscription);
    let path = visit.path();
    let id = escape(&subscription.id);
    let action = if !visit.configuration.subscription_cancel {
        String::new()
    } else if subscription.ends_at().is_some() {
        format!(
            "<form method=\"post\" action=\"{path}/renew/{id}\"><button class=\"primary\">Don’t cancel subscription</button></form>"
        )
    } else {
        format!("<a class=\"button\" href=\"{path}/cancel/{id}\">Cancel subscription</a>")
    };
    let badge = badge(subscription).map_or(String::new(), |(word, kind)| {
        format!(" <span class=\"tag {kind}\">{}</span>", escape(&word))
    });
    format!(
        "<div class=\"tile plan\"><div><p><strong dir=\"auto\">{}</strong>{badge}</p><p class=\"price\">{}</p><p class=\"soft\">{}</p></div><div class=\"actions\">{action}</div></div>",
        escape(&name),
        escape(&cost),
        escape(&outlook(work, subscription)),
    )
}
