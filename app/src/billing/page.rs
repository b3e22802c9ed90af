//! The billing page.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use tracking::SubscriptionStatus;
use uuid::Uuid;

use super::buttons::ActionButton;
use super::invoices::Invoices;
use super::model::{BillingAction, BillingView, ClockView};
use super::plan_card::PlanCard;
use super::queries;
use super::waiting::{FollowWebhooks, ReloadWithoutScript};
use crate::document::{document, form_errors, unreadable};
use crate::forms::FormErrors;

/// The account's plan and its payments. The page follows the webhooks.
#[component]
pub fn BillingPage() -> impl IntoView {
    let errors = form_errors();
    // What a form of this page has asked for comes by webhook: until then the page says so.
    let since = use_query_map().with_untracked(|query| query.get("since")?.parse::<i64>().ok());
    view! {
        <Title text="Billing · Seamline" />
        <section class="page billing">
            <div class="page-head">
                <h1>"Billing"</h1>
            </div>
            <FormErrors errors />
            {document(move |visit| async move {
                match queries::billing(&visit).await {
                    Ok(Some(billing)) => view! { <LiveBilling billing since /> }.into_any(),
                    Ok(None) => view! { <Redirect path="/sign-in?next=/billing" /> }.into_any(),
                    Err(error) => unreadable("Your billing", &error),
                }
            })}
        </section>
    }
}

#[component]
fn LiveBilling(billing: BillingView, since: Option<i64>) -> impl IntoView {
    let revision = billing.revision;
    let reload = since
        .filter(|since| billing.subscription.is_some() && revision <= *since)
        .map(|since| format!("/billing?since={since}&refresh"));
    view! {
        <div id="billing" class="stack" data-live data-revision=revision>
            {reload
                .clone()
                .map(|url| {
                    view! {
                        <p class="banner" role="status" data-refresh=url>
                            "Stripe has accepted your change. This page shows it when Stripe's webhook arrives."
                        </p>
                    }
                })}
            <Plan billing />
        </div>
        {reload.map(|url| view! { <ReloadWithoutScript url /> })}
        <FollowWebhooks revision />
    }
}

#[component]
fn Plan(billing: BillingView) -> impl IntoView {
    let Some(subscription) = billing.subscription else {
        return view! { <NoPlan /> }.into_any();
    };
    let status = subscription.status;
    // Each rendering has an ID of its own, also after an error: under the ID of the failed click Stripe would repeat its
    // first answer.
    let form = backend::ids::random();
    view! {
        <PlanCard subscription form />
        <Invoices invoices=billing.invoices />
        {billing.clock.map(|clock| view! { <ClockCard clock status form /> })}
    }
    .into_any()
}

#[component]
fn NoPlan() -> impl IntoView {
    view! {
        <div class="empty card">
            <h2>"You are on Free"</h2>
            <p>"Three open polls, for as long as you like. Pro has no limit, closing times and exports."</p>
            <a class="button" href="/pricing">
                "See Pro"
            </a>
        </div>
    }
}

/// For a demo that does not wait three days. Only the stand-in has a clock that can be moved.
#[component]
fn ClockCard(clock: ClockView, status: SubscriptionStatus, form: Uuid) -> impl IntoView {
    let jump = match status {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => {
            Some((BillingAction::JumpTrialEnd, "Jump to the end of the trial"))
        }
        SubscriptionStatus::Active | SubscriptionStatus::Canceled => {
            Some((BillingAction::JumpRenewal, "Jump over the next renewal"))
        }
        SubscriptionStatus::PastDue => Some((BillingAction::JumpPayment, "Jump to the next attempt")),
        SubscriptionStatus::Expired => None,
    };
    let ahead = match clock.days_ahead {
        0 => "not ahead".to_owned(),
        1 => "1 day ahead".to_owned(),
        days => format!("{days} days ahead"),
    };
    view! {
        <section class="card alone clock stripe" aria-labelledby="clock">
            <h2 id="clock">
                <span class="badge">"Stripe"</span>
                " The stand-in's clock"
            </h2>
            <p>
                {format!("It shows {}, {ahead}. Moving it triggers everything that is due until then.", clock.today)}
            </p>
            {jump.map(|(action, label)| view! { <ActionButton action form label /> })}
        </section>
    }
}
