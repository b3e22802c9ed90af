//! The account's billing.

use leptos::either::EitherOf4;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use tracking::SubscriptionStatus;
use uuid::Uuid;

use super::api;
use super::buttons::{ActionButton, ReloadWithoutScript};
use super::facts::{Action, Billing, BillingForm, Clock};
use super::invoices::Invoices;
use super::live;
use super::plan_card::PlanCard;
use crate::forms::{FormFault, form_state};
use crate::page::use_page;

/// Plan, what comes next, payments. It follows what webhooks bring.
#[component]
pub fn BillingPage() -> impl IntoView {
    let start = form_state::<BillingForm>();
    let (form, faults) = (start.form, RwSignal::new(start.faults));
    // What a form of this page has asked for comes by webhook: until then the page says so.
    let since = use_query_map().with_untracked(|query| query.get("since")?.parse::<i64>().ok());
    let heard = RwSignal::new(0_i64);
    let shown = StoredValue::new(0_i64);
    let billing = Resource::new_blocking(move || heard.get(), |_| api::read_billing());
    if use_page().me.is_some() {
        live::follow(move |revision| {
            if revision > shown.get_value() {
                heard.set(revision);
            }
        });
    }
    view! {
        <Title text="Billing · Seamline" />
        <section class="page billing">
            <div class="page-head">
                <h1>"Billing"</h1>
            </div>
            <FormFault faults />
            <Transition fallback=|| view! { <p class="quiet" aria-busy="true">"Loading your billing…"</p> }>
                {move || Suspend::new(async move {
                    match billing.await {
                        Ok(billing) if !billing.signed_in => {
                            EitherOf4::A(view! { <Redirect path="/sign-in?next=/billing" /> })
                        }
                        Ok(billing) if billing.standing.is_none() => EitherOf4::B(view! { <NoPlan /> }),
                        Ok(billing) => {
                            shown.set_value(billing.revision);
                            EitherOf4::C(view! { <Plan billing form since /> })
                        }
                        Err(_) => EitherOf4::D(view! {
                            <p class="fault banner" role="alert">
                                "Your billing cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Transition>
        </section>
    }
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

#[component]
fn Plan(billing: Billing, form: Uuid, since: Option<i64>) -> impl IntoView {
    let waits = since.is_some_and(|since| billing.revision <= since);
    let state = billing.standing.as_ref().map(|standing| standing.state);
    view! {
        <div class="stack" data-revision=billing.revision>
            {waits
                .then(|| {
                    view! {
                        <p class="banner" role="status">
                            "Stripe has taken your change. This page shows it as soon as Stripe's webhook is here."
                        </p>
                        <ReloadWithoutScript />
                    }
                })}
            {billing.standing.map(|standing| view! { <PlanCard standing form /> })}
            <Invoices invoices=billing.invoices />
            {billing.clock.zip(state).map(|(clock, state)| view! { <ClockCard clock state form /> })}
        </div>
    }
}

/// For a demo that does not wait three days. Only the stand-in has a clock that can be moved.
#[component]
fn ClockCard(clock: Clock, state: SubscriptionStatus, form: Uuid) -> impl IntoView {
    let jump = match state {
        SubscriptionStatus::Trialing | SubscriptionStatus::TrialCanceled => {
            Some((Action::JumpTrialEnd, "Jump to the end of the trial"))
        }
        SubscriptionStatus::Active | SubscriptionStatus::Canceled => {
            Some((Action::JumpRenewal, "Jump over the next renewal"))
        }
        SubscriptionStatus::PastDue => Some((Action::JumpPayment, "Jump to the next attempt")),
        SubscriptionStatus::Expired => None,
    };
    let ahead = match clock.days_ahead {
        0 => "as everywhere".to_owned(),
        1 => "1 day ahead".to_owned(),
        days => format!("{days} days ahead"),
    };
    view! {
        <section class="card alone clock stripe" aria-labelledby="clock">
            <h2 id="clock">
                <span class="badge">"Stripe"</span>
                " The stand-in's clock"
            </h2>
            <p>{format!("There it is {}, {ahead}. Moving it makes everything happen that is due on the way.", clock.today)}</p>
            {jump.map(|(action, label)| view! { <ActionButton action form label /> })}
        </section>
    }
}
