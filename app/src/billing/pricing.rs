//! Prices, and the way to Checkout.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::{InsertId, Interval, PricingIntervalSelected, Surface, TrialCheckoutClicked};
use uuid::Uuid;

use super::api;
use super::facts::{Billing, BillingForm};
use crate::forms::{FormFault, form_state};
use crate::tracking::{track, track_and_submit};

/// Free beside Pro.
#[component]
pub fn PricingPage() -> impl IntoView {
    let start = form_state::<BillingForm>();
    let (form, selected) = (start.form, start.typed.interval);
    let faults = RwSignal::new(start.faults);
    let billing = Resource::new_blocking(|| (), |()| api::read_billing());
    view! {
        <Title text="Pricing · Seamline" />
        <section class="page pricing">
            <div class="pricing-head">
                <h1>"One plan, when three polls are not enough"</h1>
                <p class="lead">"Try everything first. No card is asked for, and nothing renews by surprise."</p>
            </div>
            <FormFault faults />
            <div class="plans">
                <section class="card offer" aria-labelledby="free">
                    <h2 id="free">"Free"</h2>
                    <p class="price">
                        <strong>"$0"</strong>
                        " for good"
                    </p>
                    <ul class="features">
                        <li>"3 open polls"</li>
                        <li>"Any number of voters"</li>
                        <li>"Live results"</li>
                    </ul>
                </section>
                <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading…"</p> }>
                    {move || Suspend::new(async move {
                        billing.await.map_or_else(
                            |_| {
                                view! {
                                    <p class="fault banner" role="alert">
                                        "The prices cannot be shown right now. Please load the page again."
                                    </p>
                                }
                                .into_any()
                            },
                            |billing| view! { <Pro billing form selected /> }.into_any(),
                        )
                    })}
                </Suspense>
            </div>
            <p class="quiet aside">
                "Payments are Stripe's. Cancel whenever you like: you keep Pro until the period that you paid for is over."
            </p>
        </section>
    }
}

#[component]
fn Pro(billing: Billing, form: Uuid, selected: Interval) -> impl IntoView {
    let running = billing
        .standing
        .as_ref()
        .is_some_and(super::facts::Standing::is_running);
    let call = if billing.had_trial {
        "Subscribe".to_owned()
    } else {
        format!("Start {}-day trial", billing.trial_days)
    };
    let small = if billing.had_trial {
        "You have had your trial; this one is charged at once."
    } else {
        "No card needed. It ends by itself unless you add one."
    };
    view! {
        <section class="card offer pro" aria-labelledby="pro">
            <h2 id="pro">"Pro"</h2>
            {if running {
                view! {
                    <p class="price">
                        <strong>"Yours"</strong>
                    </p>
                    <Features />
                    <a class="button" href="/billing">
                        "Your billing"
                    </a>
                }
                    .into_any()
            } else if billing.signed_in {
                view! { <Checkout form selected call small /> }.into_any()
            } else {
                view! {
                    <p class="price">
                        <strong>"$12"</strong>
                        " a month, or $120 a year"
                    </p>
                    <Features />
                    <a class="button" href="/sign-up?next=/pricing">
                        {call}
                    </a>
                    <p class="quiet">{small}</p>
                }
                    .into_any()
            }}
        </section>
    }
}

#[component]
fn Features() -> impl IntoView {
    view! {
        <ul class="features">
            <li>"Any number of open polls"</li>
            <li>"Polls that close by themselves"</li>
            <li>"Results as CSV"</li>
        </ul>
    }
}

/// The form that leads to Stripe. Its ID is the click event's insert ID and Stripe's idempotency key.
#[component]
fn Checkout(form: Uuid, selected: Interval, call: String, small: &'static str) -> impl IntoView {
    let interval = RwSignal::new(selected);
    let pending = RwSignal::new(false);
    let select = move |chosen: Interval| {
        interval.set(chosen);
        let event = PricingIntervalSelected {
            interval: chosen,
            surface: Surface::Pricing,
        };
        track(event, None);
    };
    let leave = move |event: SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        let clicked = TrialCheckoutClicked {
            interval: interval.get_untracked(),
            surface: Surface::Pricing,
        };
        track_and_submit(clicked, &InsertId::existing(form), &event);
    };
    let choice = move |value: &'static str, this: Interval, label: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="interval"
                    value=value
                    checked=selected == this
                    on:change=move |_| select(this)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <form method="post" action="/pricing" class="checkout" on:submit=leave>
            <input type="hidden" name="form" value=form.to_string() />
            <fieldset class="intervals">
                <legend>"Paid"</legend>
                {choice("month", Interval::Month, "monthly")}
                {choice("year", Interval::Year, "yearly")}
            </fieldset>
            <p class="price by-month">
                <strong>"$12"</strong>
                " a month"
            </p>
            <p class="price by-year">
                <strong>"$120"</strong>
                " a year, two months free"
            </p>
            <Features />
            <button type="submit" disabled=pending>
                {call}
            </button>
            <p class="quiet">{small}</p>
        </form>
    }
}
