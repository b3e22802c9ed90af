//! The account's subscription: its status, what comes next, and its buttons.

use backend::billing::SubscriptionOverview;
use backend::dates;
use leptos::prelude::*;
use tracking::{Interval, SubscriptionStatus};
use uuid::Uuid;

use super::buttons::ActionButton;
use super::labels;
use super::model::BillingAction;

/// The card. `now` is in seconds since the epoch, by the clock that moves the subscription.
#[component]
pub fn PlanCard(subscription: SubscriptionOverview, now: i64, form: Uuid) -> impl IntoView {
    let status = subscription.status;
    let name = match status {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => "Pro trial",
        SubscriptionStatus::Expired => "Free",
        SubscriptionStatus::Active | SubscriptionStatus::Canceled | SubscriptionStatus::PastDue => "Pro",
    };
    let on_trial = matches!(
        status,
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled
    );
    let left = labels::days_left(&subscription, now)
        .filter(|_| on_trial)
        .map(days_left);
    view! {
        <section class="card plan" data-state=status.as_str()>
            <div class="plan-head">
                <h2>{name}</h2>
                <span class="badge" class:bad=status == SubscriptionStatus::PastDue>
                    {label(status)}
                </span>
                {left.map(|left| view! { <p class="countdown">{left}</p> })}
            </div>
            <p>{what_comes_next(&subscription)}</p>
            <div class="actions">{actions(&subscription, form)}</div>
        </section>
    }
}

const fn label(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Trialing => "trial",
        SubscriptionStatus::TrialCanceled | SubscriptionStatus::Canceled => "canceled",
        SubscriptionStatus::Active => "active",
        SubscriptionStatus::PastDue => "payment failed",
        SubscriptionStatus::Expired => "ended",
    }
}

fn days_left(days: i64) -> String {
    match days {
        ..=1 => "Last day".to_owned(),
        days => format!("{days} days left"),
    }
}

fn what_comes_next(subscription: &SubscriptionOverview) -> String {
    let until = labels::until(subscription).unwrap_or_else(|| "the end of the period".to_owned());
    let price = subscription.interval.map(labels::price);
    let price = price.unwrap_or_else(|| "the price".to_owned());
    let each = match subscription.interval {
        Some(Interval::Year) => "year",
        Some(Interval::Month) | None => "month",
    };
    match (subscription.status, subscription.has_card) {
        (SubscriptionStatus::Trialing, true) => {
            format!("Your trial ends on {until}. From then on it is {price} a {each}.")
        }
        (SubscriptionStatus::Trialing, false) => format!(
            "Your trial ends on {until}. There is no card yet. Without one it ends, and nothing is charged."
        ),
        (SubscriptionStatus::TrialCanceled, _) => {
            format!("Your trial is canceled. You keep Pro until {until}, and nothing is charged.")
        }
        (SubscriptionStatus::Active, _) => format!("{price} a {each}. The next payment is on {until}."),
        (SubscriptionStatus::Canceled, _) => {
            format!("Your subscription is canceled. You keep Pro until {until}.")
        }
        (SubscriptionStatus::PastDue, _) => {
            "The last payment failed. You keep Pro while Stripe tries again; please check your card."
                .to_owned()
        }
        (SubscriptionStatus::Expired, _) => match subscription.ended_at_secs.map(dates::long) {
            Some(ended) => format!("Your subscription ended on {ended}. Your polls are all still there."),
            None => "Your subscription has ended. Your polls are all still there.".to_owned(),
        },
    }
}

fn actions(subscription: &SubscriptionOverview, form: Uuid) -> AnyView {
    let portal = move || {
        view! { <ActionButton action=BillingAction::Portal form label="Card and invoices" /> }
    };
    let yearly = subscription
        .may_change_to_yearly
        .then(|| view! { <ActionButton action=BillingAction::Yearly form label="Change to yearly" /> });
    match subscription.status {
        SubscriptionStatus::Trialing => {
            let card = (!subscription.has_card).then(
                || view! { <ActionButton action=BillingAction::AddCard form label="Add a card" class="button" /> },
            );
            view! {
                {card}
                {yearly}
                {portal()}
                <ActionButton action=BillingAction::Cancel form label="Cancel trial" class="plain" />
            }
            .into_any()
        }
        SubscriptionStatus::Active => view! {
            {yearly}
            {portal()}
            <ActionButton action=BillingAction::Cancel form label="Cancel subscription" class="plain" />
        }
        .into_any(),
        SubscriptionStatus::TrialCanceled => view! {
            <ActionButton action=BillingAction::Resume form label="Resume trial" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::Canceled => view! {
            <ActionButton action=BillingAction::Resume form label="Resume subscription" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::PastDue => view! {
            <ActionButton action=BillingAction::AddCard form label="Change the card" class="button" />
            {portal()}
            <ActionButton action=BillingAction::Cancel form label="Cancel subscription" class="plain" />
        }
        .into_any(),
        SubscriptionStatus::Expired => view! {
            <a class="button" href="/pricing">
                "Start again"
            </a>
            {portal()}
        }
        .into_any(),
    }
}
