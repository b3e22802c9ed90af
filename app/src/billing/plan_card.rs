//! The account's subscription: its status, what comes next, and its buttons.

use backend::billing::SubscriptionOverview;
use backend::dates;
use leptos::prelude::*;
use tracking::SubscriptionStatus;
use uuid::Uuid;

use super::buttons::BillingActionButton;
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
        <section class="card billing-plan" data-state=status.as_str()>
            <div class="billing-plan-head">
                <h2>{name}</h2>
                <span class="badge plain" class:bad=status == SubscriptionStatus::PastDue>
                    {label(status)}
                </span>
                {left.map(|left| view! { <p class="billing-countdown">{left}</p> })}
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
    let price = labels::price(&subscription.prices);
    let from_then_on = match price.as_str() {
        "" => "Then the price of your plan is charged.".to_owned(),
        price => format!("From then on it is {price}."),
    };
    let next = match labels::next_payment(subscription) {
        Some(amount) => format!("The next payment of {amount} is on {until}."),
        None if subscription.has_discount && subscription.next_payment.is_none() => {
            format!("The next payment, less your discount, is on {until}.")
        }
        None => format!("The next payment is on {until}."),
    };
    match (subscription.status, subscription.has_card) {
        (SubscriptionStatus::Trialing, true) => match labels::next_payment(subscription) {
            Some(first) => {
                format!("Your trial ends on {until}. {from_then_on} The first payment is {first}.")
            }
            None => format!("Your trial ends on {until}. {from_then_on}"),
        },
        (SubscriptionStatus::Trialing, false) => format!(
            "Your trial ends on {until}. There is no card yet. Without one it ends, and nothing is charged."
        ),
        (SubscriptionStatus::TrialCanceled, _) => {
            format!("Your trial is canceled. You keep Pro until {until}, and nothing is charged.")
        }
        (SubscriptionStatus::Active, _) => match price.as_str() {
            "" => next,
            price => format!("{price}. {next}"),
        },
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
        view! { <BillingActionButton action=BillingAction::Portal form label="Card and invoices" /> }
    };
    let yearly = subscription.may_change_to_yearly.then(
        || view! { <BillingActionButton action=BillingAction::Yearly form label="Change to yearly" /> },
    );
    match subscription.status {
        SubscriptionStatus::Trialing => {
            let card = (!subscription.has_card).then(
                || view! { <BillingActionButton action=BillingAction::AddCard form label="Add a card" class="button" /> },
            );
            view! {
                {card}
                {yearly}
                {portal()}
                <BillingActionButton action=BillingAction::Cancel form label="Cancel trial" class="plain" />
            }
            .into_any()
        }
        SubscriptionStatus::Active => view! {
            {yearly}
            {portal()}
            <BillingActionButton action=BillingAction::Cancel form label="Cancel subscription" class="plain" />
        }
        .into_any(),
        SubscriptionStatus::TrialCanceled => view! {
            <BillingActionButton action=BillingAction::Resume form label="Resume trial" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::Canceled => view! {
            <BillingActionButton action=BillingAction::Resume form label="Resume subscription" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::PastDue => view! {
            <BillingActionButton action=BillingAction::AddCard form label="Change the card" class="button" />
            {portal()}
            <BillingActionButton action=BillingAction::Cancel form label="Cancel subscription" class="plain" />
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
