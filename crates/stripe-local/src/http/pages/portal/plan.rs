//! The tile of one subscription in the portal.

use super::PortalContext;
use crate::{
    billing::lifecycle::{TrialEndAction, trial_end_action},
    engine::Operation,
    http::pages::{date, escape, interval_text},
    money::format_amount,
    records::{
        PauseReason, PaymentMethodRecord, PriceRecord, ProductRecord, StripeSubscriptionStatus,
        SubscriptionRecord,
    },
};

/// Name and price of a subscription.
pub(super) fn name_and_cost(
    operation: &Operation<'_>,
    subscription: &SubscriptionRecord,
) -> (String, String) {
    let mut names = Vec::new();
    for item in &subscription.items {
        if let Some(price) = operation.records.get::<PriceRecord>(&item.price) {
            let product = operation.records.get::<ProductRecord>(&price.product);
            names.push(product.map_or_else(|| price.product.clone(), |product| product.name.clone()));
        }
    }
    (
        names.join(", "),
        format!(
            "{} per {}",
            amount(operation, subscription),
            interval_text(subscription.recurring)
        ),
    )
}

/// The price of a full period.
fn amount(operation: &Operation<'_>, subscription: &SubscriptionRecord) -> String {
    let total = subscription
        .items
        .iter()
        .filter_map(|item| {
            Some(operation.records.get::<PriceRecord>(&item.price)?.unit_amount * item.quantity)
        })
        .sum();
    format_amount(total, &subscription.currency)
}

/// The status label of a subscription and its CSS class.
fn status_tag(subscription: &SubscriptionRecord) -> Option<(String, &'static str)> {
    if let Some(at) = subscription.ends_at() {
        return Some((format!("Cancels {}", date(at)), "quiet"));
    }
    match subscription.status {
        StripeSubscriptionStatus::Trialing => Some(("Trial".to_owned(), "good")),
        StripeSubscriptionStatus::Active => Some(("Active".to_owned(), "good")),
        StripeSubscriptionStatus::PastDue => Some(("Past due".to_owned(), "bad")),
        StripeSubscriptionStatus::Unpaid => Some(("Unpaid".to_owned(), "bad")),
        StripeSubscriptionStatus::Incomplete => Some(("Incomplete".to_owned(), "bad")),
        StripeSubscriptionStatus::Paused => Some(("Paused".to_owned(), "quiet")),
        StripeSubscriptionStatus::Canceled | StripeSubscriptionStatus::IncompleteExpired => None,
    }
}

/// A text about the next change: renewal, cancellation or trial end.
fn next_event_text(operation: &Operation<'_>, subscription: &SubscriptionRecord) -> String {
    let card = operation.payment_method_of(subscription);
    let end = date(subscription.period.end);
    if let Some(at) = subscription.ends_at() {
        return format!("Your plan will be canceled on {}.", date(at));
    }
    match subscription.status {
        StripeSubscriptionStatus::Trialing => {
            let next = match trial_end_action(card.is_some(), subscription.missing_payment_method) {
                TrialEndAction::Bill => charge_text(&amount(operation, subscription), card.as_ref()),
                TrialEndAction::Cancel => "Add a payment method before that to keep your plan.".to_owned(),
                TrialEndAction::Pause => {
                    "Add a payment method before that, or your plan will be paused.".to_owned()
                }
            };
            format!("Your trial ends on {end}. {next}")
        }
        StripeSubscriptionStatus::PastDue => {
            "Your last payment failed. Update your card to keep your plan.".to_owned()
        }
        StripeSubscriptionStatus::Unpaid | StripeSubscriptionStatus::Incomplete => {
            "Your plan is waiting for a payment.".to_owned()
        }
        StripeSubscriptionStatus::Paused => match subscription.pause.map(|pause| pause.reason) {
            Some(PauseReason::TrialEndWithoutPaymentMethod) => {
                "Your plan is paused: its trial ended without a payment method.".to_owned()
            }
            _ => "Your plan is paused.".to_owned(),
        },
        _ => format!(
            "Your plan renews on {end}. {}",
            charge_text(&amount(operation, subscription), card.as_ref())
        ),
    }
}

fn charge_text(amount: &str, card: Option<&PaymentMethodRecord>) -> String {
    match card {
        Some(method) => format!(
            "{amount} will be charged to {} •••• {}.",
            method.card.brand.to_uppercase(),
            method.card.last4
        ),
        None => format!("{amount} will be due."),
    }
}

pub(super) fn plan_tile(
    operation: &Operation<'_>,
    context: &PortalContext,
    subscription: &SubscriptionRecord,
) -> String {
    let (name, cost) = name_and_cost(operation, subscription);
    let path = context.path();
    let id = escape(&subscription.id);
    let action = if !context.configuration.subscription_cancel {
        String::new()
    } else if subscription.ends_at().is_some() {
        format!(
            "<form method=\"post\" action=\"{path}/renew/{id}\"><button class=\"primary\">Don’t cancel subscription</button></form>"
        )
    } else {
        format!("<a class=\"button\" href=\"{path}/cancel/{id}\">Cancel subscription</a>")
    };
    let badge = status_tag(subscription).map_or(String::new(), |(word, kind)| {
        format!(" <span class=\"tag {kind}\">{}</span>", escape(&word))
    });
    format!(
        "<div class=\"tile plan\"><div><p><strong dir=\"auto\">{}</strong>{badge}</p><p class=\"price\">{}</p><p class=\"soft\">{}</p></div><div class=\"actions\">{action}</div></div>",
        escape(&name),
        escape(&cost),
        escape(&next_event_text(operation, subscription)),
    )
}
