//! The account's subscription: its status, what comes next, and its buttons.

use backend::billing::{SubscriptionOverview, SuspensionReason};
use backend::dates;
use leptos::prelude::*;
use tracking::SubscriptionStatus;
use uuid::Uuid;

use super::buttons::BillingActionButton;
use super::labels;
use super::model::BillingAction;
use crate::local_time::TextWithDay;

/// The card. `now` is in seconds since the epoch, by the clock that moves the subscription.
#[component]
pub fn PlanCard(
    subscription: SubscriptionOverview,
    /// Whether another subscription runs at the same time.
    has_second: bool,
    /// Whether Stripe has a customer, so that the portal can be opened.
    has_customer: bool,
    now: i64,
    form: Uuid,
) -> impl IntoView {
    let status = subscription.status;
    let name = match status {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => "Pro trial",
        SubscriptionStatus::Expired if subscription.suspension.is_some() => "Pro",
        SubscriptionStatus::Expired => "Free",
        SubscriptionStatus::Active | SubscriptionStatus::Canceled | SubscriptionStatus::PastDue => "Pro",
    };
    let (state, badge) = match subscription.suspension {
        Some(SuspensionReason::Paused) => ("paused", "paused"),
        Some(SuspensionReason::Unpaid) => ("unpaid", "unpaid"),
        Some(SuspensionReason::Incomplete) => ("incomplete", "payment pending"),
        None => (status.as_str(), label(status)),
    };
    let is_bad = status == SubscriptionStatus::PastDue || subscription.suspension.is_some();
    let on_trial = matches!(
        status,
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled
    );
    let left = labels::days_left(&subscription, now)
        .filter(|_| on_trial)
        .map(days_left);
    let day_secs = match status {
        SubscriptionStatus::Expired => subscription.ended_at_secs,
        _ => labels::end_secs(&subscription),
    };
    view! {
        <section class="card billing-plan" data-state=state>
            <div class="billing-plan-head">
                <h2>{name}</h2>
                <span class="badge plain" class:bad=is_bad>
                    {badge}
                </span>
                {left.map(|left| view! { <p class="billing-countdown">{left}</p> })}
            </div>
            <p><TextWithDay text=what_comes_next(&subscription) secs=day_secs /></p>
            {has_second
                .then(|| {
                    view! {
                        <p class="banner" data-second-subscription>
                            "A second subscription is running for your account, and it is charged as well. Our team sees it. You can cancel it under “Card and invoices”."
                        </p>
                    }
                })}
            <div class="actions">{actions(&subscription, has_customer, form)}</div>
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
    if let Some(reason) = subscription.suspension {
        return how_to_continue(subscription, reason);
    }
    let until = labels::until(subscription).unwrap_or_else(|| "the end of the period".to_owned());
    let price = labels::price(&subscription.prices);
    let from_then_on = match price.as_str() {
        "" => "Then the price of your plan is charged.".to_owned(),
        price => format!("From then on it is {price}."),
    };
    let next = match labels::next_payment(subscription) {
        _ if subscription.is_collection_paused => {
            "Payments are paused, so nothing is charged for now.".to_owned()
        }
        Some(amount) => format!("The next payment of {amount} is on {until}."),
        None if subscription.has_discount && subscription.next_payment.is_none() => {
            format!("The next payment, less your discount, is on {until}.")
        }
        None => format!("The next payment is on {until}."),
    };
    match (subscription.status, subscription.has_card) {
        (SubscriptionStatus::Trialing, true) if subscription.is_collection_paused => {
            format!("Your trial ends on {until}. {next}")
        }
        (SubscriptionStatus::Trialing, true) => match labels::next_payment(subscription) {
            Some(first) => {
                format!("Your trial ends on {until}. {from_then_on} The first payment is {first}.")
            }
            None => format!("Your trial ends on {until}. {from_then_on}"),
        },
        (SubscriptionStatus::Trialing, false) => format!(
            "Your trial ends on {until}. There is no card yet. Without one Pro ends then, and nothing is charged."
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

/// The text of a subscription that grants no Pro and has not ended.
fn how_to_continue(subscription: &SubscriptionOverview, reason: SuspensionReason) -> String {
    match (reason, subscription.has_card) {
        (SuspensionReason::Paused, false) => {
            "Your subscription is paused: Pro is off, and nothing is charged. To continue, add a card and then resume."
                .to_owned()
        }
        (SuspensionReason::Paused, true) => {
            let price = match labels::price(&subscription.prices).as_str() {
                "" => "the price of your plan is charged".to_owned(),
                price => format!("the first payment is made, at {price}"),
            };
            format!(
                "Your subscription is paused: Pro is off, and nothing is charged. When you resume, a new period starts and {price}."
            )
        }
        (SuspensionReason::Unpaid, _) => {
            "The payment failed several times, so Pro is off. To continue, add a card that works, and pay the open invoice under “Card and invoices”."
                .to_owned()
        }
        (SuspensionReason::Incomplete, _) => {
            "The first payment is not complete, so Pro has not started. To continue, pay the open invoice under “Card and invoices” within a day."
                .to_owned()
        }
    }
}

fn actions(subscription: &SubscriptionOverview, has_customer: bool, form: Uuid) -> AnyView {
    let portal = move || {
        has_customer.then(|| {
            view! { <BillingActionButton action=BillingAction::Portal form label="Card and invoices" /> }
        })
    };
    if let Some(reason) = subscription.suspension {
        let (first, label) = match (reason, subscription.has_card) {
            (SuspensionReason::Paused, true) => (BillingAction::Resume, "Resume subscription"),
            (_, true) => (BillingAction::AddCard, "Change the card"),
            (_, false) => (BillingAction::AddCard, "Add a card"),
        };
        return view! {
            <BillingActionButton action=first form label class="button" />
            {portal()}
            <BillingActionButton action=BillingAction::Cancel form label="End subscription" class="plain" />
        }
        .into_any();
    }
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

#[cfg(test)]
mod tests {
    use backend::billing::RecurringPrice;
    use tracking::{Currency, Interval, IntervalUnit, Money};

    use super::*;

    fn active() -> SubscriptionOverview {
        let amount = Money::new(1_200, Currency::USD);
        SubscriptionOverview {
            id: "sub_1".to_owned(),
            status: SubscriptionStatus::Active,
            suspension: None,
            is_collection_paused: false,
            prices: vec![RecurringPrice {
                amount,
                interval: Interval::every(1, IntervalUnit::Month).unwrap(),
            }],
            next_payment: Some(amount),
            has_discount: false,
            trial_end_secs: None,
            period_end_secs: Some(1_795_000_000),
            cancel_at_secs: None,
            ended_at_secs: None,
            has_card: true,
            may_change_to_yearly: true,
        }
    }

    #[test]
    fn case_12_a_suspended_subscription_is_not_called_ended() {
        use SuspensionReason::{Incomplete, Paused, Unpaid};
        for (reason, has_card, text) in [
            (Paused, false, "add a card and then resume"),
            (
                Paused,
                true,
                "a new period starts and the first payment is made, at $12.00 a month.",
            ),
            (Unpaid, true, "pay the open invoice"),
            (Incomplete, false, "The first payment is not complete"),
        ] {
            let suspended = SubscriptionOverview {
                status: SubscriptionStatus::Expired,
                suspension: Some(reason),
                has_card,
                next_payment: None,
                ..active()
            };
            let found = what_comes_next(&suspended);
            assert!(found.contains(text), "{found}");
            assert!(!found.contains("ended"), "{found}");
        }
    }

    #[test]
    fn case_12_a_paused_collection_announces_no_payment() {
        assert_eq!(
            what_comes_next(&active()),
            "$12.00 a month. The next payment is on 18 November 2026 (UTC)."
        );
        for status in [SubscriptionStatus::Active, SubscriptionStatus::Trialing] {
            let paused = SubscriptionOverview {
                status,
                is_collection_paused: true,
                next_payment: None,
                ..active()
            };
            let found = what_comes_next(&paused);
            assert!(
                found.ends_with("Payments are paused, so nothing is charged for now."),
                "{found}"
            );
            assert!(
                !found.contains("next payment") && !found.contains("first payment"),
                "{found}"
            );
        }
    }
}
