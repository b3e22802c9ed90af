//! The account's subscription: where it stands, what comes next, and what can be done about it.

use leptos::prelude::*;
use tracking::{Interval, SubscriptionStatus};
use uuid::Uuid;

use super::buttons::ActionButton;
use super::facts::{Action, Standing};

/// The card.
#[component]
pub fn PlanCard(standing: Standing, form: Uuid) -> impl IntoView {
    let state = standing.state;
    let name = match state {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => "Pro trial",
        SubscriptionStatus::Expired => "Free",
        SubscriptionStatus::Active | SubscriptionStatus::Canceled | SubscriptionStatus::PastDue => "Pro",
    };
    let on_trial = matches!(
        state,
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled
    );
    let left = standing.days_left.filter(|_| on_trial).map(days_left);
    view! {
        <section class="card plan" data-state=state.as_str()>
            <div class="plan-head">
                <h2>{name}</h2>
                <span class="badge" class:bad=state == SubscriptionStatus::PastDue>
                    {label(state)}
                </span>
                {left.map(|left| view! { <p class="countdown">{left}</p> })}
            </div>
            <p>{what_comes(&standing)}</p>
            <div class="actions">{actions(&standing, form)}</div>
        </section>
    }
}

const fn label(state: SubscriptionStatus) -> &'static str {
    match state {
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

fn what_comes(standing: &Standing) -> String {
    let until = standing.until.as_deref().unwrap_or("the end of the period");
    let price = standing.price.as_deref().unwrap_or("the price");
    let each = match standing.interval {
        Some(Interval::Year) => "year",
        Some(Interval::Month) | None => "month",
    };
    match (standing.state, standing.has_card) {
        (SubscriptionStatus::Trialing, true) => {
            format!("Your trial ends on {until}. From then on it is {price} a {each}.")
        }
        (SubscriptionStatus::Trialing, false) => format!(
            "Your trial ends on {until}. There is no card yet: without one it simply ends, and nothing is charged."
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
        (SubscriptionStatus::Expired, _) => match &standing.ended {
            Some(ended) => format!("Your subscription ended on {ended}. Your polls are all still there."),
            None => "Your subscription has ended. Your polls are all still there.".to_owned(),
        },
    }
}

fn actions(standing: &Standing, form: Uuid) -> AnyView {
    let portal = move || {
        view! { <ActionButton action=Action::Portal form label="Card and invoices" /> }
    };
    let yearly = standing
        .may_change_to_yearly
        .then(|| view! { <ActionButton action=Action::Yearly form label="Change to yearly" /> });
    match standing.state {
        SubscriptionStatus::Trialing => {
            let card = (!standing.has_card).then(
                || view! { <ActionButton action=Action::AddCard form label="Add a card" class="button" /> },
            );
            view! {
                {card}
                {yearly}
                {portal()}
                <ActionButton action=Action::Cancel form label="Cancel trial" class="plain" />
            }
            .into_any()
        }
        SubscriptionStatus::Active => view! {
            {yearly}
            {portal()}
            <ActionButton action=Action::Cancel form label="Cancel subscription" class="plain" />
        }
        .into_any(),
        SubscriptionStatus::TrialCanceled => view! {
            <ActionButton action=Action::Resume form label="Resume trial" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::Canceled => view! {
            <ActionButton action=Action::Resume form label="Resume subscription" class="button" />
            {portal()}
        }
        .into_any(),
        SubscriptionStatus::PastDue => view! {
            <ActionButton action=Action::AddCard form label="Change the card" class="button" />
            {portal()}
            <ActionButton action=Action::Cancel form label="Cancel subscription" class="plain" />
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
