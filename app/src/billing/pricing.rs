//! The page of prices, and the form that leads to Checkout.

use backend::billing::plan_price;
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::{InsertId, PlanInterval, PricingIntervalSelected, Surface, TrialCheckoutClicked};

use super::labels::short_amount;
use super::model::{CheckoutForm, PricingView};
use super::queries;
use crate::document::{FormInput, document, form_input, unreadable};
use crate::forms::{FormErrors, Submit};
use crate::tracking::attribute::{On, track_on};

/// Free beside Pro.
#[component]
pub fn PricingPage() -> impl IntoView {
    let FormInput { input, errors } = form_input::<CheckoutForm>();
    let selected = input.interval();
    view! {
        <Title text="Pricing · Seamline" />
        <section class="pricing">
            <div class="pricing-head">
                <h1>"One plan, when three polls are not enough"</h1>
                <p class="lead">"Try everything first. No card is asked for, and nothing renews by surprise."</p>
            </div>
            <FormErrors errors />
            <div class="pricing-plans">
                {document(move |context| async move {
                    match queries::pricing(&context).await {
                        Ok(pricing) => {
                            view! {
                                <Free is_plan=pricing.signed_in && !pricing.is_pro />
                                <Pro pricing selected />
                            }
                                .into_any()
                        }
                        Err(error) => unreadable("The prices", &error),
                    }
                })}
            </div>
            <p class="quiet aside">
                "Stripe handles the payments. You can cancel at any time, and keep Pro until the end of the period that you paid for."
            </p>
        </section>
    }
}

#[component]
fn Free(
    /// It is the visitor's plan.
    is_plan: bool,
) -> impl IntoView {
    view! {
        <section class="card pricing-plan" aria-labelledby="free">
            <h2 id="free">"Free"</h2>
            <p class="pricing-price">
                <strong>"$0"</strong>
                " for good"
            </p>
            <ul class="pricing-features">
                <li>"3 open polls"</li>
                <li>"Any number of voters"</li>
                <li>"Live results"</li>
            </ul>
            {is_plan.then(|| view! { <p class="quiet">"Your plan"</p> })}
        </section>
    }
}

#[component]
fn Pro(pricing: PricingView, selected: PlanInterval) -> impl IntoView {
    let call = if pricing.had_trial {
        "Subscribe".to_owned()
    } else {
        format!("Start {}-day trial", pricing.trial_days)
    };
    let [monthly, yearly] = offered_prices();
    let small = if pricing.had_trial {
        "You have had your trial, so the subscription is charged at once."
    } else {
        "No card needed. Without one the trial ends, and nothing is charged."
    };
    view! {
        <section class="card pricing-plan pro" aria-labelledby="pro">
            <h2 id="pro">"Pro"</h2>
            {if pricing.is_pro || pricing.is_suspended {
                let state = if pricing.is_pro { "Your plan" } else { "Your subscription is not running" };
                view! {
                    <p class="pricing-price">
                        <strong>{state}</strong>
                    </p>
                    <Features />
                    <a class="button" href="/billing">
                        "Your billing"
                    </a>
                }
                    .into_any()
            } else if pricing.signed_in {
                view! { <Checkout selected call small /> }.into_any()
            } else {
                view! {
                    <p class="pricing-price">
                        <strong>{monthly}</strong>
                        {format!(" a month, or {yearly} a year")}
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

/// The monthly and the yearly price of the catalog.
fn offered_prices() -> [String; 2] {
    [PlanInterval::Month, PlanInterval::Year].map(|interval| short_amount(plan_price(interval)))
}

#[component]
fn Features() -> impl IntoView {
    view! {
        <ul class="pricing-features">
            <li>"Any number of open polls"</li>
            <li>"Polls that close at a set time"</li>
            <li>"Results as CSV"</li>
        </ul>
    }
}

/// The form that leads to Stripe. Its ID is the insert ID of the click's event, and Stripe's idempotency key.
#[component]
fn Checkout(selected: PlanInterval, call: String, small: &'static str) -> impl IntoView {
    // Each rendering has an ID of its own, also after an error: under the ID of the failed click the backend and Stripe
    // would repeat what was asked first.
    let form = backend::ids::random();
    let [monthly, yearly] = offered_prices();
    let surface = Surface::Pricing;
    let switched = PricingIntervalSelected {
        interval: selected,
        surface,
    };
    let clicked = TrialCheckoutClicked {
        interval: selected,
        surface,
    };
    let choice = |value: &'static str, interval: PlanInterval, label: &'static str| {
        view! {
            <label>
                <input type="radio" name="interval" value=value checked=selected == interval />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <form
            method="post"
            action="/pricing"
            class="pricing-checkout"
            data-track=track_on(On::Submit, clicked).reading(&["interval"]).under(InsertId::existing(form))
        >
            <input type="hidden" name="form" value=form.to_string() />
            <fieldset class="pricing-intervals" data-track=track_on(On::Change, switched).reading(&["interval"])>
                <legend>"Paid"</legend>
                {choice("month", PlanInterval::Month, "Monthly")}
                {choice("year", PlanInterval::Year, "Yearly")}
            </fieldset>
            <p class="pricing-price pricing-by-month">
                <strong>{monthly}</strong>
                " a month"
            </p>
            <p class="pricing-price pricing-by-year">
                <strong>{yearly}</strong>
                " a year, two months free"
            </p>
            <Features />
            <Submit label=call pending="Opening Checkout…" />
            <p class="quiet">{small}</p>
        </form>
    }
}
