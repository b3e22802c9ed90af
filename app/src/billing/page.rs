//! The billing page.

use backend::billing::{BillingOverview, ClockTarget};
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::SubscriptionStatus;
use uuid::Uuid;

use super::buttons::BillingActionButton;
use super::invoices::Invoices;
use super::model::BillingAction;
use super::plan_card::PlanCard;
use super::queries;
use super::waiting::{FollowWebhooks, ReloadWithoutScript};
use crate::document::{document, form_errors, query_value, unreadable};
use crate::forms::FormErrors;
use crate::local_time::{LocalTime, UtcTime};
use crate::redirect::Redirect;

/// The account's plan and its payments. The page follows the webhooks.
#[component]
pub fn BillingPage() -> impl IntoView {
    let errors = form_errors();
    // What a form of this page has asked for comes by webhook: until then the page says so.
    let since = query_value("since").and_then(|since| since.parse::<i64>().ok());
    view! {
        <Title text="Billing · Seamline" />
        <section>
            <div class="page-head">
                <h1>"Billing"</h1>
            </div>
            <FormErrors errors />
            {document(move |context| async move {
                let Some(login) = &context.login else {
                    return view! { <Redirect path="/sign-in?next=/billing" /> }.into_any();
                };
                match context.backend.billing.overview(&login.user).await {
                    Ok(billing) => {
                        let ahead = match billing.subscription {
                            Some(_) => queries::stand_in_clock(&context).await,
                            None => None,
                        };
                        let now = context.backend.clock.now_ms().div_euclid(1_000);
                        view! { <LiveBilling billing since now ahead /> }.into_any()
                    }
                    Err(error) => unreadable("Your billing", &error),
                }
            })}
        </section>
    }
}

#[component]
fn LiveBilling(
    billing: BillingOverview,
    /// The revision before the change whose webhook is awaited.
    since: Option<i64>,
    /// In seconds since the epoch.
    now: i64,
    /// By how many seconds the clock of the stand-in for Stripe is ahead.
    ahead: Option<i64>,
) -> impl IntoView {
    let revision = billing.revision;
    let reload = since
        .filter(|since| billing.subscription.is_some() && revision <= *since)
        .map(|since| format!("/billing?since={since}&refresh"));
    view! {
        <div id="billing" class="stack" data-live data-revision=revision>
            {reload
                .is_some()
                .then(|| {
                    view! {
                        <p class="banner" role="status" data-refresh>
                            "Stripe has accepted your change. This page shows it when Stripe's webhook arrives."
                        </p>
                    }
                })}
            <Plan billing now ahead />
        </div>
        {reload.map(|url| view! { <ReloadWithoutScript url /> })}
        <FollowWebhooks revision />
    }
}

#[component]
fn Plan(billing: BillingOverview, now: i64, ahead: Option<i64>) -> impl IntoView {
    let Some(subscription) = billing.subscription else {
        return view! { <NoPlan /> }.into_any();
    };
    let status = subscription.status;
    let now = now + ahead.unwrap_or_default();
    // Each rendering has an ID of its own, also after an error: under the ID of the failed click Stripe would repeat its
    // first answer.
    let form = backend::ids::random();
    view! {
        <PlanCard subscription has_second=billing.has_second has_customer=billing.has_customer now form />
        <Invoices invoices=billing.invoices />
        {ahead.map(|ahead| view! { <ClockCard now ahead status form /> })}
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
fn ClockCard(now: i64, ahead: i64, status: SubscriptionStatus, form: Uuid) -> impl IntoView {
    let jump = match status {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => Some((
            BillingAction::Jump(ClockTarget::TrialEnd),
            "Jump to the end of the trial",
        )),
        SubscriptionStatus::Active | SubscriptionStatus::Canceled => Some((
            BillingAction::Jump(ClockTarget::Renewal),
            "Jump over the next renewal",
        )),
        SubscriptionStatus::PastDue => Some((
            BillingAction::Jump(ClockTarget::Payment),
            "Jump to the next attempt",
        )),
        SubscriptionStatus::Expired => None,
    };
    let ahead = match ahead / 86_400 {
        0 => "not ahead".to_owned(),
        1 => "1 day ahead".to_owned(),
        days => format!("{days} days ahead"),
    };
    view! {
        <section class="card dashed billing-clock stripe" aria-labelledby="clock">
            <h2 id="clock">
                <span class="badge">"Stripe"</span>
                " The stand-in's clock"
            </h2>
            <p>
                "It shows " <LocalTime time=UtcTime::day(now) />
                {format!(", {ahead}. Moving it triggers everything that is due until then.")}
            </p>
            {jump.map(|(action, label)| view! { <BillingActionButton action form label /> })}
        </section>
    }
}
