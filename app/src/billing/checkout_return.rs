//! The page that Stripe's Checkout returns to. It grants nothing: it shows the status of the session, and waits for the
//! webhook.

use backend::billing::CheckoutState;
use leptos::prelude::*;
use leptos_meta::Title;

use super::model::return_path;
use super::waiting::{FollowWebhooks, ReloadWithoutScript};
use crate::document::{document, query_value, unreadable};
use crate::redirect::{Redirect, with_next};

/// Shows the session that `?checkout=` names.
#[component]
pub fn CheckoutReturnPage() -> impl IntoView {
    let checkout = query_value("checkout").unwrap_or_default();
    view! {
        <Title text="Back from Checkout · Seamline" />
        {document(|context| async move {
            let path = return_path(&checkout);
            let Some(login) = &context.login else {
                return view! { <Redirect path=with_next("/sign-in", Some(&path)) /> }.into_any();
            };
            let billing = &context.backend.billing;
            // Read before the state, so that a feed that begins after it misses nothing.
            let revision = match billing.revision(login.user.id).await {
                Ok(revision) => revision,
                Err(error) => return unreadable("Your Checkout session", &error),
            };
            // Beyond the limit the page waits, as it does while Stripe cannot be reached.
            let state = match context.backend.limits.count_checkout_read(login.user.id) {
                Ok(()) => billing.checkout_state(&login.user, &checkout).await,
                Err(_) => Ok(Some(CheckoutState::Unknown)),
            };
            match state {
                Ok(state) => view! { <LiveReturn state revision path /> }.into_any(),
                Err(error) => unreadable("Your Checkout session", &error),
            }
        })}
    }
}

#[component]
fn LiveReturn(
    /// `None`: the account has no such session.
    state: Option<CheckoutState>,
    revision: i64,
    /// The page's own path.
    path: String,
) -> impl IntoView {
    let is_waiting = matches!(
        state,
        Some(CheckoutState::AwaitingWebhook | CheckoutState::Unknown)
    );
    let reload = is_waiting.then(|| format!("{path}&refresh"));
    let follow = is_waiting || matches!(state, Some(CheckoutState::Open { .. }));
    view! {
        <section id="returned" class="narrow card billing-return" data-live>
            {match state {
                Some(CheckoutState::Done) => view! { <Done /> }.into_any(),
                Some(CheckoutState::AwaitingWebhook | CheckoutState::Unknown) => view! { <Waiting /> }.into_any(),
                Some(CheckoutState::Open { url }) => view! { <Left url /> }.into_any(),
                Some(CheckoutState::Expired) => view! { <Expired /> }.into_any(),
                None => view! { <NotFound /> }.into_any(),
            }}
        </section>
        {reload.map(|url| view! { <ReloadWithoutScript url /> })}
        {follow.then(|| view! { <FollowWebhooks revision /> })}
    }
}

#[component]
fn Done() -> impl IntoView {
    view! {
        <h1 data-checkout="done">"Welcome to Pro"</h1>
        <p class="lead">"Stripe's webhook is here, and Pro is active."</p>
        <p>
            "Your click on the button and Stripe's webhook are in one session of your timeline, "
            "although no browser took part when the webhook came."
        </p>
        <p class="actions">
            <a class="button" href="/timeline">
                "See your timeline"
            </a>
            <a class="button secondary" href="/billing">
                "Your billing"
            </a>
        </p>
    }
}

#[component]
fn Waiting() -> impl IntoView {
    view! {
        <h1 data-checkout="waiting">"Almost there"</h1>
        <p class="lead" role="status" aria-busy="true" data-refresh>
            "You are done at Stripe. We are waiting for its webhook, which usually takes a few seconds."
        </p>
        <p>"You can leave this page. Pro begins when the webhook arrives."</p>
    }
}

#[component]
fn Left(url: String) -> impl IntoView {
    view! {
        <h1 data-checkout="left">"Not finished yet"</h1>
        <p class="lead">"You left Stripe's page before the end. Nothing has started, and nothing was charged."</p>
        <p class="actions">
            <a class="button" href=url>
                "Back to Checkout"
            </a>
            <a class="button secondary" href="/pricing">
                "See the prices"
            </a>
        </p>
    }
}

#[component]
fn Expired() -> impl IntoView {
    view! {
        <h1 data-checkout="expired">"Checkout session expired"</h1>
        <p class="lead">"Nothing has started, and nothing was charged."</p>
        <p class="actions">
            <a class="button" href="/pricing">
                "Start again"
            </a>
        </p>
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <h1 data-checkout="none">"Checkout session not found"</h1>
        <p class="lead">"Your account has no Checkout session under this link."</p>
        <p class="actions">
            <a class="button" href="/billing">
                "Your billing"
            </a>
        </p>
    }
}
